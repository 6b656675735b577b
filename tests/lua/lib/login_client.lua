---The client's side of the login protocol and of message servers, step by step.
local skynet = require "skynet"
local socket = require "skynet.socket"
local crypt = require "skynet.crypt"
local check = require "check"

local client = {}

---@param owner integer a service that listens
---@return integer port
function client.port_of(owner)
	return check.eventually(function()
		for _, info in pairs(socket.netstat()) do
			if info.type == "LISTEN" and info.address == owner then
				return tonumber(info.sock:match ":(%d+)$")
			end
		end
	end, "the service listens")
end

---@param port integer
---@return integer fd
function client.connect(port)
	return check.ok(socket.open("127.0.0.1", port))
end

---@param fd integer
---@param text string
function client.write(fd, text)
	socket.write(fd, text .. "\n")
end

---@param fd integer
---@return string line "" if the connection ended
function client.read(fd)
	return socket.readline(fd) or ""
end

---What goes wrong on purpose: lines instead of the right ones.
---@class login_client.wrong
---@field key? string
---@field proof? string
---@field token? string|fun(secret: string): string

---The key exchange up to the token, which is sent.
---@param fd integer
---@param token string
---@param wrong? login_client.wrong
---@return string secret
function client.greet(fd, token, wrong)
	wrong = wrong or {}
	local challenge = crypt.base64decode(client.read(fd))
	check.eq(#challenge, 8)
	local key = crypt.randomkey()
	client.write(fd, wrong.key or crypt.base64encode(crypt.dhexchange(key)))
	if wrong.key then
		return ""
	end
	local secret = crypt.dhsecret(crypt.base64decode(client.read(fd)), key)
	client.write(fd, wrong.proof or crypt.base64encode(crypt.hmac64(challenge, secret)))
	local wrong_token = wrong.token
	if type(wrong_token) == "function" then
		wrong_token = wrong_token(secret)
	end
	client.write(fd, wrong_token or crypt.base64encode(crypt.desencode(secret, token)))
	return secret
end

---@param port integer
---@param token string
---@param wrong? login_client.wrong
---@return string answer
function client.login(port, token, wrong)
	local fd = client.connect(port)
	client.greet(fd, token, wrong)
	local answer = client.read(fd)
	socket.close(fd)
	return answer
end

---What a client says first to a message server.
---@param username string
---@param index integer|string
---@param secret string
---@return string
function client.introduction(username, index, secret)
	local signed = username .. ":" .. index
	return signed .. ":" .. crypt.base64encode(crypt.hmac_hash(secret, signed))
end

---@param fd integer
---@param text string
function client.send_package(fd, text)
	socket.write(fd, string.pack(">s2", text))
end

---@param fd integer
---@return string? package nil if the connection ended
function client.read_package(fd)
	local head = socket.read(fd, 2)
	if not head then
		return nil
	end
	local size = string.unpack(">I2", head)
	if size == 0 then
		return ""
	end
	return socket.read(fd, size) or nil
end

---@param fd integer
---@param text string
---@param session integer
function client.ask(fd, text, session)
	client.send_package(fd, text .. string.pack(">I4", session))
end

---@param fd integer
---@return { [1]: string, ok: boolean, session: integer }? response nil if the connection ended
function client.answer(fd)
	local package = client.read_package(fd)
	if package then
		local ok, session = string.unpack(">BI4", package, -5)
		return { package:sub(1, -6), ok = ok == 1, session = session }
	end
end

---Whether the other side closes the connection.
---@param fd integer
---@return boolean
function client.closed(fd)
	while socket.read(fd) do
	end
	socket.close(fd)
	return true
end

return client
