-- A hundred coroutines of one service call another service at once.
local skynet = require "skynet"
local report = require "bench_report"

local COROUTINES <const> = 100
local CALLS <const> = 5000

report.main(function()
	local echo = skynet.newservice "bench_echo"
	local function round(calls)
		report.together(COROUTINES, function()
			for i = 1, calls do
				skynet.call(echo, "lua", i)
			end
		end)
	end
	round(100)
	report.rate("call100", COROUTINES * CALLS, function() round(CALLS) end)
end)
