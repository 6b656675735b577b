-- A player of `lobby.lua`: hears what is said to its groups, and the scores.
local skynet = require "skynet"
local multicast = require "skynet.multicast"
require "skynet.manager"

local name, scores = ...
local command = {}

---@param text string
function command.say(text)
	skynet.error(name .. " hears: " .. text)
end

function command.name()
	skynet.retpack(name)
end

---@param who string
function command.part(who)
	if who == name then
		skynet.exit()
	end
end

skynet.dispatch("lua", function(_, _, what, ...)
	command[what](...)
end)

-- Kept here: a channel that is collected unsubscribes.
local channel

skynet.start(function()
	skynet.register("." .. name)
	channel = multicast.new {
		channel = tonumber(scores),
		dispatch = function(_, _, who, points)
			skynet.error(string.format("%s sees: %s has %d points", name, who, points))
		end,
	}
	channel:subscribe()
end)
