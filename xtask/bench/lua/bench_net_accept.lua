-- Sends one line back on each connection, and closes it.
local socket = require "skynet.socket"
local server = require "bench_server"

server.sockets(function(id)
	socket.start(id)
	local line = socket.readline(id)
	if line then
		socket.write(id, line .. "\n")
	end
	socket.close(id)
end)
