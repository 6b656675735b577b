---The plain sockets of test clients that are scripts. All cases are about our node alone: in C the module ends the process when
---the standard input is empty, as it is in tests.
local skynet = require "skynet"
local socket = require "skynet.socket"
local plain = skynet.getenv "rs_version" and require "client.socket"
local check = require "check"
local net = require "net"

local case = check.cases(true)

local port
local servers = {}

---@return integer fd a plain connection
---@return integer server the other end, of skynet.socket
local function pair()
	port = port or net.listen(function(id)
		socket.start(id)
		servers[#servers + 1] = id
	end)
	local before = #servers
	local fd = plain.connect("127.0.0.1", port)
	check.eq(math.type(fd), "integer")
	check.eventually(function()
		return #servers > before
	end)
	return fd, servers[#servers]
end

---@param fd integer
---@return string
local function wait(fd)
	return check.eventually(function()
		return plain.recv(fd)
	end, "something to receive")
end

case["what is sent arrives"] = function()
	local fd, server = pair()
	plain.send(fd, "hello ")
	plain.send(fd, "")
	plain.send(fd, 12)
	check.eq(socket.read(server, 8), "hello 12")
	plain.close(fd)
	check.eq(socket.read(server), false)
	socket.close(server)
end

case["recv does not wait, and gives 4 KB at most"] = function()
	local fd, server = pair()
	check.eq(select("#", plain.recv(fd)), 0, "nothing, not even nil")
	socket.write(server, ("x"):rep(10000))
	local got = 0
	while got < 10000 do
		local text = wait(fd)
		check.ok(#text <= 4096)
		got = got + #text
	end
	socket.close(server)
	check.eq(wait(fd), "", "the end")
	check.eq(plain.recv(fd), "", "and it stays the end")
	plain.close(fd)
end

case["send waits until there is room"] = function()
	pair()
	local before, size = #servers, 8 << 20
	-- In a service of its own, since this one has to read meanwhile.
	local worker = check.worker()
	worker:send(function(port, size)
		local plain = require "client.socket"
		local fd = plain.connect("127.0.0.1", port)
		plain.send(fd, ("x"):rep(size))
		plain.close(fd)
		skynet.ret()
	end, port, size)
	check.eventually(function()
		return #servers > before
	end)
	local server, got = servers[#servers], 0
	repeat
		local text, rest = socket.read(server)
		got = got + #(text or rest)
	until not text
	check.eq(got, size)
	socket.close(server)
end

case["a connection that nobody takes fails"] = function()
	local id, _, free = socket.listen("127.0.0.1", 0)
	socket.close(id)
	check.raises("^Connect 127%.0%.0%.1 " .. free .. " failed", plain.connect, "127.0.0.1", free)
	check.raises("^Connect 127%.0%.0%.1 70000 failed", plain.connect, "127.0.0.1", 70000)
	check.raises("^Connect 127%.0%.0%.1 %-1 failed", plain.connect, "127.0.0.1", -1)
	check.raises("^Connect no such host 80 failed", plain.connect, "no such host", 80)
	check.raises("number expected", plain.connect, "127.0.0.1")
end

case["names can be connected to"] = function()
	pair()
	local fd = plain.connect("localhost", port)
	plain.close(fd)
end

case["descriptors that are not open are errors"] = function()
	check.raises("^socket error: Bad file descriptor$", plain.recv, 9999)
	check.raises("^socket error: Bad file descriptor$", plain.send, 9999, "x")
	plain.close(9999)
	plain.shutdown(9999, "rw")
	local fd, server = pair()
	plain.close(fd)
	check.raises("^socket error: Bad file descriptor$", plain.recv, fd)
	socket.close(server)
end

case["descriptors of others are out of reach"] = function()
	for fd = 0, 40 do
		plain.close(fd)
		check.raises("Bad file descriptor", plain.recv, fd)
	end
	check.eq(plain.recv(pair()), nil, "the node lives")
end

case["writing to who is gone is an error, not the end"] = function()
	local fd, server = pair()
	socket.close(server)
	check.eq(wait(fd), "")
	check.raises("socket error: ", function()
		for _ = 1, 1000 do
			plain.send(fd, "x")
			plain.usleep(1000)
		end
	end)
	plain.close(fd)
end

case["shutdown ends one direction or both"] = function()
	local fd, server = pair()
	plain.shutdown(fd, "w")
	check.eq(socket.read(server), false)
	plain.shutdown(fd, "rw")
	check.eq(wait(fd), "")
	check.raises("^Invalid mode x$", plain.shutdown, fd, "rx")
	check.raises("^mode should be r or/and w$", plain.shutdown, fd, "")
	plain.close(fd)
	socket.close(server)
end

case["usleep waits where it stands"] = function()
	local began = skynet.hpc()
	plain.usleep(30000)
	check.ok(skynet.hpc() - began >= 30e6)
	plain.usleep(0)
	check.raises("number expected", plain.usleep, "x")
end

case["a service that waits can be killed"] = function()
	local worker = check.worker()
	worker:send(function()
		skynet.error "sleeps"
		require "client.socket".usleep(1e12)
	end)
	check.log ":%x+%] sleeps"
	skynet.kill(worker.handle)
	check.eventually(function()
		return not check.alive(worker.handle)
	end)
	check.log "the service has been killed"
end

case["connections end with their service"] = function()
	pair()
	local before = #servers
	local worker = check.worker()
	worker:call(function(port)
		require "client.socket".connect("127.0.0.1", port)
	end, port)
	check.eventually(function()
		return #servers > before
	end)
	skynet.kill(worker.handle)
	check.eq(socket.read(servers[#servers]), false)
end

case["the standard input is read line by line, without waiting"] = function()
	for _ = 1, 10 do
		check.eq(plain.readstdin(), nil)
	end
end

check.run(case)
