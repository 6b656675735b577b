-- Sends back each line that comes, a coroutine for each connection.
local socket = require "skynet.socket"
local server = require "bench_server"

server.sockets(function(id)
	socket.start(id)
	while true do
		local line = socket.readline(id)
		if not line then
			break
		end
		socket.write(id, line .. "\n")
	end
	socket.close(id)
end)
