---skynet.socketchannel: requests over one connection, and their responses.
local skynet = require "skynet"
local check = require "check"
local net = require "net"
local channels = require "channels"
local socket = require "skynet.socket"
local socketchannel = require "skynet.socketchannel"

local server, channel, count = channels.server, channels.channel, channels.count
local line, is_socket_error = channels.line, channels.is_socket_error
local failing, by_session = channels.failing, channels.by_session

local case = check.cases()

case["the error object has a text"] = function()
	check.eq(tostring(socketchannel.error), "[Error: socket]")
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
	local _, thread = net.later(ch.request, ch, "hang\n", 1)
	check.raises("waits for session 1 already", ch.request, ch, "1 x\n", 1)
	skynet.killthread(thread)
	check.eq(ch:request("1 y\n", 1), "y")
	ch:close()
end)

case["a killed requester harms no other"] = check.ours(function()
	local ch = channel {}
	local _, thread = net.later(ch.request, ch, "killed\n", line)
	skynet.killthread(thread)
	check.eq(ch:request("next\n", line), "next")
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
