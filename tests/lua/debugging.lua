---The debug protocol, which every service answers.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases()

---@param peer check.worker
---@param ... any
---@return any ...
local function ask(peer, ...)
	return skynet.call(peer.handle, "debug", ...)
end

case["MEM answers with kilobytes"] = function()
	local kb = ask(check.worker(), "MEM")
	check.eq(math.type(kb), "float")
	check.ok(kb > 1)
end

case["GC collects and logs"] = function()
	local peer = check.worker()
	skynet.send(peer.handle, "debug", "GC")
	check.log "GC %d+%.%d%d Kb %-> %d+%.%d%d Kb, cost %d+%.%d%d sec"
end

case["a debug command that there is not is named"] = check.ours(function()
	local peer = check.worker()
	check.raises("there is no debug command STATS", ask, peer, "STATS")
	check.raises("there is no debug command nil", ask, peer)
end)

case["STAT tells tasks, queue, CPU and messages"] = function()
	local stat = ask(check.worker(), "STAT")
	check.eq({ type(stat.task), stat.mqlen, type(stat.cpu), math.type(stat.message) },
		{ "number", 0, "number", "integer" })
end

case["TASK shows threads"] = function()
	local peer = check.worker()
	peer:send(function()
		skynet.wait()
	end)
	local name, text = next(ask(peer, "TASK"))
	check.match(name, "^thread: .* session: %d+$")
	check.match(text, "stack traceback")
	check.match(ask(peer, "TASK", tonumber(name:match "%d+$")), "stack traceback")
	check.eq(ask(peer, "TASK", 99999), "No session")
	check.eq(ask(peer, "TASK", "init"), nil)
end

case["UNIQTASK gathers threads"] = function()
	local peer = check.worker()
	for _ = 1, 5 do
		peer:send(function()
			skynet.wait()
		end)
	end
	local count = 0
	for key, text in pairs(ask(peer, "UNIQTASK")) do
		check.match(text, "stack traceback")
		count = count + tonumber(key:match "^(%d+)\tsessions:%[[%d,]+%]")
	end
	check.eq(count, 5)
end

case["KILLTASK closes a thread and says so"] = function()
	local peer = check.worker()
	peer:send(function()
		skynet.timeout(0, function()
			skynet.wait()
		end)
	end)
	local name = check.eventually(function()
		return next(ask(peer, "TASK"))
	end):match "^thread: %S+"
	check.eq(ask(peer, "KILLTASK", name), nil)
	check.log "Kill thread: "
	check.eq(ask(peer, "TASK"), {})
	check.eq(ask(peer, "KILLTASK", "nothing of that name"), "Not found")
	check.log "Kill nothing of that name : Not found"
end

case["INFO asks the service's own function"] = function()
	local peer = check.worker()
	check.eq(ask(peer, "INFO"), nil)
	peer:call(function()
		skynet.info_func(function(...)
			return { ... }
		end)
	end)
	check.eq(ask(peer, "INFO", 1, "x"), { 1, "x" })
end

case["EXIT ends the service"] = function()
	local peer = check.worker()
	skynet.send(peer.handle, "debug", "EXIT")
	check.log(string.format("%%[:%08x%%] KILL self", peer.handle))
end

case["PING is answered"] = function()
	check.eq(select("#", ask(check.worker(), "PING")), 0)
end

case["LINK fails when the service ends"] = function()
	local peer = check.worker()
	skynet.timeout(2, function()
		skynet.send(peer.handle, "debug", "EXIT")
	end)
	check.raises("call failed", ask, peer, "LINK")
end

case["LINK outlives collections, and then fails when the service ends"] = function()
	local peer = check.worker()
	local err
	check.fork(function()
		err = check.raises("call failed", ask, peer, "LINK")
	end)
	for _ = 1, 3 do
		skynet.yield()
		peer:call(function()
			collectgarbage()
			collectgarbage()
		end)
	end
	check.eq(err, nil)
	check.nolog "Maybe forgot"
	skynet.send(peer.handle, "debug", "EXIT")
	check.eventually(function()
		return err
	end)
end

case["LINK fails when the service is killed"] = check.ours(function()
	local peer = check.worker()
	skynet.timeout(2, function()
		skynet.kill(peer.handle)
	end)
	check.raises("call failed", ask, peer, "LINK")
end)

case["SUPPORT tells whether a protocol is served"] = function()
	local peer = check.worker()
	check.eq(ask(peer, "SUPPORT", "lua"), true)
	check.eq(ask(peer, "SUPPORT", "debug"), true)
	check.eq(ask(peer, "SUPPORT", "response"), false)
	check.eq(ask(peer, "SUPPORT", "no such protocol"), false)
end

case["TERM fails the calls to an address"] = function()
	local peer, other = check.worker(), check.worker()
	check.fork(function()
		skynet.sleep(2)
		skynet.send(peer.handle, "debug", "TERM", other.handle)
	end)
	check.raises("call failed", peer.call, peer, function(addr, code)
		skynet.call(addr, "lua", "raw", code)
	end, other.handle, string.dump(function()
		skynet.ignoreret()
	end))
end

case["TRACELOG turns the trace of a protocol on and off"] = function()
	local peer = check.worker()
	check.eq(select("#", ask(peer, "TRACELOG", true)), 0)
	check.log "Turn trace log true for lua"
	check.match(peer:call(function()
		return skynet.tracetag()
	end), "^:")
	ask(peer, "TRACELOG", "lua", false)
	check.log "Turn trace log false for lua"
	check.eq(peer:call(function()
		return skynet.tracetag()
	end), false)
end

case["RUN loads a text, gives it print and returns what it printed"] = function()
	local peer = check.worker()
	check.eq({ ask(peer, "RUN", "print(1, 'two') print(...)", "=run", "three") }, { true, "1\ttwo\nthree" })
	check.eq({ ask(peer, "RUN", "return", "=run") }, { true, "" })
end

case["RUN reaches the upvalues of handlers"] = function()
	local peer = check.worker()
	local ok, text = ask(peer, "RUN", "for name in pairs(_P.lua) do print(name) end", "=run")
	check.eq(ok, true)
	check.match(text, "command")
	ok, text = ask(peer, "RUN", [[
		function _P.lua.command.injected(value)
			local skynet = require "skynet"
			skynet.retpack("injected", value)
		end
	]], "=run")
	check.eq(ok, true, text)
	check.eq({ skynet.call(peer.handle, "lua", "injected", 5) }, { "injected", 5 })
end

case["RUN answers with the error of a text that fails"] = function()
	local peer = check.worker()
	local ok, text = ask(peer, "RUN", "local this is no Lua", "=run")
	check.eq(ok, false)
	check.match(text, "run:1: ")
	ok, text = ask(peer, "RUN", "error 'inside'", "=run")
	check.eq(ok, false)
	check.match(text, "inside")
end

case["an unknown command fails the call"] = function()
	check.raises("call failed", ask, check.worker(), "NONSENSE")
	check.log "NONSENSE"
end

case["a service can add commands, not replace those of the system"] = function()
	local peer = check.worker()
	peer:call(function()
		local debug_commands = require "skynet.debug"
		debug_commands.reg_debugcmd("MINE", function(...)
			skynet.retpack("mine", ...)
		end)
		debug_commands.reg_debugcmd("PING", function()
			skynet.retpack "not this one"
		end)
	end)
	check.eq({ ask(peer, "MINE", 1) }, { "mine", 1 })
	check.eq(ask(peer, "PING"), nil)
end

check.run(case)
