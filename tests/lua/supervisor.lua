---Supervision: children that end are started anew, as the strategy says, until it is too often.
local skynet = require "skynet"
local check = require "check"
local supervisor = skynet.getenv "rs_version" and require "skynet.supervisor"
require "skynet.manager"

local case = check.cases(true)

---A child that is a worker, whose starts and stops are noted.
---@param notes string[]
---@param id string
---@param more? table
---@return supervisor.child
local function child(notes, id, more)
	local spec = {
		id = id,
		start = function()
			notes[#notes + 1] = "+" .. id
			return skynet.newservice "worker"
		end,
		stop = function(handle)
			notes[#notes + 1] = "-" .. id
			skynet.send(handle, "debug", "EXIT")
		end,
	}
	for key, value in pairs(more or {}) do
		spec[key] = value
	end
	return spec
end

---@param sup supervisor
---@param id string
---@param old integer
---@return integer handle of its next life
local function next_life(sup, id, old)
	return check.eventually(function()
		local handle = sup:handle(id)
		return handle ~= old and handle
	end, id .. " again")
end

---Kills the middle one of three.
---@param strategy supervisor.strategy
---@return string[] notes what happened then
local function lose_the_middle(strategy)
	local notes = {}
	local sup = supervisor.start { strategy = strategy, children = { child(notes, "a"), child(notes, "b"), child(notes, "c") } }
	check.eq(notes, { "+a", "+b", "+c" })
	local handles = { a = sup:handle "a", b = sup:handle "b", c = sup:handle "c" }
	skynet.kill(handles.b)
	next_life(sup, "b", handles.b)
	check.eventually(function()
		return sup:handle "a" and sup:handle "b" and sup:handle "c"
	end)
	local seen = table.move(notes, 4, #notes, 1, {})
	for id, handle in pairs(handles) do
		local restarted = table.concat(seen):find("+" .. id, 1, true) ~= nil
		-- A supervisor hears of an end when the service answers what it owes, a moment before that is gone.
		check.eventually(function()
			return check.alive(handle) == not restarted
		end, id)
	end
	local from = #notes
	sup:stop()
	check.eq(table.move(notes, from + 1, #notes, 1, {}), { "-c", "-b", "-a" })
	return seen
end

case["one_for_one starts the one that ended"] = function()
	check.eq(lose_the_middle "one_for_one", { "+b" })
	check.log "supervisor: restart 1 of 3: b: service :%x+ %(snlua worker%) was killed"
end

case["rest_for_one stops those after it, the last first, and starts them in order"] = function()
	check.eq(lose_the_middle "rest_for_one", { "-c", "+b", "+c" })
end

case["one_for_all stops all the others"] = function()
	check.eq(lose_the_middle "one_for_all", { "-c", "-a", "+a", "+b", "+c" })
end

case["a service that exits by itself is started again, too, and keeps its name"] = function()
	local sup = supervisor.start { children = { { id = "named", start = { "worker" }, name = ".supervised" } } }
	local old = check.ok(sup:handle "named")
	check.eq(skynet.localname ".supervised", old)
	skynet.send(old, "debug", "EXIT")
	local new = next_life(sup, "named", old)
	check.eq(skynet.localname ".supervised", new)
	sup:stop()
	check.eventually(function()
		return not skynet.localname ".supervised"
	end, "the end of its last life")
end

case["too many restarts end it: all are stopped, and the reason is told"] = function()
	local notes, reason = {}, nil
	local sup = supervisor.start {
		intensity = 2,
		period = 10000,
		failed = function(why)
			reason = why
		end,
		children = { child(notes, "steady"), child(notes, "frail") },
	}
	local steady, handle = sup:handle "steady", nil
	for _ = 1, 3 do
		handle = next_life(sup, "frail", handle)
		skynet.kill(handle)
	end
	check.eventually(function()
		return reason
	end)
	check.match(reason, "^more than 2 restarts in 100%.00 s; the last is that of frail: ")
	check.log "error: supervisor gives up: more than 2 restarts"
	check.eq(notes, { "+steady", "+frail", "+frail", "+frail", "-steady" })
	check.eventually(function()
		return not check.alive(steady)
	end, "the end of the other child")
	sup:stop() -- it has ended
end

case["restarts that are long ago do not count"] = function()
	local notes = {}
	local sup = supervisor.start { intensity = 1, period = 2, children = { child(notes, "a") } }
	local handle
	for _ = 1, 4 do
		handle = next_life(sup, "a", handle)
		skynet.sleep(5)
		skynet.kill(handle)
	end
	next_life(sup, "a", handle)
	sup:stop()
end

case["the pause before a restart doubles, up to a bound"] = function()
	local starts = {}
	local sup = supervisor.start {
		intensity = 4, backoff = 3, backoff_most = 6, period = 10000,
		children = { { id = "a", start = function()
			starts[#starts + 1] = skynet.hpc()
			return skynet.newservice "worker"
		end } },
	}
	local handle, ends = nil, {}
	for i = 1, 4 do
		handle = next_life(sup, "a", handle)
		ends[i] = skynet.hpc()
		skynet.kill(handle)
	end
	next_life(sup, "a", handle)
	for i, least in ipairs { 2, 5, 5, 5 } do -- whole ticks: up to one less than asked for
		check.ok(starts[i + 1] - ends[i] >= least * 10000000, "pause " .. i)
	end
	sup:stop()
end

case["a start that fails counts as a restart"] = function()
	local attempts, reason = 0, nil
	local sup = supervisor.start {
		failed = function(why)
			reason = why
		end,
		children = { { id = "a", start = function()
			attempts = attempts + 1
			if attempts > 1 then
				error "no more of it"
			end
			return skynet.newservice "worker"
		end } },
	}
	skynet.kill(sup:handle "a")
	check.eventually(function()
		return reason
	end)
	check.eq(attempts, 4)
	check.match(reason, "a: it did not start: .*no more of it$")
end

case["a child that cannot be started at first stops those before it"] = function()
	local notes = {}
	check.raises("supervisor: b: it did not start: .*call failed", supervisor.start, {
		children = { child(notes, "a"), { id = "b", start = { "broken_init" } }, child(notes, "c") },
	})
	check.eq(notes, { "+a", "-a" })
	check.raises("it has ended while it started", supervisor.start, { children = { { id = "q", start = { "quitter" } } } })
end

case["a name that is taken is an error, and the service does not stay"] = function()
	local peer = check.worker()
	skynet.name(".supervised_taken", peer.handle)
	check.raises("its name %.supervised_taken is taken", supervisor.start, {
		children = { { id = "a", start = { "worker" }, name = ".supervised_taken" } },
	})
	check.log "KILL"
end

case["a child that is not to be restarted ends for good"] = function()
	local notes = {}
	local sup = supervisor.start { strategy = "one_for_all", children = { child(notes, "once", { restart = false }), child(notes, "a") } }
	skynet.kill(sup:handle "once")
	check.eventually(function()
		return not sup:handle "once"
	end)
	local old = sup:handle "a"
	skynet.kill(old)
	next_life(sup, "a", old)
	check.eq(notes, { "+once", "+a", "+a" })
	check.eq(sup:handle "once", nil)
	sup:stop()
end

case["a child that does not stop in time is killed"] = function()
	local notes = {}
	local sup = supervisor.start { children = { child(notes, "deaf", { stop = function() end, shutdown = 3 }) } }
	local handle = sup:handle "deaf"
	sup:stop()
	check.eq(check.alive(handle), false)
	check.log "supervisor: deaf did not stop in time and is killed"
end

case["a setting that is misspelt is named, and does not pass for its default"] = function()
	check.raises("^[^:]*supervisor.lua:%d+: supervisor: there is no setting \"intensty\", but backoff, backoff_most, children, failed, intensity,", function()
		local sup = supervisor.start { intensty = 1, children = {} }
		sup:stop()
	end)
	check.raises("child a: there is no setting \"restrt\", but follow, id, name, restart,", supervisor.start, { children = { child({}, "a", { restrt = false }) } })
	check.raises("failed is a function, not 1", supervisor.start, { failed = 1 })
	check.raises("intensity is a whole number of 0 or more, not %-1", supervisor.start, { intensity = -1 })
end

case["nonsense is refused"] = function()
	check.raises("the strategy is", supervisor.start, { strategy = "none", children = {} })
	check.raises("child a is there twice", supervisor.start, { children = { child({}, "a"), child({}, "a") } })
	check.raises("child a: start is a table", supervisor.start, { children = { { id = "a" } } })
	check.raises("child a: name is a string, not 5", supervisor.start, { children = { child({}, "a", { name = 5 }) } })
	check.raises("is permanent, transient or temporary, not never", supervisor.start, { children = { child({}, "a", { restart = "never" }) } })
	check.raises("the settings are a table, not nil", supervisor.start)
	check.raises("children is a list of tables, one for each child; it has the key id", supervisor.start, { children = { id = "a" } })
	check.raises("child a: shutdown is a whole number of 1/100 s", supervisor.start, { children = { child({}, "a", { shutdown = "5" }) } })
	check.raises("start_limit is a whole number of 1/100 s, 0 or more or false, not true", supervisor.start,
		{ children = { child({}, "a", { start_limit = true }) } })
	check.raises("a: it did not start: it has ended while it started, or its start function does not give its handle", supervisor.start,
		{ children = { { id = "a", start = function() end } } })
	local sup = supervisor.start { children = {} }
	check.raises("an id of its own, a string", sup.start_child, sup, { start = { "worker" } })
	check.raises("no child x", sup.handle, sup, "x")
	sup:stop()
end

check.run(case)
