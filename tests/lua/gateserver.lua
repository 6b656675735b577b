---`snax.gateserver` under a gate of the program's own, and `skynet.netpack` by itself.
local skynet = require "skynet"
local check = require "check"
local clients = require "clients"
local netpack = require "skynet.netpack"
local socket = require "skynet.socket"

local case = check.cases()

local take, expect, connect, send = clients.take, clients.expect, clients.connect, clients.send

skynet.dispatch("lua", function(_, _, ...)
	clients.note(...)
end)

---@param conf? table
---@return integer gate
---@return integer port
local function open(conf)
	clients.forget()
	conf = conf or {}
	conf.address, conf.port = "127.0.0.1", 0
	local gate = skynet.newservice("own_gate", skynet.self())
	local ours, address, port, more = skynet.call(gate, "lua", "open", conf)
	check.eq({ ours, address, more }, { true, "127.0.0.1", "more" })
	return gate, port
end

---@param port integer
---@return integer id
---@return integer fd
local function client(port)
	local id = connect(port)
	local what, fd, address = take()
	check.eq(what, "connect")
	check.match(address, "^127%.0%.0%.1:%d+$")
	return id, fd
end

case["the handler hears of clients, packages and ends"] = function()
	local gate, port = open { nodelay = true }
	local id, fd = client(port)
	send(id, "one", "", "three")
	expect("message", fd, "one")
	expect("message", fd, "")
	expect("message", fd, "three")
	socket.close(id)
	expect("disconnect", fd)
	skynet.call(gate, "lua", "closeclient", fd)
	check.eventually(function()
		for _, info in ipairs(socket.netstat()) do
			if info.id == fd then
				return false
			end
		end
		return true
	end)
	skynet.kill(gate)
end

case["nothing is read before openclient, and nothing is lost"] = function()
	local gate, port = open()
	skynet.call(gate, "lua", "wanted", false)
	local id, fd = client(port)
	send(id, "patience")
	clients.nothing()
	skynet.call(gate, "lua", "openclient", fd)
	expect("message", fd, "patience")
	skynet.kill(gate)
end

case["a handler that blocks or raises stops neither the next package nor another client"] = function()
	local gate, port = open()
	local one, first = client(port)
	local two, second = client(port)
	send(one, "a", "block", "b", "boom", "c", "")
	for _, text in ipairs { "a", "block", "b", "boom", "c", "" } do
		expect("message", first, text)
	end
	send(two, "d")
	expect("message", second, "d")
	expect("unblocked", first)
	check.log "as the client wished"
	send(one, "e")
	expect("message", first, "e")
	skynet.kill(gate)
end

case["closeclient closes, and what comes later is dropped"] = function()
	local gate, port = open()
	local id, fd = client(port)
	skynet.call(gate, "lua", "closeclient", fd)
	clients.closed(id)
	expect("disconnect", fd)
	skynet.call(gate, "lua", "closeclient", fd)
	skynet.kill(gate)
end

case["other commands are the handler's, and their errors the caller's"] = function()
	local gate = open()
	check.eq({ skynet.call(gate, "lua", "anything", 1, nil, 3) }, { "anything", 1, nil, 3 })
	check.raises("call failed", skynet.call, gate, "lua", "fail")
	check.log "as the test wished"
	skynet.kill(gate)
end

case["a gate opens once, on a port that is free"] = function()
	local gate, port = open()
	check.raises("call failed", skynet.call, gate, "lua", "open", { port = 0 })
	local other = skynet.newservice("own_gate", skynet.self())
	check.raises("call failed", skynet.call, other, "lua", "open", {})
	check.raises("call failed", skynet.call, other, "lua", "close")
	check.raises("call failed", skynet.call, other, "lua", "open", { address = "192.0.2.1", port = port })
	check.log "Listen on 192%.0%.2%.1 %d+"
	skynet.kill(gate)
	skynet.kill(other)
end

case["one too many is neither connected nor disconnected"] = check.ours(function()
	local gate, port = open { maxclient = 2 }
	local id, fd = client(port)
	clients.closed(connect(port))
	check.log "gate: connection %d+ %(127%.0%.0%.1:%d+%) is refused: 1 are open, maxclient is 2"
	send(id, "still here")
	expect("message", fd, "still here")
	socket.close(id)
	expect("disconnect", fd)
	local again, new = client(port)
	send(again, "room")
	expect("message", new, "room")
	clients.nothing()
	skynet.kill(gate)
end)

case["a closed gate may be opened again at once"] = check.ours(function()
	local gate, port = open()
	local id, fd = client(port)
	skynet.call(gate, "lua", "close")
	local _, _, other = skynet.call(gate, "lua", "open", { address = "127.0.0.1", port = 0 })
	local _, new = client(other)
	check.ok(new ~= fd and other ~= port)
	send(id, "of the first port")
	expect("message", fd, "of the first port")
	clients.nothing()
	skynet.kill(gate)
end)

case["with a gate its connections end, and no others"] = check.ours(function()
	local gate, port = open()
	local mine, fd = client(port)
	local other, taken = client(port)
	socket.start(taken)
	socket.write(taken, "from its new owner")
	skynet.kill(gate)
	clients.closed(mine)
	check.eventually(function()
		return not socket.open("127.0.0.1", port)
	end)
	check.eq(socket.read(other, 18), "from its new owner")
	socket.write(other, "to its new owner")
	check.eq(socket.read(taken, 16), "to its new owner")
	check.ok(fd ~= taken)
	socket.close(taken)
end)

case["a handler must take packages and connections"] = function()
	local gateserver = require "snax.gateserver"
	check.raises("", gateserver.start, { connect = print })
	check.raises("", gateserver.start, { message = print })
end

---@return string
local function bytes(...)
	return netpack.tostring(...)
end

case["a package is its length in two bytes, and itself"] = function()
	check.eq(bytes(netpack.pack "abc"), "\0\3abc")
	check.eq(bytes(netpack.pack ""), "\0\0")
	local long = ("x"):rep(65535)
	check.eq(bytes(netpack.pack(long)), "\xff\xff" .. long)
	check.raises("Invalid size %(too long%) of data : 65536", netpack.pack, long .. "x")
	local msg, size = skynet.pack("packed", 1)
	check.eq(bytes(netpack.pack(msg, size)), string.pack(">s2", skynet.tostring(msg, size)))
	skynet.trash(msg, size)
	check.raises("", netpack.pack, {})
end

case["an empty queue has nothing"] = function()
	check.eq(select("#", netpack.pop(nil)), 0)
	netpack.clear(nil)
end

case["a queue of the other kind is refused"] = check.ours(function()
	check.raises("", netpack.pop, io.stdout)
	check.raises("", netpack.filter, io.stdout)
	check.raises("no message of a socket", netpack.filter, nil, nil, 24)
	local queue = netpack.limit(nil, { package = 10, idle = 5 })
	check.eq(netpack.sweep(queue), nil)
	check.eq(netpack.sweep(nil), nil)
	check.raises("limit: rate is a whole number above 0", netpack.limit, queue, { rate = 0.5 })
	check.ok(netpack.route(queue, 99, skynet.self()) == queue)
	netpack.unroute(queue, 99)
	netpack.unroute(nil, 99)
	check.eq(getmetatable(queue), false)
end)

case["a message that no socket has sent is not followed"] = check.ours(function()
	local peer = check.launch(function()
		local pack = require "skynet.netpack"
		skynet.register_protocol {
			name = "socket",
			id = skynet.PTYPE_SOCKET,
			unpack = function(msg, size)
				return pack.filter(nil, msg, size)
			end,
			dispatch = function() end,
		}
		skynet.start(function()
			skynet.dispatch("lua", function()
				skynet.retpack "alive"
			end)
		end)
	end)
	-- DATA of socket 1, 8 bytes at an address of the sender's choice.
	local forged = string.pack("=i4i4i4xxxxj", 1, 1, 8, 0x4141414141)
	skynet.redirect(peer, skynet.self(), skynet.PTYPE_SOCKET, 0, forged)
	check.log "not in the message in hand"
	skynet.redirect(peer, skynet.self(), skynet.PTYPE_SOCKET, 0, "short")
	check.log "no message of a socket"
	check.eq(skynet.call(peer, "lua"), "alive")
end)

check.run(case)
