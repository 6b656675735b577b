---Taking part in a shutdown: what a service may report. The shutdowns themselves are in tests/tests/shutdown.rs.
local skynet = require "skynet"
local check = require "check"
local core = require "skynet.core"
local shutdown = skynet.getenv "rs_version" and require "skynet.shutdown"

local case = check.cases(true)

---@return string steps those of this service
local function own_steps()
	local lines = {}
	for line in core.command("SHUTDOWN", "STEPS"):gmatch "[^\n]+" do
		local handle, rest = line:match "^:(%x+) (.*)$"
		if tonumber(handle, 16) == skynet.self() then
			lines[#lines + 1] = rest
		end
	end
	return table.concat(lines, "\n")
end

case["a step is listed until it is taken back"] = function()
	local step = shutdown.register { phase = "store", timeout = 70, handler = print }
	check.match(own_steps(), "^%d+ 40 70 snlua shutdown$")
	local number = shutdown.register { phase = -7.0, handler = print }
	check.match(own_steps(), "\n%d+ %-7 500 snlua shutdown$")
	step:cancel()
	number:cancel()
	number:cancel()
	check.eq(own_steps(), "")
end

case["a step that is taken back leaves nothing behind"] = function()
	local before, tasks = 0, skynet.task()
	for round = 1, 3 do
		for _ = 1, 1000 do
			shutdown.register({ phase = "store", handler = function() end }):cancel()
		end
		collectgarbage()
		local now = collectgarbage "count"
		check.ok(round < 3 or now < before + 20, "memory")
		before = now
	end
	check.eq(skynet.task(), tasks)
end

case["what is no step is refused, and says why"] = function()
	local function nothing() end
	check.raises("^[^:]*shutdown.lua:%d+: shutdown: later is no phase; it is accept, clients, logic, store, last, or a whole number", function()
		shutdown.register { phase = "later", handler = nothing }
	end)
	check.raises("1.5 is no phase", shutdown.register, { phase = 1.5, handler = nothing })
	check.raises("nil is no phase", shutdown.register, { handler = nothing })
	check.raises("a step needs a handler", shutdown.register, { phase = "store" })
	check.raises("timeout is a whole number", shutdown.register, { phase = "store", handler = nothing, timeout = 0 })
	check.raises("the settings are a table, not nil", shutdown.register)
	check.raises("there is no setting \"timout\", but handler, phase, timeout", shutdown.register, { phase = "store", handler = nothing, timout = 5 })
	check.eq(own_steps(), "")
end

case["an order that cannot be meant is none"] = function()
	check.raises("its reason is a text; options come behind it", skynet.shutdown, { network = true })
	check.raises("there is no setting \"netwrok\", but network", skynet.shutdown, "lunch", { netwrok = true })
	check.eq(shutdown.reason(), nil)
end

case["steps go with their service"] = function()
	local worker = check.worker()
	worker:call(function()
		require "skynet.shutdown".register { phase = "last", handler = print }
	end)
	local line = string.format(":%x ", worker.handle)
	check.ok(core.command("SHUTDOWN", "STEPS"):find(line, 1, true))
	skynet.kill(worker.handle)
	check.ok(not core.command("SHUTDOWN", "STEPS"):find(line, 1, true))
end

case["as long as nobody orders one there is no reason"] = function()
	check.eq(shutdown.reason(), nil)
	check.eq(shutdown.phase "clients", 20)
end

check.run(case)
