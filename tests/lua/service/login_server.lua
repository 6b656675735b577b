---A login server: the token is the user's name, and some names mean trouble.
local skynet = require "skynet"
local login = require "snax.loginserver"

local calls = {}

login {
	host = "127.0.0.1",
	port = 0,
	name = "login_server",
	instance = 2,
	timeout = 1,

	auth_handler = function(token)
		if token == "stranger" then
			error "nobody knows you"
		elseif token == "slow auth" then
			skynet.sleep(20)
		end
		return "server of " .. token, token
	end,

	login_handler = function(server, uid, secret)
		calls[#calls + 1] = { server, uid, #secret }
		if uid == "banned" then
			error "go away"
		elseif uid == "slow" then
			skynet.sleep(20)
		elseif uid == "nameless" then
			return nil
		elseif uid == "number" then
			return 7
		elseif uid == "table" then
			return {}
		end
		return "id of " .. uid
	end,

	command_handler = function(cmd, ...)
		if cmd == "calls" then
			local result = calls
			calls = {}
			return result
		elseif cmd == "echo" then
			return ...
		end
		error "no such command"
	end,
}
