-- The master of a harbor network: introduces nodes to one another, and says whose the global names are.
--
-- Nodes of ours announce themselves (skynet.harbor.features). They may come back under their id, and the master notices when they
-- fall silent. To C nodes the master speaks the protocol of C skynet and nothing else.
local skynet = require "skynet"
local core = require "skynet.core"
local socket = require "skynet.socket"
local wire = require "skynet.harbor.wire"
local valid = require "skynet.harbor.valid"
local features = require "skynet.harbor.features"
local heartbeat = require "skynet.harbor.heartbeat"
local registry = require "skynet.harbor.registry"
local secret = require "skynet.harbor.secret"

--- Connections that may be introducing themselves at a time.
local MAX_STRANGERS <const> = 256
--- Packages without sense after which a node is sent away.
local MAX_NONSENSE <const> = 16
--- KiB that may wait to be sent to a node before it is taken for stuck.
local MAX_UNSENT <const> = 4096
--- Centiseconds that a node has to answer when another one claims its id.
local PROBE <const> = 200

local own = features.own()
local strangers = 0
--- Ids that somebody is being admitted for.
---@type table<integer, boolean>
local arriving = {}

---@param format string
---@param ... any
local function log(format, ...)
	skynet.error(string.format(format, ...))
end

---@param slave harbor.Slave
---@param kind string
---@param ... any
local function tell(slave, kind, ...)
	slave.heartbeat.said = true
	wire.send(slave.fd, kind, ...)
end

--- Takes a node for dead, and says so to the others.
---@param slave harbor.Slave
local function bury(slave)
	slave.heartbeat:stop()
	if not registry.remove(slave) then
		return
	end
	skynet.wakeup(slave)
	log("slave %d is down", slave.id)
	for _, other in ipairs(registry.all()) do
		tell(other, "D", slave.id)
	end
	socket.shutdown(slave.fd)
end

--- Whether a node that should be up says anything when it is asked.
---@param slave harbor.Slave
---@return boolean
local function answers(slave)
	slave.heard = false
	tell(slave, "P", true)
	skynet.sleep(PROBE, slave)
	return slave.heard and registry.find(slave.id) == slave
end

--- Clears the way for a node whose id is in use, if its former life only seems to be up.
---@param id integer
---@param news? harbor.Features
---@return string? refusal
local function clear_way(id, news)
	local old = registry.find(id)
	if not old then
		return
	end
	local refusal = string.format("Slave %d already register on %s", id, old.address)
	if not (news and old.features) or arriving[id] then
		return refusal
	end
	arriving[id] = true
	local alive = answers(old)
	arriving[id] = nil
	if alive then
		return refusal
	end
	local life = news.incarnation == old.features.incarnation and "as it was" or "in a new life"
	log("slave %d comes back %s: its connection (fd=%d) is given up", id, life, old.fd)
	bury(old)
	-- While the old one was asked, somebody else may have come.
	return registry.find(id) and refusal
end

--- Tells a node who will connect to it. What does not fit goes ahead, so that with the W all is said.
---@param slave harbor.Slave
---@param others harbor.Slave[]
local function welcome(slave, others)
	if not slave.features then
		return tell(slave, "W", #others)
	end
	local room = wire.MAX - #skynet.packstring("W", #others, own.text)
	local list = {}
	for _, other in ipairs(others) do
		local text = other.features and other.features.text or ""
		local size = #skynet.packstring(other.id, text)
		if size > room then
			tell(slave, "F", table.unpack(list))
			list, room = {}, wire.MAX - #skynet.packstring("W", #others, own.text)
		end
		table.insert(list, other.id)
		table.insert(list, text)
		room = room - size
	end
	tell(slave, "W", #others, own.text, table.unpack(list))
end

--- Reads who a stranger is.
---@param fd integer
---@return integer? id nil if it is to be refused
---@return string address or why
---@return harbor.Features? news
local function introduction(fd)
	if secret.set then
		local ok, reason = secret.demand(fd)
		if not ok then
			return nil, reason
		end
	end
	local kind, id, address, text = wire.read(fd)
	if not kind then
		return nil, id
	elseif kind ~= "H" then
		return nil, "Invalid handshake type " .. kind
	elseif not valid.id(id) then
		return nil, "Invalid slave id " .. tostring(id)
	elseif type(address) ~= "string" or address == "" or #address > 128 then
		return nil, string.format("Invalid address of slave %d: it has 1 to 128 bytes", id)
	end
	return id, address, features.parse(text)
end

--- Makes a stranger a node of the network.
---@param fd integer
---@return harbor.Slave?
---@return string? refusal
local function admit(fd)
	if not socket.start(fd) then
		return nil, "closed"
	end
	wire.prepare(fd, own.heartbeat)
	wire.bound(fd, true)
	local id, address, news = wire.within(fd, wire.PATIENCE, introduction)
	local refusal = not id and address or clear_way(id, news)
	if refusal or socket.invalid(fd) then
		return nil, refusal or "closed"
	end
	wire.bound(fd, false)
	log("Harbor %d (fd=%d) report %s", id, fd, address)
	local others = registry.all()
	local slave = { id = id, fd = fd, address = address, features = news }
	slave.heartbeat = heartbeat.start(fd, own.heartbeat, news and news.heartbeat)
	for _, other in ipairs(others) do
		if other.features and news then
			tell(other, "C", id, address, news.text)
		else
			tell(other, "C", id, address)
		end
	end
	registry.add(slave)
	welcome(slave, others)
	return slave
end

--- The coordinator of this node, while it leads a shutdown.
---@type integer?
local leader

---@type table<string, fun(slave: harbor.Slave, ...: any): boolean?> false if there was no sense in it
local packages = {}

--- Registers a name.
function packages.R(_, name, handle)
	if not (valid.name(name) and valid.handle(handle)) then
		return false
	elseif not registry.claim(name, handle) then
		log("Global name %s is refused: there are too many", name)
		return
	end
	for _, slave in ipairs(registry.all()) do
		tell(slave, "N", name, handle)
	end
end

--- Asks whose a name is.
function packages.Q(slave, name)
	if not valid.name(name) then
		return false
	end
	local handle = registry.lookup(name)
	if handle then
		tell(slave, "N", name, handle)
	end
end

--- A heartbeat.
function packages.P() end

--- A node wants the whole network to be shut down. This node leads; one that has missed the beginning is told who that is.
function packages.X(slave)
	if not core.command("SHUTDOWN", string.format("BEGIN network the whole network, as node %d has asked", slave.id)) and leader then
		tell(slave, "X", leader)
	end
end

--- Does what a node says until it is gone.
---@param slave harbor.Slave
---@return string reason
local function attend(slave)
	socket.warning(slave.fd, function(fd, kb)
		if kb > MAX_UNSENT then
			log("slave %d does not read: %d K bytes wait to be sent", slave.id, kb)
			socket.shutdown(fd)
		end
	end)
	local nonsense = 0
	while true do
		local function act(kind, ...)
			if not kind then
				return ...
			end
			slave.heard, slave.heartbeat.heard = true, true
			skynet.wakeup(slave)
			local run = packages[kind]
			if not run then
				log("Invalid slave message type %s", kind)
			elseif run(slave, ...) ~= false then
				return
			end
			nonsense = nonsense + 1
			return nonsense >= MAX_NONSENSE and "it sends nonsense" or nil
		end
		local reason = act(wire.read(slave.fd))
		if reason then
			return slave.heartbeat.dead and "it was silent for too long" or reason
		end
	end
end

--- Looks after a connection from its first to its last byte.
---@param fd integer
---@return string? reason why it has ended, if that is worth a line
local function serve(fd)
	if strangers >= MAX_STRANGERS then
		return "too many connections introduce themselves"
	end
	strangers = strangers + 1
	local ok, slave, reason = pcall(admit, fd)
	strangers = strangers - 1
	if not ok then
		return slave
	elseif not slave then
		return reason
	end
	ok, reason = pcall(attend, slave)
	bury(slave)
	return reason ~= "closed" and reason or nil
end

---@param fd integer
---@param from string
local function accept(fd, from)
	log("connect from %s %d", from, fd)
	local reason = serve(fd)
	if reason then
		log("disconnect fd = %d, error = %s", fd, reason)
	end
	wire.close(fd)
end

local command = {}

--- Tells the nodes that understand it that a coordinator of this node leads a shutdown: returns their ids.
---@param source integer
function command.SHUTDOWN(source)
	leader = source
	local told = {}
	for _, slave in ipairs(registry.all()) do
		if slave.features and slave.id ~= source >> 24 then
			tell(slave, "X", source)
			told[#told + 1] = slave.id
		end
	end
	return told
end

skynet.start(function()
	skynet.dispatch("lua", function(_, source, name, ...)
		local run = command[name] or error("unknown command " .. tostring(name))
		skynet.retpack(run(source, ...))
	end)
	local address = assert(skynet.getenv "standalone", "the key standalone is missing")
	log("master listen socket %s", address)
	socket.start(socket.listen(address, nil, 256), accept)
end)
