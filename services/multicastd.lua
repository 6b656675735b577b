-- `multicastd`, one on each node: who subscribes to which channel of `skynet.multicast`. The low byte of a channel's number is the
-- harbor id of its node, the owner: that one distributes, to its own subscribers and to the multicastd of each node that has some.
local skynet = require "skynet"
local core = require "skynet.multicast.core"
local native = require "skynet.native.multicast"
local datacenter = require "skynet.datacenter"

local own_id = skynet.harbor(skynet.self())

---@class Members the subscribers of one channel on this node
---@field add fun(self: Members, handle: integer): boolean
---@field remove fun(self: Members, handle: integer): boolean
---@field count fun(self: Members): integer
---@field list fun(self: Members): integer[]
---@field publish fun(self: Members, source: integer, channel: integer, msg: lightuserdata, size: integer): integer members

---@type table<integer, Members> by channel: each own channel, and others that somebody here subscribes to
local groups = {}
---@type table<integer, table<integer, integer>> own channel → harbor id → multicastd of a node with subscribers
local remotes = {}
---@type table<integer, true> channels of other nodes that send to us
local joined = {}

---@param channel integer
---@return integer
local function owner_of(channel)
	return channel & 0xff
end

--- Joins a channel of another node, unless that was done.
---@param channel integer
---@param address integer the owner's multicastd
local function join(channel, address)
	if joined[channel] then
		return
	end
	joined[channel] = true
	local ok, absent = pcall(skynet.call, address, "lua", "SUBR", channel)
	if not ok or absent then
		joined[channel] = nil
		if not ok then
			error(absent, 0)
		end
	end
end

local peer

--- Joins the channels of a node that somebody here subscribes to.
---@param id integer
local function rejoin(id)
	local wanted = {}
	for channel, members in pairs(groups) do
		if owner_of(channel) == id and members:count() > 0 then
			wanted[#wanted + 1] = channel
		end
	end
	for _, channel in ipairs(wanted) do
		join(channel, assert(peer(id), "the node has no multicastd yet"))
	end
end

--- The connection to a node has ended, or the node. What its channels sent us before, it shall send again when it is back.
---@param id integer
---@return boolean missed
local function lost(id)
	for _, nodes in pairs(remotes) do
		nodes[id] = nil
	end
	local missed = false
	for channel in pairs(joined) do
		if owner_of(channel) == id then
			joined[channel], missed = nil, true
		end
	end
	return missed
end

local peers = require "skynet.peers".new(lost, rejoin)

--- The multicastd of a node; nil if it has none.
---@param id integer
---@return integer?
function peer(id)
	local address = peers:get(id)
	if not address then
		address = datacenter.get("multicast", id)
		if address then
			peers:know(id, address)
		end
	end
	return address
end

--- The owner's multicastd. Raises if there is none.
---@param channel integer
---@return integer
local function owner(channel)
	local id = owner_of(channel)
	return peer(id) or error(string.format("channel %x is of node %d, which has no multicastd", channel, id), 0)
end

--- Nobody here subscribes to a channel of another node any more.
---@param channel integer
local function leave(channel)
	groups[channel] = nil
	if joined[channel] then
		joined[channel] = nil
		local address = peers:get(owner_of(channel))
		if address then
			skynet.send(address, "lua", "USUBR", channel)
		end
	end
end

--- Sends a message to all whom this node sends to. The bytes stay the caller's.
---@param channel integer
---@param source integer who published
---@param msg lightuserdata
---@param size integer
local function distribute(channel, source, msg, size)
	local nodes = remotes[channel]
	if nodes and next(nodes) then
		local bytes = skynet.tostring(msg, size)
		for _, address in pairs(nodes) do
			skynet.redirect(address, source, "multicast", channel, bytes)
		end
	end
	local members = groups[channel]
	if members and members:publish(source, channel, msg, size) == 0 and owner_of(channel) ~= own_id then
		leave(channel)
	end
end

--- Publishes for a service of this node. The bytes stay the caller's.
---@param source integer
---@param channel integer
---@param msg lightuserdata
---@param size integer
local function publish(source, channel, msg, size)
	if owner_of(channel) == own_id then
		return distribute(channel, source, msg, size)
	end
	local bytes = skynet.tostring(msg, size)
	skynet.redirect(owner(channel), source, "multicast", channel, bytes)
end

-- Each command gets the handle of its sender and the arguments.

---@type table<string, fun(source: integer, ...): ...> commands with an answer
local answered = {}
---@type table<string, fun(source: integer, ...)> the others
local told = {}

local last = own_id - 256

--- A new channel.
---@return integer
function answered.NEW()
	repeat
		last = last < 0 and own_id or core.nextid(last)
	until not groups[last]
	groups[last], remotes[last] = native.members(), {}
	return last
end

function answered.SUB(source, channel)
	local members = groups[channel]
	if owner_of(channel) ~= own_id then
		local address = owner(channel)
		-- Before the owner is asked: what it sends at once is for this one, too.
		members = groups[channel]
		if not members then
			members = native.members()
			groups[channel] = members
		end
		members:add(source)
		join(channel, address)
	elseif members then
		members:add(source)
	end
end

--- Another node has its first subscriber. True if there is no such channel.
---@return boolean?
function answered.SUBR(source, channel)
	local nodes = remotes[channel]
	if not nodes then
		return true
	end
	local id = skynet.harbor(source)
	peers:know(id, source)
	nodes[id] = source
end

--- Publishes as the module of C skynet does it, by a package, which it takes over.
---@param package lightuserdata
function answered.PUB(source, channel, package)
	local msg, size = core.remote(package)
	local ok, problem = pcall(publish, source, channel, msg, size)
	skynet.trash(msg, size)
	if not ok then
		error(problem, 0)
	end
end

function told.USUB(source, channel)
	local members = groups[channel]
	if members then
		members:remove(source)
		if owner_of(channel) ~= own_id and members:count() == 0 then
			leave(channel)
		end
	end
end

--- Another node has no subscriber any more.
function told.USUBR(source, channel)
	local nodes = remotes[channel]
	if nodes then
		nodes[skynet.harbor(source)] = nil
	end
end

--- Ends a channel. It is passed on to the owner.
function told.DEL(_, channel)
	if owner_of(channel) ~= own_id then
		skynet.send(owner(channel), "lua", "DEL", channel)
		return
	end
	local nodes = remotes[channel]
	groups[channel], remotes[channel] = nil, nil
	for _, address in pairs(nodes or {}) do
		skynet.send(address, "lua", "DELR", channel)
	end
end

--- A channel of another node has ended.
function told.DELR(_, channel)
	groups[channel], joined[channel] = nil, nil
end

skynet.dispatch("lua", function(_, source, name, ...)
	local command = answered[name]
	if command then
		skynet.retpack(command(source, ...))
	else
		command = told[name] or error("unknown command " .. tostring(name), 0)
		command(source, ...)
	end
end)

-- Publications from other nodes: plain bytes, with the channel as the session.
skynet.register_protocol {
	name = "multicast",
	id = skynet.PTYPE_MULTICAST,
	unpack = function(msg, size)
		return msg, size
	end,
	dispatch = distribute,
}

-- Those of this node are requests: the bytes, with the channel behind them. The module asks for this protocol by its name.
skynet.register_protocol {
	name = "publication",
	id = skynet.PTYPE_TEXT,
	unpack = native.unseal,
	dispatch = function(_, source, channel, msg, size)
		publish(source, channel, msg, size)
		skynet.ret()
	end,
}

skynet.info_func(function()
	local info = {}
	for channel, members in pairs(groups) do
		local nodes = {}
		for id in pairs(remotes[channel] or {}) do
			nodes[#nodes + 1] = id
		end
		table.sort(nodes)
		info[string.format("%x", channel)] = { subscribers = members:count(), nodes = nodes }
	end
	return info
end)

skynet.start(function()
	-- A life of this node before may have left its own, which is not alive.
	local before = datacenter.get("multicast", own_id)
	assert(not before or not skynet.watch(before), "this node has a multicastd")
	datacenter.set("multicast", own_id, skynet.self())
end)
