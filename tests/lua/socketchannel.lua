---skynet.socketchannel: requests over one connection, and what becomes of them when it is lost.
local skynet = require "skynet"
local check = require "check"
local net = require "net"
local socket = require "skynet.socket"
local socketchannel = require "skynet.socketchannel"

local case = check.cases()

local socket_error = socketchannel.error

---A server that answers lines: `hang` by nothing, `drop` by closing, everything else by itself.
---@return integer port
---@return table<integer, boolean> open its connections
---@return integer listener
local function server()
	local open = {}
	local port, listener = net.listen(function(id)
		skynet.fork(function()
			socket.start(id)
			open[id] = true
			local text = socket.readline(id)
			while text and text ~= "drop" do
				if text ~= "hang" then
					socket.write(id, text .. "\n")
				end
				text = socket.readline(id)
			end
			open[id] = nil
			socket.close(id)
		end)
	end)
	return port, open, listener
end

---@param desc table
---@return table channel
---@return table open
local function channel(desc)
	local port, open = server()
	desc.host, desc.port = "127.0.0.1", desc.port or port
	return socketchannel.channel(desc), open
end

---A port on which nobody listens.
local function closed_port()
	local port, listener = net.listen(print)
	socket.close(listener)
	return port
end

---Parsers of channels in order.
local function line(sock)
	return true, sock:readline()
end

local function failing(sock)
	return false, sock:readline()
end

---The parser of channels with sessions: `SESSION TEXT`; `fail` fails, a text that begins with `more` is a part.
local function by_session(sock)
	local text = sock:readline()
	local session, rest = text:match "^(%d+) (.*)"
	if not session then
		error("not a response: " .. text)
	end
	return tonumber(session), rest ~= "fail", rest, rest:sub(1, 4) == "more"
end

---@param result fun(): ...
local function is_socket_error(result)
	local ok, err = result()
	check.eq(ok, false)
	check.ok(err == socket_error, tostring(err))
end

---@param open table<integer, boolean>
local function count(open)
	local n = 0
	for _ in pairs(open) do
		n = n + 1
	end
	return n
end

case["the error object has a text"] = function()
	check.eq(tostring(socket_error), "[Error: socket]")
end

case["requests connect by themselves, and are answered in order"] = function()
	local ch, open = channel {}
	check.eq(ch:request("one\n", line), "one")
	local results = {}
	for i = 1, 20 do
		results[i] = net.later(ch.request, ch, { "req ", i, "\n" }, line)
	end
	for i = 1, 20 do
		check.eq({ results[i]() }, { true, "req " .. i })
	end
	check.eq(count(open), 1)
	ch:close()
	check.eventually(function()
		return count(open) == 0
	end)
end

case["a request may want no response, and a response may come without a request"] = function()
	local ch = channel {}
	check.eq(ch:request "quiet\n", nil)
	check.eq(ch:response(line), "quiet")
	check.eq(ch:request("next\n", line), "next")
	ch:close()
end

case["a parser may say that a request has failed"] = function()
	local ch, open = channel {}
	check.raises("no such thing$", ch.request, ch, "no such thing\n", failing)
	check.eq(ch:request("good\n", line), "good")
	check.eq(count(open), 1)
	ch:close()
end

case["a parser that raises ends the connection for all, with its error"] = function()
	local ch = channel {}
	local first = net.later(ch.request, ch, "x\n", function(sock)
		error("cannot parse " .. sock:readline())
	end)
	local second = net.later(ch.request, ch, "y\n", line)
	local _, err = first()
	check.match(err, "cannot parse x")
	_, err = second()
	check.match(err, "cannot parse x")
	local object = {}
	local third = net.later(ch.request, ch, "z\n", function(sock)
		sock:read(1)
		error(object)
	end)
	_, err = third()
	check.ok(err == object)
	check.eq(ch:request("again\n", line), "again")
	ch:close()
end

case["a response in parts is collected"] = function()
	local ch = channel {}
	local parts = net.later(ch.request, ch, "p1\np2\nend\n", function(sock)
		local text = sock:readline()
		return true, text, text ~= "end"
	end)
	check.eq({ parts() }, { true, { "p1", "p2", "end" } })
	check.eq(ch:request("one\n", function(sock)
		return true, sock:readline(), false
	end), "one")
	ch:close()
end

case["a request in parts goes out whole"] = function()
	local ch = channel {}
	check.eq(ch:request("a", line, { "b", { "c", "d" }, "\n" }), "abcd")
	ch:close()
end

case["losing the connection fails whoever waits, and the next request connects anew"] = function()
	local ch, open = channel {}
	local hanging = { net.later(ch.request, ch, "hang\n", line), net.later(ch.request, ch, "hang\n", line) }
	is_socket_error(net.later(ch.request, ch, "drop\n", line))
	is_socket_error(hanging[1])
	is_socket_error(hanging[2])
	check.eq(ch:request("back\n", line), "back")
	local hung = net.later(ch.request, ch, "hang\n", line)
	check.eventually(function()
		return count(open) == 1
	end)
	socket.close((next(open)))
	is_socket_error(hung)
	ch:close()
end

case["a connection that was lost in silence is made anew by the next request"] = function()
	local ch, open = channel {}
	check.eq(ch:request("one\n", line), "one")
	local id = check.ok(next(open))
	socket.close(id)
	-- Until the other end knows it, too: the channel has no sign of that, so it is given time.
	skynet.sleep(20)
	check.eq(ch:request("two\n", line), "two")
	check.log "socket closed by peer : "
	ch:close()
end

case["closing fails whoever waits, and further requests until it is connected again"] = function()
	local ch = channel {}
	check.eq(ch:request("one\n", line), "one")
	local hung = net.later(ch.request, ch, "hang\n", line)
	ch:close()
	is_socket_error(hung)
	check.raises("assertion failed!", ch.request, ch, "x\n", line)
	check.raises("assertion failed!", ch.response, ch, line)
	check.eq(ch:connect(true), true)
	check.eq(ch:request("open\n", line), "open")
	ch:close()
	ch:close()
end

case["nobody there: the request fails, and so does connecting once"] = function()
	local port = closed_port()
	local ch = socketchannel.channel { host = "127.0.0.1", port = port }
	is_socket_error(net.later(ch.request, ch, "x\n", line))
	check.log("Connect failed Connection refused 127.0.0.1 " .. port)
	is_socket_error(net.later(ch.connect, ch, true))
	-- Several at once: all hear of it.
	local results = {}
	for i = 1, 5 do
		results[i] = net.later(ch.request, ch, "x\n", line)
	end
	for i = 1, 5 do
		is_socket_error(results[i])
	end
end

case["connecting goes on until somebody is there"] = function()
	local port = closed_port()
	local ch = socketchannel.channel { host = "127.0.0.1", port = port }
	local connected = net.later(ch.connect, ch)
	check.log "socket: connect Connection refused"
	local waiting = net.later(ch.request, ch, "hello\n", line)
	local there = server()
	ch:changehost("127.0.0.1", there)
	check.eq({ connected() }, { true, true })
	check.eq({ waiting() }, { true, "hello" })
	check.log("socket: connect to 127.0.0.1 " .. there)
	ch:close()
end

case["closing ends the attempts to connect"] = check.ours(function()
	local ch = socketchannel.channel { host = "127.0.0.1", port = closed_port() }
	local connected = net.later(ch.connect, ch)
	check.log "socket: connect Connection refused"
	local waiting = net.later(ch.request, ch, "hello\n", line)
	ch:close()
	is_socket_error(connected)
	is_socket_error(waiting)
end)

case["a backup takes over"] = function()
	local port, open = server()
	local ch = socketchannel.channel {
		host = "127.0.0.1",
		port = closed_port(),
		backup = { { host = "127.0.0.1", port = closed_port() }, { host = "127.0.0.1", port = port } },
	}
	check.eq(ch:request("backed up\n", line), "backed up")
	check.log("socket: connect to backup host 127.0.0.1 " .. port)
	check.eq(count(open), 1)
	ch:close()
	ch = socketchannel.channel { host = "127.0.0.1", port = closed_port() }
	ch:changebackup { { host = "127.0.0.1", port = port } }
	check.eq(ch:request("late\n", line), "late")
	ch:close()
end

case["when the backup is gone, the first host is tried again"] = check.ours(function()
	local first, backup = closed_port(), { server() }
	local ch = socketchannel.channel {
		host = "127.0.0.1",
		port = first,
		backup = { { host = "127.0.0.1", port = backup[1] } },
	}
	check.eq(ch:request("x\n", line), "x")
	socket.close(backup[3])
	local id = socket.listen("127.0.0.1", first)
	socket.start(id, function(new)
		socket.start(new)
		socket.write(new, "first: " .. socket.readline(new) .. "\n")
	end)
	is_socket_error(net.later(ch.request, ch, "drop\n", line))
	check.eq(ch:request("y\n", line), "first: y")
	ch:close()
	socket.close(id)
end)

case["authentication goes first, and others wait for it"] = function()
	local order = {}
	local ch = channel {
		nodelay = true,
		auth = function(ch)
			order[#order + 1] = ch:request("user\n", line)
			skynet.sleep(2)
			order[#order + 1] = ch:request("password\n", line)
		end,
	}
	local first = net.later(ch.request, ch, "first\n", line)
	local second = net.later(ch.request, ch, "second\n", line)
	check.eq({ first() }, { true, "first" })
	check.eq({ second() }, { true, "second" })
	check.eq(order, { "user", "password" })
	ch:close()
end

case["failed authentication fails the request, after the backups were tried"] = function()
	local backup = closed_port()
	local ch, open = channel {
		auth = function()
			error "wrong password"
		end,
		backup = { { host = "127.0.0.1", port = backup } },
	}
	is_socket_error(net.later(ch.request, ch, "x\n", line))
	check.log "socket: auth failed .*wrong password"
	check.log("socket: connect to backup host 127.0.0.1 " .. backup)
	ch:changebackup {}
	is_socket_error(net.later(ch.request, ch, "x\n", line))
	check.log "Connect failed no more backup host 127.0.0.1"
	check.eventually(function()
		return count(open) == 0
	end)
end

case["a connection that is lost during authentication fails the request"] = function()
	local ch = channel {
		auth = function(ch)
			ch:request("drop\n", line)
		end,
	}
	is_socket_error(net.later(ch.request, ch, "x\n", line))
	check.log "Connect failed no more backup host"
end

case["authentication may change the host"] = function()
	local there, open = server()
	local changed = false
	local ch, before = channel {
		auth = function(ch)
			if not changed then
				changed = true
				ch:changehost("127.0.0.1", there)
			end
		end,
	}
	check.eq(ch:request("x\n", line), "x")
	check.eq(count(open), 1)
	check.eventually(function()
		return count(before) == 0
	end)
	ch:close()
end

case["changing the host fails whoever waits"] = function()
	local ch, open = channel {}
	local there, other = server()
	local hung = net.later(ch.request, ch, "hang\n", line)
	check.eventually(function()
		return count(open) == 1
	end)
	ch:changehost("127.0.0.1", there)
	is_socket_error(hung)
	check.eq(ch:request("there\n", line), "there")
	check.eq({ count(open), count(other) }, { 0, 1 })
	ch:close()
end

case["sessions find their requests, in whatever order they come"] = function()
	local ch = channel { response = by_session }
	local one = net.later(ch.request, ch, "hang\n", 1)
	local two = net.later(ch.request, ch, "2 two\n1 one\n", 2)
	check.eq({ one() }, { true, "one" })
	check.eq({ two() }, { true, "two" })
	check.raises("fail$", ch.request, ch, "3 fail\n", 3)
	check.eq(ch:request("4 more a\n4 more b\n4 last\n", 4), { "more a", "more b", "last" })
	check.eq(ch:request "77 nobody\n", nil)
	check.log "socket: unknown session : 77"
	check.eq(ch:request("5 five\n", 5), "five")
	ch:close()
end

case["a parser of sessions that raises fails them all"] = function()
	local ch = channel { response = by_session }
	local hung = net.later(ch.request, ch, "hang\n", 1)
	check.raises("not a response: nonsense", ch.request, ch, "nonsense\n", 2)
	local _, err = hung()
	check.match(err, "not a response: nonsense")
	check.eq(ch:request("3 back\n", 3), "back")
	hung = net.later(ch.request, ch, "hang\n", 4)
	is_socket_error(net.later(ch.request, ch, "drop\n", 5))
	is_socket_error(hung)
	ch:close()
end

case["a session that is waited for cannot be used again"] = check.ours(function()
	local ch = channel { response = by_session }
	local first, thread = net.later(ch.request, ch, "hang\n", 1)
	check.raises("waits for session 1 already", ch.request, ch, "1 x\n", 1)
	skynet.killthread(thread)
	check.eq(ch:request("1 y\n", 1), "y")
	ch:close()
	check.eq(pcall(first), false)
end)

case["a killed requester harms no other"] = check.ours(function()
	local ch = channel {}
	local _, thread = net.later(ch.request, ch, "killed\n", line)
	skynet.killthread(thread)
	check.eq(ch:request("next\n", line), "next")
	ch:close()
end)

case["a killed connector leaves it to the next"] = check.ours(function()
	local ch = channel {
		auth = function()
			skynet.sleep(10)
		end,
	}
	local _, thread = net.later(ch.request, ch, "killed\n", line)
	local waiting = net.later(ch.request, ch, "next\n", line)
	skynet.sleep(2)
	skynet.killthread(thread)
	check.eq({ waiting() }, { true, "next" })
	ch:close()
end)

case["a full send buffer is told, and that it is empty again"] = function()
	local told = {}
	local slow
	local port, listener = net.listen(function(id)
		socket.start(id)
		socket.pause(id)
		slow = id
	end)
	local ch = socketchannel.channel {
		host = "127.0.0.1",
		port = port,
		overload = function(on)
			told[#told + 1] = on
		end,
	}
	local megabyte = ("x"):rep(1024 * 1024)
	local sent = 0
	while #told == 0 do
		ch:request(megabyte)
		sent = sent + 1
		check.ok(sent < 64)
		skynet.sleep(1)
	end
	check.eq(#socket.read(slow, sent * #megabyte), sent * #megabyte)
	check.eventually(function()
		return #told == 2
	end)
	check.eq(told, { true, false })
	ch:close()
	socket.close(slow)
	socket.close(listener)
end

check.run(case)
