-- `groupd`, one on each node that uses global groups. A global group is, on each node, an inner group with the members of that node, and
-- an outer one, to which messages are sent: its members are the inner group and a tunnel to the inner group of every other node. So
-- each message goes over each connection once, and none goes in a circle.
--
-- The directory is in the datacenter: ("group", "node", id) is the groupd of a node, ("group", "name", name, id) its inner group. A node
-- first writes itself down, then reads who else is there and tells them: of two that come at once, at least one sees the other.
local skynet = require "skynet"
local group = require "skynet.group"
local native = require "skynet.native.group"
local datacenter = require "skynet.datacenter"
local queue = require "skynet.queue"
require "skynet.manager"

local own_id = skynet.harbor(skynet.self())

---@class Global what this node has of a global group
---@field inner integer
---@field outer integer
---@field tunnels table<integer, { to: integer, tunnel: integer }> harbor id → the tunnel to that node

---@type table<string, Global>
local globals = {}
---@class Entry those who enter a group just now, one after the other
---@field serial fun(f: function, ...): ...
---@field users integer

---@type table<string, Entry> by name
local entries = {}

---@type fun(name: string, global: Global, id: integer, inner: integer)
local introduce

--- Finds a node again, for each group that both are in.
---@param id integer
local function meet_again(id)
	local names = {}
	for name in pairs(globals) do
		names[#names + 1] = name
	end
	for _, name in ipairs(names) do
		local inner = datacenter.get("group", "name", name, id)
		local global = globals[name]
		if inner and global then
			introduce(name, global, id, inner)
		end
	end
end

---@param global Global
---@param id integer
local function close_tunnel(global, id)
	local open = global.tunnels[id]
	if open then
		global.tunnels[id] = nil
		-- The outer group hears of it.
		skynet.kill(open.tunnel)
	end
end

--- The connection to a node has ended, or the node. One in a new life comes by itself.
---@param id integer
---@return boolean missed
local function lost(id)
	local missed = false
	for _, global in pairs(globals) do
		missed = missed or global.tunnels[id] ~= nil
		close_tunnel(global, id)
	end
	return missed
end

local peers = require "skynet.peers".new(lost, meet_again)

--- A node has that inner group.
---@param global Global
---@param id integer
---@param inner integer
local function connect(global, id, inner)
	local open = global.tunnels[id]
	-- It says so, if the tunnel is there; a tunnel that has ended is replaced.
	if open and open.to == inner and native.join(global.outer, open.tunnel) ~= nil then
		return
	end
	close_tunnel(global, id)
	local tunnel = group.tunnel(inner)
	global.tunnels[id] = { to = inner, tunnel = tunnel }
	native.join(global.outer, tunnel)
end

--- Tells another node of a group that we are in it, and connects to it, if it is in it, too. Raises if it cannot be reached.
---@param name string
---@param global Global
---@param id integer
---@param inner integer its inner group
function introduce(name, global, id, inner)
	local address = assert(datacenter.get("group", "node", id), "the node has no groupd")
	if skynet.call(address, "lua", "MEET", name, own_id, global.inner, skynet.self()) then
		peers:know(id, address)
		connect(global, id, inner)
	end
end

--- Writes a group of this node down, and tells those who are in it already.
---@param name string
---@param global Global
local function announce(name, global)
	datacenter.set("group", "name", name, own_id, global.inner)
	for id, other in pairs(datacenter.get("group", "name", name) or {}) do
		if id ~= own_id then
			-- A node that was here before and is not now: it will come by itself.
			pcall(introduce, name, global, id, other)
		end
	end
end

---@param global Global
local function dissolve(global)
	for id in pairs(global.tunnels) do
		close_tunnel(global, id)
	end
	skynet.kill(global.outer)
	-- The tunnels of the other nodes end with it.
	skynet.kill(global.inner)
end

local command = {}

--- A service of this node wants a global group.
---@param name string
---@return integer outer where to send
---@return integer inner whom members join
function command.ENTER(_, name)
	local entry = entries[name] or { serial = queue(), users = 0 }
	entries[name] = entry
	entry.users = entry.users + 1
	local _ <close> = setmetatable({}, { __close = function()
		entry.users = entry.users - 1
		if entry.users == 0 then
			entries[name] = nil
		end
	end })
	entry.serial(function()
		if globals[name] then
			return
		end
		local inner, outer = group.new(name .. " (members)"), group.new(name)
		outer:join(inner.handle)
		local global = { inner = inner.handle, outer = outer.handle, tunnels = {} }
		globals[name] = global
		local ok, problem = pcall(announce, name, global)
		if not ok then
			-- Without the directory it would be a group of this node alone, and stay that.
			if globals[name] == global then
				globals[name] = nil
				dissolve(global)
			end
			error(problem, 0)
		end
	end)
	local global = assert(globals[name], "the group was left meanwhile")
	return global.outer, global.inner
end

--- This node leaves a global group.
---@param name string
function command.LEAVE(_, name)
	local global = globals[name]
	if not global then
		return
	end
	globals[name] = nil
	dissolve(global)
	datacenter.set("group", "name", name, own_id, nil)
end

--- Another node has entered a group, or come back. True if we are in it.
---@param name string
---@param id integer
---@param inner integer
---@param address integer its groupd
---@return boolean
function command.MEET(_, name, id, inner, address)
	peers:know(id, address)
	local global = globals[name]
	if global then
		connect(global, id, inner)
	end
	return global ~= nil
end

skynet.dispatch("lua", function(_, source, name, ...)
	local run = command[name] or error("unknown command " .. tostring(name), 0)
	skynet.retpack(run(source, ...))
end)

skynet.info_func(function()
	local info = {}
	for name, global in pairs(globals) do
		local nodes = {}
		for id in pairs(global.tunnels) do
			nodes[#nodes + 1] = id
		end
		table.sort(nodes)
		info[name] = { members = native.count(global.inner), nodes = nodes }
	end
	return info
end)

skynet.start(function()
	datacenter.set("group", "node", own_id, skynet.self())
end)
