--- Services made from a function: one per name on the node.
local skynet = require "skynet"
require "skynet.manager"

local service = {}

---@type table<string, integer>
local known = {}
---@type integer?
local provider

local function ask(...)
	provider = provider or skynet.uniqueservice "service_provider"
	return skynet.call(provider, "lua", ...)
end

---@param name string
---@param address integer
---@return integer address
local function remember(name, address)
	known[name] = address
	return address
end

--- Starts the service, unless there is one of that name already. Concurrent callers wait for the first one.
---@param name string
---@param mainfunc function main chunk of the service; its only upvalue may be _ENV
---@param ... any its arguments
---@return integer handle
function service.new(name, mainfunc, ...)
	local address, booting = ask("test", name)
	if address then
		return remember(name, address)
	elseif booting then
		return remember(name, ask("query", name))
	end
	local upvalues = debug.getinfo(mainfunc, "u").nups
	assert(upvalues == 1 and debug.getupvalue(mainfunc, 1) == "_ENV", "the only upvalue of a service function can be _ENV")
	return remember(name, ask("launch", name, string.dump(mainfunc), ...))
end

--- The service of that name; waits until somebody has made it.
---@param name string
---@return integer handle
function service.query(name)
	return known[name] or remember(name, ask("query", name))
end

--- Kills the service of that name and forgets it.
---@param name string
---@return boolean # false if there is none
function service.close(name)
	local address = ask("close", name)
	known[name] = nil
	if not address then
		return false
	end
	skynet.kill(address)
	return true
end

return service
