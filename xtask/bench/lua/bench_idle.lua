-- A service that does nothing at all.
local skynet = require "skynet"

skynet.start(function() end)
