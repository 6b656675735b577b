-- One coroutine calls another service with one integer, and again when it has the answer.
local skynet = require "skynet"
local report = require "bench_report"

local WARM_UP <const> = 20000
local CALLS <const> = 400000

report.main(function()
	local echo = skynet.newservice "bench_echo"
	local function call(count)
		for i = 1, count do
			assert(skynet.call(echo, "lua", i) == i)
		end
	end
	call(WARM_UP)
	report.rate("call", CALLS, function() call(CALLS) end)
end)
