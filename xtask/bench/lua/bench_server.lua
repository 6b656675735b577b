-- What the network benchmarks share: a listener or a gate on a port of the system's choice, which the runner is told.
local skynet = require "skynet"

local server = {}

-- Connections that the system may hold until they are taken: more than a load opens at once.
local BACKLOG <const> = 1024

-- More than any load opens.
local MAX_CLIENTS <const> = 1 << 16

---Tells the runner that the server is there.
---@param port integer
local function listening(port)
	print(string.format("LISTENING %d", port))
	io.stdout:flush()
end

---A service that runs `serve` in a coroutine of its own for each connection.
---@param serve fun(id: integer) gets the socket, which it has to start
function server.sockets(serve)
	local socket = require "skynet.socket"
	skynet.start(function()
		local listener, _, port = socket.listen("127.0.0.1", 0, BACKLOG)
		socket.start(listener, function(id)
			skynet.fork(serve, id)
		end)
		listening(port)
	end)
end

---A service that is the watchdog of a gate for packages of two-byte heads.
---@param on table<string, fun(gate: integer, fd: integer, data?: string)> what to do at "open", "close" and "data"
function server.gate(on)
	skynet.start(function()
		local gate = skynet.newservice "gate"
		skynet.dispatch("lua", function(_, _, _, event, ...)
			local handler = on[event]
			if handler then
				handler(gate, ...)
			end
		end)
		local conf = { address = "127.0.0.1", port = 0, maxclient = MAX_CLIENTS, backlog = BACKLOG }
		local _, port = skynet.call(gate, "lua", "open", conf)
		listening(port)
	end)
end

return server
