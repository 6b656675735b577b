-- Knows prices, which depend on what is left.
local skynet = require "skynet"

skynet.start(function()
	skynet.dispatch("lua", function(_, _, shop)
		local left = skynet.call(shop, "lua", "stock")
		skynet.retpack(left < 5 and 20 or 10)
	end)
end)
