-- The receiver of bench_harbor: answers an integer by itself and a body by its length; counts what comes one way.
local skynet = require "skynet"

local seen = 0

skynet.start(function()
	skynet.dispatch("lua", function(session, _, what)
		if session == 0 then
			seen = seen + 1
		elseif what == "seen" then
			local count = seen
			seen = 0
			skynet.ret(skynet.pack(count))
		else
			skynet.ret(skynet.pack(type(what) == "string" and #what or what))
		end
	end)
end)
