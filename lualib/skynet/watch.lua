--- `skynet.watch`: calls to a service fail when it ends, whatever became of their requests. The node tells of the end of its
--- own services; one on another node is watched by a request that it never answers, and that fails with it.
local skynet = require "skynet"
local native = require "skynet.native"

---@type table<integer|string, true> addresses on other nodes for which a thread waits
local linked = {}

---@param address integer|string
local function link(address)
	local _, err = pcall(skynet.timeout_call, nil, address, "debug", "LINK")
	linked[address] = nil
	native.term(address, tostring(err):match "call failed: (.*)" or tostring(err))
end

---@param address integer|string
---@return boolean alive
return function(address)
	local known, alive, elsewhere = pcall(native.watch, address)
	if not known then
		error(alive, 2)
	elseif alive ~= nil then
		return alive
	end
	if not linked[elsewhere] then
		linked[elsewhere] = true
		skynet.fork(link, elsewhere)
	end
	return (pcall(skynet.timeout_call, nil, elsewhere, "debug", "PING"))
end
