--- The harbor network: names that all nodes know, and news of other nodes.
local skynet = require "skynet"

local harbor = {}

local function ask(...)
	return skynet.call(".cslave", "lua", ...)
end

--- Registers a global name. Returns at once; a name that is taken is only logged.
---@param name string at most 15 bytes
---@param handle? integer default: this service
function harbor.globalname(name, handle)
	skynet.send(".cslave", "lua", "REGISTER", name, handle or skynet.self())
end

--- The handle behind a name; waits until a global name is known.
---@param name string global, or ".local"
---@return integer? handle nil for an unknown local name
function harbor.queryname(name)
	return ask("QUERYNAME", name)
end

--- Waits until a node disconnects; returns at once if it is not connected.
---@param id integer harbor id
function harbor.link(id)
	ask("LINK", id)
end

--- Waits until a node is connected.
---@param id integer harbor id
function harbor.connect(id)
	ask("CONNECT", id)
end

--- Waits until the master disconnects.
function harbor.linkmaster()
	ask "LINKMASTER"
end

return harbor
