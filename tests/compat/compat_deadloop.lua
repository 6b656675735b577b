---Lets `testdeadloop` spin, interrupts it by signal 0, and shows that its loop has ended and that it lives.
local skynet = require "skynet"
local core = require "skynet.core"
require "skynet.manager"

---@param handle integer
---@return integer messages that the service handles in a tenth of a second
local function turns(handle)
	local before = skynet.call(handle, "debug", "STAT").message
	skynet.sleep(10)
	return skynet.call(handle, "debug", "STAT").message - before
end

skynet.start(function()
	local handle = skynet.newservice "testdeadloop"
	print("spins", turns(handle) > 100)
	core.command("SIGNAL", skynet.address(handle) .. " 0")
	-- The loop takes the signal within one of its turns; a request sent now could be hit in its stead.
	skynet.sleep(30)
	print("spins", turns(handle) > 100)
	print("lives", pcall(skynet.call, handle, "debug", "PING"))
	skynet.abort()
end)
