--- Packages between the master and the slaves of a harbor network: one byte of length, then packed values. The first value is
--- a letter that says what the others are.
local skynet = require "skynet"
local socket = require "skynet.socket"
local driver = require "skynet.socketdriver"

local wire = {}

--- The longest content.
wire.MAX = 255
--- Centiseconds that a peer may take to introduce itself.
wire.PATIENCE = 500

--- A package. Raises if the values do not fit.
---@param kind string the letter
---@param ... any
---@return string
function wire.pack(kind, ...)
	local content = skynet.packstring(kind, ...)
	if #content > wire.MAX then
		error(string.format("harbor: a package %s of %d bytes is too long, %d is the most", kind, #content, wire.MAX), 2)
	end
	return string.pack("s1", content)
end

---@param fd integer
---@param kind string the letter
---@param ... any
function wire.send(fd, kind, ...)
	socket.write(fd, wire.pack(kind, ...))
end

---@param good boolean
---@param kind any
---@param ... any
---@return string? kind
---@return any ...
local function checked(good, kind, ...)
	if good and type(kind) == "string" then
		return kind, ...
	end
	return nil, "what was sent is no package"
end

--- Packages that are read before others get their turn.
local BURST <const> = 256
local taken = 0

--- Lets others have their turn now and then. Whoever sends faster than is read gets paused meanwhile, and keeps nobody else waiting.
local function be_fair()
	taken = taken + 1
	if taken % BURST == 0 then
		skynet.yield()
	end
end

--- Waits for a package.
---@param fd integer
---@return string? kind nil if none comes
---@return any ... its other values, or why none comes
function wire.read(fd)
	be_fair()
	local length = socket.read(fd, 1)
	length = length and length:byte()
	if length == 0 then
		return checked(false)
	end
	local content = length and socket.read(fd, length)
	if not content then
		return nil, "closed"
	end
	return checked(pcall(skynet.unpack, content))
end

--- Runs `f(fd, ...)`, and breaks the connection if that takes too long, so that whatever waits in `f` ends.
---@param fd integer
---@param cs integer how long it may take
---@param f function returns something, or nil and why not
---@param ... any
---@return any ... what `f` returns; nil and the reason if it took too long
function wire.within(fd, cs, f, ...)
	local done, late = false, false
	skynet.timeout(cs, function()
		if not done then
			late = true
			socket.shutdown(fd)
		end
	end)
	return (function(...)
		done = true
		if late then
			return nil, string.format("what was expected did not come within %d s", cs // 100)
		end
		return ...
	end)(f(fd, ...))
end

--- Prepares a connection: small packages go out at once, and a dead machine is noticed.
---@param fd integer
---@param seconds integer of silence of the system on the other side; 0: it does not matter
function wire.prepare(fd, seconds)
	driver.nodelay(fd)
	if seconds > 0 and socket.keepalive then
		socket.keepalive(fd, seconds)
	end
end

--- Bounds what a stranger may send before it has introduced itself; nil: it has.
---@param fd integer
---@param stranger? boolean
function wire.bound(fd, stranger)
	socket.limit(fd, stranger and 4096 or nil)
end

--- Connects, and does not wait for as long as the system would.
---@param address string
---@return integer? fd
---@return string? reason
function wire.open(address)
	local attempt = {}
	skynet.fork(function()
		local ok, fd, reason = pcall(socket.open, address)
		attempt.fd, attempt.reason = ok and fd or nil, tostring(not ok and fd or reason)
		if attempt.late and attempt.fd then
			wire.close(attempt.fd)
		end
		skynet.wakeup(attempt)
	end)
	if skynet.sleep(wire.PATIENCE, attempt) ~= "BREAK" then
		attempt.late = true
		return nil, string.format("no answer within %d s", wire.PATIENCE // 100)
	end
	return attempt.fd, attempt.reason
end

--- Ends a connection at once, whatever waits to be sent, and whether it was started or not.
---@param fd integer
function wire.close(fd)
	driver.shutdown(fd)
	socket.close(fd)
end

return wire
