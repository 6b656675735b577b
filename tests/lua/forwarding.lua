-- Raw forwarding of sockets: `skynet.connection` and the service behind it.
local skynet = require "skynet"
local socket = require "skynet.socket"
local check = require "check"

local connection = require "skynet.connection"
local case = check.cases(true)

local listener, port
local accepted
local arrival = {}

--- A pair of connected sockets.
---@return integer client started, a socket of `skynet.socket`
---@return integer server accepted and not started
local function pair()
	if not listener then
		listener, _, port = socket.listen("127.0.0.1", 0)
		socket.start(listener, function(id)
			accepted = id
			skynet.wakeup(arrival)
		end)
	end
	accepted = nil
	local client = check.ok(socket.open("127.0.0.1", port))
	if not accepted then
		skynet.wait(arrival)
	end
	return client, accepted
end

case["a stream gives the bytes that were asked for"] = function()
	local client, server = pair()
	local stream = check.ok(connection.stream(server))
	socket.write(client, "abcdefgh")
	check.eq(stream:read(3), "abc")
	check.eq(stream:read(5), "defgh")
	socket.write(client, "xy")
	check.eq(stream:read(), "xy")
	stream:close()
	check.eq(socket.read(client, 1), false)
	socket.close(client)
end

case["a read suspends until enough has come"] = function()
	local client, server = pair()
	local stream = check.ok(connection.stream(server))
	local got
	check.fork(function()
		got = stream:read(6)
	end)
	for _, part in ipairs { "ab", "cd", "ef" } do
		check.eq(got, nil)
		socket.write(client, part)
		skynet.sleep(2)
	end
	check.eventually(function()
		return got == "abcdef"
	end)
	stream:close()
	socket.close(client)
end

case["lines come whole, with any separator"] = function()
	local client, server = pair()
	local stream = check.ok(connection.stream(server))
	socket.write(client, "one\ntw")
	check.eq(stream:readline(), "one")
	socket.write(client, "o\nthree\r\nrest")
	check.eq(stream:readline(), "two")
	check.eq(stream:readline "\r\n", "three")
	check.eq(stream:read(4), "rest")
	stream:close()
	socket.close(client)
end

case["the end gives what is left, and then nothing"] = function()
	local client, server = pair()
	local stream = check.ok(connection.stream(server))
	socket.write(client, "half a line")
	socket.close(client)
	check.eq({ stream:readline() }, { false, "half a line" })
	check.eq({ stream:read(1) }, { false, "" })
	check.eq({ stream:read() }, { false, "" })
	stream:close()
end

case["what is written to a stream arrives"] = function()
	local client, server = pair()
	local stream = check.ok(connection.stream(server))
	check.eq(stream:write "hello\n", true)
	check.eq(socket.readline(client), "hello")
	stream:close()
	socket.close(client)
end

case["closing a stream wakes its reader"] = function()
	local client, server = pair()
	local stream = check.ok(connection.stream(server))
	local result
	check.fork(function()
		result = table.pack(stream:read(1))
	end)
	skynet.sleep(1)
	stream:close()
	check.eventually(function()
		return result
	end)
	check.eq(result, { false, "", n = 2 })
	socket.close(client)
end

case["more than fits waits in the network, and nothing is lost"] = function()
	local client, server = pair()
	local stream = check.ok(connection.stream(server))
	local block = ("0123456789abcdef"):rep(4096)
	check.fork(function()
		for _ = 1, 64 do
			socket.write(client, block)
		end
		socket.close(client)
	end)
	skynet.sleep(5) -- so that it is paused meanwhile
	local total = 0
	repeat
		local data, rest = stream:read(10007)
		local text = data or rest
		local at = total % 16
		check.eq(text:sub(1, 16 - at), ("0123456789abcdef"):sub(at + 1):sub(1, #text))
		total = total + #text
	until not data
	check.eq(total, 64 * #block)
	stream:close()
end

case["a line may be longer than what is held back"] = function()
	local client, server = pair()
	local stream = check.ok(connection.stream(server))
	local line = ("x"):rep(1024 * 1024)
	check.fork(socket.write, client, line .. "\nend\n")
	check.eq(stream:readline() == line, true)
	check.eq(stream:readline(), "end")
	stream:close()
	socket.close(client)
end

case["another service gets the data as messages, undivided"] = function()
	local client, server = pair()
	local peer = check.worker()
	peer:call(function()
		check.state.got = {}
		skynet.register_protocol {
			name = "raw",
			id = 4,
			unpack = skynet.tostring,
			dispatch = function(session, _, text)
				skynet.ignoreret()
				table.insert(check.state.got, session .. ":" .. (text or ""))
			end,
		}
	end)
	local function got()
		return peer:call(function()
			return table.concat(check.state.got, " ")
		end)
	end
	check.eq(connection.forward(server, peer.handle, "system"), true)
	socket.write(client, "GET / HTTP/1.0\r\n\r\n")
	check.eventually(function()
		return got() == server .. ":GET / HTTP/1.0\r\n\r\n"
	end)
	socket.close(client)
	check.eventually(function()
		return got() == server .. ":GET / HTTP/1.0\r\n\r\n " .. server .. ":"
	end)
end

case["a socket can be forwarded to another service later"] = function()
	local client, server = pair()
	local peer = check.worker()
	check.eq(connection.forward(server, peer.handle, "system"), true)
	local stream = check.ok(connection.stream(server))
	socket.write(client, "now here")
	check.eq(stream:read(8), "now here")
	stream:close()
	socket.close(client)
end

case["when the receiver is gone, the socket is closed"] = function()
	local client, server = pair()
	local peer = check.worker()
	check.eq(connection.forward(server, peer.handle), true)
	skynet.kill(peer.handle)
	socket.write(client, "anybody?")
	check.eq(socket.read(client, 1), false)
	socket.close(client)
end

case["streams end with their service"] = function()
	local client, server = pair()
	local peer = check.worker()
	check.eq(peer:call(function(id)
		return (require "skynet.connection".stream(id)).id
	end, server), server)
	skynet.kill(peer.handle)
	check.eq(socket.read(client, 1), false)
	socket.close(client)
end

case["a socket that is gone is an error"] = function()
	local client, server = pair()
	local stream = check.ok(connection.stream(server))
	stream:close()
	check.eq(socket.read(client, 1), false)
	socket.close(client)
	local none, reason = connection.stream(server)
	check.eq(none, nil)
	check.match(reason, ".")
end

case["a message type that is in use is refused"] = function()
	local client, server = pair()
	check.raises("handles messages of type 10 by itself", connection.stream, server, "lua")
	check.raises("no message type is named nonsense", connection.forward, server, 1, "nonsense")
	socket.close(client)
	socket.close_fd(server)
end

check.run(case)
