-- Calls the service that starts it before it is up.
local skynet = require "skynet"
local parent = ...

skynet.start(function()
	skynet.call(tonumber(parent), "lua", { { how = "queue" } })
end)
