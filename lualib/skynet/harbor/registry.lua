--- What the master knows: who is up, and whose the global names are. Does no I/O.
local registry = {}

--- A node that is up.
---@class harbor.Slave
---@field id integer
---@field fd integer its connection to the master
---@field address string where it listens for the others
---@field features? harbor.Features nil for a C skynet
---@field heartbeat? harbor.Heartbeat
---@field heard? boolean it has said something since it was asked to

---@type table<integer, harbor.Slave>
local slaves = {}
---@type table<string, integer>
local names = {}
local name_count = 0

--- More names than this are refused: somebody registers without end.
local MAX_NAMES <const> = 1 << 18

--- The node with this id, if it is up.
---@param id integer
---@return harbor.Slave?
function registry.find(id)
	return slaves[id]
end

---@param slave harbor.Slave
function registry.add(slave)
	assert(not slaves[slave.id])
	slaves[slave.id] = slave
end

--- Forgets a node and its names. A name that its next life registers may be another service's.
---@param slave harbor.Slave
---@return boolean known
function registry.remove(slave)
	if slaves[slave.id] ~= slave then
		return false
	end
	slaves[slave.id] = nil
	for name, handle in pairs(names) do
		if handle >> 24 == slave.id then
			names[name] = nil
			name_count = name_count - 1
		end
	end
	return true
end

--- All nodes that are up, in the order of their ids.
---@return harbor.Slave[]
function registry.all()
	local list = {}
	for id = 1, 255 do
		list[#list + 1] = slaves[id]
	end
	return list
end

--- Whose a name is. Of several who claimed it, that is the first whose node lives.
---@param name string
---@return integer? handle
function registry.lookup(name)
	return names[name]
end

--- Somebody claims a name.
---@param name string
---@param handle integer
---@return boolean accepted false if there are too many
function registry.claim(name, handle)
	local holder = names[name]
	if not holder then
		if name_count >= MAX_NAMES then
			return false
		end
		name_count = name_count + 1
	end
	if not holder or holder >> 24 == handle >> 24 then
		names[name] = handle
	end
	return true
end

return registry
