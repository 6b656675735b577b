---Suspends while it is loaded, and registers an init function.
local skynet = require "skynet"

local slow = { steps = { "begin" } }

skynet.init(function()
	skynet.sleep(1)
	table.insert(slow.steps, "init")
end)

skynet.sleep(2)
table.insert(slow.steps, "chunk")

return slow
