---Does nothing; for tests that wait for a service of this name.
local skynet = require "skynet"

skynet.start(function() end)
