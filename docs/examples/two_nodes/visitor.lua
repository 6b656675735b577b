-- Writes on the board of another node once a second, and says what happens when that node goes and comes back.
local skynet = require "skynet"
local harbor = require "skynet.harbor"

--- The node with the board.
local HOME <const> = 1

skynet.start(function()
	local me = skynet.harbor(skynet.self())
	skynet.fork(function()
		while true do
			harbor.connect(HOME)
			skynet.error(string.format("node %d is there", HOME))
			harbor.link(HOME)
			skynet.error(string.format("node %d is gone", HOME))
		end
	end)
	skynet.fork(function()
		for visit = 1, math.huge do
			-- The call fails at once when the node of the board is gone.
			local ok, count = pcall(skynet.call, "BOARD", "lua", "write", string.format("visit %d of node %d", visit, me))
			if ok then
				skynet.error(string.format("the board has %d lines", count))
			else
				skynet.error("nobody could write on the board: " .. tostring(count))
			end
			skynet.sleep(100)
		end
	end)
end)
