---Answers with the arguments that it was started with.
local skynet = require "skynet"

local arguments = table.pack(...)

skynet.start(function()
	skynet.dispatch("lua", function()
		skynet.retpack(arguments)
	end)
end)
