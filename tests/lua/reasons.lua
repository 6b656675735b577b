---What the error of a call says when the callee lives on, and what is said of requests that are forgotten.
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

---A call to a worker that makes a `skynet.response` at line 12 of "lost.lua", and loses it.
local function lose()
	local code = ("\n"):rep(11) .. "local r = ...; r()"
	assert(load(code, "@lost.lua"))(require "skynet".response)
end

---Collects in a worker, in a message of its own.
---@param peer check.worker
local function collect(peer)
	peer:call(function()
		collectgarbage()
	end)
end

case["a response that is collected is logged with its birthplace, once, and its caller waits on"] = function()
	local peer = check.worker()
	local err
	check.fork(function()
		err = failure(peer, lose)
	end)
	skynet.yield()
	collect(peer)
	local line = check.log(string.format("[^\n]*Maybe forgot response session %%d+ from :%08x : [^\n]*", skynet.self()))
	check.match(line, "the skynet%.response made at lost%.lua:12 was collected$")
	collect(peer)
	collect(peer)
	check.nolog("lost%.lua.*lost%.lua")
	check.eq(err, nil)
	skynet.kill(peer.handle)
	check.match(check.eventually(function()
		return err
	end), by(peer) .. " was killed$")
end

case["a response that is held is not, and can be answered after any collection"] = function()
	local peer = check.worker()
	local answer
	check.fork(function()
		answer = peer:ask(function()
			check.state.response = skynet.response()
		end)
	end)
	skynet.yield()
	for _ = 1, 5 do
		collect(peer)
	end
	check.nolog "Maybe forgot"
	check.eq(peer:call(function()
		return check.state.response "TEST", check.state.response(true, "at last")
	end), true)
	check.eventually(function()
		return answer == "at last"
	end)
	peer:call(function()
		check.state.response = nil
	end)
	collect(peer)
	collect(peer)
	check.nolog "Maybe forgot"
end

case["a finalizer may give the answer"] = function()
	local peer = check.worker()
	local answer
	check.fork(function()
		answer = peer:ask(function()
			local response = skynet.response()
			setmetatable({}, { __gc = function()
				response(true, "last words")
			end })
		end)
	end)
	skynet.yield()
	collect(peer)
	check.eventually(function()
		return answer == "last words"
	end)
	collect(peer)
	check.nolog "Maybe forgot"
end

case["responses are not lost by the end of their service"] = function()
	local peer = check.worker()
	local errors = 0
	for _ = 1, 3 do
		check.fork(function()
			failure(peer, function()
				check.state[#check.state + 1] = skynet.response()
			end)
			errors = errors + 1
		end)
	end
	skynet.yield()
	collect(peer)
	peer:send(function()
		skynet.exit()
	end)
	check.eventually(function()
		return errors == 3
	end)
	check.nolog "Maybe forgot"
end

case["a lost response of a requester that has ended is not worth a line"] = function()
	local peer, asker = check.worker(), check.worker()
	asker:send(function(to, code)
		skynet.call(to, "lua", "raw", code)
	end, peer.handle, dump(function()
		check.state.response = skynet.response()
	end))
	check.eventually(function()
		return peer:call(function()
			return check.state.response ~= nil
		end)
	end)
	skynet.kill(asker.handle)
	check.eventually(function()
		return not peer:call(function()
			return check.state.response "TEST"
		end)
	end)
	peer:call(function()
		check.state.response = nil
	end)
	collect(peer)
	collect(peer)
	check.nolog "Maybe forgot"
end

case["many responses are lost and others are not"] = function()
	local peer = check.worker()
	local answers, errors = 0, {}
	peer:call(function()
		skynet.answer_forgotten(true)
	end)
	for i = 1, 200 do
		check.fork(function()
			local ok, result = pcall(peer.ask, peer, function(n)
				local response = skynet.response()
				if n % 2 == 0 then
					check.state[n] = response
				end
			end, i)
			if ok then
				answers = answers + result
			else
				errors[#errors + 1] = result
			end
		end)
	end
	skynet.yield()
	collect(peer)
	check.eventually(function()
		return #errors == 100
	end)
	peer:call(function()
		for n = 2, 200, 2 do
			check.state[n](true, 1)
		end
	end)
	check.eventually(function()
		return answers == 100
	end)
	check.match(errors[100], by(peer) .. " forgot the request: the skynet%.response made at %S+reasons%.lua:%d+ was collected$")
end

case["forgotten requests are answered if the service wants that"] = function()
	local peer = check.worker()
	check.eq(peer:call(function()
		return skynet.answer_forgotten(true)
	end), false)
	check.match(failure(peer, function() end), by(peer) .. " forgot the request: its handler is at @%S+worker%.lua:16$")
	check.log "Maybe forgot response session %d+ from :%x+ : @%S+worker%.lua:16\n"
	check.fork(function()
		skynet.sleep(1)
		collect(peer)
	end)
	check.match(failure(peer, lose), by(peer) .. " forgot the request: the skynet%.response made at lost%.lua:12 was collected$")
	check.eq(peer:call(function()
		return skynet.answer_forgotten(false)
	end), true)
end

check.run(case)
