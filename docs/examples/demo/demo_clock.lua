-- Sends the service that started it a tick at every interval. Its argument is the interval, in 1/100 s.

local skynet = require "skynet"

local interval = assert(math.tointeger(tonumber((...))), "the interval must be a whole number")

local listener

local function run()
	local ticks = 0
	while true do
		skynet.sleep(interval)
		if not listener then
			return
		end
		ticks = ticks + 1
		skynet.send(listener, "lua", "tick", ticks)
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(_, source, command)
		if command == "start" then
			listener = source
			skynet.fork(run)
		elseif command == "stop" then
			listener = nil
		end
	end)
end)
