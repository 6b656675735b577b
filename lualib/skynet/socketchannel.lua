--- Requests and responses over one connection, which is made when it is needed and made anew when it is lost.
---
--- A channel has one link at a time: the socket, a thread that parses what comes, and those who wait for it. When a link ends, for
--- whatever reason, all who wait on it are told; so nobody waits for a link that is gone.
local skynet = require "skynet"
local socket = require "skynet.socket"
local driver = require "skynet.socketdriver"

local running = coroutine.running

--- Seconds between attempts to connect, at most.
local LONGEST_PAUSE <const> = 10

---@class skynet.socketchannel
local socketchannel = {}

--- Raised when the connection is not there, or ends before the response.
local socket_error = setmetatable({}, {
	__tostring = function()
		return "[Error: socket]"
	end,
})
socketchannel.error = socket_error

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

---@class socketchannel.link
---@field id integer
---@field sock socketchannel.sock
---@field dead? boolean
---@field ready? boolean the authentication is done
---@field thread? thread parses what comes
---@field idle? boolean it waits for a request
---@field queue socketchannel.waiter[] in the order of the requests
---@field first integer
---@field last integer
---@field sessions table<any, socketchannel.waiter>
---@field overloaded? boolean

---@class socketchannel.attempt connecting
---@field thread thread who does it
---@field waiting thread[]
---@field failed? boolean
---@field pausing? boolean it waits for the next one

---@class socketchannel.channel
---@field __host string
---@field __port? integer
---@field private closed boolean
---@field private home { host: string, port: integer? }
---@field private link? socketchannel.link
---@field private attempt? socketchannel.attempt
local channel = {}
channel.__index = channel

--- Makes the metatable of what parsers read from.
---@param desc table
---@return table
local function reader(desc)
	local read = desc.socket_read or socket.read
	local readline = desc.socket_readline or socket.readline
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

--- Describes a channel; it connects when it is used first.
---@param desc table host, port; auth, response, backup, nodelay, overload, socket_read, socket_readline if wanted
---@return socketchannel.channel
function socketchannel.channel(desc)
	return setmetatable({
		__host = assert(desc.host),
		__port = desc.port,
		home = { host = desc.host, port = desc.port },
		backup = desc.backup,
		auth = desc.auth,
		parse = desc.response,
		nodelay = desc.nodelay,
		overload = desc.overload,
		reader = reader(desc),
		closed = false,
	}, channel)
end

---@param waiter socketchannel.waiter
local function finish(waiter, ok, data, failed)
	waiter.done, waiter.ok, waiter.data, waiter.failed = true, ok, data, failed
	skynet.wakeup(waiter.thread)
end

--- Tells the program whether too much waits to be sent.
---@param self socketchannel.channel
---@param link socketchannel.link
---@param overloaded boolean
local function set_overload(self, link, overloaded)
	if self.overload and overloaded ~= (link.overloaded or false) then
		link.overloaded = overloaded
		skynet.fork(self.overload, overloaded)
	end
end

--- Ends a link: all who wait on it get `err`.
---@param self socketchannel.channel
---@param link socketchannel.link
---@param err any
local function drop(self, link, err)
	if link.dead then
		return
	end
	link.dead = true
	if self.link == link then
		self.link = nil
	end
	set_overload(self, link, false)
	for i = link.first, link.last do
		finish(link.queue[i], false, err, true)
	end
	for _, waiter in pairs(link.sessions) do
		finish(waiter, false, err, true)
	end
	link.queue, link.first, link.last, link.sessions = {}, 1, 0, {}
	if link.idle then
		skynet.wakeup(link.thread)
	end
	-- Closing waits for the thread that reads, and this may be it.
	skynet.fork(socket.close, link.id)
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
---@param link socketchannel.link
---@return any err
local function parse_in_order(_, link)
	while not link.dead do
		local waiter = link.queue[link.first]
		if not waiter then
			link.idle = true
			skynet.wait(link.thread)
			link.idle = false
		else
			local ok, good, data, more = pcall(waiter.parser, link.sock)
			if link.dead then
				break
			elseif not ok then
				return good
			elseif not deliver(waiter, good, data, more) then
				link.queue[link.first] = nil
				link.first = link.first + 1
			end
		end
	end
end

--- Parses responses that say to which request they belong.
---@param self socketchannel.channel
---@param link socketchannel.link
---@return any err
local function parse_by_session(self, link)
	while not link.dead do
		local ok, session, good, data, more = pcall(self.parse, link.sock)
		if link.dead then
			break
		elseif not ok then
			return session
		end
		local waiter = session ~= nil and link.sessions[session]
		if not waiter then
			skynet.error("socket: unknown session :", session)
		elseif not deliver(waiter, good, data, more) then
			link.sessions[session] = nil
		end
	end
end

--- The thread of a link. However it ends, so does the link.
---@param self socketchannel.channel
---@param link socketchannel.link
local function parse(self, link)
	local err = socket_error
	local _ <close> = setmetatable({}, {
		__close = function()
			drop(self, link, err)
		end,
	})
	link.thread = running()
	err = (self.parse and parse_by_session or parse_in_order)(self, link) or socket_error
end

--- Makes a link of a socket that is connected.
---@param self socketchannel.channel
---@param id integer
---@return socketchannel.link
local function attach(self, id)
	local link = {
		id = id,
		sock = setmetatable({ id }, self.reader),
		queue = {},
		first = 1,
		last = 0,
		sessions = {},
	}
	if self.nodelay then
		driver.nodelay(id)
	end
	if self.overload then
		socket.warning(id, function(_, kb)
			set_overload(self, link, kb > 0)
		end)
	end
	self.link = link
	link.thread = skynet.fork(parse, self, link)
	return link
end

--- Authenticates a link.
---@param self socketchannel.channel
---@param link socketchannel.link
---@return boolean ok
local function authenticate(self, link)
	if self.auth then
		local ok, err = pcall(self.auth, self)
		if not ok then
			if err ~= socket_error then
				skynet.error("socket: auth failed", err)
			end
			drop(self, link, socket_error)
			return false
		end
	end
	link.ready = true
	return true
end

--- Where to connect: where it was last, then the backups, then where it was meant to be.
---@param self socketchannel.channel
---@return { host: string, port: integer? }[]
local function places(self)
	local host, port = self.__host, self.__port
	local list, seen = {}, {}
	local function add(next_host, next_port)
		local key = next_host .. ":" .. tostring(next_port)
		if not seen[key] then
			seen[key] = true
			table.insert(list, { host = next_host, port = next_port })
		end
	end
	add(host, port)
	for _, backup in ipairs(self.backup or {}) do
		if type(backup) == "table" then
			add(backup.host or backup[1], backup.port or backup[2] or port)
		else
			add(backup, port)
		end
	end
	add(self.home.host, self.home.port)
	return list
end

--- Tries each place once.
---@param self socketchannel.channel
---@return string? err
local function try(self)
	local err
	for i, place in ipairs(places(self)) do
		local host, port = place.host, place.port
		if i > 1 then
			skynet.error("socket: connect to backup host", host, port)
		end
		local id, reason = socket.open(host, port)
		if id and self.closed then
			skynet.fork(socket.close, id)
			return "channel closed"
		elseif id then
			local last_host, last_port = self.__host, self.__port
			self.__host, self.__port = host, port
			if authenticate(self, attach(self, id)) then
				-- The authentication may have changed the host, which drops the link: then this is done once more.
				return nil
			end
			if self.__host == host and self.__port == port then
				self.__host, self.__port = last_host, last_port
			end
			err = "no more backup host"
		else
			err = reason
		end
		if self.closed then
			return "channel closed"
		end
	end
	return err
end

--- Connects, as the one thread that does. Those who wait for it are told however this ends.
---@param self socketchannel.channel
---@param once boolean
---@return boolean ok
local function connect(self, once)
	local attempt = { thread = running(), waiting = {} }
	self.attempt = attempt
	local _ <close> = setmetatable({}, {
		__close = function()
			self.attempt = nil
			for _, thread in ipairs(attempt.waiting) do
				skynet.wakeup(thread)
			end
		end,
	})
	local pause = 0
	while true do
		local err = try(self)
		if not err then
			if not once then
				skynet.error("socket: connect to", self.__host, self.__port)
			end
			return true
		elseif self.closed then
			return false
		elseif once then
			skynet.error("Connect failed", err, self.__host, self.__port)
			attempt.failed = true
			return false
		end
		skynet.error("socket: connect", err)
		if pause >= LONGEST_PAUSE then
			skynet.error("socket: try to reconnect", self.__host, self.__port)
		end
		attempt.pausing = true
		skynet.sleep(pause * 100, attempt)
		attempt.pausing = false
		pause = math.min(pause + 1, LONGEST_PAUSE)
		if self.closed then
			return false
		end
	end
end

--- Waits until there is a link; connects if nobody else does.
---@param self socketchannel.channel
---@param once boolean
---@return socketchannel.link? link nothing if that failed
local function ready(self, once)
	while not self.closed do
		local link, attempt = self.link, self.attempt
		local thread = running()
		if link and (link.ready or attempt and attempt.thread == thread) then
			if not socket.disconnected(link.id) then
				return link
			end
			skynet.error("socket closed by peer : ", self.__host, self.__port)
			drop(self, link, socket_error)
		elseif not attempt then
			if not connect(self, once) then
				return
			end
		elseif attempt.thread == thread then
			-- Its authentication goes on, and the link is gone.
			return
		else
			table.insert(attempt.waiting, thread)
			while self.attempt == attempt do
				skynet.wait(thread)
			end
			if attempt.failed and once then
				return
			end
		end
	end
end

--- [`ready`] for requests, which raise.
---@param self socketchannel.channel
---@return socketchannel.link
local function need_link(self)
	assert(not self.closed)
	return ready(self, true) or error(socket_error)
end

--- Connects, also a channel that was closed. Raises `socketchannel.error`.
---@param once? boolean try once; otherwise until it succeeds
---@return boolean
function channel:connect(once)
	self.closed = false
	return ready(self, once or false) ~= nil or error(socket_error)
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
	error(waiter.data, waiter.failed and 0 or 3)
end

--- Queues whoever waits for a response in order.
---@param link socketchannel.link
---@param parser fun(sock: socketchannel.sock): boolean, any, boolean?
---@return socketchannel.waiter
local function wait_in_order(link, parser)
	local waiter = { thread = running(), parser = parser }
	link.last = link.last + 1
	link.queue[link.last] = waiter
	if link.idle then
		skynet.wakeup(link.thread)
	end
	return waiter
end

---@param link socketchannel.link
---@param data string|string[]
---@param padding? string[]
---@return boolean sent
local function send(link, data, padding)
	if not padding then
		return socket.write(link.id, data)
	end
	local sent = socket.lwrite(link.id, data)
	for _, chunk in ipairs(padding) do
		sent = sent and socket.lwrite(link.id, chunk)
	end
	return sent
end

--- Sends a request, connecting first if need be, and waits for its response. Raises what the parser gave or raised, or
--- `socketchannel.error`.
---@param data string|string[]
---@param response? any a parser for a channel in order: `f(sock)` gives ok, data, and true if more parts come; else the session; nil
--- to wait for none
---@param padding? string[] more of the request, to be sent with low priority
---@return any data
function channel:request(data, response, padding)
	local link = need_link(self)
	local other = self.parse and response ~= nil and link.sessions[response]
	if other and coroutine.status(other.thread) ~= "dead" then
		error(string.format("a request waits for session %s already", response), 2)
	end
	if not send(link, data, padding) then
		drop(self, link, socket_error)
		error(socket_error)
	end
	if response == nil then
		return
	end
	local waiter
	if self.parse then
		waiter = { thread = running() }
		link.sessions[response] = waiter
	else
		waiter = wait_in_order(link, response)
	end
	return wait_for(waiter)
end

--- Waits for a response that nobody asked for, in order.
---@param parser fun(sock: socketchannel.sock): boolean, any, boolean?
---@return any data
function channel:response(parser)
	assert(not self.parse, "only a channel whose responses come in order has no session for this one")
	return wait_for(wait_in_order(need_link(self), parser))
end

--- Ends the connection, if any, and the attempt to make one.
---@param self socketchannel.channel
local function hang_up(self)
	if self.link then
		drop(self, self.link, socket_error)
	end
	local attempt = self.attempt
	if attempt and attempt.pausing then
		skynet.wakeup(attempt)
	end
end

--- Closes the channel: all who wait get an error. `connect` opens it again.
function channel:close()
	self.closed = true
	hang_up(self)
end

--- Drops the connection; the next one goes elsewhere.
---@param host string
---@param port? integer
function channel:changehost(host, port)
	self.__host = host
	self.__port = port or self.__port
	self.home = { host = self.__host, port = self.__port }
	if not self.closed then
		hang_up(self)
	end
end

---@param backup (string|{ host: string, port: integer })[]
function channel:changebackup(backup)
	self.backup = backup
end

return socketchannel
