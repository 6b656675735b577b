---The frame of a gate: clients' connections on one port, their packages (two bytes of length, then the content) to a handler.
---
---A service requires this module and calls `start` with its handler. The rest happens by lua messages: `open`, `close`, and
---whatever the handler's `command` knows.
local skynet = require "skynet"
local netpack = require "skynet.netpack"
local driver = require "skynet.socketdriver"
local shutdown = require "skynet.shutdown"

---@class gateserver
local gateserver = {}

---What a gate does with its clients. `message` owns the package: `netpack.tostring` or `skynet.redirect` takes it.
---@class gateserver.handler
---@field connect fun(fd: integer, addr: string) a client is there; nothing is read before `openclient`
---@field message fun(fd: integer, msg: lightuserdata, size: integer) a package
---@field disconnect? fun(fd: integer) it is gone; `closeclient` releases the fd
---@field error? fun(fd: integer, reason: string) it failed; `disconnect` follows
---@field warning? fun(fd: integer, kb: integer) so much waits to be sent to it; 0 if nothing does any more
---@field open? fun(source: integer, conf: gateserver.conf): ... answers the command `open`
---@field command? fun(cmd: string, source: integer, ...: any): ... answers other commands
---@field shutdown? fun() runs when the node is shut down, before the clients lose their connections
---@field embed? boolean the service calls `skynet.start` itself

---The argument of the command `open`. The last four are limits for each client: who breaks one loses its connection, and a log
---line says why.
---@class gateserver.conf
---@field address? string all of IPv4 by default
---@field port integer 0: the system chooses; then the real one is written here
---@field maxclient? integer one more than may be there at a time, 1024 by default
---@field nodelay? boolean small pieces are sent at once
---@field backlog? integer connections that may wait to be taken
---@field idle? number seconds that a client may take to its next whole package
---@field maxpackage? integer bytes of a package
---@field maxbuffer? integer bytes that may wait to be sent to it
---@field maxrate? integer packages within a second

---Packages, and what is known of clients natively.
---@type userdata?
local queue
---The socket that takes connections.
---@type integer?
local listener
---What the opener learns about it.
---@type { address: string, port: integer }?
local bound
local maxclient = 1024
local nodelay = false
---Whether somebody looks for idle clients.
local sweeping = false

---Clients that were not released: false if they are gone already.
---@type table<integer, boolean>
local clients = {}
-- With the service its connections end, but for those that another service has started, and so made its own.
setmetatable(clients, {
	__gc = function()
		local self = skynet.self()
		for _, info in ipairs(driver.info()) do
			if info.address == self then
				driver.close(info.id)
			end
		end
	end,
})

---Sockets of whose end nobody wants to hear: clients that were one too many, and listeners that were told to close.
---@type table<integer, boolean>
local silent = {}
---Clients that are not gone.
local count = 0
---Whether the node has been told what this gate does in a shutdown.
local reported = false
---What waits for the last client in a shutdown, and before for the end of the listener.
local parting = {}
---Cs that clients have to take what was written to them.
local FAREWELL <const> = 400
---Cs between two looks whether they have.
local LOOK <const> = 3

---Lets the packages of a client come.
---@param fd integer
function gateserver.openclient(fd)
	if clients[fd] then
		driver.start(fd)
	end
end

---Closes a client's connection, once what was written is sent. One that is gone already is released.
---@param fd integer
function gateserver.closeclient(fd)
	if clients[fd] ~= nil then
		clients[fd] = nil
		netpack.unroute(queue, fd)
		driver.close(fd)
	end
end

---Sends the packages of a client to a service, as messages of the type `client` with the fd as their session, without asking
---the handler any more. Those that have come and were not handled are the first.
---@param fd integer
---@param agent integer a handle
---@param client? integer in whose name; by default the gate's
function gateserver.route(fd, agent, client)
	if clients[fd] then
		queue = netpack.route(queue, fd, agent, client or 0)
	end
end

---The packages of a client come to the handler again.
---@param fd integer
function gateserver.unroute(fd)
	netpack.unroute(queue, fd)
end

---@param fd integer
---@param kind string
---@param ... any
local function log(fd, kind, ...)
	skynet.error(string.format("gate: connection %d %s", fd, string.format(kind, ...)))
end

---Clients, gone already, that have not taken all that was written to them.
---@return integer
local function still_sending()
	local sending, self = 0, skynet.self()
	for _, info in ipairs(driver.info()) do
		if info.address == self and info.type == "CLOSING" and info.writing then
			sending = sending + 1
		end
	end
	return sending
end

---Parts from all clients, once what was written to them is sent.
---@param handler gateserver.handler
local function part(handler)
	if handler.shutdown then
		handler.shutdown()
	end
	for fd, here in pairs(clients) do
		if here then
			driver.close(fd)
		end
	end
	local deadline = skynet.now() + FAREWELL
	while count > 0 and skynet.now() < deadline do
		skynet.sleep(deadline - skynet.now(), parting)
	end
	-- A close is told at once, and with the node all that waits to be sent would be lost.
	local left = count + still_sending()
	while left > 0 and skynet.now() < deadline do
		skynet.sleep(LOOK)
		left = count + still_sending()
	end
	if left > 0 then
		skynet.error(string.format("gate: %d clients do not take what was written to them and are left behind", left))
	end
end

---Has this gate take part in a shutdown of the node: first nobody new comes in, then the clients go.
---@param handler gateserver.handler
---@param close fun()
local function report_once(handler, close)
	if reported then
		return
	end
	reported = true
	shutdown.register { phase = "accept", handler = close }
	shutdown.register { phase = "clients", handler = function()
		part(handler)
	end }
end

---Looks for idle clients as long as there are any.
local function sweep()
	local after = netpack.sweep(queue)
	sweeping = after ~= nil
	if after then
		skynet.timeout(after, sweep)
	end
end

---@param handler gateserver.handler
---@return table<string, function> events what happens to sockets, by the names that netpack gives
local function make_events(handler)
	local events = {}

	---@param fd integer
	---@param msg lightuserdata
	---@param size integer
	local function deliver(fd, msg, size)
		if clients[fd] then
			handler.message(fd, msg, size)
		else
			skynet.error(string.format("Drop message from fd (%d) : %s", fd, netpack.tostring(msg, size)))
		end
	end

	events.data = deliver

	function events.more()
		local fd, msg, size = netpack.pop(queue)
		if not fd then
			return
		end
		-- The handler may block, and it may raise: what is left is another thread's then.
		skynet.fork(events.more)
		repeat
			deliver(fd, msg, size)
			fd, msg, size = netpack.pop(queue)
		until not fd
	end

	function events.open(fd, addr)
		if count + 1 >= maxclient then
			silent[fd] = true
			log(fd, "(%s) is refused: %d are open, maxclient is %d", addr, count, maxclient)
			driver.shutdown(fd)
			return
		end
		count = count + 1
		clients[fd] = true
		if nodelay then
			driver.nodelay(fd)
		end
		if not sweeping then
			sweep()
		end
		handler.connect(fd, addr)
	end

	function events.close(fd)
		if fd == listener then
			listener = nil
		elseif silent[fd] then
			silent[fd] = nil
			skynet.wakeup(parting)
		else
			count = count - 1
			if count == 0 then
				skynet.wakeup(parting)
			end
			if clients[fd] then
				clients[fd] = false
			end
			if handler.disconnect then
				handler.disconnect(fd)
			else
				gateserver.closeclient(fd)
			end
		end
	end

	function events.error(fd, reason)
		if fd == listener then
			skynet.error("gateserver accept error:", reason)
			return
		end
		driver.shutdown(fd)
		if handler.error and not silent[fd] then
			handler.error(fd, reason)
		end
	end

	function events.warning(fd, kb)
		if handler.warning then
			handler.warning(fd, kb)
		end
	end

	function events.init(fd, addr, port)
		if fd == listener and not bound then
			bound = { address = addr, port = port }
			skynet.wakeup(events)
		end
	end

	return events
end

---@param conf gateserver.conf
---@return table? limits for `netpack.limit`
local function limits_of(conf)
	if conf.idle or conf.maxpackage or conf.maxbuffer or conf.maxrate then
		return {
			idle = conf.idle and math.ceil(conf.idle * 100),
			package = conf.maxpackage,
			buffer = conf.maxbuffer,
			rate = conf.maxrate,
		}
	end
end

---@param handler gateserver.handler
---@param events table<string, function>
---@return table<string, fun(source: integer, ...: any): ...>
local function make_commands(handler, events)
	local commands = {}

	---@param conf gateserver.conf
	function commands.open(source, conf)
		assert(not listener, "the gate is open already")
		local address, port = conf.address or "0.0.0.0", conf.port
		assert(port, "gateserver: open needs a port")
		local limits = limits_of(conf)
		if limits then
			queue = netpack.limit(queue, limits)
		end
		maxclient = conf.maxclient or 1024
		nodelay = conf.nodelay or false
		skynet.error(string.format("Listen on %s %s", address, port))
		listener = driver.listen(address, port, conf.backlog)
		bound = nil
		skynet.wait(events)
		conf.address, conf.port = bound.address, bound.port
		driver.start(listener)
		report_once(handler, function()
			local fd = listener
			if fd then
				commands.close()
				-- Those who came in before are here then, and are parted from like the others.
				while silent[fd] do
					skynet.wait(parting)
				end
			end
		end)
		if handler.open then
			return handler.open(source, conf)
		end
	end

	function commands.close()
		assert(listener, "the gate is not open")
		silent[listener] = true
		driver.close(listener)
		listener = nil
	end

	return commands
end

---Makes this service a gate.
---@param handler gateserver.handler
function gateserver.start(handler)
	assert(handler.message, "a gate needs a handler `message`")
	assert(handler.connect, "a gate needs a handler `connect`")
	local events = make_events(handler)
	local commands = make_commands(handler, events)

	skynet.register_protocol {
		name = "socket",
		id = skynet.PTYPE_SOCKET,
		unpack = function(msg, size)
			return netpack.filter(queue, msg, size)
		end,
		dispatch = function(_, _, same, event, ...)
			queue = same
			if event then
				events[event](...)
			end
		end,
	}

	local function init()
		skynet.dispatch("lua", function(_, source, cmd, ...)
			local f = commands[cmd]
			if f then
				skynet.retpack(f(source, ...))
			else
				local other = handler.command or error("the gate has no command " .. tostring(cmd))
				skynet.retpack(other(cmd, source, ...))
			end
		end)
	end

	if handler.embed then
		init()
	else
		skynet.start(init)
	end
end

return gateserver
