-- A match, which makes no sense without its referee, nor that without it. Run with an argument it is the referee.
local skynet = require "skynet"
local link = require "skynet.link"

local role = ...
local referee

skynet.start(function()
	if role ~= "referee" then
		referee = skynet.newservice("match", "referee")
		assert(link.to(referee), "the referee is gone already")
	end
	skynet.dispatch("lua", function()
		skynet.retpack(referee)
	end)
end)
