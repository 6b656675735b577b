---skynet.socketdriver: messages of sockets in a program's own hands, and the receive buffers.
local skynet = require "skynet"
local check = require "check"
local driver = require "skynet.socketdriver"

local KINDS <const> = { "data", "ready", "closed", "accepted", "failed", "datagram", "warning" }

---No socket has this id: it is in messages that a service has made up.
local FORGED <const> = 77777777

---What has come: { kind, id, ud, data, from }.
local events = {}

skynet.register_protocol {
	id = skynet.PTYPE_SOCKET,
	name = "socket",
	unpack = driver.unpack,
	dispatch = function(session, source, kind, id, ud, data, from)
		check.eq(session, 0)
		check.eq(source, id == FORGED and skynet.self() or 0)
		if kind == 1 or kind == 6 then
			local text = skynet.tostring(data, ud)
			driver.drop(data, ud)
			data = text
		end
		events[#events + 1] = { KINDS[kind], id, ud, data, from }
	end,
}

---Waits for the next event of a kind and a socket.
---@return any ud
---@return any data
---@return any from
local function event(kind, id)
	return table.unpack(check.eventually(function()
		for i, found in ipairs(events) do
			if found[1] == kind and found[2] == id then
				table.remove(events, i)
				return found
			end
		end
	end, kind .. " of " .. id), 3, 5)
end

---@return integer listener
---@return integer port
local function listen()
	local id = driver.listen("127.0.0.1", 0)
	local port, ip = event("ready", id)
	check.eq(ip, "127.0.0.1")
	driver.start(id)
	check.eq({ event("ready", id) }, { 0, "start" })
	return id, port
end

local case = check.cases()

case["a connection, from beginning to end"] = function()
	local listener, port = listen()
	local client = driver.connect("127.0.0.1:" .. port)
	check.eq({ event("ready", client) }, { 0, "127.0.0.1" })
	local server, address = event("accepted", listener)
	check.match(address, "^127%.0%.0%.1:%d+$")
	check.eq(driver.send(server, "lost"), true)
	driver.start(server)
	check.eq({ event("ready", server) }, { 0, "start" })
	driver.start(server)
	check.eq({ event("ready", server) }, { 0, "transfer" })
	driver.nodelay(client)
	check.eq(driver.send(client, { "hel", "lo" }), true)
	check.eq({ event("data", server) }, { 5, "hello" })
	driver.pause(server)
	check.eq(driver.lsend(server, "answer"), true)
	check.eq({ event("data", client) }, { 6, "answer" })
	driver.close(client)
	event("closed", client)
	check.eq(driver.send(client, "x"), false)
	driver.start(server)
	event("closed", server)
	driver.shutdown(server)
	driver.close(listener)
	event("closed", listener)
end

case["failures are events"] = function()
	local listener, port = listen()
	driver.close(listener)
	event("closed", listener)
	local id = driver.connect("127.0.0.1", port)
	check.eq({ event("failed", id) }, { 0, "Connection refused" })
	id = driver.connect("no.such.host.invalid:1")
	check.eq({ event("failed", id) }, { 0, "Name or service not known" })
	id = driver.bind(99999)
	check.match(select(2, event("failed", id)), "%a")
	driver.start(123456789)
	check.eq({ event("failed", 123456789) }, { 0, "invalid socket" })
	driver.close(123456789)
	driver.shutdown(123456789)
	driver.pause(123456789)
	driver.nodelay(123456789)
	check.eq(driver.send(123456789, "x"), false)
end

case["bad addresses are raised"] = function()
	for _, address in ipairs { "127.0.0.1", "", "[::1", "[::1]" } do
		check.raises("Invalid address " .. address:gsub("%p", "%%%0") .. "%.$", driver.connect, address)
	end
	for _, address in ipairs { "127.0.0.1:", "::1", "127.0.0.1:abc", "127.0.0.1:70000" } do
		check.raises("Invalid port in address " .. address:gsub("%p", "%%%0") .. "%.$", driver.connect, address)
	end
	check.raises("^Invalid port$", driver.connect, "127.0.0.1:0")
	check.raises("^Invalid port$", driver.connect, "127.0.0.1", 0)
	check.raises("Listen error", driver.listen, "256.0.0.1", 1)
	check.raises("Invalid address", driver.listen, "127.0.0.1")
	check.raises("number expected, got string", driver.listen, "127.0.0.1", "x")
end

case["data of other types is raised"] = function()
	for _, data in ipairs { true, print } do
		check.raises("string expected", driver.send, 1, data)
		check.raises("string expected", driver.send, 1, { "a", data })
	end
	check.raises("string expected, got nil", driver.send, 1, nil)
	check.raises("number expected, got string", driver.send, "x", "y")
end

case["a datagram carries its sender"] = function()
	local listener, port = listen()
	driver.close(listener)
	event("closed", listener)
	local server = driver.udp("127.0.0.1", port)
	local client = driver.udp_dial("127.0.0.1", port)
	check.eq(driver.send(client, "to the server"), true)
	local size, data, from = event("datagram", server)
	check.eq({ size, data, #from }, { 13, "to the server", 7 })
	check.eq(driver.udp_send(server, from, { "to ", "the client" }), true)
	size, data, from = event("datagram", client)
	check.eq({ size, data }, { 13, "to the client" })
	check.eq({ driver.udp_address(from) }, { "127.0.0.1", port })
	check.eq({ driver.udp_address("\2\0\80" .. ("\0"):rep(15) .. "\1") }, { "::1", 80 })
	driver.close(server)
	driver.close(client)
end

case["a datagram goes to no address but an address"] = check.ours(function()
	local id = driver.udp()
	for _, address in ipairs { "", "no address", "\1\0\80\127\0\0", "\3\0\80\127\0\0\1" } do
		check.eq(driver.udp_send(id, address, "x"), false)
	end
	driver.close(id)
end)

case["headers are numbers"] = function()
	check.eq(driver.header "\1\2", 258)
	check.eq(driver.header "\255\255\255\255", 0xffffffff)
	check.raises("Invalid read ", driver.header, "")
	check.raises("Invalid read ", driver.header, "12345")
end

case["a receive buffer is a queue of bytes"] = function()
	local buffer, pool = driver.buffer(), {}
	check.eq(driver.push(buffer, pool, driver.str2p "hello\nwor"), 9)
	check.eq({ driver.pop(buffer, pool, 0) }, { nil, 9 })
	check.eq({ driver.pop(buffer, pool, 100) }, { nil, 9 })
	check.eq(driver.readline(buffer, nil, "\n"), true)
	check.eq(select("#", driver.readline(buffer, nil, "\r\n")), 0)
	check.eq(driver.readline(buffer, pool, "\n"), "hello")
	check.eq(select("#", driver.readline(buffer, pool, "\n")), 0)
	check.eq({ driver.pop(buffer, pool, 2) }, { "wo", 1 })
	check.eq(driver.push(buffer, pool, driver.str2p "ld\r"), 4)
	check.eq(driver.push(buffer, pool, driver.str2p "\nx"), 6)
	check.eq(driver.readline(buffer, pool, "\r\n"), "rld")
	check.eq(driver.push(buffer, pool, driver.str2p ""), 1)
	check.eq(driver.readall(buffer, pool), "x")
	check.eq(driver.readall(buffer, pool), "")
	driver.push(buffer, pool, driver.str2p "dropped")
	driver.clear(buffer, pool)
	check.eq(driver.readall(buffer, pool), "")
	driver.clear(nil, pool)
end

case["a receive buffer wants what it is for"] = function()
	local buffer, pool = driver.buffer(), {}
	for _, other in ipairs { false, "text", {} } do
		check.raises("need buffer object at param 1", driver.push, other, pool, driver.str2p "x")
		check.raises("Need buffer object at param 1", driver.pop, other, pool, 1)
		check.raises("Need buffer object at param 1", driver.readall, other, pool)
		check.raises("Need buffer object at param 1", driver.readline, other, pool, "x")
	end
	check.raises("need message block at param 3", driver.push, buffer, pool, nil, 4)
	check.raises("table expected, got nil", driver.push, buffer, nil, driver.str2p "x")
	check.raises("string expected", driver.readline, buffer, pool)
end

case["a number of bytes cannot be negative"] = check.ours(function()
	check.raises("cannot be negative", driver.pop, driver.buffer(), {}, -1)
	check.raises("invalid message size", driver.push, driver.buffer(), {}, driver.str2p "x", -1)
	check.raises("invalid message size", driver.send, 1, driver.str2p "x", -1)
end)

case["a message that the sockets did not send has no pointer to follow"] = check.ours(function()
	-- Bytes at an address that nobody may touch.
	skynet.redirect(skynet.self(), 0, "socket", 0, string.pack("=i4i4i4i4J", 1, FORGED, 8, 0, 0xdead0000))
	check.eq({ event("data", FORGED) }, { 8, "" })
	skynet.redirect(skynet.self(), 0, "socket", 0, string.pack("=i4i4i4i4J", 6, FORGED, 8, 0, 0xdead0000))
	check.eq({ event("datagram", FORGED) }, { 8, "" })
	skynet.redirect(skynet.self(), 0, "socket", 0, "short")
	check.log "no message of a socket"
end)

case["the library cannot be loaded where the program has the protocol"] = function()
	check.raises("assertion failed!", require, "skynet.socket")
end

check.run(case)
