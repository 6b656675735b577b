---skynet.socket: back-pressure, peers and services that go away, threads that are killed.
local skynet = require "skynet"
require "skynet.manager"
local check = require "check"
local net = require "net"
local socket = require "skynet.socket"
local driver = require "skynet.socketdriver"

local case = check.cases()

local KB <const> = 1024

case["a socket pauses when much waits, and the next reader resumes it"] = function()
	local client, server = net.pair()
	socket.write(client, ("x"):rep(600 * KB))
	check.log("Pause socket %(" .. server .. "%) size : %d+")
	check.eventually(function()
		return not net.info(server).reading
	end)
	-- This can only come when it reads again.
	socket.write(client, ("x"):rep(KB))
	check.eq(#socket.read(server, 601 * KB), 601 * KB)
	check.log("Resume socket %(" .. server .. "%)")
	socket.write(client, "more\n")
	check.eq(socket.readline(server), "more")
	socket.close(client)
	socket.close(server)
end

case["a line or a number of bytes may be larger than what pauses a socket"] = function()
	local client, server = net.pair()
	local text = ("x"):rep(500 * KB)
	local result = net.later(socket.readline, server)
	socket.write(client, text .. "\n")
	local _, line = result()
	check.ok(line == text)
	result = net.later(socket.read, server, 500 * KB)
	socket.write(client, text)
	check.eq(select(2, result()), text)
	socket.close(client)
	socket.close(server)
end

case["pausing by hand stops the reading until somebody waits"] = function()
	local client, server = net.pair()
	socket.pause(server)
	check.log("Pause socket %(" .. server .. "%)")
	socket.write(client, "while paused")
	check.eq(socket.read(server), "while paused")
	check.log("Resume socket %(" .. server .. "%)")
	socket.close(client)
	socket.close(server)
end

case["starting a socket that still sends after it was closed fails"] = function()
	local client, server = net.pair()
	socket.pause(client)
	socket.warning(server, function() end)
	socket.write(server, ("x"):rep(10 * KB * KB))
	socket.close(server)
	local ok, id, err = net.later(socket.start, server)()
	check.eq(ok, true)
	check.eq(id, nil)
	check.eq(err, "socket closed")
	socket.close(client)
end

case["a socket of somebody else cannot be shut down"] = function()
	local client, server = net.half_open()
	socket.shutdown(server)
	assert(socket.start(server))
	socket.write(client, "still there\n")
	check.eq(socket.readline(server), "still there")
	socket.close(client)
	socket.close(server)
end

case["a flood past the limit closes the socket"] = function()
	local client, server = net.pair()
	socket.limit(server, 10)
	socket.write(client, "12345678901")
	check.log("socket buffer overflow: fd=" .. server .. " size=11")
	check.eventually(function()
		return socket.disconnected(server)
	end)
	check.eq(socket.read(server), "12345678901")
	socket.close(server)
	check.eq({ socket.read(client) }, { false, "" })
	socket.close(client)
end

case["a flood is logged once, and what still comes is not kept"] = check.ours(function()
	local client, server = net.pair()
	socket.limit(server, 1000)
	for _ = 1, 200 do
		socket.write(client, ("x"):rep(5000))
	end
	check.eventually(function()
		return socket.disconnected(server)
	end)
	check.ok(#socket.readall(server) < 128 * KB)
	check.log("overflow: fd=" .. server .. " ")
	skynet.error "the flood is over"
	check.log "the flood is over"
	check.eq(select(2, check.whole_log():gsub("overflow: fd=" .. server .. " ", "")), 1)
	socket.close(server)
	socket.close(client)
end)

case["a line past the limit does, too, but not a number of bytes that was asked for"] = function()
	local client, server = net.pair()
	socket.limit(server, 10)
	local result = net.later(socket.read, server, 20)
	socket.write(client, ("n"):rep(20))
	check.eq({ result() }, { true, ("n"):rep(20) })
	result = net.later(socket.readline, server)
	socket.write(client, "a line too long\n")
	check.eq({ result() }, { true, false, "a line too long\n" })
	check.log "socket buffer overflow"
	socket.close(server)
	socket.close(client)
end

case["a peer that does not read is warned about, and cleared"] = function()
	local client, server = net.pair()
	local warnings = {}
	socket.warning(server, function(id, kb)
		check.eq(id, server)
		warnings[#warnings + 1] = kb
	end)
	socket.pause(client)
	local megabyte = ("x"):rep(1024 * KB)
	local sent = 0
	while #warnings == 0 do
		check.ok(socket.write(server, megabyte))
		sent = sent + 1
		check.ok(sent < 64)
		skynet.sleep(1)
	end
	check.ok(warnings[1] >= 1024)
	check.eq(#socket.read(client, sent * 1024 * KB), sent * 1024 * KB)
	check.eventually(function()
		return warnings[#warnings] == 0
	end)
	socket.close(client)
	socket.close(server)
end

case["a slow peer is logged if nobody wants to know, and closed with its data"] = function()
	local client, server = net.pair()
	local closed = {}
	socket.onclose(server, function(id)
		closed[#closed + 1] = id
	end)
	socket.pause(client)
	local size = 8 * 1024 * KB
	for _ = 1, 8 do
		check.ok(socket.write(server, ("x"):rep(size // 8)))
	end
	check.log("WARNING: %d+ K bytes need to send out %(fd = " .. server .. "%)")
	socket.close(server)
	check.eq(closed, { server })
	check.eq(#socket.readall(client), size)
	socket.close(client)
end

case["a peer that resets in the middle of a line is an end like any other"] = function()
	local client, server = net.pair()
	local closed
	socket.onclose(server, function(id)
		closed = id
	end)
	-- What a closed socket has not read makes a reset of its end.
	socket.pause(client)
	check.eventually(function()
		return not net.info(client).reading
	end)
	socket.write(server, "never read")
	local result = net.later(socket.readline, server)
	socket.write(client, "half a li")
	skynet.sleep(2)
	socket.shutdown(client)
	local ok, line, rest = result()
	check.eq({ ok, line, rest }, { true, false, "half a li" })
	check.eventually(function()
		return closed == server
	end)
	check.eq(socket.disconnected(server), true)
	socket.close(client)
	socket.close(server)
end

case["shutdown is seen by the reader"] = function()
	local client, server = net.pair()
	local result = net.later(socket.read, server)
	socket.shutdown(server)
	check.eq({ result() }, { true, false, "" })
	check.eq(socket.invalid(server), false)
	socket.close(server)
	check.eq({ socket.read(client) }, { false, "" })
	socket.close(client)
end

case["a killed reader leaves the socket to the next"] = check.ours(function()
	local client, server = net.pair()
	local _, thread = net.later(socket.readline, server)
	check.ok(skynet.killthread(thread))
	local result = net.later(socket.readline, server)
	socket.write(client, "for the next\n")
	check.eq({ result() }, { true, "for the next" })
	socket.close(client)
	socket.close(server)
end)

case["a reader is woken by its socket alone"] = check.ours(function()
	local client, server = net.pair()
	local result, thread = net.later(socket.read, server, 2)
	check.eq(skynet.wakeup(thread), nil)
	socket.write(client, "o")
	socket.write(client, "k")
	check.eq({ result() }, { true, "ok" })
	socket.close(client)
	socket.close(server)
end)

case["readers are among the tasks of a service"] = function()
	local client, server = net.pair()
	local before = skynet.task()
	local result, thread = net.later(socket.read, server)
	check.eq(skynet.task(), before + 1)
	local session = check.ok(skynet.task(thread))
	check.match(skynet.task(session), "read")
	local tasks = {}
	skynet.task(tasks)
	local found
	for key, trace in pairs(tasks) do
		found = found or key:find(tostring(thread), 1, true) and trace:find "read"
	end
	check.ok(found)
	check.ok(next(skynet.uniqtask()))
	socket.write(client, "x")
	check.eq({ result() }, { true, "x" })
	check.eq(skynet.task(), before)
	socket.close(client)
	socket.close(server)
end

case["a coroutine of the program's own waits with its thread"] = function()
	local coroutine = require "skynet.coroutine"
	local client, server = net.pair()
	local lines = coroutine.wrap(function()
		while true do
			coroutine.yield((socket.readline(server)))
		end
	end)
	check.fork(function()
		for i = 1, 3 do
			skynet.sleep(1)
			socket.write(client, i .. "\n")
		end
	end)
	check.eq({ lines(), lines(), lines() }, { "1", "2", "3" })
	socket.close(client)
	socket.close(server)
end

case["a coroutine that the thread has left waiting does not answer for it"] = check.ours(function()
	local client, server = net.pair()
	local other_client, other = net.pair()
	-- A plain coroutine: what suspends it comes back to whoever resumed it.
	local co = coroutine.wrap(function()
		socket.readline(server)
	end)
	co()
	check.raises("assertion failed!", socket.readline, server)
	local result = net.later(function()
		local left = coroutine.wrap(function()
			socket.readline(other)
		end)
		left()
		socket.write(other_client, "unread")
		socket.abandon(other)
		return socket.readline(server)
	end)
	socket.write(client, "for the thread\n")
	check.eq({ result() }, { true, "for the thread" })
	for _, id in ipairs { client, server, other_client } do
		socket.close(id)
	end
	socket.close_fd(other)
end)

---Starts a worker that reads `count` connections.
local function readers(count)
	local worker = check.worker()
	local clients = {}
	for i = 1, count do
		local client, server = net.half_open()
		clients[i] = client
		worker:call(function(id)
			local socket = require "skynet.socket"
			socket.start(id)
			skynet.fork(function()
				while socket.readline(id) do
				end
			end)
		end, server)
	end
	return worker, clients
end

case["a killed service closes the hundred connections that it reads"] = function()
	local worker, clients = readers(100)
	skynet.kill(worker.handle)
	for _, client in ipairs(clients) do
		check.eq({ socket.read(client) }, { false, "" })
		socket.close(client)
	end
end

case["a service that exits closes them, and sends its last words"] = function()
	local worker, clients = readers(10)
	worker:send(function()
		local socket = require "skynet.socket"
		for _, info in ipairs(socket.netstat()) do
			if info.address == skynet.self() then
				socket.write(info.id, "bye")
			end
		end
		skynet.exit()
	end)
	for _, client in ipairs(clients) do
		check.eq(socket.read(client, 3), "bye")
		check.eq({ socket.read(client) }, { false, "" })
		socket.close(client)
	end
end

case["a read that memory has no room for loses nothing"] = check.ours(function()
	local client, server = net.half_open()
	local reader = check.launch(function()
		local skynet = require "skynet"
		local socket = require "skynet.socket"
		skynet.memlimit(4 * 1024 * 1024)
		skynet.start(function()
			skynet.dispatch("lua", function(_, _, id)
				skynet.ret()
				socket.start(id)
				local results = {}
				for i, size in ipairs { 8 * 1024 * 1024, 100000, 5 } do
					local ok, text = pcall(socket.read, id, size)
					results[i] = ok and #text or text
				end
				socket.write(id, table.concat(results, ", "))
				socket.close(id)
			end)
		end)
	end)
	skynet.call(reader, "lua", server)
	socket.write(client, ("x"):rep(8 * 1024 * 1024))
	check.eq(socket.readall(client), "not enough memory, 100000, 5")
	socket.close(client)
	skynet.kill(reader)
end)

case["an error in a callback is logged and harms no other"] = function()
	local client, server = net.pair()
	socket.onclose(server, function()
		error "from onclose"
	end)
	local result = net.later(socket.read, server)
	socket.close(client)
	check.eq({ result() }, { true, false, "" })
	check.log "from onclose"
	socket.close(server)
end

case["messages for sockets that are not ours are dropped and told"] = function()
	local client, server = net.half_open()
	driver.start(server)
	socket.write(client, "nobody's")
	check.log("socket: drop package from " .. server)
	socket.close(client)
	check.eventually(function()
		return not net.info(server)
	end)
end

check.run(case)
