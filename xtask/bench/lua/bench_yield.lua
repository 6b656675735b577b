-- One coroutine that yields and is resumed, again and again.
local skynet = require "skynet"
local report = require "bench_report"

local YIELDS <const> = 1000000

report.main(function()
	local function loop(count)
		for _ = 1, count do
			skynet.yield()
		end
	end
	loop(20000)
	report.rate("yield", YIELDS, function() loop(YIELDS) end)
end)
