---Has `examples/simplemonitor.lua` watch services that end in different ways, and shows that it heard of each: a request that its
---service gave up fails, and the monitor answers false to a later WATCH. With an argument it is such a service.
local skynet = require "skynet"
require "skynet.manager"

local how = ...

local victim = {}

function victim.exit()
	skynet.exit()
end

function victim.kill()
	skynet.kill(skynet.self())
end

function victim.debug()
	skynet.send(skynet.self(), "debug", "EXIT")
end

function victim.init()
	skynet.wakeup "fail"
end

---@param monitor integer
---@param way string
local function try(monitor, way)
	if way == "init" then
		skynet.fork(pcall, skynet.newservice, "compat_monitor", way)
	else
		skynet.newservice("compat_monitor", way)
	end
	local handle
	repeat
		skynet.sleep(1)
		handle = skynet.localname(".victim_" .. way)
	until handle
	local watched = skynet.call(monitor, "lua", "WATCH", handle)
	skynet.fork(skynet.send, handle, "lua", "end")
	local answered = pcall(skynet.call, handle, "lua", "wait")
	print(way, "watched", watched, "answered", answered, "watched", skynet.call(monitor, "lua", "WATCH", handle))
end

if how then
	skynet.start(function()
		skynet.register(".victim_" .. how)
		skynet.dispatch("lua", function(_, _, word)
			if word == "wait" then
				skynet.ignoreret()
			else
				victim[how]()
			end
		end)
		if how == "init" then
			skynet.wait "fail"
			error "a start that fails"
		end
	end)
else
	skynet.start(function()
		local monitor = skynet.monitor "simplemonitor"
		for _, way in ipairs { "exit", "kill", "debug", "init" } do
			try(monitor, way)
		end
		skynet.abort()
	end)
end
