-- Arms half a million timers, three to four seconds away, and waits until every one has fired.
local skynet = require "skynet"
local report = require "bench_report"

local TIMERS <const> = 500000
local FIRST <const>, SPREAD <const> = 300, 100

report.main(function()
	local waiter = coroutine.running()
	local fired = 0
	local function on_timer()
		fired = fired + 1
		if fired == TIMERS then
			skynet.wakeup(waiter)
		end
	end
	report.rate("timer", TIMERS, function()
		for i = 1, TIMERS do
			skynet.timeout(FIRST + i % SPREAD, on_timer)
		end
	end)
	skynet.wait(waiter)
	report.value("timer_fired", fired, "timers")
end)
