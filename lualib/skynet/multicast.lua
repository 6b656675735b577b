--- Channels: what is published on one reaches every subscriber, on all nodes. Subscribers of a node read one payload. The service
--- `multicastd` of each node knows who subscribes.
local skynet = require "skynet"
local core = require "skynet.multicast.core"
local native = require "skynet.native.multicast"

--- Where publications find their channels: the engine calls an object's function at 1 with what the one at 2 unpacks. Weak: a channel
--- that the program has lost unsubscribes.
---@type table<integer, skynet.multicast.channel>
local channels = native.channels()

---@type integer
local service
--- Whether it takes publications as they are. One of C skynet wants packages, which are lost if it ends with some in its mailbox.
---@type boolean?
local takes_messages

---@class skynet.multicast.channel
---@field channel integer? its number, by which others know it; nil once it is deleted
---@field private subscribed boolean?
---@field private packer fun(...): lightuserdata, integer
---@field private [1] fun(channel: skynet.multicast.channel, source: integer, ...)?
---@field private [2] fun(msg: lightuserdata, size: integer): ...
local channel = {}
channel.__index = channel

---@class skynet.multicast.options
---@field channel? integer an existing one; a new one by default
---@field dispatch? fun(channel: skynet.multicast.channel, source: integer, ...) handles a publication
---@field pack? fun(...): lightuserdata, integer `skynet.pack` by default
---@field unpack? fun(msg: lightuserdata, size: integer): ... `skynet.unpack` by default

--- Sends to all subscribers. When it returns, those of this node have the message in their mailboxes.
---@param ... any
function channel:publish(...)
	local number = assert(self.channel)
	if takes_messages == nil then
		takes_messages = skynet.call(service, "debug", "SUPPORT", "publication")
	end
	if takes_messages then
		native.publish(service, number, self.packer(...))
	else
		skynet.call(service, "lua", "PUB", number, core.pack(self.packer(...)))
	end
end

--- From now on publications come to the dispatch function.
function channel:subscribe()
	local number = assert(self.channel)
	if self.subscribed then
		return
	end
	-- A publication may come before the answer does.
	channels[number] = self
	local ok, problem = pcall(skynet.call, service, "lua", "SUB", number)
	if not ok then
		channels[number] = nil
		error(problem, 0)
	end
	-- It may have been deleted meanwhile.
	self.subscribed = self.channel ~= nil
end

--- Publications come no more; those on their way are dropped.
function channel:unsubscribe()
	if not self.subscribed then
		return
	end
	self.subscribed = false
	if channels[self.channel] == self then
		channels[self.channel] = nil
	end
	skynet.send(service, "lua", "USUB", self.channel)
end

--- Ends the channel, for everybody.
function channel:delete()
	local number = assert(self.channel)
	self.channel, self.subscribed = nil, false
	if channels[number] == self then
		channels[number] = nil
	end
	skynet.send(service, "lua", "DEL", number)
end

function channel:__tostring()
	return string.format("[Multicast:%x]", self.channel or 0)
end

channel.__gc = channel.unsubscribe

--- A publication of a `multicastd` that is not ours, as a pointer to a package.
---@param number integer
---@param source integer
---@param package lightuserdata
---@param msg lightuserdata
---@param size integer
local function dispatch(number, source, package, msg, size)
	local object = channels[number]
	local ok, problem = true, nil
	if object then
		ok, problem = xpcall(function()
			object[1](object, source, object[2](msg, size))
		end, debug.traceback)
	end
	core.close(package)
	if not ok then
		error(problem, 0)
	end
end

skynet.init(function()
	service = skynet.uniqueservice "multicastd"
	skynet.register_protocol {
		name = "multicast",
		id = skynet.PTYPE_MULTICAST,
		unpack = core.unpack,
		dispatch = dispatch,
	}
end, "multicast")

local multicast = {}

--- A channel object: of a new channel, or of the one with that number.
---@param options? skynet.multicast.options
---@return skynet.multicast.channel
function multicast.new(options)
	options = options or {}
	if type(options) ~= "table" then
		error(string.format("the settings of a channel are a table, not %s", tostring(options)), 2)
	elseif options.channel and math.type(options.channel) ~= "integer" then
		error(string.format("a channel is a whole number, not %s (%s)", tostring(options.channel), type(options.channel)), 2)
	end
	return setmetatable({
		options.dispatch,
		options.unpack or skynet.unpack,
		packer = options.pack or skynet.pack,
		channel = options.channel or skynet.call(assert(service, "Init first"), "lua", "NEW"),
	}, channel)
end

return multicast
