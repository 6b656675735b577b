--- What the proxies that ship have in common: messages of one type are neither unpacked nor copied on their way to another
--- service, and back.
local skynet = require "skynet"
require "skynet.manager"

local forward = {}

---@type integer the type of the messages that pass through
local protocol

local function as_it_is(...)
	return ...
end

--- Frees the message of an item that is given up, also when the whole service is.
local owned = {
	---@param item proxy.item
	__gc = function(item)
		if item.msg then
			skynet.trash(item.msg, item.size)
			item.msg = nil
		end
	end,
}

---@class proxy.item a message that is held back
---@field msg? lightuserdata nil once it was sent
---@field size integer
---@field source integer
---@field answer? fun(ok: boolean?, ...) nil: nobody waits for an answer

--- Holds the message of the running handler back; it is freed if nobody takes it again. A request is answered by `forward.deliver`.
---@param session integer
---@param source integer
---@param msg lightuserdata
---@param size integer
---@return proxy.item
function forward.hold(session, source, msg, size)
	local item = setmetatable({ msg = msg, size = size, source = source }, owned)
	if session ~= 0 then
		item.answer = skynet.response(as_it_is)
	end
	return item
end

---@param item proxy.item
---@return lightuserdata msg which is the caller's from now on
---@return integer size
local function take(item)
	local msg = assert(item.msg, "the message was sent already")
	item.msg = nil
	return msg, item.size
end

--- The reason in what `skynet.rawcall` raises, which whoever asked gets behind a `call failed` of its own.
---@param err any
---@return string? reason nil: nothing is known
local function reason_of(err)
	local text = tostring(err)
	local reason = text:match "call failed(.*)"
	return not reason and text or reason:match "^: (.*)"
end

--- Sends the request of an item, and answers it when its answer has come.
---@param target integer|string
---@param item proxy.item with `answer`
---@return boolean answered false: it failed, and so does the request
function forward.deliver(target, item)
	local ok, msg, size = pcall(skynet.rawcall, target, protocol, take(item))
	if ok then
		item.answer(true, msg, size)
	else
		item.answer(nil, reason_of(msg))
	end
	return ok
end

--- Sends a message that wants no answer, in the name of its sender. It is gone afterwards, whatever came of it.
---@param target integer|string
---@param source integer
---@param msg lightuserdata
---@param size integer
---@return boolean sent
function forward.send(target, source, msg, size)
	return skynet.redirect(target, source, protocol, 0, msg, size) ~= nil
end

--- As `forward.send`, for one that was held back.
---@param target integer|string
---@param item proxy.item
---@return boolean sent
function forward.send_item(target, item)
	return forward.send(target, item.source, take(item))
end

--- Answers the running request with an error. Nothing is logged.
---@param reason? string
function forward.refuse(reason)
	skynet.response()(nil, reason)
end

--- Sends the running request to a service of this node, which answers to the caller itself. If that service ends, the node does.
---@param target integer
---@param session integer
---@param source integer
---@param msg lightuserdata
---@param size integer
function forward.hand_over(target, session, source, msg, size)
	if skynet.redirect(target, source, protocol, session, msg, size) then
		skynet.ignoreret()
	else
		forward.refuse(string.format("service %s has ended", skynet.address(target)))
	end
end

--- Sends the running request, and answers it when its answer has come, or failed.
---@param target integer|string
---@param msg lightuserdata
---@param size integer
---@return boolean answered
function forward.call(target, msg, size)
	local ok, answer, length = pcall(skynet.rawcall, target, protocol, msg, size)
	if ok then
		skynet.ret(answer, length)
	else
		forward.refuse(reason_of(answer))
	end
	return ok
end

--- A target that is given as text: the handle of a service of this node if it names one.
---@param text string ":0000000a", ".name", or a global name
---@return integer|string
function forward.target(text)
	if text:match "^:%x+$" then
		return assert(math.tointeger(tonumber(text:sub(2), 16)))
	elseif text:sub(1, 1) == "." then
		return skynet.localname(text) or error(string.format("no service has the name %s", text), 0)
	elseif text == "" or text:match "^%d" or text:sub(1, 1) == ":" then
		error(string.format("%q is no address: expected :0000000a, .name or a global name", text), 0)
	end
	return text
end

--- Reads arguments of the form `key=value`.
---@param known table<string, integer|string> the keys and their defaults; those with a number take whole numbers above 0
---@param ... string
---@return table<string, any>
function forward.options(known, ...)
	local options = {}
	for key, value in pairs(known) do
		options[key] = value
	end
	for _, argument in ipairs { ... } do
		local key, value = argument:match "^([%w_]+)=(.+)$"
		local default = known[key]
		if default == nil then
			local keys = {}
			for name in pairs(known) do
				keys[#keys + 1] = name
			end
			table.sort(keys)
			error(string.format("unknown option %q: expected %s", argument, table.concat(keys, "=, ") .. "="), 0)
		elseif type(default) == "number" then
			local number = math.tointeger(tonumber(value))
			if not number or number < 1 then
				error(string.format("%s: a whole number above 0 is expected", argument), 0)
			end
			value = number
		end
		options[key] = value
	end
	return options
end

-- Types that the framework handles by itself. What they carry is about the two services at the ends.
local unforwardable = {}
for _, name in ipairs { "RESPONSE", "MULTICAST", "SYSTEM", "HARBOR", "SOCKET", "ERROR", "DEBUG", "TRACE" } do
	unforwardable[skynet["PTYPE_" .. name]] = true
end

--- The number of a message type.
---@param kind string its name or number
---@return integer
local function number_of(kind)
	local id = math.tointeger(tonumber(kind)) or skynet["PTYPE_" .. kind:upper()]
	if math.type(id) ~= "integer" or id < 0 or id > 255 then
		error(string.format("there is no message type %s", kind), 0)
	elseif unforwardable[id] then
		error(string.format("messages of type %s cannot be passed on", kind), 0)
	end
	return id
end

--- Use instead of `skynet.start`. The handler gets every message of a type, unpacked by nobody, and owns it.
---@param kind string the type's name or number
---@param handler fun(session: integer, source: integer, msg: lightuserdata, size: integer)
---@param start fun()
function forward.start(kind, handler, start)
	protocol = number_of(kind)
	if protocol ~= skynet.PTYPE_LUA then
		skynet.register_protocol { id = protocol, name = "proxied" }
	end
	skynet.register_protocol { id = skynet.PTYPE_SYSTEM, name = "system", unpack = as_it_is }
	skynet.forward_type({
		[protocol] = skynet.PTYPE_SYSTEM,
		-- The same for what comes as that type, so that the handler owns whatever it gets.
		[skynet.PTYPE_SYSTEM] = skynet.PTYPE_SYSTEM,
		[skynet.PTYPE_RESPONSE] = skynet.PTYPE_RESPONSE,
	}, function()
		skynet.dispatch("system", handler)
		start()
	end)
end

return forward
