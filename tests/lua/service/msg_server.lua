---A message server: requests say what is to become of them.
local skynet = require "skynet"
local msgserver = require "snax.msgserver"

local served, gone = 0, 0
local commands = {}

function commands.counts()
	return { served = served, gone = gone }
end

---@param uid string
local function name_of(uid)
	return msgserver.username(uid, 1, "test")
end

msgserver.start {
	expired_number = 4,

	login_handler = function(uid, secret)
		msgserver.login(name_of(uid), secret)
		return name_of(uid)
	end,

	logout_handler = function(uid)
		msgserver.logout(name_of(uid))
		return "bye"
	end,

	-- Used for questions of the test, too.
	kick_handler = function(uid, subid)
		if uid == "ip" then
			return msgserver.ip(subid)
		elseif commands[uid] then
			return commands[uid](subid)
		end
		return "kicked", uid, subid
	end,

	register_handler = function(name)
		return "registered", name
	end,

	disconnect_handler = function(username)
		gone = gone + 1
		skynet.error("disconnected", username)
	end,

	request_handler = function(username, text)
		served = served + 1
		if text == "fail" then
			error "no such luck"
		elseif text == "nothing" then
			return nil
		elseif text == "number" then
			return 5
		elseif text == "who" then
			return username
		elseif text:find "^slow" then
			skynet.sleep(30)
		elseif text:find "^big %d" then
			return ("b"):rep(tonumber(text:match "%d+"))
		end
		return "re " .. text
	end,
}
