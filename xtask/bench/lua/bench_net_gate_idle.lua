-- A gate without agents: the watchdog itself sends packages back.
local skynet = require "skynet"
local socket = require "skynet.socket"
local server = require "bench_server"

server.gate {
	open = function(gate, fd)
		skynet.call(gate, "lua", "accept", fd)
	end,
	data = function(_, fd, data)
		socket.write(fd, string.pack(">s2", data))
	end,
	close = function(gate, fd)
		skynet.call(gate, "lua", "kick", fd)
	end,
}
