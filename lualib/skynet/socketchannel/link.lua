--- One connection of a channel: the socket, the thread that parses what comes, and those who wait for it. When it ends, for
--- whatever reason, all of them are told. A part of `skynet.socketchannel`.
local skynet = require "skynet"
local socket = require "skynet.socket"
local driver = require "skynet.socketdriver"

local running = coroutine.running

--- Raised when the connection ends before the response.
local socket_error = setmetatable({}, {
	__tostring = function()
		return "[Error: socket]"
	end,
})

---@class socketchannel.waiter a request that waits for its response
---@field thread thread
---@field parser? fun(sock: socketchannel.sock): boolean, any, boolean? of a channel whose responses come in order
---@field done? boolean
---@field ok? boolean
---@field data? any
---@field failed? boolean data says why the link has ended
---@field parts? any[] what has come of a response in parts

---@class socketchannel.sock what parsers read from
---@field [1] integer id of the socket

---@class socketchannel.kind what the links of one channel have in common
---@field sock table metatable of what parsers read from
---@field parse? fun(sock: socketchannel.sock): any, boolean, any, boolean? of a channel with sessions
---@field nodelay? boolean
---@field overload? fun(overloaded: boolean)
---@field ended fun(link: socketchannel.link)

---@class socketchannel.link
---@field id integer
---@field ready? boolean the authentication is done
---@field private dead? boolean
---@field private kind socketchannel.kind
---@field private sock socketchannel.sock
---@field private thread? thread parses what comes
---@field private idle? boolean it waits for a request
---@field private queue socketchannel.waiter[] in the order of the requests
---@field private first integer
---@field private last integer
---@field private sessions table<any, socketchannel.waiter>
---@field private overloaded? boolean
local link = {}
link.__index = link

--- Makes the metatable of what parsers read from.
---@param read? fun(id: integer, n?: integer): string|false instead of `socket.read`
---@param readline? fun(id: integer, separator?: string): string|false instead of `socket.readline`
---@return table
local function reader(read, readline)
	read, readline = read or socket.read, readline or socket.readline
	return {
		__index = {
			read = function(self, n)
				return read(self[1], n) or error(socket_error)
			end,
			readline = function(self, separator)
				return readline(self[1], separator) or error(socket_error)
			end,
		},
	}
end

---@param waiter socketchannel.waiter
local function finish(waiter, ok, data, failed)
	waiter.done, waiter.ok, waiter.data, waiter.failed = true, ok, data, failed
	skynet.wakeup(waiter.thread)
end

--- Tells the thread that parses, if it waits for a request. Once: it may wait for something else when the next wake-up comes.
---@private
function link:wake_parser()
	if self.idle then
		self.idle = false
		skynet.wakeup(self.thread)
	end
end

--- Tells the program whether too much waits to be sent.
---@private
---@param overloaded boolean
function link:set_overload(overloaded)
	if self.kind.overload and overloaded ~= self.overloaded then
		self.overloaded = overloaded
		skynet.fork(self.kind.overload, overloaded)
	end
end

--- Ends a link: all who wait on it get `err`.
---@param err any
function link:drop(err)
	if self.dead then
		return
	end
	self.dead = true
	self.kind.ended(self)
	self:set_overload(false)
	for i = self.first, self.last do
		finish(self.queue[i], false, err, true)
	end
	for _, waiter in pairs(self.sessions) do
		finish(waiter, false, err, true)
	end
	self.queue, self.first, self.last, self.sessions = {}, 1, 0, {}
	self:wake_parser()
	-- Closing waits for the thread that reads, and this may be it.
	skynet.fork(socket.close, self.id)
end

--- Hands a response, or a part of one, to whoever asked. True if more parts will come.
---@param waiter socketchannel.waiter
---@return boolean more
local function deliver(waiter, ok, data, more)
	if ok and more then
		waiter.parts = waiter.parts or {}
		table.insert(waiter.parts, data)
		return true
	end
	if ok and waiter.parts then
		table.insert(waiter.parts, data)
		data = waiter.parts
	end
	finish(waiter, ok, data)
	return false
end

--- Parses responses that come in the order of the requests.
---@private
---@return any err
function link:parse_in_order()
	while not self.dead do
		local waiter = self.queue[self.first]
		if not waiter then
			self.idle = true
			skynet.wait(self.thread)
		else
			local ok, good, data, more = pcall(waiter.parser, self.sock)
			if self.dead then
				break
			elseif not ok then
				return good
			elseif not deliver(waiter, good, data, more) then
				self.queue[self.first] = nil
				self.first = self.first + 1
			end
		end
	end
end

--- Parses responses that say to which request they belong.
---@private
---@return any err
function link:parse_by_session()
	while not self.dead do
		local ok, session, good, data, more = pcall(self.kind.parse, self.sock)
		if self.dead then
			break
		elseif not ok then
			return session
		end
		local waiter = session ~= nil and self.sessions[session]
		if not waiter then
			skynet.error("socket: unknown session :", session)
		elseif not deliver(waiter, good, data, more) then
			self.sessions[session] = nil
		end
	end
end

--- The thread of a link. However it ends, so does the link.
---@private
function link:run()
	local err = socket_error
	local _ <close> = setmetatable({}, {
		__close = function()
			self:drop(err)
		end,
	})
	self.thread = running()
	err = (self.kind.parse and self.parse_by_session or self.parse_in_order)(self) or socket_error
end

---@param waiter socketchannel.waiter
---@return any data
local function wait_for(waiter)
	while not waiter.done do
		skynet.wait(waiter.thread)
	end
	if waiter.ok then
		return waiter.data
	end
	-- A text gets the position of the request; that of a parser has one.
	error(waiter.data, waiter.failed and 0 or 4)
end

--- Waits for the next response that nobody waits for yet.
---@param parser fun(sock: socketchannel.sock): boolean, any, boolean?
---@return any data
function link:wait_in_order(parser)
	local waiter = { thread = running(), parser = parser }
	self.last = self.last + 1
	self.queue[self.last] = waiter
	self:wake_parser()
	local data = wait_for(waiter)
	return data
end

--- Waits for the response of a session.
---@param session any
---@return any data
function link:wait_for_session(session)
	local waiter = { thread = running() }
	self.sessions[session] = waiter
	local data = wait_for(waiter)
	return data
end

--- Whether a thread waits for a session.
---@param session any
---@return boolean
function link:awaits(session)
	local waiter = self.sessions[session]
	return waiter ~= nil and coroutine.status(waiter.thread) ~= "dead"
end

--- Sends. False if the socket is closed.
---@param data string|string[]
---@param padding? (string|string[])[] what follows it, with low priority all
---@return boolean sent
function link:send(data, padding)
	if not padding then
		return socket.write(self.id, data)
	end
	local sent = socket.lwrite(self.id, data)
	for _, chunk in ipairs(padding) do
		sent = sent and socket.lwrite(self.id, chunk)
	end
	return sent
end

--- Makes a link of a socket that is connected.
---@param id integer
---@param kind socketchannel.kind
---@return socketchannel.link
local function new(id, kind)
	local self = setmetatable({
		id = id,
		kind = kind,
		sock = setmetatable({ id }, kind.sock),
		queue = {},
		first = 1,
		last = 0,
		sessions = {},
		overloaded = false,
	}, link)
	if kind.nodelay then
		driver.nodelay(id)
	end
	if kind.overload then
		socket.warning(id, function(_, kb)
			self:set_overload(kb > 0)
		end)
	end
	self.thread = skynet.fork(self.run, self)
	return self
end

return { new = new, reader = reader, error = socket_error }
