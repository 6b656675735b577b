-- Accepts clients. It never reads from them: a socket is handed to the agent that the watchdog has for it, which starts it.

local skynet = require "skynet"
local socket = require "skynet.socket"

local watchdog = tonumber(...)

-- Tells a client why it cannot come in. It is our socket just long enough for that.
local function refuse(fd, reason)
	if socket.start(fd) then
		socket.write(fd, reason .. "\n")
		socket.close(fd)
	end
end

local function accepted(fd, address)
	local ok, agent, reason = pcall(skynet.call, watchdog, "lua", "open", fd, address)
	if not ok or not agent then
		refuse(fd, reason or "Nobody can let you in now.")
	end
end

local command = {}

-- Listens. False: the port is in use.
function command.open(host, port)
	local ok, id = pcall(socket.listen, host, port)
	if ok then
		socket.start(id, accepted)
	end
	return ok
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
end)
