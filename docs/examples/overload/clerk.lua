-- Whatever is asked takes it a tenth of a second, and it takes on everything at once.
local skynet = require "skynet"

skynet.start(function()
	skynet.dispatch("lua", function(_, _, question)
		skynet.sleep(10)
		skynet.retpack(question .. " is answered")
	end)
end)
