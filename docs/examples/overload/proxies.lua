-- One who asks too much does not keep another one waiting: a proxy stands in front of the clerk.
local skynet = require "skynet"
local proxy = require "skynet.proxy"

skynet.start(function()
	local clerk = skynet.newservice "clerk"
	local counter = proxy.overload(clerk, { requests = 2, held = 20 })
	skynet.newservice("client", "greedy", skynet.address(counter), 40)
	skynet.newservice("client", "modest", skynet.address(counter), 3)

	-- Whoever wants an answer soon or none asks another proxy.
	local hasty = proxy.timeout(clerk, 5)
	skynet.error(select(2, pcall(skynet.call, hasty, "lua", "hasty 1")))

	-- Three clerks for one address.
	local clerks = { clerk, skynet.newservice "clerk", skynet.newservice "clerk" }
	local team = proxy.balance("least_queued", clerks)
	skynet.error(skynet.call(team, "lua", "team 1"))
end)
