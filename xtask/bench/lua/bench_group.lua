-- Messages to many services, by a group; the clock stops when all of them have had all of them. C skynet has no groups: there each
-- service is sent its own message.
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

---@param handles integer[] of the group, or of all members
---@param members integer
---@param rounds integer
local function publish(handles, members, rounds)
	missing, delivered = members, 0
	for round = 1, rounds do
		for _, handle in ipairs(handles) do
			skynet.send(handle, "lua", round == rounds, round, "a text of some length")
		end
	end
	waiter = coroutine.running()
	skynet.wait(waiter)
	assert(delivered == members * rounds, "messages were lost")
end

report.main(function()
	local group = skynet.getenv "rs_version" and require "skynet.group"
	skynet.dispatch("lua", function(_, _, count)
		delivered = delivered + count
		missing = missing - 1
		if missing == 0 then
			skynet.wakeup(waiter)
		end
	end)
	for _, members in ipairs { 1000, 10000 } do
		local room = group and group.new()
		local handles = { room and room.handle }
		for _ = 1, members do
			local handle = skynet.newservice("bench_group", "member", skynet.self())
			if room then
				room:join(handle)
			else
				handles[#handles + 1] = handle
			end
		end
		publish(handles, members, 2)
		report.rate("group" .. members, DELIVERIES, function()
			publish(handles, members, DELIVERIES // members)
		end)
	end
end)
