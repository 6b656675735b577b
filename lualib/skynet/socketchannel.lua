--- Requests and responses over one connection, which is made when it is needed and made anew when it is lost.
---
--- A channel has one link at a time (`skynet.socketchannel.link`), and at most one thread that connects. Whoever needs the link
--- waits for that thread, and is told however its attempt ends; so nobody waits for what will not come.
local skynet = require "skynet"
local socket = require "skynet.socket"
local links = require "skynet.socketchannel.link"

local running = coroutine.running
local socket_error = links.error

--- Seconds between attempts to connect, at most.
local LONGEST_PAUSE <const> = 10

---@class skynet.socketchannel
local socketchannel = {
	error = socket_error, -- raised when the connection is not there, or ends before the response
}

---@class socketchannel.attempt connecting
---@field thread thread who does it
---@field waiting thread[]
---@field failed? boolean
---@field pausing? boolean it waits for the next one

---@class socketchannel.channel
---@field __host string
---@field __port? integer
---@field private home { host: string, port: integer? }
---@field private backup? (string|{ host: string, port: integer })[]
---@field private auth? fun(channel: socketchannel.channel)
---@field private kind socketchannel.kind
---@field private closed boolean
---@field private link? socketchannel.link
---@field private attempt? socketchannel.attempt
local channel = {}
channel.__index = channel

--- Describes a channel; it connects when it is used first.
---@param desc table host, port; auth, response, backup, nodelay, overload, socket_read, socket_readline if wanted
---@return socketchannel.channel
function socketchannel.channel(desc)
	local self = setmetatable({
		__host = assert(desc.host),
		__port = desc.port,
		home = { host = desc.host, port = desc.port },
		backup = desc.backup,
		auth = desc.auth,
		closed = false,
	}, channel)
	self.kind = {
		sock = links.reader(desc.socket_read, desc.socket_readline),
		parse = desc.response,
		nodelay = desc.nodelay,
		overload = desc.overload,
		ended = function(link)
			if self.link == link then
				self.link = nil
			end
		end,
	}
	return self
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
			link:drop(socket_error)
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
			self.link = links.new(id, self.kind)
			if authenticate(self, self.link) then
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
			link:drop(socket_error)
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

--- Sends a request, connecting first if need be, and waits for its response. Raises what the parser gave or raised, or
--- `socketchannel.error`.
---@param data string|string[]
---@param response? any a parser for a channel in order: `f(sock)` gives ok, data, and true if more parts come; else the session; nil
--- to wait for none
---@param padding? string[] more of the request, to be sent with low priority
---@return any data
function channel:request(data, response, padding)
	local link = need_link(self)
	local by_session = self.kind.parse ~= nil
	if by_session and response ~= nil and link:awaits(response) then
		error(string.format("a request waits for session %s already", response), 2)
	end
	if not link:send(data, padding) then
		link:drop(socket_error)
		error(socket_error)
	end
	if response == nil then
		return
	end
	local result
	if by_session then
		result = link:wait_for_session(response)
	else
		result = link:wait_in_order(response)
	end
	return result
end

--- Waits for a response that nobody asked for, in order.
---@param parser fun(sock: socketchannel.sock): boolean, any, boolean?
---@return any data
function channel:response(parser)
	assert(not self.kind.parse, "only a channel whose responses come in order has no session for this one")
	local result = need_link(self):wait_in_order(parser)
	return result
end

--- Ends the connection, if any, and the attempt to make one.
---@param self socketchannel.channel
local function hang_up(self)
	if self.link then
		self.link:drop(socket_error)
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
