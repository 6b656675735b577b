---Watching: calls to a service that has ended fail, whatever it did with the request.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases(true)

---Gives a request up: its caller is never answered.
local function forget()
	skynet.ignoreret()
end

---A call that a service takes and gives up.
---@param peer check.worker
---@return fun(): string error waits until it fails
local function hanging_call(peer)
	local err, token
	check.fork(function()
		err = check.raises("call failed", peer.ask, peer, forget)
		if token then
			skynet.wakeup(token)
		end
	end)
	skynet.yield()
	peer:call(function() end) -- what was sent before has been handled
	check.eq(err, nil)
	return function()
		if not err then
			token = {}
			skynet.wait(token)
		end
		return err
	end
end

case["a call that was given up fails when the watched callee is killed"] = function()
	local peer = check.worker()
	check.eq(skynet.watch(peer.handle), true)
	local wait = hanging_call(peer)
	skynet.kill(peer.handle)
	wait()
end

case["nobody fails it without a watch"] = function()
	local peer = check.worker()
	check.fork(function()
		peer:call(function() end) -- it has taken the request by then
		skynet.kill(peer.handle)
	end)
	check.raises("call failed: no answer", skynet.timeout_call, 5, peer.handle, "lua", "raw", string.dump(forget))
end

case["it fails when the callee exits, and a call that began before the watch does too"] = function()
	local peer = check.worker()
	local wait = hanging_call(peer)
	check.eq(skynet.watch(peer.handle), true)
	peer:send(function()
		skynet.exit()
	end)
	wait()
end

case["one watch is for all calls, and a second changes nothing"] = function()
	local peer = check.worker()
	check.ok(skynet.watch(peer.handle) and skynet.watch(skynet.address(peer.handle)))
	local waits = { hanging_call(peer), hanging_call(peer) }
	skynet.kill(peer.handle)
	waits[1]()
	waits[2]()
end

case["parallel requests fail, too"] = function()
	local peer = check.worker()
	check.ok(skynet.watch(peer.handle))
	check.fork(function()
		peer:call(function() end)
		skynet.kill(peer.handle)
	end)
	for _, answer in skynet.request { peer.handle, "lua", "raw", string.dump(forget) } :select() do
		check.eq(answer, false)
	end
end

case["a request that the callee passed on fails when the callee ends"] = function()
	local first, last = check.worker(), check.worker()
	check.ok(skynet.watch(first.handle))
	local failed
	check.fork(function()
		check.raises("call failed", first.ask, first, function(to, code)
			local session, source = skynet.context()
			skynet.ignoreret()
			skynet.redirect(to, source, "lua", session, skynet.packstring("raw", code))
		end, last.handle, string.dump(forget))
		failed = true
	end)
	skynet.yield()
	first:call(function() end)
	check.eq(failed, nil)
	skynet.kill(first.handle)
	check.eventually(function()
		return failed
	end)
end

case["native services can be watched"] = function()
	local logger = check.ok(skynet.launch("logger", "watched.log"))
	check.eq(skynet.watch(logger), true)
	local failed
	check.fork(function()
		check.raises("call failed", skynet.call, logger, "debug", "PING")
		failed = true
	end)
	skynet.yield()
	skynet.kill(logger)
	check.eventually(function()
		return failed
	end)
	os.remove "watched.log"
end

case["who is dead already, and a name that nobody has, gives false"] = function()
	local peer = check.worker()
	skynet.kill(peer.handle)
	check.eq(skynet.watch(peer.handle), false)
	check.eq(skynet.watch ".watch_nobody", false)
	check.eq(skynet.watch ":0", false)
end

case["a local name stands for the service that has it"] = function()
	local peer = check.worker()
	skynet.name(".watch_named", peer.handle)
	check.eq(skynet.watch ".watch_named", true)
	local wait = hanging_call(peer)
	skynet.kill(peer.handle)
	wait()
end

case["what is no address raises"] = function()
	check.raises("dest address type %(nil%)", skynet.watch, nil)
	check.raises("Invalid service address 0", skynet.watch, 0)
	check.raises("^[^:]*watch.lua:%d+: dest address type %(table%) must be", function()
		local alive = skynet.watch {}
		return alive
	end)
end

case["other calls go on"] = function()
	local watched, other = check.worker(), check.worker()
	check.ok(skynet.watch(watched.handle))
	local answer
	check.fork(function()
		answer = other:call(function()
			skynet.wait "go"
			return "here"
		end)
	end)
	local wait = hanging_call(watched)
	skynet.kill(watched.handle)
	wait()
	other:call(function()
		skynet.wakeup "go"
	end)
	check.eventually(function()
		return answer == "here"
	end)
end

check.run(case)
