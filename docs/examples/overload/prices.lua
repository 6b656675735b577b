-- An old price is of no use, once there is a new one.
local skynet = require "skynet"
local work = require "work"

skynet.start(function()
	skynet.bound_mailbox(10, "drop")
	skynet.dispatch("lua", function(_, _, price)
		work(1)
		if price == 1000 then
			local shown = price - skynet.stat "dropped"
			skynet.error(string.format("the price is %d; %d prices were shown", price, shown))
		end
	end)
end)
