---What the error of a call says when the callee lives on, and when there is none.
local skynet = require "skynet"
local core = require "skynet.core"
local check = require "check"
require "skynet.manager"

local case = check.cases(true)

---The beginning of the errors that a worker causes.
---@param peer check.worker
---@return string pattern
local function by(peer)
	return string.format("call failed: service :%08x %%(snlua worker%%)", peer.handle)
end

---@param f function sent to a worker, so without upvalues
---@return string code
local function dump(f)
	return string.dump(f)
end

---@param peer check.worker
---@param f function
---@param ... any
---@return string err
local function failure(peer, f, ...)
	return check.raises("call failed", peer.ask, peer, f, ...)
end

local function boom()
	error "boom"
end

case["a handler that raises: its error and its traceback"] = function()
	local peer = check.worker()
	check.match(failure(peer, boom), "^%S+check%.lua:%d+: " .. by(peer) .. ": %S+reasons%.lua:%d+: boom\n"
		.. "stack traceback:\n.*reasons%.lua:%d+: in function .*worker%.lua:17: in function")
end

case["an error on its way through services names all of them, the cause with its traceback first"] = function()
	local first, second, third = check.worker(), check.worker(), check.worker()
	local err = failure(first, function(to, last, code)
		skynet.call(to, "lua", "raw", string.dump(function(next, f)
			skynet.call(next, "lua", "raw", f)
		end), last, code)
	end, second.handle, third.handle, dump(boom))
	check.match(err, by(first) .. ": .*reasons%.lua:%d+: " .. by(second) .. ": .*reasons%.lua:%d+: " .. by(third)
		.. ": .*reasons%.lua:%d+: boom\nstack traceback:.*\nstack traceback:.*\nstack traceback:")
end

case["errors that are no strings are shown as such"] = function()
	local peer = check.worker()
	check.match(failure(peer, function()
		error { code = 1 }
	end), by(peer) .. ": table: 0x%x+")
	check.match(failure(peer, function()
		error(setmetatable({}, { __tostring = function()
			return "my error"
		end }))
	end), by(peer) .. ": my error\n")
	check.match(failure(peer, function()
		error()
	end), by(peer) .. ": <no error object>")
end

case["any bytes may be in an error, and long ones are cut"] = function()
	local peer = check.worker()
	check.match(failure(peer, function()
		error("a\0b", 0)
	end), by(peer) .. ": a\0b\n")
	local err = failure(peer, function()
		error(("long "):rep(1000000), 0)
	end)
	check.match(err, by(peer) .. ": long long .*%.%.%.$")
	check.ok(#err < 4300, #err)
	-- One that somebody else sends.
	local session = skynet.genid()
	peer:send(function(to, n)
		skynet.redirect(to, skynet.self(), "error", n, ("x"):rep(1 << 20))
	end, skynet.self(), session + 1)
	err = check.raises("call failed: x", skynet.call, peer.handle, "debug", "LINK")
	check.ok(#err < 4300, #err)
end

case["errors without a stack end, too"] = function()
	local peer = check.worker()
	check.match(failure(peer, function()
		local function deep()
			return 1 + deep()
		end
		deep()
	end), by(peer) .. ": .*stack overflow")
	check.match(failure(peer, function()
		error(setmetatable({}, { __tostring = error }))
	end), by(peer))
end

case["rawcall, tracecall, timeout_call and parallel requests say the same"] = function()
	local peer = check.worker()
	local expected = by(peer) .. ": .*reasons%.lua:%d+: boom\nstack"
	local function packed()
		return skynet.pack("raw", dump(boom))
	end
	check.raises(expected, skynet.rawcall, peer.handle, "lua", packed())
	check.raises(expected, skynet.tracecall, "tag", peer.handle, "lua", packed())
	check.raises(expected, skynet.timeout_call, 1000, peer.handle, "lua", "raw", dump(boom))
	local count = 0
	for _, answer, reason in skynet.request { peer.handle, "lua", "raw", dump(boom) } { peer.handle, "lua", "answer", dump(function() end) } :select() do
		count = count + 1
		if answer then
			check.eq(reason, nil)
		else
			check.eq(answer, false)
			check.match(reason, "^" .. expected)
		end
	end
	check.eq(count, 2)
end

case["the start of a service that is killed meanwhile says so"] = function()
	check.fork(function()
		local handle = check.eventually(function()
			return skynet.call(".launcher", "lua", "STARTING")[1]
		end)
		skynet.call(handle, "debug", "PING") -- now it waits
		skynet.kill(handle)
	end)
	check.raises("call failed: service :%x+ %(snlua chunk %x+%) was killed while it started$", check.launch, function()
		require "skynet".start(function()
			require "skynet".wait()
		end)
	end)
end

case["a service may keep its errors to itself"] = function()
	local peer = check.worker()
	check.eq(peer:call(function()
		return skynet.explain_errors(false)
	end), true)
	check.match(failure(peer, boom), by(peer) .. " answered with an error$")
	check.eq(peer:call(function()
		return skynet.explain_errors(), skynet.explain_errors(true)
	end), false)
	check.match(failure(peer, boom), by(peer) .. ": .*boom")
end

case["a service may want the errors of C"] = function()
	local peer = check.worker()
	check.eq(skynet.explain_errors(false), true)
	local errors = {
		select(2, pcall(peer.ask, peer, boom)),
		select(2, pcall(skynet.call, 0xfffff0, "lua")),
		select(2, pcall(skynet.rawcall, 0xfffff0, "lua", "")),
		select(2, pcall(skynet.newservice, "no_such_service")),
	}
	for _, _, reason in skynet.request { peer.handle, "lua", "raw", dump(boom) } :select() do
		errors[#errors + 1] = reason
	end
	skynet.explain_errors(true)
	for i, pattern in ipairs {
		"call failed$", "^call to invalid address :00fffff0$", "^call to invalid address$", "call failed$", "^call failed$",
	} do
		check.match(errors[i], pattern)
	end
end

case["a request that is answered by an error, with a reason and without"] = function()
	local peer = check.worker()
	check.match(failure(peer, function()
		skynet.response()(false, "is not sent")
	end), by(peer) .. " answered with an error$")
	check.match(failure(peer, function()
		skynet.response()(nil, "out of tea")
	end), "call failed: out of tea$")
end

case["an error that says nothing, as C nodes send it, is named by its sender"] = function()
	local peer = check.worker()
	check.match(failure(peer, function()
		local session, source = skynet.context()
		skynet.redirect(source, skynet.self(), "error", session, "")
		skynet.ignoreret()
	end), string.format("call failed: service :%08x answered with an error$", peer.handle))
	check.match(failure(peer, function()
		local _, source = skynet.context()
		skynet.redirect(source, skynet.self(), "error", 0, "")
		skynet.ignoreret()
	end), string.format("call failed: service :%08x is gone$", peer.handle))
end

case["a protocol that nobody has registered, or handles"] = function()
	local peer = check.worker()
	skynet.register_protocol { name = "private", id = 100, pack = skynet.pack, unpack = skynet.unpack }
	check.raises(by(peer) .. " has no handler for the protocol 100$", skynet.call, peer.handle, "private", 1)
	peer:call(function()
		skynet.register_protocol { name = "mute", id = 100, unpack = skynet.unpack }
	end)
	check.raises(by(peer) .. " has no handler for the protocol mute$", skynet.call, peer.handle, "private", 1)
end

case["a message that cannot be unpacked"] = function()
	local peer = check.worker()
	check.raises(by(peer) .. ": Invalid serialize stream", skynet.rawcall, peer.handle, "lua", "\6\255\255\255")
end

case["the thread of the request is killed"] = function()
	local peer = check.worker()
	check.fork(function()
		peer:call(function()
			skynet.killthread(check.state.thread)
		end)
	end)
	check.match(failure(peer, function()
		check.state.thread = coroutine.running()
		skynet.wait()
	end), by(peer) .. ": the thread of the request was killed$")
end

case["the handler is interrupted by a signal: where it was"] = function()
	local peer = check.worker()
	check.fork(function()
		skynet.sleep(5)
		core.command("SIGNAL", skynet.address(peer.handle) .. " 0")
	end)
	check.match(failure(peer, function()
		while true do
		end
	end), by(peer) .. ": .*signal 0\nstack traceback:\n.*reasons%.lua:%d+: in function")
end

case["somebody gives the callee up by term"] = function()
	local peer = check.worker()
	skynet.timeout(2, function()
		skynet.term(peer.handle)
	end)
	check.match(failure(peer, function()
		skynet.ignoreret()
	end), "call failed: skynet%.term was called")
end

case["a service that fails to start, for those who called it meanwhile"] = function()
	local err
	check.fork(function()
		check.eventually(function()
			return skynet.localname ".reasons_starting"
		end)
		err = check.raises("call failed", skynet.call, ".reasons_starting", "debug", "LINK")
	end)
	check.raises("call failed: .*no luck", check.launch, function()
		local skynet = require "skynet"
		require "skynet.manager"
		skynet.start(function()
			skynet.register ".reasons_starting"
			skynet.sleep(10)
			error "no luck"
		end)
	end)
	check.match(check.eventually(function()
		return err
	end), "call failed: service :%x+ %(snlua chunk %x+%) failed to start$")
end

case["nobody is there"] = function()
	check.raises("call to invalid address :00fffff0: the service does not exist$", skynet.call, 0xfffff0, "lua")
	check.raises("call to invalid address :00fffff0: the service does not exist$", skynet.rawcall, 0xfffff0, "lua", "")
	check.raises("call to invalid address %.nobody: no service has this name$", skynet.call, ".nobody", "lua")
	check.raises("call to invalid address :0: no service has this address$", skynet.call, ":0", "lua")
	check.raises("call failed: there is no link to node 5$", skynet.call, 0x05000001, "lua")
	check.raises("call failed: A_NAME_OF_16_BYT is no global name: it has 1 to 15 bytes$", skynet.call,
		"A_NAME_OF_16_BYTES", "lua")
end

check.run(case)
