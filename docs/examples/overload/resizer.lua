-- Who asks can be told: it tries again later, or asks somebody else.
local skynet = require "skynet"
local work = require "work"

skynet.start(function()
	skynet.bound_mailbox(3, "reject")
	skynet.dispatch("lua", function(_, _, picture)
		work(20)
		skynet.retpack(picture .. " resized")
	end)
end)
