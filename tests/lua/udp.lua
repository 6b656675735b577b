---skynet.socket: datagrams.
local skynet = require "skynet"
local check = require "check"
local net = require "net"
local socket = require "skynet.socket"

local case = check.cases()

---A function for datagrams, and what it has got.
local function inbox()
	local got = {}
	return function(data, from)
		got[#got + 1] = { data = data, from = from }
	end, got
end

---@param got table
---@return string data
---@return string from
local function wait(got, count)
	check.eventually(function()
		return #got >= (count or 1)
	end)
	return got[#got].data, got[#got].from
end

---A socket that answers everything by its sender's port.
---@return integer id
---@return integer port
local function server()
	local port
	-- A port of the system's choice: that of a listener that is closed again is free.
	local bound, listener = net.listen(print)
	socket.close(listener)
	port = bound
	local id
	id = socket.udp(function(data, from)
		local _, sender = socket.udp_address(from)
		socket.sendto(id, from, data .. " from " .. sender)
	end, "127.0.0.1", port)
	return id, port
end

case["a datagram comes whole, with the address of its sender"] = function()
	local id, port = server()
	local func, got = inbox()
	local client = socket.udp(func)
	socket.udp_connect(client, "127.0.0.1", port)
	check.eq(socket.write(client, "hello"), true)
	local data, from = wait(got)
	check.match(data, "^hello from %d+$")
	check.eq({ socket.udp_address(from) }, { "127.0.0.1", port })
	check.eq(socket.write(client, { "a", "b", 3 }), true)
	check.match(wait(got, 2), "^ab3 from %d+$")
	check.eq({ socket.invalid(client), socket.disconnected(client) }, { false, false })
	socket.close(client)
	socket.close(id)
	check.eq(socket.invalid(client), true)
end

case["udp_connect may bring the function"] = function()
	local id, port = server()
	local func, got = inbox()
	local client = socket.udp()
	socket.udp_connect(client, "127.0.0.1", port, func)
	socket.write(client, "x")
	check.match(wait(got), "^x from")
	socket.close(client)
	socket.close(id)
end

case["udp_listen and udp_dial are two ends"] = function()
	local bound, listener = net.listen(print)
	socket.close(listener)
	local func, got = inbox()
	local id = socket.udp_listen("127.0.0.1", bound, func)
	local answers, answered = inbox()
	local client = socket.udp_dial("127.0.0.1", bound, answers)
	socket.write(client, "dialled")
	local data, from = wait(got)
	check.eq(data, "dialled")
	socket.sendto(id, from, "answer")
	check.eq(wait(answered), "answer")
	socket.close(client)
	socket.close(id)
end

case["large datagrams and many of them"] = function()
	local id, port = server()
	local func, got = inbox()
	local client = socket.udp(func)
	socket.udp_connect(client, "127.0.0.1", port)
	local large = ("x"):rep(20000)
	socket.write(client, large)
	check.ok(wait(got):sub(1, 20000) == large)
	for i = 1, 20 do
		socket.write(client, "n" .. i)
		check.match(wait(got, i + 1), "^n" .. i .. " from")
	end
	socket.close(client)
	socket.close(id)
end

case["a datagram that nobody wants is dropped and told"] = function()
	local id, port = server()
	local client = socket.udp()
	socket.udp_connect(client, "127.0.0.1", port)
	socket.write(client, "x")
	check.log("socket: drop udp package from " .. client)
	socket.close(client)
	socket.close(id)
end

case["addresses that cannot be used are raised"] = function()
	check.raises("udp init failed", socket.udp, print, "300.0.0.1", 10)
	check.raises("udp connect failed", socket.udp_connect, socket.udp(), "300.0.0.1", 10)
	check.raises("udp dial host failed", socket.udp_dial, "300.0.0.1", 10, print)
	check.raises("udp listen host failed", socket.udp_listen, "300.0.0.1", 10, print)
	check.raises("Invalid udp address", socket.udp_address, "xx")
	check.eq({ socket.udp_address "\1\0\80\127\0\0\1" }, { "127.0.0.1", 80 })
end

case["there is nothing to read on a socket for datagrams"] = check.ours(function()
	local id = socket.udp(print)
	check.raises("gets datagrams", socket.read, id)
	check.raises("gets datagrams", socket.readline, id)
	socket.close(id)
end)

case["the empty datagram comes, too"] = function()
	local id, port = server()
	local func, got = inbox()
	local client = socket.udp(func)
	socket.udp_connect(client, "127.0.0.1", port)
	socket.write(client, "")
	check.match(wait(got), "^ from %d+$")
	socket.close(client)
	socket.close(id)
	skynet.yield()
end

check.run(case)
