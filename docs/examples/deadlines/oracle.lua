-- Thinks for as long as it is told to.
local skynet = require "skynet"

local command = {}

function command.think(ti)
	skynet.sleep(ti)
	return 42
end

function command.ponder()
	local question = 1
	while question ~= 42 do
		question = question * 2 % 1000
	end
	return question
end

skynet.start(function()
	-- No message takes this service more than half a second of work.
	skynet.runaway(0.5)
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
end)
