---skynet.socket: opening, reading, writing, closing.
local skynet = require "skynet"
local check = require "check"
local net = require "net"
local socket = require "skynet.socket"

local case = check.cases()

---@param client integer
---@param server integer
local function close(client, server)
	socket.close(client)
	socket.close(server)
end

case["a listener says where it listens, and takes connections"] = function()
	local id, ip, port = socket.listen("127.0.0.1:0")
	check.eq(ip, "127.0.0.1")
	check.ok(port > 0)
	check.eq(socket.invalid(id), false)
	local got
	check.eq(socket.start(id, function(new, address)
		got = { new, address }
	end), id)
	check.raises("socket is not closed", socket.start, id, print)
	local client = check.ok(socket.open("127.0.0.1:" .. port))
	check.eventually(function()
		return got
	end)
	check.match(got[2], "^127%.0%.0%.1:%d+$")
	check.eq({ socket.invalid(got[1]), socket.disconnected(got[1]) }, { true, nil })
	socket.close_fd(got[1])
	check.eq(socket.readall(client), "")
	close(client, id)
	check.eq(socket.invalid(id), true)
end

case["the port of a closed listener is free"] = function()
	local id, _, port = socket.listen("127.0.0.1", 0)
	for _ = 1, 50 do
		socket.close(id)
		id = socket.listen("127.0.0.1", port)
	end
	socket.close(id)
end

case["read gives what there is, or so many bytes"] = function()
	local client, server = net.pair()
	socket.write(client, "hello world")
	check.eq(socket.read(server, 5), "hello")
	check.eq(socket.read(server), " world")
	local result = net.later(socket.read, server, 6)
	socket.write(client, "abc")
	socket.write(client, "defg")
	check.eq({ result() }, { true, "abcdef" })
	check.eq(socket.read(server, "1"), "g")
	check.raises("number expected, got string", socket.read, server, "x")
	close(client, server)
end

case["a read of nothing waits for new bytes and gives all, as a failure"] = function()
	local client, server = net.pair()
	socket.write(client, "old")
	check.eq(socket.read(server, 1), "o")
	local result = net.later(socket.read, server, 0)
	socket.write(client, "new")
	check.eq({ result() }, { true, false, "ldnew" })
	close(client, server)
end

case["lines end where their separator does, wherever it is cut"] = function()
	local client, server = net.pair()
	socket.write(client, "one\n\ntwo\r\nthree\0\n")
	check.eq(socket.readline(server), "one")
	check.eq(socket.readline(server), "")
	check.eq(socket.readline(server, "\r\n"), "two")
	check.eq(socket.readline(server, "\n"), "three\0")
	local result = net.later(socket.readline, server, "<end>")
	for piece in ("a<b<en<end"):gmatch "..?" do
		socket.write(client, piece)
		skynet.sleep(1)
	end
	socket.write(client, ">rest<end>")
	check.eq({ result() }, { true, "a<b<en" })
	check.eq(socket.readline(server, "<end>"), "rest")
	close(client, server)
end

case["many lines in one block are all there"] = function()
	local client, server = net.pair()
	local lines = {}
	for i = 1, 2000 do
		lines[i] = "line " .. i
	end
	socket.write(client, table.concat(lines, "\n") .. "\n")
	for i = 1, 2000 do
		check.eq(socket.readline(server), "line " .. i)
	end
	close(client, server)
end

case["bytes come whole and in order, whatever is asked for"] = function()
	local client, server = net.pair()
	local pieces = {}
	for i = 1, 3000 do
		pieces[i] = string.format("%d:%s;", i, ("x"):rep(i % 97))
	end
	local all = table.concat(pieces)
	check.fork(function()
		for at = 1, #all, 1777 do
			check.eq(socket.write(client, all:sub(at, at + 1776)), true)
			if at % 3 == 0 then
				skynet.yield()
			end
		end
	end)
	local got, at = {}, 1
	while at <= #all do
		local size = math.min(at % 4099 + 1, #all - at + 1)
		local piece = check.ok(socket.read(server, size))
		check.eq(#piece, size)
		got[#got + 1] = piece
		at = at + size
	end
	check.ok(table.concat(got) == all)
	close(client, server)
end

case["write takes strings, tables, numbers, and blocks"] = function()
	local driver = require "skynet.socketdriver"
	local client, server = net.pair()
	check.eq(socket.write(client, "a"), true)
	check.eq(socket.write(client, { "b", "c", 4, nil, "never" }), true)
	check.eq(socket.write(client, 5), true)
	check.eq(socket.write(client, driver.str2p "block"), true)
	check.eq(socket.lwrite(client, "low"), true)
	check.eq(socket.write(client, {}), true)
	check.eq(socket.read(server, 13), "abc45blocklow")
	check.raises("string expected, got nil", socket.write, client, nil)
	check.raises("string expected, got boolean", socket.write, client, { "a", true })
	close(client, server)
	check.eq(socket.write(client, "x"), false)
end

case["a table may write while it is written"] = check.ours(function()
	local client, server = net.pair()
	local words = setmetatable({}, {
		__index = function(_, at)
			socket.write(client, { "<", at, ">" })
			return at <= 2 and "word " .. at .. ";" or nil
		end,
	})
	socket.write(client, words)
	socket.write(client, { 1, " ", -2.5, " ", 1e300, ("x"):rep(100 * 1024), "\n" })
	check.eq(socket.readline(server), "<1><2><3>word 1;word 2;1 -2.5 1e+300" .. ("x"):rep(100 * 1024))
	socket.close(client)
	socket.close(server)
end)

case["the end gives what is left, and then nothing"] = function()
	local client, server = net.pair()
	socket.write(client, "left over")
	socket.close(client)
	check.eventually(function()
		return socket.disconnected(server)
	end)
	check.eq({ socket.readline(server) }, { false, "left over" })
	check.eq({ socket.readline(server) }, { false, "" })
	check.eq({ socket.read(server) }, { false, "" })
	check.eq({ socket.read(server, 3) }, { false, "" })
	check.eq(socket.readall(server), false)
	check.eq(socket.block(server), false)
	check.eq(socket.invalid(server), false)
	socket.close(server)
	check.eq({ socket.invalid(server), socket.disconnected(server) }, { true, nil })
	socket.close(server)
end

case["a read before the end is still answered in full"] = function()
	local client, server = net.pair()
	socket.write(client, "12345")
	socket.close(client)
	check.eventually(function()
		return socket.disconnected(server)
	end)
	check.eq(socket.read(server, 3), "123")
	check.eq({ socket.read(server, 3) }, { false, "45" })
	socket.close(server)
end

case["whoever waits hears of the end"] = function()
	for what, expected in pairs {
		read = { true, false, "rest" },
		readline = { true, false, "rest" },
		readall = { true, "rest" },
	} do
		local client, server = net.pair()
		local result = net.later(socket[what], server, what == "read" and 10 or nil)
		socket.write(client, "rest")
		socket.close(client)
		check.eq({ result() }, expected, what)
		socket.close(server)
	end
	local client, server = net.pair()
	local result = net.later(socket.block, server)
	socket.close(client)
	check.eq({ result() }, { true, false })
	socket.close(server)
end

case["block waits for bytes and leaves them"] = function()
	local client, server = net.pair()
	local result = net.later(socket.block, server)
	socket.write(client, "x")
	check.eq({ result() }, { true, true })
	check.eq(socket.read(server), "x")
	close(client, server)
end

case["block does not wait for more than is there"] = check.ours(function()
	local client, server = net.pair()
	socket.write(client, "xy")
	check.eq(socket.read(server, 1), "x")
	check.eq(socket.block(server), true)
	check.eq(socket.read(server), "y")
	close(client, server)
end)

case["the system can be told to watch a connection"] = check.ours(function()
	local client, server = net.pair()
	check.eq(socket.keepalive(client, 5), true)
	check.eq(socket.keepalive(client, 0), true, "at least a second")
	check.raises("assertion failed!", socket.keepalive, 123456, 5)
	socket.close(client)
	socket.close(server)
end)

case["readall gives everything until the end"] = function()
	local client, server = net.pair()
	local result = net.later(socket.readall, server)
	for i = 1, 50 do
		socket.write(client, i .. ",")
	end
	socket.close(client)
	local _, all = result()
	check.match(all, "^1,2,3,.*,49,50,$")
	socket.close(server)
end

case["two threads cannot wait for one socket, but one may take what is there"] = function()
	local client, server = net.pair()
	local result = net.later(socket.read, server, 5)
	for _, f in ipairs { socket.read, socket.readline, socket.readall, socket.block } do
		check.raises("assertion failed!", f, server)
	end
	socket.write(client, "12345")
	check.eq({ result() }, { true, "12345" })
	close(client, server)
end

case["a socket that is not ours cannot be used"] = function()
	local client, server = net.half_open()
	for _, f in ipairs { socket.read, socket.readline, socket.readall } do
		check.raises("assertion failed!", f, server)
	end
	check.raises("assertion failed!", socket.limit, server, 1)
	check.raises("assertion failed!", socket.warning, server, print)
	check.eq(socket.block(server), false)
	socket.close(server) -- not ours: nothing happens
	check.eq(socket.write(server, "lost: it is not started"), true)
	check.eq(socket.start(server), server)
	check.raises("socket is not closed", socket.start, server)
	check.raises("Use socket.close instead", socket.close_fd, server)
	socket.write(client, "now")
	check.eq(socket.read(server), "now")
	close(client, server)
	check.eq({ socket.start(9999999) }, { nil, "invalid socket" })
end

case["our own close lets the reader finish first"] = function()
	local client, server = net.pair()
	local order = {}
	local result = net.later(function()
		local results = table.pack(socket.readline(server))
		order[#order + 1] = "reader"
		return table.unpack(results)
	end)
	socket.write(client, "part")
	check.eventually(function()
		return not socket.disconnected(server)
	end)
	skynet.sleep(1)
	socket.close(server)
	order[#order + 1] = "closed"
	check.eq({ result() }, { true, false, "part" })
	check.eq(order, { "reader", "closed" })
	socket.close(client)
end

case["failures to connect are returned, bad addresses are raised"] = function()
	local port, listener = net.listen(print)
	socket.close(listener)
	check.eq({ socket.open("127.0.0.1", port) }, { nil, "Connection refused" })
	check.eq({ socket.open("no.such.host.invalid", 1) }, { nil, "Name or service not known" })
	check.raises("Invalid address abc%.", socket.open, "abc")
	check.raises("Invalid port", socket.open, "127.0.0.1", 0)
	check.raises("Listen error", socket.listen, "127.0.0.1", net.port())
	local id, err = socket.bind(99999)
	check.eq(id, nil)
	check.match(err, "%a")
end

case["a callback that accepts may block"] = function()
	local got = {}
	local port, listener = net.listen(function(id)
		socket.start(id)
		local line = socket.readline(id)
		got[#got + 1] = line
		socket.write(id, "got " .. line)
		socket.close(id)
	end)
	local one, two = socket.open("127.0.0.1", port), socket.open("127.0.0.1", port)
	socket.write(two, "two\n")
	check.eq(socket.readall(two), "got two")
	socket.write(one, "one\n")
	check.eq(socket.readall(one), "got one")
	check.eq(got, { "two", "one" })
	close(one, two)
	socket.close(listener)
end

case["an abandoned socket is another service's to start"] = function()
	local client, server = net.pair()
	local result = net.later(socket.readline, server)
	socket.write(client, "unfinished")
	skynet.sleep(2)
	socket.abandon(server)
	check.eq(socket.invalid(server), true)
	check.eq({ result() }, { true, false, "unfinished" })
	local worker = check.worker()
	worker:call(function(id)
		local socket = require "skynet.socket"
		check.eq(socket.start(id), id)
		skynet.fork(function()
			socket.write(id, "worker has " .. socket.readline(id))
			socket.close(id)
		end)
	end, server)
	socket.write(client, "it\n")
	check.eq(socket.readall(client), "worker has it")
	socket.close(client)
end

case["two threads may close a socket"] = check.ours(function()
	local client, server = net.pair()
	local one, two = net.later(socket.close, server), net.later(socket.close, server)
	check.eq({ one() }, { true })
	check.eq({ two() }, { true })
	check.eq(socket.invalid(server), true)
	socket.close(client)
end)

case["a socket whose opener is killed is closed"] = check.ours(function()
	local port, listener = net.listen(print)
	local _, thread = net.later(socket.open, "127.0.0.1", port)
	check.ok(skynet.killthread(thread))
	check.eventually(function()
		for _, info in ipairs(socket.netstat()) do
			if info.type == "TCP" and info.peer == "127.0.0.1:" .. port then
				return false
			end
		end
		return true
	end)
	socket.close(listener)
end)

case["the figures of sockets can be asked for"] = function()
	local client, server, address = net.half_open()
	socket.start(server)
	socket.write(client, "12345")
	check.eq(socket.read(server), "12345")
	local found = {}
	for _, info in ipairs(socket.netstat()) do
		found[info.id] = info
	end
	local info = check.ok(found[server])
	check.eq({ info.type, info.read, info.write, info.wbuffer, info.peer, info.address, info.reading },
		{ "TCP", 5, 0, 0, address, skynet.self(), true })
	check.eq(found[client].write, 5)
	check.eq(socket.resolve("127.0.0.1")[1], "127.0.0.1")
	check.raises("Name or service not known", socket.resolve, "no.such.host.invalid")
	check.eq(socket.header "\1\2", 258)
	close(client, server)
end

check.run(case)
