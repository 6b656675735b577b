---A service that takes its time to start, so that others ask for it meanwhile.
local skynet = require "skynet"

skynet.start(function()
	skynet.sleep(10)
end)
