--- Sockets whose functions suspend the calling thread. Reading and writing are native: received data goes straight to the
--- thread that waits for it. How sockets come and go is here.
local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local native = require "skynet.native.socket"

---@class skynet.socket
local socket = {}

--- Reads n bytes, or without n whatever there is, at least one byte. At the end: false and what is left. With 0 it waits for new bytes,
--- and gives false and all of them. Raises `assertion failed!` for a socket that is not ours, and if another thread waits for it.
---@type fun(id: integer, n?: integer): string|false, string?
socket.read = native.read

--- Reads a line, without its separator ("\n" by default). At the end: false and what is left. Raises as `read`.
---@type fun(id: integer, separator?: string): string|false, string?
socket.readline = native.readline

--- Reads everything until the end; false if that was before and nothing is left. Raises as `read`.
---@type fun(id: integer): string|false
socket.readall = native.readall

--- Waits for bytes, and leaves them. False at the end, and for a socket that is not ours.
---@type fun(id: integer): boolean
socket.block = native.block

--- Sends; a table is sent as its strings in a row, up to the first nil. False if the socket is unknown or closed. Never waits.
---@type fun(id: integer, data: string|string[]|userdata|lightuserdata, size?: integer): boolean
socket.write = native.write

--- As `write`; what has to wait goes out when nothing else does.
---@type fun(id: integer, data: string|string[]|userdata|lightuserdata, size?: integer): boolean
socket.lwrite = native.lwrite

--- Whether a socket is not this service's.
---@type fun(id: integer): boolean
socket.invalid = native.invalid

--- Whether a socket has ended; nil if it is not this service's.
---@type fun(id: integer): boolean?
socket.disconnected = native.disconnected

--- Closes a socket when it has received so many bytes more than were read, unless a read of a number of bytes waits; nil: never.
---@type fun(id: integer, bytes?: integer)
socket.limit = native.limit

--- A connection is dead when the other side's system is silent for so many seconds, though it was asked or has bytes to acknowledge.
--- False if that can't be set. Raises `assertion failed!` for a socket that is not ours.
---@type fun(id: integer, seconds: integer): boolean
socket.keepalive = native.keepalive

socket.header = driver.header
socket.udp_address = driver.udp_address
socket.netstat = driver.info
socket.resolve = driver.resolve

--- What sockets have beyond the native part, for those that have it: listeners' and datagrams' functions, ...
---@type table<integer, function>
local callbacks = {}
---@type table<integer, fun(id: integer)>
local on_close = {}
---@type table<integer, fun(id: integer, kb: integer)>
local on_warning = {}

--- Local addresses of listeners that somebody is opening: text and port.
---@type table<integer, { ip: string?, port: integer? }>
local listeners = {}
--- Threads that wait until a socket is closed.
---@type table<integer, thread[]>
local closers = {}

---@param id integer
local function forget(id)
	callbacks[id], on_close[id], on_warning[id], listeners[id] = nil, nil, nil, nil
	native.forget(id)
end

--- Waits until a socket of ours is open.
---@param id integer
---@return integer? id
---@return string? err
local function opened(id)
	local ok, err = native.await(id)
	if not ok then
		forget(id)
	end
	return ok, err
end

---@param id integer
---@param kb integer
local function default_warning(id, kb)
	skynet.error(string.format("WARNING: %d K bytes need to send out (fd = %d)", kb, id))
end

--- What happens to sockets, by the kinds of messages: `f(id, ud, data, from)`.
---@type table<integer, fun(id: integer, ud: integer, data: any, from: string?)>
local events = {}

-- Data. Only if a dispatch function of the program's stands before us.
events[1] = function(id, size, data)
	native.received(id, data, size)
end

-- Ready: a listener, which has an address to tell. What is opened and started comes here only if a dispatch function of the
-- program's stands before us.
events[2] = function(id, port, ip)
	if native.opened(id) then
		local listener = listeners[id]
		if listener and not listener.ip then
			listener.ip, listener.port = ip, port
		end
	end
end

-- Closed.
events[3] = function(id)
	if not native.ended(id) then
		driver.close(id)
	end
	local waiting = closers[id]
	if waiting then
		for _, thread in ipairs(waiting) do
			skynet.wakeup(thread)
		end
	end
	local func = on_close[id]
	if func then
		func(id)
	end
end

-- Accepted.
events[4] = function(id, newid, address)
	local func = not native.invalid(id) and callbacks[id]
	if func then
		func(newid, address)
	else
		driver.close(newid)
	end
end

-- Failed.
events[5] = function(id, _, err)
	local standing = native.standing(id)
	if id < 0 then
		return -- there was no socket, which whoever wanted one knows
	elseif not standing then
		skynet.error("socket: error on unknown", id, err)
		driver.shutdown(id)
	elseif standing == "open" and listeners[id] then
		skynet.error("socket: accept error:", err)
	elseif standing == "opening" then
		native.failed(id, err)
		driver.shutdown(id)
	else
		skynet.error("socket: error on", id, err)
		native.ended(id)
		driver.shutdown(id)
	end
end

-- A datagram.
events[6] = function(id, size, data, from)
	local func = not native.invalid(id) and callbacks[id]
	if not func then
		skynet.error("socket: drop udp package from " .. id)
		driver.drop(data, size)
		return
	end
	local text = skynet.tostring(data, size)
	driver.drop(data, size)
	func(text, from)
end

-- So many KiB wait to be sent.
events[7] = function(id, kb)
	if not native.invalid(id) then
		(on_warning[id] or default_warning)(id, kb)
	end
end

skynet.register_protocol {
	id = skynet.PTYPE_SOCKET,
	name = "socket",
	unpack = driver.unpack,
	dispatch = function(_, _, kind, ...)
		events[kind](...)
	end,
}
native.direct()

--- Connects, and waits for it. Raises for an address that is none.
---@param addr string "host:port", "[v6]:port", or a host
---@param port? integer
---@return integer? id
---@return string? err the system's or the resolver's words
function socket.open(addr, port)
	local id, err = driver.connect(addr, port)
	if id < 0 then
		return nil, err
	end
	native.own(id, false)
	return opened(id)
end

--- Adopts a copy of a file descriptor.
---@param fd integer
---@return integer? id
---@return string? err
function socket.bind(fd)
	local id, err = driver.bind(fd)
	if id < 0 then
		return nil, err
	end
	native.own(id, false)
	return opened(id)
end

---@return integer? id of the standard input
---@return string? err
function socket.stdin()
	return socket.bind(0)
end

--- Listens, and waits until it does; connections are taken after `start`. Raises `Listen error`.
---@param host string "host:port", or a host
---@param port? integer 0: the system chooses
---@param backlog? integer how many connections may wait to be taken
---@return integer id
---@return string ip
---@return integer port the real one
function socket.listen(host, port, backlog)
	local id = driver.listen(host, port, backlog)
	native.own(id, true)
	local listener = {}
	listeners[id] = listener
	local ok, err = opened(id)
	if not ok then
		error(err, 2)
	end
	return id, listener.ip, listener.port
end

--- Takes over a socket: an accepted or abandoned one, which reads from now on, or with a function a listener.
---@type fun(id: integer, accept?: fun(id: integer, address: string)): integer?, string? the connections that are taken go to accept, which may block
socket.start = native.starter(function(id, accept)
	native.own(id, false)
	listeners[id] = listeners[id] or {}
	callbacks[id] = accept
	driver.start(id)
	return opened(id)
end)

--- Stops reading until the next read that has to wait.
---@param id integer
function socket.pause(id)
	native.pause(id)
end

--- Closes a socket and waits for that. A thread that reads it gets what there is, first. Unknown ids are ignored.
---@param id integer
function socket.close(id)
	local standing = native.standing(id)
	if not standing then
		return
	end
	driver.close(id)
	if standing ~= "ended" then
		local thread = coroutine.running()
		local waiting = closers[id] or {}
		closers[id] = waiting
		waiting[#waiting + 1] = thread
		skynet.wait(thread)
		closers[id] = nil
	end
	if native.standing(id) then
		forget(id)
	end
end

--- Closes a socket that this service does not own.
---@param id integer
function socket.close_fd(id)
	if not native.invalid(id) then
		error("Use socket.close instead", 2)
	end
	driver.close(id)
end

--- Closes a socket at once; what waits to be sent is lost. The reader sees the end; `close` is still needed. Sockets that
--- this service does not own are left alone.
---@param id integer
function socket.shutdown(id)
	if not native.invalid(id) then
		driver.shutdown(id)
	end
end

--- Gives up a socket without closing it: another service will start it. A thread that reads it gets what there is.
---@param id integer
function socket.abandon(id)
	forget(id)
end

--- Sets what is told how much waits to be sent.
---@param id integer
---@param func fun(id: integer, kb: integer) kb is 0 when nothing waits any more
function socket.warning(id, func)
	assert(not native.invalid(id))
	on_warning[id] = func
end

--- Sets what is called when a socket is closed, by either side.
---@param id integer
---@param func fun(id: integer)
function socket.onclose(id, func)
	on_close[id] = func
end

--- Makes a new UDP socket ours.
---@param id integer
---@param func? fun(data: string, from: string)
---@return integer id
local function adopt_udp(id, func)
	native.own(id, false)
	native.opened(id, true)
	callbacks[id] = func
	return id
end

--- Opens a UDP socket.
---@param func? fun(data: string, from: string) gets the datagrams, and the addresses of their senders
---@param host? string
---@param port? integer
---@return integer id
function socket.udp(func, host, port)
	return adopt_udp(driver.udp(host, port), func)
end

--- Sets where `write` sends on a UDP socket.
---@param id integer
---@param addr string
---@param port? integer
---@param func? fun(data: string, from: string) replaces the one that gets the datagrams
function socket.udp_connect(id, addr, port, func)
	if native.invalid(id) then
		adopt_udp(id, func)
	elseif func then
		callbacks[id] = func
	end
	driver.udp_connect(id, addr, port)
end

--- Opens a UDP socket that receives at an address.
---@param addr string
---@param port? integer
---@param func fun(data: string, from: string)
---@return integer id
function socket.udp_listen(addr, port, func)
	return adopt_udp(driver.udp_listen(addr, port), func)
end

--- Opens a UDP socket whose `write` goes to an address.
---@param addr string
---@param port? integer
---@param func fun(data: string, from: string)
---@return integer id
function socket.udp_dial(addr, port, func)
	return adopt_udp(driver.udp_dial(addr, port), func)
end

--- Sends a datagram.
---@param id integer
---@param from string an address as the functions of UDP sockets get it
---@param data string|string[]
---@return boolean sent
socket.sendto = driver.udp_send

return socket
