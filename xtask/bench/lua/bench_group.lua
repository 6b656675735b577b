-- Messages to a group of many members; the clock stops when all of them have had all of them. C skynet has no such groups.
local skynet = require "skynet"
local report = require "bench_report"

local mode, arg1 = ...

if mode == "member" then
	local main = tonumber(arg1)
	local left = 0
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, last)
			left = left + 1
			if last then
				skynet.send(main, "lua", left)
				left = 0
			end
		end)
	end)
	return
end

--- Deliveries of one measurement, whatever the number of members.
local DELIVERIES <const> = 500000

local waiter
local missing, delivered = 0, 0

---@param handle integer
---@param members integer
---@param rounds integer
local function publish(handle, members, rounds)
	missing, delivered = members, 0
	for round = 1, rounds do
		skynet.send(handle, "lua", round == rounds, round, "a text of some length")
	end
	waiter = coroutine.running()
	skynet.wait(waiter)
	assert(delivered == members * rounds, "messages were lost")
end

report.main(function()
	if not skynet.getenv "rs_version" then
		return
	end
	local group = require "skynet.group"
	skynet.dispatch("lua", function(_, _, count)
		delivered = delivered + count
		missing = missing - 1
		if missing == 0 then
			skynet.wakeup(waiter)
		end
	end)
	for _, members in ipairs { 1000, 10000 } do
		local room = group.new()
		for _ = 1, members do
			room:join(skynet.newservice("bench_group", "member", skynet.self()))
		end
		publish(room.handle, members, 2)
		report.rate("group" .. members, DELIVERIES, function()
			publish(room.handle, members, DELIVERIES // members)
		end)
		room:delete()
	end
end)
