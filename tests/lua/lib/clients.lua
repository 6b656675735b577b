---What the tests of gates share: what came to the test, in order, and clients of a gate.
local skynet = require "skynet"
local check = require "check"
local socket = require "skynet.socket"

local clients = {}

---@type table[]
local events = {}

---Notes something for `take`.
---@param ... any
function clients.note(...)
	events[#events + 1] = table.pack(...)
end

---Waits for the next thing that was noted.
---@return any ...
function clients.take()
	local event = check.eventually(function()
		return table.remove(events, 1)
	end, "something that comes to the test")
	return table.unpack(event, 1, event.n)
end

---Demands that this comes next.
---@param ... any
function clients.expect(...)
	check.eq(table.pack(clients.take()), table.pack(...))
end

---Demands that nothing has come that was not looked at.
function clients.nothing()
	skynet.sleep(2)
	check.eq(events, {})
end

---Forgets what came.
function clients.forget()
	events = {}
end

---A connection to a port of this machine.
---@param port integer
---@return integer id
function clients.connect(port)
	return check.ok(socket.open("127.0.0.1", port), "a connection")
end

---Sends packages with a header of two bytes.
---@param id integer
---@param ... string
function clients.send(id, ...)
	local frames = {}
	for i, package in ipairs { ... } do
		frames[i] = string.pack(">s2", package)
	end
	socket.write(id, table.concat(frames))
end

---Waits for the next package.
---@param id integer
---@return string
function clients.read(id)
	return check.ok(socket.read(id, socket.header(check.ok(socket.read(id, 2), "a header"))), "a package")
end

---Waits until the other side closes, without a byte.
---@param id integer
function clients.closed(id)
	check.eq({ socket.read(id) }, { false, "" })
	socket.close(id)
end

---A port that was free just now.
---@return integer
function clients.free_port()
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.close(id)
	return port
end

return clients
