-- A gate, and an agent for each connection.
local skynet = require "skynet"
require "skynet.manager"
local server = require "bench_server"

local agents = {}

server.gate {
	open = function(gate, fd)
		local agent = skynet.newservice "bench_net_agent"
		agents[fd] = agent
		skynet.call(gate, "lua", "forward", fd, 0, agent)
	end,
	close = function(_, fd)
		skynet.kill(agents[fd])
		agents[fd] = nil
	end,
}
