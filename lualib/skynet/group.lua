--- Groups: a message to the handle of a group reaches every member, and all of them read one payload. Tunnels: what is sent to one
--- goes to another handle, on any node.
local skynet = require "skynet"
local core = require "skynet.core"
local native = require "skynet.native.group"

---@class skynet.group
---@field handle integer where to send; for a global group that of this node
---@field private inner integer whom members of this node join
---@field private name string? of a global group
local group = {}
group.__index = group

---@param member integer|string|nil
---@return integer
local function handle_of(member)
	if member == nil then
		return skynet.self()
	elseif type(member) == "string" and member:byte() == string.byte "." then
		return skynet.localname(member) or error(string.format("no service of this node has the name %s", member), 3)
	elseif type(member) == "string" and member:byte() == string.byte ":" then
		return tonumber(member:sub(2), 16) or error(string.format("%q is no address", member), 3)
	elseif math.type(member) == "integer" then
		return member
	end
	error(string.format("a service is named by its handle, :address or .name, not %s", tostring(member)), 3)
end

--- Raises what a native function could not do, at the caller of the function that calls this (and not as its last act, which would
--- take its place on the stack).
local function checked(done, reason)
	if done == nil then
		error(reason, 3)
	end
	return done
end

---@param module string
---@param argument string
---@return integer
local function launch(module, argument)
	return core.addresscommand("LAUNCH", argument == "" and module or module .. " " .. argument)
		or error(string.format("the service %s %s could not be launched; the log says why", module, argument), 3)
end

--- Adds a service: from now on it gets what is sent to the group. It leaves when it ends. Raises if it is not alive, or the group
--- is gone.
---@param member? integer|string a handle, `:address` or `.name`; this service by default
---@return boolean joined false if it is a member already
function group:join(member)
	return (checked(native.join(self.inner, handle_of(member))))
end

--- Takes a service out.
---@param member? integer|string as above
---@return boolean left false if it was no member
function group:leave(member)
	return (checked(native.leave(self.inner, handle_of(member))))
end

--- Sends a message to all members. Members answer nothing: a request to a group fails.
---@param typename string|integer
---@param ... any
function group:send(typename, ...)
	return skynet.send(self.handle, typename, ...)
end

--- The number of members; of a global group, those on this node. Nil once the group is deleted.
---@return integer?
function group:count()
	return native.count(self.inner)
end

--- The handles of the members, in no order, as `count`.
---@return integer[]?
function group:members()
	return native.members(self.inner)
end

--- Ends the group. Of a global group this node leaves; the others go on.
function group:delete()
	if self.name then
		skynet.call(skynet.uniqueservice "groupd", "lua", "LEAVE", self.name)
	else
		core.command("KILL", skynet.address(self.handle))
	end
end

function group:__tostring()
	return string.format("[Group:%08x]", self.handle)
end

local M = {}

--- A new group, on this node. It stays when its maker ends, until it is deleted.
---@param label? string shown in lists of services and groups
---@return skynet.group
function M.new(label)
	if label ~= nil and type(label) ~= "string" then
		error(string.format("the label of a group is a string, not %s", tostring(label)), 2)
	end
	local handle = launch("group", label or "")
	return setmetatable({ handle = handle, inner = handle }, group)
end

--- The group with a handle: one that another service of this node has made.
---@param handle integer
---@return skynet.group
function M.of(handle)
	if math.type(handle) ~= "integer" then
		error(string.format("a group is found by its handle, a number, not by %s", tostring(handle)), 2)
	elseif not native.count(handle) then
		error(string.format("no group of this node has the handle :%08x", handle), 2)
	end
	return setmetatable({ handle = handle, inner = handle }, group)
end

--- The group of that name on all nodes of the network: what is sent to it on one of them reaches the members on all. Each node has
--- its part, made when it first asks; nodes that come later join, nodes that go leave.
---@param name string
---@return skynet.group
function M.global(name)
	if type(name) ~= "string" or name == "" then
		error("the name of a global group is a string that is not empty", 2)
	end
	local outer, inner = skynet.call(skynet.uniqueservice "groupd", "lua", "ENTER", name)
	return setmetatable({ handle = outer, inner = inner, name = name }, group)
end

--- A new tunnel: what is sent to it goes to `handle`, with kind, session and source as they are, so that calls work through
--- it. It ends when the other end does. Raises if that is not alive.
---@param handle integer of any node
---@return integer tunnel
function M.tunnel(handle)
	return (launch("tunnel", skynet.address(handle_of(handle))))
end

--- All groups of this node, and how many members each has.
---@return table<integer, { label: string, members: integer }>
function M.list()
	local groups = {}
	for handle, members in pairs(native.list()) do
		groups[handle] = { label = native.label(handle) or "", members = members }
	end
	return groups
end

return M
