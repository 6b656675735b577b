--- Starts the proxies that ship. A proxy stands in front of a service: what is sent to it goes on to that service without being
--- unpacked or copied, and answers come back the same way. Callers need not know.
local skynet = require "skynet"
local problem_of = require "skynet.options"

local proxy = {}

local OPTIONS = {
	type = "string|number", requests = "positive", mqlen = "positive", ping = "positive", patience = "positive", held = "positive",
	total = "positive",
}

--- An address as text. Raises at the caller of the function that calls this.
---@param target integer|string
---@return string
local function text_of(target)
	if math.type(target) ~= "integer" and (type(target) ~= "string" or target == "") then
		error(string.format("a service is named by its handle, :address, .name or a global name, not %s", tostring(target)), 3)
	end
	return skynet.address(target)
end

--- Raises, too, at the caller of the function that calls this: not as its last act, which would take its place on the stack.
---@param ... any the name and the arguments of a proxy
---@return integer handle
local function start(...)
	local ok, handle = pcall(skynet.newservice, ...)
	if not ok then
		error(handle, 3)
	end
	return handle or error("the proxy has ended while it started", 3)
end

--- Requests that are not answered in time fail.
---@param target integer|string
---@param cs integer at least 1
---@param kind? string|integer the message type that goes through; default "lua"
---@return integer handle
function proxy.timeout(target, cs, kind)
	return (start("timeout_proxy", text_of(target), cs, kind or "lua"))
end

--- Each message goes to one of several services.
---@param policy "round_robin"|"least_queued"
---@param targets (integer|string)[]
---@param kind? string|integer the message type that goes through; default "lua"
---@return integer handle
function proxy.balance(policy, targets, kind)
	if policy ~= "round_robin" and policy ~= "least_queued" then
		error(string.format("the policy is round_robin or least_queued, not %s", tostring(policy)), 2)
	elseif type(targets) ~= "table" then
		error(string.format("the targets are a list of addresses, not %s", tostring(targets)), 2)
	end
	local addresses = {}
	for index, target in ipairs(targets) do
		addresses[index] = text_of(target)
	end
	return (start("balance_proxy", policy, kind or "lua", table.unpack(addresses)))
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
	local problem = problem_of(options or {}, OPTIONS)
	if problem then
		error(problem, 2)
	end
	local arguments = {}
	for key, value in pairs(options or {}) do
		arguments[#arguments + 1] = key .. "=" .. value
	end
	table.sort(arguments)
	return (start("overload_proxy", text_of(target), table.unpack(arguments)))
end

--- What a proxy has to say about itself.
---@param handle integer
---@return table
function proxy.info(handle)
	return skynet.call(handle, "debug", "INFO")
end

return proxy
