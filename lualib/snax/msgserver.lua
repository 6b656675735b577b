---Message servers: gates whose clients have logged in elsewhere, ask and are answered, and may lose their connection
---meanwhile. A client that comes back asks once more and gets the answer that it missed, without being served twice.
---
---A service requires this module and calls `start` with its handlers.
local skynet = require "skynet"
local gateserver = require "snax.gateserver"
local netpack = require "skynet.netpack"
local driver = require "skynet.socketdriver"
local crypt = require "skynet.crypt"

-- Handlers pass requests on to agents in it.
skynet.register_protocol { name = "client", id = skynet.PTYPE_CLIENT }

local encode, decode = crypt.base64encode, crypt.base64decode

---@class msgserver
local msgserver = {}

---@class msgserver.conf
---@field request_handler fun(username: string, msg: string): string? answers a request; raises to fail it
---@field login_handler? fun(uid: any, secret: string): ... the command `login`; has to call `msgserver.login`
---@field logout_handler? fun(uid: any, subid: any): ... the command `logout`; has to call `msgserver.logout`
---@field kick_handler? fun(uid: any, subid: any): ... the command `kick`
---@field register_handler? fun(servername: any): ... the gate is open; its results answer `open`
---@field disconnect_handler? fun(username: string) the connection of a user is gone
---@field expired_number? integer answers that are kept for each user, 128 by default

---Bytes of an answer, so that it fits into a package with what is added.
local LONGEST = 0xffff - 5

---@class msgserver.request
---@field version integer of the connection that it was last sent on
---@field fd integer where the answer goes
---@field again boolean it has been sent more than once
---@field session integer
---@field answer? string the whole package, once there is one

---@class msgserver.user
---@field name string
---@field secret string
---@field version integer the last index that was used
---@field fd? integer
---@field ip? string
---@field requests table<integer, msgserver.request> by session
---@field answered msgserver.request[] the last ones, in a ring
---@field next integer where in the ring the next one goes, less one

---@type table<string, msgserver.user>
local users = {}
---Users by their connections.
---@type table<integer, msgserver.user>
local online = {}
---Connections that have not said yet whose they are, and their addresses.
---@type table<integer, string>
local unknown = {}

---@param uid any
---@param subid any
---@param server any
---@return string username
function msgserver.username(uid, subid, server)
	return string.format("%s@%s#%s", encode(tostring(uid)), encode(tostring(server)), encode(tostring(subid)))
end

---@param username string
---@return string uid
---@return string subid
---@return string server
function msgserver.userid(username)
	local uid, server, subid = username:match "^([^@]*)@([^#]*)#(.*)$"
	if not uid then
		error("not a name of `msgserver.username`: " .. username, 2)
	end
	return decode(uid), decode(subid), decode(server)
end

---Lets a user connect.
---@param username string
---@param secret string eight bytes
function msgserver.login(username, secret)
	if users[username] then
		error(username .. " is logged in already", 2)
	end
	users[username] = { name = username, secret = secret, version = 0, requests = {}, answered = {}, next = 0 }
end

---Closes the connection of a user.
---@param user msgserver.user
local function disconnect(user)
	local fd = user.fd
	if fd then
		user.fd = nil
		online[fd] = nil
		gateserver.closeclient(fd)
	end
end

---Forgets a user, with all answers, and closes the connection. Unknown users are ignored.
---@param username string
function msgserver.logout(username)
	local user = users[username]
	if user then
		users[username] = nil
		disconnect(user)
	end
end

---@param username string
---@return string? address "ip:port", nil if the user is not connected
function msgserver.ip(username)
	local user = users[username]
	return user and user.fd and user.ip
end

---Reads what a client says first.
---@param text string
---@return string? refusal nil if all is well
---@return msgserver.user? user
---@return integer? version the index
local function authenticate(text)
	local signed, code = text:match "^([^:]*:[^:]*):([^:]*)"
	local username, index = (signed or ""):match "^(.*):(.*)$"
	local user = users[username]
	if not user then
		return "404 User Not Found"
	end
	local version = math.tointeger(tonumber(index))
	local ok, hmac = pcall(decode, code)
	if not version or not ok then
		return "400 Bad Request"
	end
	if version <= user.version then
		return "403 Index Expired"
	end
	if hmac ~= crypt.hmac_hash(user.secret, signed) then
		return "401 Unauthorized"
	end
	return nil, user, version
end

---@param fd integer
---@param addr string
---@param text string
local function greet(fd, addr, text)
	unknown[fd] = nil
	local refusal, user, version = authenticate(text)
	driver.send(fd, string.pack(">s2", refusal or "200 OK"))
	if refusal then
		gateserver.closeclient(fd)
		return
	end
	-- The newest connection is the user's. One from before is closed, and nobody calls that a disconnect.
	disconnect(user)
	user.version, user.fd, user.ip = version, fd, addr
	online[fd] = user
end

---Sends an answer, if its connection is still there.
---@param user msgserver.user
---@param request msgserver.request
local function deliver(user, request)
	if online[request.fd] == user then
		driver.send(request.fd, request.answer)
	end
end

---@param conf msgserver.conf
---@return fun(fd: integer, user: msgserver.user, text: string)
local function make_requests(conf)
	local kept = conf.expired_number or 128

	---@param user msgserver.user
	---@param request msgserver.request
	local function remember(user, request)
		local place = user.next % kept + 1
		user.next = place
		local old = user.answered[place]
		if old and user.requests[old.session] == old then
			user.requests[old.session] = nil
		end
		user.answered[place] = request
	end

	---@param user msgserver.user
	---@param request msgserver.request
	---@param content string
	local function answer(user, request, content)
		local ok, result = pcall(conf.request_handler, user.name, content)
		result = ok and tostring(result == nil and "" or result) or result
		if ok and #result > LONGEST then
			ok, result = false, string.format("an answer of %d bytes is too long for a package", #result)
		end
		if not ok then
			skynet.error(result)
			result = ""
		end
		request.answer = string.pack(">s2", result .. string.pack(">BI4", ok and 1 or 0, request.session))
		remember(user, request)
		deliver(user, request)
	end

	return function(fd, user, text)
		if #text < 4 then
			error("a request ends with a session of 4 bytes", 0)
		end
		local session = string.unpack(">I4", text, -4)
		local request = user.requests[session]
		if request and request.version == user.version and (request.answer or request.again) then
			if not request.answer then
				error(string.format("Conflict session %d", session), 0)
			end
			-- The client has seen the answer: the number is free again.
			request = nil
		end
		if request then
			request.version, request.fd, request.again = user.version, fd, true
			if request.answer then
				deliver(user, request)
			end
			return
		end
		request = { version = user.version, fd = fd, again = false, session = session }
		user.requests[session] = request
		answer(user, request, text:sub(1, -5))
	end
end

---Makes this service a message server.
---@param conf msgserver.conf
function msgserver.start(conf)
	assert(conf.request_handler, "a message server needs a request_handler")
	local ask = make_requests(conf)
	local commands = { login = conf.login_handler, logout = conf.logout_handler, kick = conf.kick_handler }

	---@type gateserver.handler
	local handler = {
		open = function(_, gate)
			local name = assert(gate.servername, "a message server needs a servername when it is opened")
			if conf.register_handler then
				return conf.register_handler(name)
			end
		end,

		connect = function(fd, addr)
			unknown[fd] = addr
			gateserver.openclient(fd)
		end,

		message = function(fd, msg, size)
			local text = netpack.tostring(msg, size)
			local user = online[fd]
			if unknown[fd] then
				greet(fd, unknown[fd], text)
			elseif user then
				local ok, reason = pcall(ask, fd, user, text)
				if not ok then
					skynet.error(string.format("Invalid package %s (fd = %d, user %s)", reason, fd, user.name))
					gateserver.closeclient(fd)
				end
			end
		end,

		disconnect = function(fd)
			local user = online[fd]
			unknown[fd], online[fd] = nil, nil
			gateserver.closeclient(fd)
			if user then
				user.fd = nil
				if conf.disconnect_handler then
					conf.disconnect_handler(user.name)
				end
			end
		end,

		command = function(cmd, _, ...)
			local f = commands[cmd] or error("the message server has no command " .. tostring(cmd))
			return f(...)
		end,
	}
	gateserver.start(handler)
end

return msgserver
