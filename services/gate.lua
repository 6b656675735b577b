---The gate: clients' packages go to a watchdog as lua messages, or to an agent each.
---
---Commands, beside `open` and `close` of `snax.gateserver`: `forward(fd, client?, agent?)`, `accept(fd)`, `kick(fd)`.
---The watchdog gets `socket` and then `open fd address`, `data fd bytes`, `close fd`, `error fd reason`, `warning fd kb`.
---An agent gets the packages as they are, of the type `client`, with the fd as their session.
local skynet = require "skynet"
local gateserver = require "snax.gateserver"
local netpack = require "skynet.netpack"

---@class gate.client
---@field agent? integer|string who gets the packages
---@field source integer in whose name

---@type integer|string
local watchdog
---@type table<integer, gate.client>
local clients = {}

skynet.register_protocol { name = "client", id = skynet.PTYPE_CLIENT }

---@param ... any
local function report(...)
	skynet.send(watchdog, "lua", "socket", ...)
end

---@type gateserver.handler
local handler = {
	open = function(source, conf)
		watchdog = conf.watchdog or source
		return conf.address, conf.port
	end,

	connect = function(fd, addr)
		clients[fd] = { source = 0 }
		report("open", fd, addr)
	end,

	message = function(fd, msg, size)
		local client = clients[fd]
		if client and client.agent then
			-- Named agents alone come here: the others have a route.
			skynet.redirect(client.agent, client.source, "client", fd, msg, size)
		else
			report("data", fd, netpack.tostring(msg, size))
		end
	end,

	disconnect = function(fd)
		clients[fd] = nil
		report("close", fd)
	end,

	error = function(fd, reason)
		clients[fd] = nil
		report("error", fd, reason)
	end,

	warning = function(fd, kb)
		report("warning", fd, kb)
	end,
}

local commands = {}

---@param source integer
---@param fd integer
---@param client? integer
---@param agent? integer|string
function commands.forward(source, fd, client, agent)
	local known = assert(clients[fd], "no client has this fd")
	known.agent, known.source = agent or source, client or 0
	if math.type(known.agent) == "integer" then
		gateserver.route(fd, known.agent, known.source)
	else
		gateserver.unroute(fd)
	end
	gateserver.openclient(fd)
end

---@param fd integer
function commands.accept(_, fd)
	local known = assert(clients[fd], "no client has this fd")
	known.agent = nil
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
