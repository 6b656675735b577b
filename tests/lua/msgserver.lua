---Message servers: who may connect, answers that outlive a connection, and hostile clients.
local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"
local check = require "check"
local client = require "login_client"

local case = check.cases()

local SECRET = "12345678"
local server, port
local count = 0

---Logs a new user in.
---@return string username
local function new_user()
	if not server then
		server = skynet.newservice "msg_server"
		local conf = { address = "127.0.0.1", port = 0, servername = "test", maxclient = 64 }
		check.eq({ skynet.call(server, "lua", "open", conf) }, { "registered", "test" })
		port = client.port_of(server)
	end
	count = count + 1
	return skynet.call(server, "lua", "login", "user" .. count, SECRET)
end

---@param text string what the client says first
---@return string? answer
---@return integer fd
local function introduce(text)
	local fd = client.connect(port)
	client.send_package(fd, text)
	return client.read_package(fd), fd
end

---@param user string
---@param index integer
---@return integer fd
local function connect(user, index)
	local answer, fd = introduce(client.introduction(user, index, SECRET))
	check.eq(answer, "200 OK")
	return fd
end

---@param fd integer
---@param text string
---@param session integer
---@return string|false? content false if the request failed
local function ask(fd, text, session)
	client.ask(fd, text, session)
	local answer = client.answer(fd)
	if answer then
		check.eq(answer.session, session)
		return answer.ok and answer[1]
	end
end

---@return { served: integer, gone: integer }
local function counts()
	return skynet.call(server, "lua", "kick", "counts")
end

---Closes a connection, and waits until the server knows.
---@param fd integer
local function leave(fd)
	local before = counts().gone
	socket.close(fd)
	check.eventually(function()
		return counts().gone == before + 1
	end)
end

---@param text string what the client says first
---@return string? answer of a server that then closes the connection
local function refused(text)
	local answer, fd = introduce(text)
	check.ok(client.closed(fd))
	return answer
end

case["names hold a user, an id and a server, and can be taken apart"] = function()
	local msgserver = require "snax.msgserver"
	local name = msgserver.username("u@x#y:z", 12, "srv")
	check.eq(name, "dUB4I3k6eg==@c3J2#MTI=")
	check.eq({ msgserver.userid(name) }, { "u@x#y:z", "12", "srv" })
	check.ok(not pcall(msgserver.userid, "garbage"))
end

case["commands go to their handlers, and others fail"] = function()
	local user = new_user()
	check.eq(user, "dXNlcjE=@dGVzdA==#MQ==")
	check.eq({ skynet.call(server, "lua", "kick", "joe", 7) }, { "kicked", "joe", 7 })
	check.raises("call failed", skynet.call, server, "lua", "nonsense")
	check.raises("call failed", skynet.call, server, "lua", "login", "user1", SECRET)
end

case["who knows the secret is connected"] = function()
	local user = new_user()
	local fd = connect(user, 1)
	check.eq(ask(fd, "who", 1), user)
	check.match(skynet.call(server, "lua", "kick", "ip", user), "^127%.0%.0%.1:%d+$")
	leave(fd)
	check.eq(skynet.call(server, "lua", "kick", "ip", user), nil)
end

case["unknown users are 404, and so is everything that is no introduction"] = function()
	new_user()
	local stranger = require "snax.msgserver".username("stranger", 1, "test")
	for _, text in ipairs {
		client.introduction(stranger, 1, SECRET), "", "garbage", ":::", ("\0"):rep(1000), "a:1:b\0",
		"hello" .. string.pack(">I4", 1),
	} do
		check.eq(refused(text), "404 User Not Found")
	end
end

case["long garbage takes no time"] = check.ours(function()
	-- C looks at it for half a minute.
	check.allow(60)
	new_user()
	local began = skynet.hpc()
	for _, text in ipairs { ("x"):rep(65535), (":"):rep(65535), ("x:"):rep(32767) } do
		check.eq(refused(text), "404 User Not Found")
	end
	check.ok(skynet.hpc() - began < 10e9)
end)

case["an index that is no number is 400, and so is a code that is no base64"] = function()
	local user = new_user()
	check.eq(refused(client.introduction(user, "x", SECRET)), "400 Bad Request")
	check.eq(refused(client.introduction(user, "", SECRET)), "400 Bad Request")
	check.eq(refused(user .. ":1:%%%="), "400 Bad Request")
end

case["an index that is no whole number is 400"] = check.ours(function()
	-- C takes all that Lua does.
	local user = new_user()
	for _, index in ipairs { "1.5", "1e300", "9223372036854775808", "nan" } do
		check.eq(refused(client.introduction(user, index, SECRET)), "400 Bad Request", index)
	end
end)

case["a wrong code is 401"] = function()
	local user = new_user()
	check.eq(refused(client.introduction(user, 1, "abcdefgh")), "401 Unauthorized")
	check.eq(refused(user .. ":1:"), "401 Unauthorized")
	check.eq(refused(user .. ":1:" .. crypt.base64encode "12345678"), "401 Unauthorized")
	local code = client.introduction(user, 2, SECRET):match ":([^:]*)$"
	check.eq(refused(user .. ":1:" .. code), "401 Unauthorized", "the code of another index")
	connect(user, 1)
end

case["an index is good once, and so are those below it"] = function()
	local user = new_user()
	check.eq(refused(client.introduction(user, 0, SECRET)), "403 Index Expired")
	leave(connect(user, 5))
	for _, index in ipairs { 5, 4, 1, -1 } do
		check.eq(refused(client.introduction(user, index, SECRET)), "403 Index Expired")
	end
	leave(connect(user, 6))
end

case["requests are answered, in whatever order"] = function()
	local fd = connect(new_user(), 1)
	check.eq(ask(fd, "hello", 1), "re hello")
	check.eq(ask(fd, "", 0xffffffff), "re ")
	check.eq(ask(fd, "number", 2), "5")
	check.eq(ask(fd, "nothing", 3), "")
	client.ask(fd, "slow", 10)
	check.eq(ask(fd, "quick", 11), "re quick")
	check.eq(client.answer(fd), { "re slow", ok = true, session = 10 })
	leave(fd)
end

case["a handler that raises fails the request alone"] = function()
	local fd = connect(new_user(), 1)
	check.eq(ask(fd, "fail", 1), false)
	check.log "no such luck"
	check.eq(ask(fd, "hello", 2), "re hello")
	leave(fd)
end

case["answers have up to 65530 bytes"] = function()
	local fd = connect(new_user(), 1)
	check.eq(#ask(fd, "big 65530", 1), 65530)
	leave(fd)
end

case["a longer answer fails the request alone"] = check.ours(function()
	-- In C it costs the connection.
	local fd = connect(new_user(), 1)
	check.eq(ask(fd, "big 65531", 1), false)
	check.eq(ask(fd, "big 1000000", 2), false)
	check.log "an answer of 1000000 bytes is too long"
	check.eq(ask(fd, "hello", 3), "re hello")
	leave(fd)
end)

case["a session that was answered is free again on the same connection"] = function()
	local fd = connect(new_user(), 1)
	check.eq(ask(fd, "one", 1), "re one")
	check.eq(ask(fd, "two", 1), "re two")
	leave(fd)
end

case["who comes back gets the old answer, and is not served again"] = function()
	local user = new_user()
	local fd = connect(user, 1)
	check.eq(ask(fd, "one", 1), "re one")
	check.eq(ask(fd, "fail", 2), false)
	leave(fd)
	fd = connect(user, 2)
	local before = counts().served
	check.eq(ask(fd, "fake", 1), "re one")
	check.eq(ask(fd, "fake", 2), false, "a failure is an answer, too")
	check.eq(counts().served, before)
	check.eq(ask(fd, "again", 1), "re again", "then the session is free")
	leave(fd)
end

case["an answer that comes after the connection is there for who comes back"] = function()
	local user = new_user()
	local fd = connect(user, 1)
	local before = counts().served
	client.ask(fd, "slow one", 1)
	check.eventually(function()
		return counts().served == before + 1
	end)
	leave(fd)
	fd = connect(user, 2)
	check.eq(ask(fd, "fake", 1), "re slow one", "while it is worked on")
	client.ask(fd, "slow two", 2)
	check.eventually(function()
		return counts().served == before + 2
	end)
	leave(fd)
	skynet.sleep(40)
	fd = connect(user, 3)
	check.eq(ask(fd, "fake", 2), "re slow two", "after it was done")
	check.eq(counts().served, before + 2)
	leave(fd)
end

case["a request that is sent twice on a connection is served once"] = function()
	local fd = connect(new_user(), 1)
	local before = counts().served
	client.ask(fd, "slow", 1)
	check.eventually(function()
		return counts().served == before + 1
	end)
	check.eq(ask(fd, "slow", 1), "re slow")
	check.eq(ask(fd, "other", 2), "re other")
	check.eq(counts().served, before + 2)
	leave(fd)
end

case["a session that is used over and over costs the connection"] = function()
	local user = new_user()
	local fd = connect(user, 1)
	for _ = 1, 3 do
		client.ask(fd, "slow", 50)
	end
	check.eq(client.answer(fd), nil)
	check.log "Conflict session"
	socket.close(fd)
	fd = connect(user, 2)
	check.match(ask(fd, "again", 50), "^re ")
	leave(fd)
end

case["a package without a session costs the connection"] = function()
	local user = new_user()
	for index, text in ipairs { "", "abc" } do
		local fd = connect(user, index)
		client.send_package(fd, text)
		check.eq(client.answer(fd), nil)
		check.log "Invalid package"
		socket.close(fd)
	end
end

case["the last answers are kept"] = check.ours(function()
	-- C keeps between the number that was asked for and twice as many.
	local user = new_user()
	local fd = connect(user, 1)
	for session = 1, 10 do
		ask(fd, "old", session)
	end
	leave(fd)
	fd = connect(user, 2)
	for session = 10, 7, -1 do
		check.eq(ask(fd, "new", session), "re old")
	end
	check.eq(ask(fd, "new", 6), "re new")
	leave(fd)
end)

case["the newest connection of a user closes the one before"] = check.ours(function()
	-- In C both live, and the first to go makes the user disconnected.
	local user = new_user()
	local old = connect(user, 1)
	local before = counts().gone
	local new = connect(user, 2)
	check.ok(client.closed(old))
	check.eq(ask(new, "hello", 1), "re hello")
	check.eq(counts().gone, before, "the user was never disconnected")
	leave(new)
end)

case["logout closes the connection and forgets the answers"] = function()
	local user = new_user()
	local uid = "user" .. count
	local fd = connect(user, 1)
	client.ask(fd, "slow", 1)
	check.eq(ask(fd, "quick", 2), "re quick")
	local before = counts()
	check.eq(skynet.call(server, "lua", "logout", uid), "bye")
	check.eq(client.answer(fd), nil)
	socket.close(fd)
	check.eq(refused(client.introduction(user, 2, SECRET)), "404 User Not Found")
	check.eq(skynet.call(server, "lua", "login", uid, SECRET), user)
	fd = connect(user, 1)
	check.eq(ask(fd, "hello", 2), "re hello")
	check.eq(counts().gone, before.gone)
	leave(fd)
end

case["clients may vanish in each step"] = function()
	local user = new_user()
	for index, step in ipairs {
		function() end,
		function(fd)
			socket.write(fd, "\0")
		end,
		function(fd)
			socket.write(fd, "\0\100half")
		end,
		function(fd)
			client.send_package(fd, client.introduction(user, 100, SECRET))
		end,
		function(fd)
			client.send_package(fd, client.introduction(user, 200, SECRET))
			client.ask(fd, "slow", 1)
		end,
	} do
		local fd = client.connect(port)
		step(fd, index)
		socket.close(fd)
	end
	skynet.sleep(40)
	local fd = connect(user, 300)
	check.eq(ask(fd, "hello", 2), "re hello")
	leave(fd)
end

case["the gate closes its port"] = function()
	local user = new_user()
	local fd = connect(user, 1)
	skynet.call(server, "lua", "close")
	check.eventually(function()
		local id = socket.open("127.0.0.1", port)
		if id then
			socket.close(id)
		end
		return not id
	end)
	check.eq(ask(fd, "hello", 1), "re hello", "who is there stays")
	leave(fd)
end

check.run(case)
