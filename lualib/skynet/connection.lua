--- Raw forwarding: all that is read from a socket goes to a service, undivided, as messages. The socket belongs to the service
--- `connectiond` then. The receiver may handle the messages by itself, or read them as a stream.
local skynet = require "skynet"
local driver = require "skynet.socketdriver"

local connection = {}

--- More unread bytes than this pause a socket; fewer than half of it let it go on.
local PAUSE_AT = 128 * 1024

---@class skynet.connection.stream
---@field id integer the socket
---@field private buffer userdata what has come and not been read
---@field private pool table
---@field private size integer bytes of it
---@field private paused boolean
---@field private ended boolean nothing more will come
---@field private reader? thread waits for more
local stream = {}
stream.__index = stream

---@type integer
local service

local function connections()
	service = service or skynet.uniqueservice "connectiond"
	return service
end

--- Streams by socket. Those that are left when the service ends are closed.
---@type table<integer, skynet.connection.stream>
local streams = setmetatable({}, { __gc = function(open)
	for id in pairs(open) do
		skynet.send(service, "lua", "close", id)
	end
end })

--- Message types whose messages are streams'.
local listening = {}

---@param kind? string|integer
---@return integer
local function kind_id(kind)
	kind = kind or "client"
	local id = math.tointeger(kind) or skynet["PTYPE_" .. tostring(kind):upper()]
	return id or error("connection: no message type is named " .. tostring(kind), 3)
end

---@param id integer the socket
---@param data lightuserdata?
---@param size integer 0: it has ended
local function arrived(id, data, size)
	local self = streams[id]
	if not self then
		if size > 0 then
			driver.drop(data, size)
		end
		return
	elseif size == 0 then
		self.ended = true
	else
		self.size = driver.push(self.buffer, self.pool, data, size)
		if self.size > PAUSE_AT and not self.paused then
			self.paused = true
			skynet.send(service, "lua", "pause", id)
		end
	end
	if self.reader then
		skynet.wakeup(self.reader)
	end
end

---@param kind integer
local function listen(kind)
	if listening[kind] then
		return
	elseif skynet._proto[kind] then
		error("connection: this service handles messages of type " .. kind .. " by itself; name another one", 3)
	end
	listening[kind] = true
	skynet.register_protocol {
		name = kind == skynet.PTYPE_CLIENT and "client" or "connection" .. kind,
		id = kind,
		unpack = function(data, size)
			if size > 0 then
				return driver.str2p(skynet.tostring(data, size))
			end
			return nil, 0
		end,
		dispatch = function(id, _, data, size)
			skynet.ignoreret() -- the session is the socket's id
			arrived(id, data, size)
		end,
	}
end

--- From now on a service gets what is read from a socket, in messages whose session is the socket's id; an empty one is the
--- end. Its handler has to call `skynet.ignoreret`. May be called again, for another service.
---@param id integer a socket of this service that is not started, or was abandoned, or is forwarded already
---@param dest integer
---@param kind? string|integer message type, default "client"
---@return true? forwarded
---@return string? err
function connection.forward(id, dest, kind)
	return skynet.call(connections(), "lua", "forward", id, dest, kind_id(kind))
end

--- Forwards a socket to this very service, and gives what comes as a stream.
---@param id integer as in `forward`
---@param kind? string|integer message type, default "client"; one that this service does not use
---@return skynet.connection.stream?
---@return string? err
function connection.stream(id, kind)
	local type_id = kind_id(kind)
	listen(type_id)
	connections()
	local self = setmetatable({
		id = id,
		buffer = driver.buffer(),
		pool = {},
		size = 0,
		paused = false,
		ended = false,
	}, stream)
	streams[id] = self
	local ok, err = connection.forward(id, skynet.self(), type_id)
	if not ok then
		streams[id] = nil
		return nil, err
	end
	return self
end

--- Waits until something comes, or the end.
---@private
function stream:wait()
	assert(not self.reader, "another thread is reading this stream")
	self.reader = coroutine.running()
	skynet.wait(self.reader)
	self.reader = nil
end

--- Lets the socket go on if it was paused and there is room again.
---@private
function stream:taken()
	if self.paused and self.size < PAUSE_AT // 2 then
		self.paused = false
		skynet.send(service, "lua", "resume", self.id)
	end
end

--- All that is there.
---@private
---@return string
function stream:drain()
	local data = self.size > 0 and driver.readall(self.buffer, self.pool) or ""
	self.size = 0
	self:taken()
	return data
end

--- Waits for n bytes, or without n for any.
---@param n? integer
---@return string|false data false: the stream has ended
---@return string? rest what there was instead
function stream:read(n)
	while not self.ended and (self.size == 0 or n and self.size < n) do
		self:wait()
	end
	if self.size == 0 or n and self.size < n then
		return false, self:drain()
	elseif not n then
		return self:drain()
	end
	local data
	data, self.size = driver.pop(self.buffer, self.pool, n)
	self:taken()
	return data
end

--- Waits for a line.
---@param separator? string default "\n"
---@return string|false line without the separator; false: the stream has ended
---@return string? rest what there was instead
function stream:readline(separator)
	separator = separator or "\n"
	while true do
		local line = driver.readline(self.buffer, self.pool, separator)
		if line then
			self.size = self.size - #line - #separator
			self:taken()
			return line
		elseif self.ended then
			return false, self:drain()
		end
		if self.paused then
			-- A line longer than what is held back: there is no other way to see its end.
			self.paused = false
			skynet.send(service, "lua", "resume", self.id)
		end
		self:wait()
	end
end

--- Sends; what cannot be sent at once is queued.
---@param data string
---@return boolean sent false: the socket is closed
function stream:write(data)
	return driver.send(self.id, data)
end

--- Closes the socket when all has been sent. A thread that reads sees the end.
function stream:close()
	if streams[self.id] == self then
		streams[self.id] = nil
		skynet.send(service, "lua", "close", self.id)
	end
	self.ended = true
	if self.reader then
		skynet.wakeup(self.reader)
	end
end

return connection
