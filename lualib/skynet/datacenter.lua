--- A tree of values shared by all nodes of the network, in the service DATACENTER.
local skynet = require "skynet"

local datacenter = {}

---@param command string
---@return fun(...): any
local function asking(command)
	return function(...)
		return skynet.call("DATACENTER", "lua", command, ...)
	end
end

--- get(key, ...): the value, or a copy of the branch, or nil. Raises when a key on the way is no branch.
datacenter.get = asking "QUERY"

--- set(key, ..., value): stores a value, nil removes it; branches on the way are made. Gives the previous value.
datacenter.set = asking "UPDATE"

--- wait(key, ...): the value, waiting until there is one. Raises when the key becomes a branch.
datacenter.wait = asking "WAIT"

return datacenter
