-- Stands between the debug console and a service that is being debugged: lines typed there go through a channel that the
-- service reads even while it is stopped in the middle of a handler, when it takes no messages.
local skynet = require "skynet"
local debugchannel = require "skynet.debugchannel"

---@type integer|string the debugged service
local target
local channel

local command = {}

--- Attaches to a service, which then talks to the client by itself.
---@param address integer|string
---@param fd integer the client's socket
function command.start(address, fd)
	skynet.error("Attach to " .. skynet.address(address))
	local pointer
	channel, pointer = debugchannel.create()
	if not pcall(skynet.call, address, "debug", "REMOTEDEBUG", fd, pointer) then
		skynet.retpack(false, "Debugger attach failed")
		skynet.exit()
	end
	target = address
	skynet.retpack(true)
	skynet.fork(function()
		pcall(skynet.call, target, "debug", "LINK") -- which ends when the service does
		target = nil
	end)
end

--- Hands a line to the service. The answer to `cont` comes when the service has left the debug mode.
---@param line string
function command.cmd(line)
	if target then
		channel:write(line)
	end
	if target and line ~= "cont" then
		return skynet.retpack(true)
	end
	local left = target and pcall(skynet.call, target, "debug", "REMOTEDEBUG")
	if left then
		skynet.retpack(true)
	else
		skynet.retpack(false, "The service has ended")
	end
	skynet.exit()
end

--- Lets the debugged service, and others, find out whether this agent still exists.
function command.ping()
	if skynet.context() ~= 0 then
		skynet.ret()
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		local run = command[name]
		if not run then
			error("Unknown command " .. tostring(name))
		end
		run(...)
	end)
end)
