-- Knows who is there: starts an agent for each client, counts them, and sees to it that no two have the same nick.

local skynet = require "skynet"
require "skynet.manager"

local rooms = { ... }

-- Clients at once. Each costs a service of some 50 KiB.
local MAX_CLIENTS = 1000

local agents = {} -- agent → nick
local owner = {} -- nick → agent
local count, guests = 0, 0

local function rename(agent, nick)
	local old = agents[agent]
	if old then
		owner[old] = nil
	end
	agents[agent] = nick
	if nick then
		owner[nick] = agent
	end
end

-- Forgets an agent when it ends, however that happens: this call is never answered, it only fails.
local function watch(agent)
	pcall(skynet.call, agent, "debug", "LINK")
	rename(agent, nil)
	count = count - 1
end

local command = {}

-- A client has come. The answer is its agent, or nil and a reason.
function command.open(_, fd, address)
	if count >= MAX_CLIENTS then
		return nil, "The house is full, please come back later."
	end
	count = count + 1 -- before the calls below, since other clients come meanwhile
	local ok, agent = pcall(skynet.newservice, "agent", skynet.self(), table.unpack(rooms))
	if not ok then
		count = count - 1
		return nil, "Nobody can look after you now."
	end
	repeat
		guests = guests + 1
	until not owner["guest" .. guests]
	rename(agent, "guest" .. guests)
	skynet.fork(watch, agent)
	skynet.send(agent, "lua", "start", fd, address, agents[agent])
	return agent
end

-- An agent asks for a nick. False: somebody else has it.
function command.nick(agent, nick)
	if owner[nick] and owner[nick] ~= agent then
		return false
	end
	rename(agent, nick)
	return true
end

skynet.start(function()
	skynet.register ".chat_watchdog"
	skynet.dispatch("lua", function(_, source, name, ...)
		skynet.retpack(command[name](source, ...))
	end)
	skynet.info_func(function()
		return { clients = count }
	end)
end)
