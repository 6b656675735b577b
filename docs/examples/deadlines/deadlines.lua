-- Calls that do not wait for ever, a loop that is interrupted, and two services that wait for one another.
local skynet = require "skynet"

skynet.start(function()
	local oracle = skynet.newservice "oracle"

	-- One call that waits 0.2 s and no longer.
	local _, reason = pcall(skynet.timeout_call, 20, oracle, "lua", "think", 50)
	skynet.error("one call:", reason)

	-- From here on, every call of this service.
	skynet.call_timeout(20)
	_, reason = pcall(skynet.call, oracle, "lua", "think", 50)
	skynet.error("by default:", reason)
	skynet.call_timeout(nil)

	-- Several requests at once: what is there within 0.2 s is good enough.
	local requests = skynet.request { oracle, "lua", "think", 1 } { oracle, "lua", "think", 50 }
	for request, answer in requests:select(20) do
		skynet.error("at once:", request[4], answer and answer[1])
	end
	skynet.error("at once: the time is over:", requests.timeout)

	-- The three answers that came too late are gone by then.
	skynet.sleep(60)
	skynet.error("late answers:", skynet.stat "late")

	-- A handler that does not come back fails its caller; its log has the place.
	_, reason = pcall(skynet.call, oracle, "lua", "ponder")
	skynet.error("a loop:", reason)
	skynet.error("and then:", skynet.call(oracle, "lua", "think", 1))

	-- These two wait for one another. Ask the console: waits
	local shop = skynet.newservice "shop"
	skynet.fork(skynet.call, shop, "lua", "buy")
	skynet.newservice("debug_console", 0) -- its port is in the log
end)
