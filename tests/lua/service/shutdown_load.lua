-- A gate under load, and a writer that acknowledges what it has in memory, and writes it now and then: only an orderly end keeps
-- what it promised. The gate's port is in the log.
local skynet = require "skynet"
local shutdown = require "skynet.shutdown"
local socket = require "skynet.socket"

local role = ...

local function writer()
	local file = assert(io.open("written", "ab"))
	local lines = {}

	local function flush()
		file:write(table.concat(lines))
		file:flush()
		lines = {}
	end

	skynet.start(function()
		shutdown.register { phase = "store", handler = flush }
		skynet.dispatch("lua", function(_, _, line)
			lines[#lines + 1] = line .. "\n"
			skynet.retpack(true)
		end)
		skynet.fork(function()
			while true do
				skynet.sleep(7)
				flush()
			end
		end)
	end)
end

local function watchdog()
	skynet.start(function()
		local store = skynet.newservice("shutdown_load", "writer")
		local gate = skynet.newservice "gate"
		local requests, ending = 0, nil
		local event = {}

		function event.open(fd)
			skynet.send(gate, "lua", "accept", fd)
		end

		function event.close(fd)
			skynet.send(gate, "lua", "kick", fd)
		end

		function event.data(fd, line)
			if ending then
				return -- clients never pause: whoever is heard now is too late
			end
			requests = requests + 1
			skynet.call(store, "lua", line)
			socket.write(fd, string.pack(">s2", line))
			requests = requests - 1
			if ending and requests == 0 then
				skynet.wakeup(ending)
			end
		end

		skynet.dispatch("lua", function(_, _, _, name, ...)
			if event[name] then
				event[name](...)
			end
		end)
		-- Before the gate parts from the clients: whoever was heard is answered.
		shutdown.register { phase = 15, handler = function()
			ending = {}
			if requests > 0 then
				skynet.wait(ending)
			end
		end }
		local _, port = skynet.call(gate, "lua", "open", { address = "127.0.0.1", port = 0, watchdog = skynet.self() })
		skynet.error("gate at port " .. port)
	end)
end

if role == "writer" then
	writer()
else
	watchdog()
end
