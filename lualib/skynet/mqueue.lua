--- A second request protocol whose handler runs strictly one message at a time. Deprecated: `skynet.queue` does the same for
--- any handler.
local skynet = require "skynet"
local new_queue = require "skynet.queue"

local mqueue = {}

local serial = new_queue()
---@type function?
local handler
-- Messages wait on this until there is a handler.
local registered = {}
local waiting = 0

---@param session integer
---@param source integer
---@param ok boolean
local function finish(session, source, ok, ...)
	if session ~= 0 then
		return skynet.retpack(ok, ...)
	end
	local fault
	if not ok then
		fault = "throw an error : " .. tostring((...))
	elseif (...) then
		fault = "return something"
	end
	if fault then
		error(string.format("[:%x] send a message to [:%x] %s", source, skynet.self(), fault), 0)
	end
end

local function handle(session, source, ...)
	if not handler then
		skynet.wait(registered)
	end
	waiting = waiting - 1
	finish(session, source, pcall(handler, ...))
end

skynet.register_protocol {
	name = "queue",
	id = skynet.PTYPE_QUEUE,
	pack = skynet.pack,
	unpack = skynet.unpack,
	dispatch = function(session, source, ...)
		waiting = waiting + 1
		serial(handle, session, source, ...)
	end,
}

--- Sets the handler, once. What it returns answers calls.
---@param f fun(...): ...
function mqueue.register(f)
	assert(not handler, "mqueue.register: there is a handler already")
	handler = f
	skynet.wakeup(registered)
end

---@param ok boolean
local function answer(ok, ...)
	if not ok then
		error(..., 0)
	end
	return ...
end

--- Calls the handler of another service; raises what it raises.
---@param address integer|string
---@param ... any
---@return any ...
function mqueue.call(address, ...)
	return answer(skynet.call(address, "queue", ...))
end

---@param address integer|string
---@param ... any
---@return integer|false? session as `skynet.send`
function mqueue.send(address, ...)
	return skynet.send(address, "queue", ...)
end

--- Number of messages whose handling has not begun.
---@return integer
function mqueue.size()
	return waiting
end

return mqueue
