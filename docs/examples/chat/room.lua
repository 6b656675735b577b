-- Some of the rooms. Whoever is in one gets what is said there; the writer gets it, too.

local skynet = require "skynet"

local writer = tonumber(...)

local rooms = {} -- name → { agent → nick }

-- Packed once for everybody. An agent that is gone is forgotten.
local function broadcast(name, text)
	local members = rooms[name]
	if members then
		local message = skynet.packstring("show", text)
		for agent in pairs(members) do
			if not skynet.rawsend(agent, "lua", message) then
				members[agent] = nil
			end
		end
		if not next(members) then
			rooms[name] = nil
		end
	end
	skynet.send(writer, "lua", "write", name, text)
end

local command = {}

function command.join(agent, name, nick)
	rooms[name] = rooms[name] or {}
	rooms[name][agent] = nick
	broadcast(name, "* " .. nick .. " is here")
end

function command.leave(agent, name)
	local members = rooms[name]
	local nick = members and members[agent]
	if nick then
		members[agent] = nil
		broadcast(name, "* " .. nick .. " has left")
	end
end

function command.rename(agent, name, nick)
	local members = rooms[name]
	if members and members[agent] then
		local old = members[agent]
		members[agent] = nick
		broadcast(name, "* " .. old .. " is now " .. nick)
	end
end

function command.say(agent, name, text)
	local members = rooms[name]
	if members and members[agent] then
		broadcast(name, "<" .. members[agent] .. "> " .. text)
	end
end

-- Nicks of those in a room, sorted.
function command.who(_, name)
	local nicks = {}
	for _, nick in pairs(rooms[name] or {}) do
		nicks[#nicks + 1] = nick
	end
	table.sort(nicks)
	return nicks
end

skynet.start(function()
	skynet.dispatch("lua", function(session, source, name, ...)
		if session == 0 then
			command[name](source, ...)
		else
			skynet.retpack(command[name](source, ...))
		end
	end)
	skynet.info_func(function()
		return rooms
	end)
end)
