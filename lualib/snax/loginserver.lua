---Login servers. A client shows by a key exchange and a token who it is, gets an answer in one line, and goes.
---
---A service requires this module and calls it with its settings. The first such service is the master: it listens, launches
---more of itself, the slaves, and has each client checked by one of them. What the master does with a client that is who it
---claims to be is up to `login_handler`. Other lua messages to the master go to `command_handler`.
local crypt = require "skynet.crypt"
local skynet = require "skynet"
local socket = require "skynet.socket"
local shutdown = require "skynet.shutdown"
require "skynet.manager"

---@class loginserver.conf
---@field host? string all of IPv4 by default
---@field port integer|string 0: the system chooses, and the log has it
---@field name? string the master's local name, without its dot; "login" by default
---@field instance? integer slaves, 8 by default
---@field multilogin? boolean a user may log in while another login of theirs is in progress
---@field timeout? number seconds that a client may take until its token is there; not limited by default
---@field auth_handler fun(token: string): server: any, uid: any in a slave; raises for a token that is not good
---@field login_handler fun(server: any, uid: any, secret: string): subid: string|number|nil in the master; raises to refuse
---@field command_handler fun(cmd: any, ...: any): ... in the master

---Bytes that a client may send ahead.
local LIMIT = 8192
---Cs that a client which was refused has to go by itself, so that it can read why.
local LINGER = 100

---Raised when a client is gone, and nobody is left to be answered.
local GONE = "socket error"

---@param fd integer
---@param text string
local function write_line(fd, text)
	if not socket.write(fd, text .. "\n") then
		error(GONE, 0)
	end
end

---@param fd integer
---@return string
local function read_line(fd)
	return socket.readline(fd) or error(GONE, 0)
end

---@param fd integer
---@return string bytes
local function read_bytes(fd)
	return crypt.base64decode(read_line(fd))
end

---@param fd integer
---@param bytes string
local function write_bytes(fd, bytes)
	write_line(fd, crypt.base64encode(bytes))
end

---The client's side of the key exchange, and its token.
---@param fd integer
---@return string token
---@return string secret
local function handshake(fd)
	local challenge = crypt.randomkey()
	write_bytes(fd, challenge)
	local public = read_bytes(fd)
	if #public ~= 8 then
		error("Invalid client key", 0)
	end
	local key = crypt.randomkey()
	write_bytes(fd, crypt.dhexchange(key))
	local secret = crypt.dhsecret(public, key)
	if read_bytes(fd) ~= crypt.hmac64(challenge, secret) then
		error("challenge failed", 0)
	end
	return crypt.desdecode(secret, read_bytes(fd)), secret
end

---A slave's answer to the master: "ok", server, uid, secret; or "refused" or "gone", and why.
---@param conf loginserver.conf
---@param fd integer
---@return string status
---@return any ...
local function check_client(conf, fd)
	local waiting = true
	if conf.timeout then
		skynet.timeout(math.ceil(conf.timeout * 100), function()
			if waiting then
				socket.shutdown(fd)
			end
		end)
	end
	local ok, token, secret = pcall(handshake, fd)
	waiting = false
	if not ok then
		return token == GONE and "gone" or "refused", token
	end
	local good, server, uid = pcall(conf.auth_handler, token)
	if not good then
		return "refused", server
	end
	if uid == nil then
		return "refused", "auth_handler gave no uid"
	end
	return "ok", server, uid, secret
end

---@param conf loginserver.conf
local function run_slave(conf)
	assert(conf.auth_handler, "a login server needs an auth_handler")
	skynet.dispatch("lua", function(_, _, fd, addr)
		skynet.error(string.format("connect from %s (fd = %d)", addr, fd))
		if not socket.start(fd) then
			skynet.retpack("gone", GONE)
			return
		end
		socket.limit(fd, LIMIT)
		local answer = table.pack(check_client(conf, fd))
		-- From here on the connection is the master's.
		socket.abandon(fd)
		skynet.retpack(table.unpack(answer, 1, answer.n))
	end)
end

---Reads on until a client that was refused is gone: closing with something unread would take our answer back.
---@param fd integer
local function linger(fd)
	local here = true
	skynet.timeout(LINGER, function()
		if here then
			socket.shutdown(fd)
		end
	end)
	repeat
		local more = socket.read(fd)
	until not more
	here = false
end

---@param conf loginserver.conf
---@return fun(server: any, uid: any, secret: string): string answer, string? refusal
local function make_login(conf)
	---Users whose login is in progress.
	local busy = {}

	return function(server, uid, secret)
		if not conf.multilogin and busy[uid] then
			return "406 Not Acceptable", string.format("User %s is already login", uid)
		end
		busy[uid] = (busy[uid] or 0) + 1
		local ok, subid = pcall(conf.login_handler, server, uid, secret)
		busy[uid] = busy[uid] > 1 and busy[uid] - 1 or nil
		if not ok then
			return "403 Forbidden", tostring(subid)
		end
		local kind = type(subid)
		if kind ~= "string" and kind ~= "number" and kind ~= "nil" then
			return "403 Forbidden", "login_handler gave a subid that is a " .. kind
		end
		return "200 " .. crypt.base64encode(subid or "")
	end
end

---@param fd integer
---@param reason any
local function log_invalid(fd, reason)
	skynet.error(string.format("invalid client (fd = %d) error = %s", fd, reason))
end

---Takes a client from its connection to its answer.
---@param slave integer
---@param login fun(server: any, uid: any, secret: string): string answer, string? refusal
---@param fd integer
---@param addr string
---@return boolean alive whether the slave has answered
local function serve(slave, login, fd, addr)
	local called, status, server, uid, secret = pcall(skynet.call, slave, "lua", fd, addr)
	if not called or status == "gone" or not socket.start(fd) then
		log_invalid(fd, called and GONE or status)
		socket.close_fd(fd)
		return called
	end
	local answer, refusal = "401 Unauthorized", server
	if status == "ok" then
		answer, refusal = login(server, uid, secret)
	end
	if refusal then
		log_invalid(fd, refusal)
	end
	if socket.disconnected(fd) or not socket.write(fd, answer .. "\n") then
		skynet.error(string.format("response %s failed: socket (fd = %d) closed", answer:sub(1, 3), fd))
	elseif refusal then
		linger(fd)
	end
	socket.close(fd)
	return true
end

---@param conf loginserver.conf
local function run_master(conf)
	assert(conf.login_handler, "a login server needs a login_handler")
	assert(conf.command_handler, "a login server needs a command_handler")
	local host = conf.host or "0.0.0.0"
	local port = assert(tonumber(conf.port), "a login server needs a port")
	local count = conf.instance or 8
	assert(count > 0, "a login server needs at least one instance")

	local slaves = {}
	for i = 1, count do
		slaves[i] = skynet.newservice(SERVICE_NAME)
	end
	skynet.dispatch("lua", function(_, _, ...)
		skynet.retpack(conf.command_handler(...))
	end)

	local login = make_login(conf)
	local turn = 0
	---Slaves that have been replaced.
	local ended = {}
	local listener, ip, real = socket.listen(host, port)
	skynet.error(string.format("login server listen at : %s %d", ip or host, real or port))
	shutdown.register { phase = "accept", handler = function()
		socket.close(listener)
	end }
	socket.start(listener, function(fd, addr)
		turn = turn % count + 1
		local place = turn
		local slave = slaves[place]
		if not serve(slave, login, fd, addr) and not ended[slave] then
			-- The next client gets another one.
			ended[slave] = true
			slaves[place] = skynet.newservice(SERVICE_NAME)
		end
	end)
end

---Makes this service a login server.
---@param conf loginserver.conf
return function(conf)
	local name = "." .. (conf.name or "login")
	skynet.start(function()
		if skynet.localname(name) then
			run_slave(conf)
		else
			-- Before the first slave starts: by the name it knows that it is one.
			skynet.register(name)
			run_master(conf)
		end
	end)
end
