---The native service `gate`: its parameters, what its watchdog, agents and broker get, what it is told.
local skynet = require "skynet"
require "skynet.manager"
local check = require "check"
local clients = require "clients"
local socket = require "skynet.socket"

local case = check.cases()

local take, expect, connect, send = clients.take, clients.expect, clients.connect, clients.send

---@param name string
---@param id integer
local function note_all(name, id)
	skynet.register_protocol {
		name = name,
		id = id,
		pack = function(text)
			return text
		end,
		unpack = skynet.tostring,
		dispatch = function(session, source, text)
			skynet.ignoreret()
			clients.note(name, session, source, text)
		end,
	}
end

note_all("text", skynet.PTYPE_TEXT)
note_all("client", skynet.PTYPE_CLIENT)
note_all("tagged", 20)

---@param style string
---@param rest string
---@return integer gate
---@return integer port
local function launch(style, rest)
	clients.forget()
	local port = clients.free_port()
	local address = "127.0.0.1:" .. port
	local gate = skynet.launch("gate", style, skynet.address(skynet.self()), address, rest)
	return check.ok(gate, "a gate"), port
end

---@param gate integer
---@param ... any
local function say(gate, ...)
	skynet.send(gate, "text", string.format(...))
end

---@param gate integer
---@param port integer
---@return integer id
---@return integer fd
local function client(gate, port)
	local id = connect(port)
	local name, session, source, text = take()
	check.eq({ name, session, source }, { "text", 0, gate })
	local fd, again = text:match "^(%d+) open (%d+) 127%.0%.0%.1:%d+:0$"
	check.eq(fd, check.ok(again, text))
	check.log(string.format("socket open: %x", math.tointeger(fd)))
	return id, math.tointeger(fd)
end

case["the watchdog gets texts"] = function()
	local gate, port = launch("S", "0 10")
	local id, fd = client(gate, port)
	send(id, "before the start")
	clients.nothing()
	say(gate, "start %d", fd)
	expect("text", fd, gate, fd .. " data before the start")
	send(id, "one", "", "two words")
	expect("text", fd, gate, fd .. " data one")
	expect("text", fd, gate, fd .. " data two words")
	socket.write(id, "\0\4sl")
	skynet.sleep(2)
	socket.write(id, "ow")
	expect("text", fd, gate, fd .. " data slow")
	socket.close(id)
	expect("text", 0, gate, fd .. " close")
	skynet.kill(gate)
end

case["packages go to the broker, or to the agent, or to the watchdog"] = function()
	local gate, port = launch("L", "20 10")
	local id, fd = client(gate, port)
	say(gate, "start %d", fd)
	local function long(text)
		socket.write(id, string.pack(">s4", text))
	end
	say(gate, "forward %d :%x :%x", fd, skynet.self(), 0x1234)
	long(("x"):rep(70000))
	expect("tagged", fd, 0x1234, ("x"):rep(70000))
	say(gate, "f %d :%x :0", fd, skynet.self())
	long "in the name of the gate"
	expect("tagged", fd, gate, "in the name of the gate")
	skynet.name(".broker", skynet.self())
	say(gate, "broker .broker")
	long "by name"
	expect("tagged", fd, gate, "by name")
	say(gate, "broker .nobody")
	say(gate, "forward %d :0 :0", fd)
	long "nobody else"
	expect("text", fd, gate, fd .. " data nobody else")
	skynet.kill(gate)
end

case["bytes for a client have its id behind them"] = function()
	local gate, port = launch("S", "0 10")
	local id, fd = client(gate, port)
	say(gate, "start %d", fd)
	send(id, "started")
	expect("text", fd, gate, fd .. " data started")
	skynet.send(gate, "client", "raw" .. string.pack("<i4", fd))
	check.eq(socket.read(id, 3), "raw")
	local from = string.format("%x", skynet.self())
	skynet.send(gate, "client", "abc")
	check.log("Invalid client message from " .. from)
	skynet.send(gate, "client", "x" .. string.pack("<i4", 777777))
	check.log("Invalid client id 777777 from " .. from)
	skynet.kill(gate)
end

case["a client is kicked, and what is no command is logged"] = function()
	local gate, port = launch("S", "0 10")
	local id, fd = client(gate, port)
	say(gate, "start %d", fd)
	for _, nothing in ipairs { "", "k", "kick 999999", "start", "forward 1", "s", " start" } do
		say(gate, nothing)
	end
	say(gate, "bogus 1")
	check.log "%[gate%] Unknown command : bogus 1"
	say(gate, "kick %d", fd)
	expect("text", 0, gate, fd .. " close")
	clients.closed(id)
	skynet.kill(gate)
end

-- C's gate may end the process here: it does not expect to hear that its listener is closed.
case["a gate is closed"] = check.ours(function()
	local gate, port = launch("S", "0 10")
	say(gate, "close")
	check.eventually(function()
		return not socket.open("127.0.0.1", port)
	end)
	say(gate, "close")
	skynet.kill(gate)
end)

case["no more than so many are served"] = function()
	local gate, port = launch("S", "0 2")
	local one, first = client(gate, port)
	client(gate, port)
	clients.closed(connect(port))
	clients.nothing()
	say(gate, "start %d", first)
	send(one, "still here")
	expect("text", first, gate, first .. " data still here")
	skynet.kill(gate)
end

case["a package of 16 MiB is none"] = check.ours(function()
	local gate, port = launch("L", "0 10")
	local good, well = client(gate, port)
	local bad, fd = client(gate, port)
	say(gate, "start %d", well)
	say(gate, "start %d", fd)
	socket.write(bad, "\1\0\0\0")
	check.log "Recv socket message > 16M"
	clients.closed(bad)
	expect("text", 0, gate, fd .. " close")
	socket.write(good, string.pack(">s4", "still here"))
	expect("text", well, gate, well .. " data still here")
	skynet.kill(gate)
end)

case["wrong parameters are named"] = function()
	local self = skynet.address(skynet.self())
	local function refused(pattern, ...)
		check.eq(skynet.launch("gate", ...), nil)
		check.log(pattern)
	end
	refused("Invalid gate parm S", "S")
	refused("Need max connection", "S", self, "127.0.0.1:1", 0)
	refused("Need max connection", "S", self, "127.0.0.1:1", 0, 0)
	refused("Invalid data header style", "X", self, "127.0.0.1:1", 0, 1)
	refused("Invalid watchdog %.nobody", "S", ".nobody", "127.0.0.1:1", 0, 1)
	refused("Invalid gate address 127%.0%.0%.1:", "S", self, "127.0.0.1:", 0, 1)
end

case["clients that break a limit are out, and it is said why"] = check.ours(function()
	local gate, port = launch("S", "0 10 package=100 idle=1")
	local long, first = client(gate, port)
	local half, second = client(gate, port)
	say(gate, "start %d", first)
	say(gate, "start %d", second)
	socket.write(half, "\0")
	socket.write(long, "\0\101")
	check.log("gate: connection " .. first .. " %(127.-%) is closed: the peer announces a package of 101 bytes")
	expect("text", 0, gate, first .. " close")
	check.log("gate: connection " .. second .. " %(127.-%) is closed: no whole package for 1%.%d+ s")
	expect("text", 0, gate, second .. " close")
	clients.closed(half)
	skynet.kill(gate)
end)

check.run(case)
