---What tests of overloaded services share: services that stay in one message, and their figures.
local skynet = require "skynet"
local check = require "check"

local overloaded = {}

local gates = 0

---Sends a message in which a worker stays until it is let go on.
---@param peer check.worker
---@return fun() enter waits until it is inside
---@return fun() open lets it go on
function overloaded.gate(peer)
	gates = gates + 1
	local name = "gate" .. gates
	peer:send(function(name)
		skynet.setenv(name .. "_entered", "yes")
		while not skynet.getenv(name) do end
	end, name)
	return function()
		check.eventually(function()
			return skynet.getenv(name .. "_entered")
		end)
	end, function()
		skynet.setenv(name, "open")
	end
end

---Keeps a worker inside of one message.
---@param peer check.worker
---@return fun() open lets it go on
function overloaded.block(peer)
	local enter, open = overloaded.gate(peer)
	enter()
	return open
end

---@param peer check.worker
---@return table
function overloaded.stat(peer)
	return skynet.call(peer.handle, "debug", "STAT")
end

return overloaded
