-- A million messages to one service in a burst; the clock stops when the receiver has seen the last one.
local skynet = require "skynet"
local report = require "bench_report"

local MESSAGES <const> = 1000000

report.main(function()
	local sink = skynet.newservice "bench_sink"
	local function burst(count)
		for i = 1, count do
			skynet.send(sink, "lua", "data", i)
		end
		return skynet.call(sink, "lua", "seen")
	end
	burst(10000)
	report.rate("send", MESSAGES, function()
		assert(burst(MESSAGES) == MESSAGES, "messages were lost")
	end)
end)
