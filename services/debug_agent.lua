-- Stands between the debug console and a service that is being debugged: lines typed there go through a channel that the
-- service reads even while it is stopped in the middle of a handler, when it takes no messages.
local skynet = require "skynet"
local debugchannel = require "skynet.debugchannel"

local command = {}

--- A request of the debug protocol lasts as long as the debugging does.
---@type "none"|"asking"|"attached"|"left"|"failed"
local state = "none"
local channel
---@type integer|string the service
local target

--- Waits for what is true after some change of the state.
---@param reached fun(): boolean
local function await(reached)
	while not reached() do
		skynet.wait(command)
	end
end

---@param to string
local function change(to)
	state = to
	skynet.wakeup(command)
end

--- Attaches to a service, which then talks to the client by itself.
---@param address integer|string
---@param fd integer the client's socket
function command.start(address, fd)
	skynet.error("Attach to " .. skynet.address(address))
	target = address
	local pointer
	channel, pointer = debugchannel.create()
	state = "asking"
	skynet.fork(function()
		local left = pcall(skynet.call, address, "debug", "REMOTEDEBUG", fd, pointer)
		change(left and "left" or "failed")
	end)
	await(function()
		return state ~= "asking"
	end)
	if state == "failed" then
		skynet.retpack(false, "Debugger attach failed")
		skynet.exit()
	end
	skynet.retpack(true)
end

--- Hands a line to the service. The answer to `cont` comes when the service has left the debug mode.
---@param line string
function command.cmd(line)
	channel:write(line)
	-- If it has ended the word of that may still be on its way.
	local goes_on = line ~= "cont" and skynet.watch(target)
	await(function()
		return goes_on or state ~= "attached"
	end)
	if state == "attached" then
		return skynet.retpack(true)
	elseif state == "left" then
		skynet.retpack(true)
	else
		skynet.retpack(false, "The service has ended")
	end
	skynet.exit()
end

--- The debugged service says that it is, and asks whether somebody is still there.
function command.ping()
	if state == "asking" then
		change "attached"
	end
	skynet.ret()
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
