---skynet.socketchannel: connecting, authentication, backups, closing.
local skynet = require "skynet"
local check = require "check"
local net = require "net"
local channels = require "channels"
local socket = require "skynet.socket"
local socketchannel = require "skynet.socketchannel"

local server, channel, count = channels.server, channels.channel, channels.count
local line, is_socket_error = channels.line, channels.is_socket_error
local closed_port = channels.closed_port

local case = check.cases()

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

check.run(case)
