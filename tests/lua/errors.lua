---How failures travel between services, and what the log says of them.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()
local w = check.worker

local function fails(peer, f, ...)
	check.raises("call failed", peer.ask, peer, f, ...)
end

case["a handler that raises fails the call, and its error is logged where it ran"] = function()
	local peer = w()
	fails(peer, function()
		error "a private matter"
	end)
	check.log(string.format(
		"lua call %%[%x to :%x : %%d+ msgsz = %%d+%%] error : \27%%[31m[^\27]*a private matter\nstack traceback:.-\27%%[0m",
		skynet.self(), peer.handle))
end

case["the service goes on after a handler that raised"] = function()
	local peer = w()
	fails(peer, function()
		error "once"
	end)
	check.eq(peer:call(function()
		return 1
	end), 1)
end

case["an error value that is no string fails the call too"] = function()
	fails(w(), function()
		error { code = 1 }
	end)
	fails(w(), function()
		error()
	end)
	fails(w(), function()
		-- A pointer to something that is no text.
		error(debug.upvalueid(function() return check end, 1))
	end)
	check.log "userdata: 0x"
end

case["an error after the answer is logged and the answer stands"] = function()
	local peer = w()
	check.eq(peer:ask(function()
		skynet.retpack "done"
		error "too late"
	end), "done")
	check.log "too late"
end

case["an error after a suspension fails the call"] = function()
	fails(w(), function()
		skynet.sleep(1)
		error "late"
	end)
end

case["a failed call can be caught and the thread goes on"] = function()
	local peer = w()
	check.eq(peer:call(function(addr, code)
		local ok = pcall(skynet.call, addr, "lua", "raw", code)
		return ok, skynet.call(addr, "lua", "answer", string.dump(function()
			return 5
		end))
	end, w().handle, string.dump(function()
		error "inner"
	end)), false)
end

case["a failed call in a handler passes on as a failed call"] = function()
	fails(w(), function(addr)
		skynet.call(addr, "lua", "no such command")
	end, w().handle)
end

case["a handler that does not answer is named in the log by the line where it begins"] = function()
	local peer = w()
	check.fork(function()
		pcall(peer.ask, peer, function() end)
	end)
	local source = debug.getinfo(check.run, "S").source:gsub("lib/check", "service/worker"):gsub("%p", "%%%0")
	check.log(string.format("Maybe forgot response session %%d+ from :%08x : %s:16\n", skynet.self(), source))
	skynet.kill(peer.handle)
end

case["a debug command that does not answer is named in the log, too"] = function()
	local peer = w()
	peer:call(function()
		require "skynet.debug".reg_debugcmd("MUTE", function() end)
	end)
	check.fork(function()
		pcall(skynet.call, peer.handle, "debug", "MUTE")
	end)
	check.log(string.format("Maybe forgot response session %%d+ from :%08x : @?%%S+debug%%.lua:%%d+", skynet.self()))
	skynet.kill(peer.handle)
end

case["to-be-closed variables of a failing handler are closed"] = function()
	local peer = w()
	fails(peer, function()
		local guard <close> = setmetatable({}, { __close = function()
			check.state.closed = true
		end })
		error(guard and "x")
	end)
	check.eq(peer:call(function()
		return check.state.closed
	end), true)
end

case["a protocol that is not registered fails the call"] = function()
	local peer = w()
	skynet.register_protocol { name = "private", id = 100, pack = skynet.pack, unpack = skynet.unpack }
	check.raises("call failed", skynet.call, peer.handle, "private", 1)
end

case["a protocol without dispatch fails the call"] = function()
	local peer = w()
	peer:call(function()
		skynet.register_protocol { name = "mute", id = 101, unpack = skynet.unpack }
	end)
	skynet.register_protocol { name = "mute", id = 101, pack = skynet.pack, unpack = skynet.unpack }
	check.raises("call failed", skynet.call, peer.handle, "mute", 1)
end

case["a service that exits fails the requests that it has accepted"] = function()
	local peer = w()
	fails(peer, function()
		skynet.exit()
	end)
	peer = w()
	check.fork(function()
		skynet.sleep(2)
		peer:send(function()
			skynet.exit()
		end)
	end)
	fails(peer, function()
		skynet.wait()
	end)
end

case["a service that exits fails the responses that it has put off"] = function()
	local peer = w()
	check.fork(function()
		skynet.sleep(2)
		peer:send(function()
			skynet.exit()
		end)
	end)
	fails(peer, function()
		check.state.response = skynet.response()
	end)
end

case["requests waiting in the mailbox of a service that exits fail"] = function()
	local peer = w()
	local failed = 0
	peer:send(function()
		skynet.exit()
	end)
	for _ = 1, 10 do
		check.fork(function()
			check.raises("call", peer.call, peer, function() end)
			failed = failed + 1
		end)
	end
	check.eventually(function()
		return failed == 10
	end)
end

case["requests waiting in the mailbox of a killed service fail"] = function()
	local peer = w()
	local ended, failed = 0, 0
	for _ = 1, 10 do
		check.fork(function()
			local ok = pcall(peer.ask, peer, function()
				local till = skynet.hpc() + 50000000
				while skynet.hpc() < till do end
				skynet.retpack()
			end)
			ended = ended + 1
			failed = failed + (ok and 0 or 1)
		end)
	end
	skynet.yield()
	skynet.kill(peer.handle)
	check.eventually(function()
		return ended == 10
	end)
	check.ok(failed > 0)
end

case["requests accepted by a killed service fail"] = check.ours(function()
	local peer = w()
	check.fork(function()
		skynet.sleep(2)
		skynet.kill(peer.handle)
	end)
	fails(peer, function()
		skynet.wait()
	end)
	peer = w()
	check.fork(function()
		skynet.sleep(2)
		skynet.kill(peer.handle)
	end)
	fails(peer, function()
		check.state.response = skynet.response()
	end)
end)

case["an unpack error in a request fails the call"] = check.ours(function()
	local peer = w()
	check.raises("call failed", skynet.rawcall, peer.handle, "lua", "\6\255\255\255")
	check.eq(peer:call(function()
		return 1
	end), 1)
end)

case["an unpack error in a request is logged by the receiver"] = function()
	local peer = w()
	skynet.rawsend(peer.handle, "lua", "\255\255\255")
	check.log(string.format("lua call %%[%x to :%x : 0 msgsz = 3%%] error : .-Invalid serialize stream", skynet.self(),
		peer.handle))
end

case["an unpack error in an answer is raised by the call"] = function()
	local peer = w()
	check.raises("Invalid serialize stream", peer.ask, peer, function()
		skynet.ret "\255\255\255"
	end)
end

case["an error message for a session fails that call whoever sends it"] = function()
	local peer, other = w(), w()
	check.fork(function()
		skynet.sleep(2)
		local session = peer:call(function()
			return check.state.session
		end)
		other:call(function(to, n)
			skynet.redirect(to, skynet.self(), "error", n, "")
		end, skynet.self(), session)
	end)
	fails(peer, function()
		check.state.session = skynet.context()
		skynet.ignoreret()
		skynet.wait()
	end)
end

case["an error message for an unknown session is ignored"] = function()
	skynet.redirect(skynet.self(), skynet.self(), "error", 0x7ffffff0, "")
	skynet.yield()
	check.nolog "error :"
end

case["an error without a session fails the calls that wait on its source"] = function()
	local peer, other = w(), w()
	local reached
	check.fork(function()
		skynet.sleep(2)
		skynet.redirect(skynet.self(), peer.handle, "error", 0, "")
	end)
	check.fork(function()
		other:call(function()
			skynet.sleep(10)
		end)
		reached = true
	end)
	fails(peer, function()
		skynet.ignoreret()
	end)
	check.eventually(function()
		return reached
	end)
end

case["a call by name is failed by term of the name, and with us by the end of its callee"] = function()
	local peer = w()
	peer:call(function()
		skynet.register ".errors_peer"
	end)
	local code = string.dump(function()
		skynet.ignoreret()
	end)
	local ended
	check.fork(function()
		check.raises("call failed", skynet.call, ".errors_peer", "lua", "raw", code)
		ended = true
	end)
	skynet.sleep(2)
	skynet.term(peer.handle)
	skynet.sleep(2)
	-- C skynet compares the address as it was written.
	check.eq(ended, skynet.getenv "rs_version" and true or nil)
	skynet.term ".errors_peer"
	skynet.sleep(1)
	check.eq(ended, true)
end

case["term fails the calls to that handle"] = function()
	local peer = w()
	check.fork(function()
		skynet.sleep(2)
		skynet.term(peer.handle)
	end)
	fails(peer, function()
		skynet.ignoreret()
	end)
end

case["an error in a forked thread and in a timer is logged"] = function()
	skynet.fork(error, "from the fork")
	skynet.timeout(1, function()
		error "from the timer"
	end)
	check.log "from the fork"
	check.log "lua call %[0 to :%x+ : %d+ msgsz = 0%] error : .-from the timer"
end

case["one failing fork does not stop the others"] = function()
	local ran = {}
	skynet.fork(function()
		ran[1] = true
		error "first of two"
	end)
	skynet.fork(function()
		ran[2] = true
		error "second of two"
	end)
	skynet.fork(function()
		ran[3] = true
	end)
	skynet.yield()
	check.eq(ran, { true, true, true })
	check.log "first of two.*second of two"
end

case["a request that its handler forgot fails when the service ends"] = check.ours(function()
	local peer = check.worker()
	local code = string.dump(function() end)
	local failed
	check.fork(function()
		check.raises("call failed", skynet.call, peer.handle, "lua", "raw", code)
		failed = true
	end)
	check.log "Maybe forgot response session %d+ from "
	check.eq(failed, nil)
	skynet.kill(peer.handle)
	check.eventually(function()
		return failed
	end)
end)

case["a service that fails to start tells its launcher's caller why"] = check.ours(function()
	check.raises("call failed: .*broken_syntax%.lua:%d+:", skynet.newservice, "broken_syntax")
	check.raises("call failed: .*no_such_service", skynet.newservice, "no_such_service")
end)

case["a response that fails may say why"] = check.ours(function()
	local peer = check.worker()
	local code = string.dump(function()
		require "skynet".response()(nil, "out of tea")
	end)
	check.raises("call failed: out of tea$", skynet.call, peer.handle, "lua", "raw", code)
end)

case["a foreign yield is refused"] = function()
	local peer = w()
	peer:send(function()
		coroutine.yield "nonsense"
	end)
	check.log "Unknown command : "
	peer:send(function()
		coroutine.yield "USER"
	end)
	check.log "Call skynet%.coroutine%.yield out of skynet%.coroutine%.resume"
end

check.run(case)
