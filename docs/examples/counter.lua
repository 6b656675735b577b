-- Keeps a number. No lock is needed: a service handles one message at a time.

local skynet = require "skynet"

local total = 0

skynet.start(function()
	skynet.dispatch("lua", function(_, _, command, amount)
		if command == "add" then
			total = total + amount
		end
		skynet.retpack(total)
	end)
end)
