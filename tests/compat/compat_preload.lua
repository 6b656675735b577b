---Starts one service with arguments, under the config key `preload`, and ends the node.
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	skynet.newservice("compat_idle", "one", "two")
	skynet.abort()
end)
