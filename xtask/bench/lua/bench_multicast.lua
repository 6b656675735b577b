-- Publications on one channel with many subscribers; the clock stops when all of them have had all of them. Every service publishes or
-- counts by itself, and tells the main one when it has seen the last of a round.
local skynet = require "skynet"
local multicast = require "skynet.multicast"
local report = require "bench_report"

local mode, arg1, arg2 = ...

if mode == "member" then
	local main, number = tonumber(arg1), tonumber(arg2)
	local left = 0
	local function count(_, _, last)
		left = left + 1
		if last then
			skynet.send(main, "lua", left)
			left = 0
		end
	end
	skynet.start(function()
		local channel = multicast.new { channel = number, dispatch = count }
		channel:subscribe()
		-- Collected, it would unsubscribe.
		skynet.info_func(function()
			return channel.channel
		end)
	end)
	return
end

--- Deliveries of one measurement, whatever the number of members.
local DELIVERIES <const> = 500000

local waiter
local missing, delivered = 0, 0

---@param channel table
---@param members integer
---@param rounds integer
local function publish(channel, members, rounds)
	missing, delivered = members, 0
	for round = 1, rounds do
		channel:publish(round == rounds, round, "a text of some length")
	end
	if missing > 0 then
		waiter = coroutine.running()
		skynet.wait(waiter)
	end
	assert(delivered == members * rounds, "publications were lost")
end

report.main(function()
	skynet.dispatch("lua", function(_, _, count)
		delivered = delivered + count
		missing = missing - 1
		if missing == 0 and waiter then
			skynet.wakeup(waiter)
			waiter = nil
		end
	end)
	for _, members in ipairs { 1000, 10000 } do
		local channel = multicast.new()
		for _ = 1, members do
			skynet.newservice("bench_multicast", "member", skynet.self(), channel.channel)
		end
		publish(channel, members, 2)
		report.rate("multicast" .. members, DELIVERIES, function()
			publish(channel, members, DELIVERIES // members)
		end)
		channel:delete()
	end
end)
