-- Prints how much memory services use, and ends. See `skynet.memory` for what is counted.
local skynet = require "skynet"
local memory = require "skynet.memory"

skynet.start(function()
	memory.dumpinfo()
	local usage, handles = memory.info(), {}
	for handle in pairs(usage) do
		handles[#handles + 1] = handle
	end
	table.sort(handles)
	for _, handle in ipairs(handles) do
		print(string.format("%s %gK", skynet.address(handle), usage[handle] / 1024))
	end
	print("Total memory:", memory.total())
	print("Total block:", memory.block())
	skynet.exit()
end)
