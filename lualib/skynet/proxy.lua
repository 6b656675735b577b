--- Starts the proxies that ship. A proxy stands in front of a service: what is sent to it goes on to that service without being
--- unpacked or copied, and answers come back the same way. Callers need not know.
local skynet = require "skynet"

local proxy = {}

--- An address as text.
---@param target integer|string
---@return string
local function text_of(target)
	return skynet.address(target)
end

---@param ... any the name and the arguments of a proxy
---@return integer handle
local function start(...)
	return skynet.newservice(...) or error("the proxy has ended while it started", 0)
end

--- Requests that are not answered in time fail.
---@param target integer|string
---@param cs integer at least 1
---@param kind? string|integer the message type that goes through; default "lua"
---@return integer handle
function proxy.timeout(target, cs, kind)
	return start("timeout_proxy", text_of(target), cs, kind or "lua")
end

--- Each message goes to one of several services.
---@param policy "round_robin"|"least_queued"
---@param targets (integer|string)[]
---@param kind? string|integer the message type that goes through; default "lua"
---@return integer handle
function proxy.balance(policy, targets, kind)
	local addresses = {}
	for index, target in ipairs(targets) do
		addresses[index] = text_of(target)
	end
	return start("balance_proxy", policy, kind or "lua", table.unpack(addresses))
end

--- Adds a service to those of a `proxy.balance`.
---@param handle integer the proxy
---@param target integer|string
function proxy.add(handle, target)
	skynet.call(handle, "debug", "ADD", text_of(target))
end

--- Takes a service out of those of a `proxy.balance`. Its open requests are still answered.
---@param handle integer the proxy
---@param target integer|string
---@return boolean removed false: it was not among them
function proxy.remove(handle, target)
	return skynet.call(handle, "debug", "REMOVE", text_of(target))
end

---@class proxy.overload
---@field type? string|integer the message type that goes through; default "lua"
---@field requests? integer that the target works on at a time; default 64
---@field mqlen? integer messages in its mailbox above which it gets no more; default 1000
---@field ping? integer cs from one PING to the next; default 100
---@field patience? integer cs after which an unanswered PING says that it is busy; default 100
---@field held? integer messages of one sender that are held back; default 1024
---@field total? integer of all senders; default 65536

--- Passes on as much as the target bears, and holds the rest back, fairly.
---@param target integer|string
---@param options? proxy.overload
---@return integer handle
function proxy.overload(target, options)
	local arguments = {}
	for key, value in pairs(options or {}) do
		arguments[#arguments + 1] = key .. "=" .. value
	end
	table.sort(arguments)
	return start("overload_proxy", text_of(target), table.unpack(arguments))
end

--- What a proxy has to say about itself.
---@param handle integer
---@return table
function proxy.info(handle)
	return skynet.call(handle, "debug", "INFO")
end

return proxy
