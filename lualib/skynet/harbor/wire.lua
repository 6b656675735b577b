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

--- Waits for a package.
---@param fd integer
---@return string? kind nil if none comes
---@return any ... its other values, or why none comes
function wire.read(fd)
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

--- Ends a connection at once, whatever waits to be sent, and whether it was started or not.
---@param fd integer
function wire.close(fd)
	driver.shutdown(fd)
	socket.close(fd)
end

---@param id any
---@return boolean
function wire.is_id(id)
	return math.type(id) == "integer" and id >= 1 and id <= 255
end

--- Whether this can be a global name.
---@param name any
---@return boolean
function wire.is_name(name)
	return type(name) == "string" and #name >= 1 and #name <= 15 and not name:find("\0", 1, true)
end

--- Whether this can be the handle of a service of a network.
---@param handle any
---@return boolean
function wire.is_handle(handle)
	return math.type(handle) == "integer" and handle > 0xffffff and handle <= 0xffffffff
end

return wire
