-- Sends back what comes, a coroutine for each connection.
local socket = require "skynet.socket"
local server = require "bench_server"

server.sockets(function(id)
	socket.start(id)
	while true do
		local data = socket.read(id)
		if not data then
			break
		end
		socket.write(id, data)
	end
	socket.close(id)
end)
