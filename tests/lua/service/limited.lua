---A service that may allocate so many bytes more than it holds once it is loaded. It runs functions sent to it.
local skynet = require "skynet"
local room, what = ...

skynet.start(function()
	skynet.dispatch("lua", function(_, _, code)
		local f = load(code, "=sent", "b")
		for i = 1, 9 do
			local name = debug.getupvalue(f, i)
			if not name then
				break
			end
			debug.setupvalue(f, i, name == "skynet" and skynet or _ENV)
		end
		local result = f()
		if result then
			skynet.retpack(result)
		end
	end)
	if what == "hoard" then
		hoard = {}
		while true do
			hoard[#hoard + 1] = { #hoard }
		end
	end
end)
collectgarbage()
skynet.memlimit(collectgarbage "count" * 1024 // 1 + tonumber(room))
