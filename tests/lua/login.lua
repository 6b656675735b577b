---Login servers: who is let in, who is not, and what hostile clients get.
local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"
local check = require "check"
local client = require "login_client"

local case = check.cases()

local server, port

local function start()
	if not server then
		server = skynet.newservice "login_server"
		port = client.port_of(server)
	end
	skynet.call(server, "lua", "calls")
end

---@return any[] calls of login_handler since the last time
local function calls()
	return skynet.call(server, "lua", "calls")
end

---@param text string
---@return string
local function ok(text)
	return "200 " .. crypt.base64encode(text)
end

case["the server has its name, and a service for each instance"] = function()
	start()
	check.eq(skynet.localname ".login_server", server)
	local count = 0
	for _, name in pairs(skynet.call(".launcher", "lua", "LIST")) do
		count = count + (name:find "snlua login_server" and 1 or 0)
	end
	check.eq(count, 3)
	check.log "login server listen at : 127%.0%.0%.1 %d+"
end

case["who has a good token is let in"] = function()
	start()
	check.eq(client.login(port, "alice"), ok "id of alice")
	check.eq(calls(), { { "server of alice", "alice", 8 } })
	check.log "connect from 127%.0%.0%.1:%d+ %(fd = %d+%)"
end

case["an id may be a number, or missing"] = function()
	start()
	check.eq(client.login(port, "number"), ok "7")
	check.eq(client.login(port, "nameless"), "200 ")
end

case["an id of another type is refused"] = check.ours(function()
	-- In C the client is not answered.
	start()
	check.eq(client.login(port, "table"), "403 Forbidden")
end)

case["both sides have the same secret"] = function()
	start()
	local fd = client.connect(port)
	check.eq(#client.greet(fd, "bob"), 8)
	check.eq(client.read(fd), ok "id of bob")
	socket.close(fd)
end

case["the server closes the connection after its answer"] = check.ours(function()
	start()
	for _, name in ipairs { "alice", "banned", "stranger" } do
		local fd = client.connect(port)
		client.greet(fd, name)
		client.read(fd)
		check.ok(client.closed(fd))
	end
end)

case["a token that is not good is 401"] = function()
	start()
	check.eq(client.login(port, "stranger"), "401 Unauthorized")
	check.log "invalid client %(fd = %d+%) error = .*nobody knows you"
	check.eq(calls(), {})
end

case["a user that the server refuses is 403"] = function()
	start()
	check.eq(client.login(port, "banned"), "403 Forbidden")
	check.log "invalid client %(fd = %d+%) error = .*go away"
end

case["a second login during the first is 406"] = function()
	start()
	local first
	check.fork(function()
		first = client.login(port, "slow")
	end)
	check.eventually(function()
		return #calls() == 1
	end)
	check.eq(client.login(port, "slow"), "406 Not Acceptable")
	check.log "User slow is already login"
	check.eventually(function()
		return first
	end)
	check.eq(first, ok "id of slow")
	check.eq(client.login(port, "slow"), ok "id of slow", "afterwards")
end

case["wrong keys are 401"] = function()
	start()
	for key, reason in pairs {
		[crypt.base64encode "1234567"] = "Invalid client key",
		[""] = "Invalid client key",
		["!!!!x"] = "Invalid base64 text",
		[crypt.base64encode(("\0"):rep(8))] = "Can't be 0",
	} do
		local fd = client.connect(port)
		client.greet(fd, "mallory", { key = key })
		local answer = client.read(fd)
		if #answer < 16 then
			-- The server's own half of the exchange came first.
			answer = client.read(fd)
		end
		check.eq(answer, "401 Unauthorized", reason)
		check.log(reason)
		socket.close(fd)
	end
end

case["a wrong proof of the secret is 401"] = function()
	start()
	check.eq(client.login(port, "mallory", { proof = crypt.base64encode "12345678" }), "401 Unauthorized")
	check.log "invalid client %(fd = %d+%) error = .*challenge failed"
	check.eq(client.login(port, "mallory", { proof = "%%%=" }), "401 Unauthorized")
	check.eq(calls(), {})
end

case["a token that nobody can read is 401"] = function()
	start()
	-- Whole blocks without their end. What is just any 8 bytes may be a token, for some secrets.
	local function endless(secret)
		return crypt.base64encode(crypt.desencode(secret, "12345678"):sub(1, 8))
	end
	for i, token in ipairs { "==", "", crypt.base64encode "1234567", endless } do
		check.eq(client.login(port, "mallory", { token = token }), "401 Unauthorized", "token " .. i)
	end
	check.eq(calls(), {})
end

case["what was sent ahead does not take the answer back"] = check.ours(function()
	start()
	for _ = 1, 20 do
		local fd = client.connect(port)
		check.eq(#crypt.base64decode(client.read(fd)), 8)
		client.write(fd, "no key")
		for _ = 1, 50 do
			client.write(fd, ("x"):rep(100))
		end
		check.eq(client.read(fd), "401 Unauthorized")
		socket.close(fd)
	end
end)

case["8 KB without a line end are too much"] = function()
	start()
	local fd = client.connect(port)
	client.read(fd)
	socket.write(fd, ("x"):rep(8193))
	check.ok(client.closed(fd))
	check.log "socket buffer overflow: fd=%d+ size=8193"
	check.log "invalid client %(fd = %d+%) error = .*socket error"
end

case["a client may vanish in each step"] = function()
	start()
	local steps = {
		function() end,
		client.read,
		function(fd)
			client.read(fd)
			client.write(fd, crypt.base64encode(crypt.dhexchange(crypt.randomkey())))
		end,
		function(fd)
			client.read(fd)
			client.write(fd, crypt.base64encode(crypt.dhexchange(crypt.randomkey())))
			client.read(fd)
			socket.write(fd, "half a li")
		end,
	}
	local function errors()
		return select(2, check.whole_log():gsub("invalid client [^\n]*socket error", ""))
	end
	for _, step in ipairs(steps) do
		local before = errors()
		local fd = client.connect(port)
		step(fd)
		socket.close(fd)
		check.eventually(function()
			return errors() == before + 1
		end)
	end
	check.eq(calls(), {})
	check.eq(client.login(port, "alice"), ok "id of alice", "the others do not suffer")
end

case["a client may vanish while it is let in"] = function()
	start()
	local fd = client.connect(port)
	client.greet(fd, "slow")
	check.eventually(function()
		return #calls() == 1
	end)
	socket.close(fd)
	check.log "response 200 failed: socket %(fd = %d+%) closed"
	check.eq(client.login(port, "slow"), ok "id of slow")
end

case["many clients at once are all answered"] = function()
	start()
	local answers, count = {}, 50
	for i = 1, count do
		check.fork(function()
			answers[i] = client.login(port, i % 5 == 0 and "stranger" or "user" .. i)
		end)
	end
	for i = 1, count do
		check.eventually(function()
			return answers[i]
		end)
		check.eq(answers[i], i % 5 == 0 and "401 Unauthorized" or ok("id of user" .. i))
	end
end

case["a client that says nothing is closed when its time is over"] = check.ours(function()
	start()
	local fd = client.connect(port)
	check.eq(#crypt.base64decode(client.read(fd)), 8)
	check.ok(client.closed(fd))
	check.log "invalid client %(fd = %d+%) error = socket error"
end)

case["the time of the checks is not the client's"] = function()
	start()
	check.eq(client.login(port, "slow auth"), ok "id of slow auth")
end

case["a slave that was killed is replaced"] = check.ours(function()
	-- In C every other client would be turned away for ever.
	start()
	for address, name in pairs(skynet.call(".launcher", "lua", "LIST")) do
		if name:find "login_server" and address ~= skynet.address(server) then
			skynet.kill(tonumber(address:sub(2), 16))
		end
	end
	check.eventually(function()
		-- One client for each slave.
		local challenges = 0
		for _ = 1, 2 do
			local fd = client.connect(port)
			challenges = challenges + (client.read(fd) ~= "" and 1 or 0)
			socket.close(fd)
		end
		return challenges == 2
	end)
	for _ = 1, 4 do
		check.eq(client.login(port, "alice"), ok "id of alice")
	end
end)

case["no connection is left behind"] = check.ours(function()
	start()
	check.eventually(function()
		local open = 0
		for _, info in pairs(socket.netstat()) do
			open = open + (info.type == "LISTEN" and 0 or 1)
		end
		return open == 0
	end)
end)

case["other messages go to the command handler"] = function()
	start()
	check.eq({ skynet.call(server, "lua", "echo", 1, "two") }, { 1, "two" })
	check.raises("call failed", skynet.call, ".login_server", "lua", "nonsense")
end

check.run(case)
