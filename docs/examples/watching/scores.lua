-- Scores. Some requests it never answers.
local skynet = require "skynet"

skynet.start(function()
	skynet.dispatch("lua", function(_, _, what)
		if what == "ignored" then
			skynet.ignoreret()
		else
			skynet.retpack(0)
		end
	end)
end)
