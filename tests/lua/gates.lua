---The service `gate`: what its watchdog and agents get, and clients that misbehave.
local skynet = require "skynet"
local check = require "check"
local clients = require "clients"
local socket = require "skynet.socket"

local case = check.cases()

local take, expect, connect, send = clients.take, clients.expect, clients.connect, clients.send

skynet.register_protocol {
	id = skynet.PTYPE_CLIENT,
	name = "client",
	unpack = skynet.tostring,
	dispatch = function(session, source, package)
		skynet.ignoreret()
		clients.note("client", session, source, package)
	end,
}

skynet.dispatch("lua", function(_, _, ...)
	clients.note(...)
end)

---A gate that reports to this service.
---@param conf? table
---@return integer gate
---@return integer port
local function open(conf)
	clients.forget()
	conf = conf or {}
	conf.address, conf.port = "127.0.0.1", 0
	local gate = skynet.newservice "gate"
	local address, port = skynet.call(gate, "lua", "open", conf)
	check.eq(address, "127.0.0.1")
	return gate, port
end

---A client and the fd by which the gate knows it.
---@param port integer
---@return integer id
---@return integer fd
local function client(port)
	local id = connect(port)
	local kind, what, fd, address = take()
	check.eq({ kind, what }, { "socket", "open" })
	check.match(address, "^127%.0%.0%.1:%d+$")
	return id, fd
end

---A client with an agent that shouts.
---@param gate integer
---@param port integer
---@return integer id
---@return integer fd
---@return integer agent
local function served(gate, port)
	local id, fd = client(port)
	local agent = skynet.newservice "agent"
	skynet.call(agent, "lua", "adopt", gate, fd)
	return id, fd, agent
end

---Demands that a client is served.
---@param id integer
local function serves(id)
	send(id, "well", "behaved")
	check.eq({ clients.read(id), clients.read(id) }, { "WELL", "BEHAVED" })
end

local function done(gate)
	skynet.call(gate, "lua", "close")
	skynet.kill(gate)
	clients.forget()
end

case["the watchdog hears of a client, its packages and its end"] = function()
	local gate, port = open()
	local id, fd = client(port)
	send(id, "before accept")
	clients.nothing()
	skynet.call(gate, "lua", "accept", fd)
	expect("socket", "data", fd, "before accept")
	send(id, "one", "", "three")
	expect("socket", "data", fd, "one")
	expect("socket", "data", fd, "")
	expect("socket", "data", fd, "three")
	for byte in string.pack(">s2", "slow"):gmatch "." do
		socket.write(id, byte)
		skynet.sleep(1)
	end
	expect("socket", "data", fd, "slow")
	socket.close(id)
	expect("socket", "close", fd)
	skynet.call(gate, "lua", "kick", fd)
	done(gate)
end

case["somebody else can be the watchdog"] = function()
	local other = check.launch(function()
		skynet.start(function()
			skynet.dispatch("lua", function(session, source, ...)
				if session == 0 then
					skynet.send(check.state.to, "lua", "other", ...)
				else
					check.state.to = source
					skynet.retpack()
				end
			end)
		end)
	end)
	skynet.call(other, "lua")
	local gate, port = open { watchdog = other }
	local id = connect(port)
	local whose, kind, what = take()
	check.eq({ whose, kind, what }, { "other", "socket", "open" })
	socket.close(id)
	done(gate)
end

case["an agent gets packages as they are"] = function()
	local gate, port = open()
	local id, fd = client(port)
	send(id, "early")
	skynet.call(gate, "lua", "forward", fd)
	expect("client", fd, gate, "early")
	send(id, "one", "two")
	expect("client", fd, gate, "one")
	expect("client", fd, gate, "two")
	skynet.call(gate, "lua", "forward", fd, 0x1234)
	send(id, "named", "")
	expect("client", fd, 0x1234, "named")
	expect("client", fd, 0x1234, "")
	local half = string.pack(">s2", "from one to the other")
	socket.write(id, half:sub(1, 9))
	skynet.sleep(2)
	skynet.call(gate, "lua", "accept", fd)
	socket.write(id, half:sub(10))
	expect("socket", "data", fd, "from one to the other")
	skynet.call(gate, "lua", "forward", fd, 0, skynet.self())
	local long = ("x"):rep(65535)
	send(id, long)
	expect("client", fd, gate, long)
	skynet.call(gate, "lua", "kick", fd)
	expect("socket", "close", fd)
	clients.closed(id)
	done(gate)
end

case["agents serve their clients"] = function()
	local gate, port = open()
	local ids = {}
	for i = 1, 20 do
		ids[i] = served(gate, port)
	end
	for round = 1, 5 do
		for i, id in ipairs(ids) do
			send(id, "hello " .. i, "round " .. round)
		end
		for i, id in ipairs(ids) do
			check.eq({ clients.read(id), clients.read(id) }, { "HELLO " .. i, "ROUND " .. round })
		end
	end
	send(ids[1], "boom", "and on")
	check.eq(clients.read(ids[1]), "AND ON")
	check.log "as the client wished"
	done(gate)
end

case["packages for an agent that is gone are lost, and no more than they"] = function()
	local gate, port = open()
	local good = served(gate, port)
	local id, fd, agent = served(gate, port)
	skynet.call(agent, "lua", "exit")
	check.eventually(function()
		return not check.alive(agent)
	end)
	send(id, "lost", "lost")
	if skynet.getenv "rs_version" then
		check.log("gate: packages of connection " .. fd .. " %(.-%) are lost")
	end
	serves(good)
	skynet.call(gate, "lua", "forward", fd)
	send(id, "found")
	expect("client", fd, gate, "found")
	done(gate)
end

case["commands about nobody fail their caller alone"] = function()
	local gate, port = open()
	check.raises("", skynet.call, gate, "lua", "forward", 999)
	check.raises("", skynet.call, gate, "lua", "accept", 999)
	check.raises("", skynet.call, gate, "lua", "nonsense")
	skynet.call(gate, "lua", "kick", 999)
	serves(served(gate, port))
	done(gate)
end

case["a closed gate takes nobody and serves those it has"] = function()
	local gate, port = open()
	local id = served(gate, port)
	skynet.call(gate, "lua", "close")
	check.eventually(function()
		return not socket.open("127.0.0.1", port)
	end)
	serves(id)
	skynet.kill(gate)
	clients.forget()
end

case["one client too many is turned away"] = function()
	local gate, port = open { maxclient = 3 }
	local id, fd = served(gate, port)
	local other, second = served(gate, port)
	local refused = connect(port)
	clients.closed(refused)
	if skynet.getenv "rs_version" then
		check.log "gate: connection %d+ %(127%.0%.0%.1:%d+%) is refused: 2 are open, maxclient is 3"
	end
	serves(id)
	skynet.sleep(2)
	clients.forget()
	skynet.call(gate, "lua", "kick", second)
	expect("socket", "close", second)
	clients.closed(other)
	serves((served(gate, port)))
	check.ok(fd)
	done(gate)
end

case["a watchdog is warned of a client that does not read"] = function()
	local gate, port = open()
	local id, fd, agent = served(gate, port)
	socket.pause(id)
	skynet.call(agent, "lua", "fill", 600, fd)
	local kind, what, whose, kb = take()
	check.eq({ kind, what, whose }, { "socket", "warning", fd })
	check.ok(kb >= 1024)
	done(gate)
end

case["those who connect and vanish harm nobody"] = function()
	local gate, port = open()
	local id = served(gate, port)
	for i = 1, 40 do
		local gone, fd = client(port)
		if i % 2 == 0 then
			skynet.call(gate, "lua", "accept", fd)
			socket.write(gone, "\0")
			socket.close(gone)
		else
			socket.close(gone)
			skynet.call(gate, "lua", "accept", fd)
		end
		expect("socket", "close", fd)
		skynet.call(gate, "lua", "kick", fd)
	end
	serves(id)
	done(gate)
end

---A gate with limits, a client that behaves, and one that does not.
---@param conf table
---@return fun() finish demands that the bad one is out for that reason and the good one is not
---@return integer good
---@return integer bad
---@return integer fd
---@return integer agent
local function hostile(conf, reason)
	local gate, port = open(conf)
	local good, well = served(gate, port)
	local bad, fd, agent = served(gate, port)
	return function()
		check.log("gate: connection " .. fd .. " %(127%.0%.0%.1:%d+%) is closed: " .. reason)
		local kind, what, whose
		repeat
			kind, what, whose = take()
			check.ok(whose ~= well, what)
		until what == "close"
		check.eq({ kind, what, whose }, { "socket", "close", fd })
		serves(good)
		done(gate)
	end, good, bad, fd, agent
end

case["half a package for ever is idle"] = check.ours(function()
	local finish, good, bad = hostile({ idle = 0.5 }, "no whole package for 0%.%d+ s, the limit is 0%.50 s")
	local out
	check.fork(function()
		clients.closed(bad)
		out = true
	end)
	local drips = 0
	while not out do
		serves(good)
		if drips < 100 then
			socket.write(bad, "\1")
			drips = drips + 1
		end
		skynet.sleep(3)
	end
	finish()
end)

case["clients without an agent are idle, too"] = check.ours(function()
	local gate, port = open { idle = 0.5 }
	local id, fd = client(port)
	skynet.call(gate, "lua", "accept", fd)
	local other, unread = client(port)
	expect("socket", "close", fd)
	clients.closed(id)
	-- This one was not read from: it is the service that lets it wait.
	skynet.call(gate, "lua", "accept", unread)
	send(other, "still there")
	expect("socket", "data", unread, "still there")
	done(gate)
end)

case["too long a package is refused at its header"] = check.ours(function()
	local finish, _, bad = hostile({ maxpackage = 100 }, "the peer announces a package of 101 bytes, the limit is 100")
	socket.write(bad, "\0\101")
	clients.closed(bad)
	finish()
end)

case["a flood is cut"] = check.ours(function()
	local finish, _, bad = hostile({ maxrate = 50 }, "more than 50 packages within a second")
	local flood = {}
	for i = 1, 150 do
		flood[i] = "x"
	end
	send(bad, table.unpack(flood))
	check.ok(#socket.readall(bad) < 150 * 3)
	finish()
end)

case["a client that does not read is cut"] = check.ours(function()
	local finish, _, bad, fd, agent = hostile({ maxbuffer = 100000 }, "send buffer overflow: %d+ bytes wait, the limit is 100000")
	socket.pause(bad)
	skynet.call(agent, "lua", "fill", 600, fd)
	finish()
	socket.close(bad)
end)

case["a limit that is no number is named"] = check.ours(function()
	local gate = skynet.newservice "gate"
	check.raises("", skynet.call, gate, "lua", "open", { port = 0, maxpackage = "many" })
	check.log "netpack%.limit: package is a whole number above 0"
	skynet.kill(gate)
end)

check.run(case)
