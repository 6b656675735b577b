---The gate: clients' packages go to a watchdog as lua messages, or to an agent each.
---
---Commands, beside `open` and `close` of `snax.gateserver`: `forward(fd, client?, agent?)`, `accept(fd)`, `kick(fd)`.
---The watchdog gets `socket` and then `open fd address`, `data fd bytes`, `close fd`, `error fd reason`, `warning fd kb`.
---An agent gets the packages as they are, of the type `client`, with the fd as their session.
local skynet = require "skynet"
local gateserver = require "snax.gateserver"
local netpack = require "skynet.netpack"

---@type integer|string
local watchdog
---Who gets the packages of a client; false: the watchdog. The client is known as long as there is an entry.
---@type table<integer, integer|string|false>
local agents = {}
---In whose name, where that is not the gate's.
---@type table<integer, integer>
local sources = {}

skynet.register_protocol { name = "client", id = skynet.PTYPE_CLIENT }

---@param ... any
local function report(...)
	skynet.send(watchdog, "lua", "socket", ...)
end

---@param fd integer
local function forget(fd)
	agents[fd], sources[fd] = nil, nil
end

---@type gateserver.handler
local handler = {
	open = function(source, conf)
		watchdog = conf.watchdog or source
		return conf.address, conf.port
	end,

	connect = function(fd, addr)
		agents[fd] = false
		report("open", fd, addr)
	end,

	message = function(fd, msg, size)
		local agent = agents[fd]
		if agent then
			-- Named agents alone come here: the others have a route.
			skynet.redirect(agent, sources[fd] or 0, "client", fd, msg, size)
		else
			report("data", fd, netpack.tostring(msg, size))
		end
	end,

	disconnect = function(fd)
		forget(fd)
		report("close", fd)
	end,

	error = function(fd, reason)
		forget(fd)
		report("error", fd, reason)
	end,

	warning = function(fd, kb)
		report("warning", fd, kb)
	end,
}

local commands = {}

---@param fd integer
local function known(fd)
	assert(agents[fd] ~= nil, "no client has this fd")
end

---@param source integer
---@param fd integer
---@param client? integer
---@param agent? integer|string
function commands.forward(source, fd, client, agent)
	known(fd)
	agent = agent or source
	agents[fd], sources[fd] = agent, client ~= 0 and client or nil
	if math.type(agent) == "integer" then
		gateserver.route(fd, agent, client)
	else
		gateserver.unroute(fd)
	end
	gateserver.openclient(fd)
end

---@param fd integer
function commands.accept(_, fd)
	known(fd)
	agents[fd], sources[fd] = false, nil
	gateserver.unroute(fd)
	gateserver.openclient(fd)
end

---@param fd integer
function commands.kick(_, fd)
	gateserver.closeclient(fd)
end

function handler.command(cmd, source, ...)
	local f = commands[cmd] or error("the gate has no command " .. tostring(cmd))
	return f(source, ...)
end

gateserver.start(handler)
