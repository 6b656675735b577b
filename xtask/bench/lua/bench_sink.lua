-- The receiver of bench_send: counts what comes, and tells the count since it was last asked.
local skynet = require "skynet"

local seen = 0

skynet.start(function()
	skynet.dispatch("lua", function(_, _, what)
		if what == "data" then
			seen = seen + 1
		else
			local count = seen
			seen = 0
			skynet.ret(skynet.pack(count))
		end
	end)
end)
