-- Is in C code for ever once it is asked.
local skynet = require "skynet"

skynet.start(function()
	skynet.dispatch("lua", function()
		-- Nothing matches; to find that out takes longer than any test.
		skynet.retpack(string.find(("a"):rep(10000), ".-.-.-.-b"))
	end)
end)
