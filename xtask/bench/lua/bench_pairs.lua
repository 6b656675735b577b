-- 64 callers, each with an echo service of its own.
local skynet = require "skynet"
local report = require "bench_report"

local PAIRS <const> = 64
local CALLS <const> = 10000

report.main(function()
	local callers = {}
	for i = 1, PAIRS do
		callers[i] = skynet.newservice "bench_caller"
	end
	local function round(calls)
		report.together(PAIRS, function(index)
			skynet.call(callers[index], "lua", calls)
		end)
	end
	round(200)
	report.rate("pairs", PAIRS * CALLS, function() round(CALLS) end)
end)
