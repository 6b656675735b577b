---An agent behind a gate: answers each package of its client by the same in capitals.
local skynet = require "skynet"
local socket = require "skynet.socket"

skynet.register_protocol {
	id = skynet.PTYPE_CLIENT,
	name = "client",
	unpack = skynet.tostring,
	dispatch = function(fd, _, package)
		skynet.ignoreret()
		if package == "boom" then
			error "as the client wished"
		end
		socket.write(fd, string.pack(">s2", package:upper()))
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, _, cmd, gate, fd, client)
		if cmd == "adopt" then
			skynet.call(gate, "lua", "forward", fd, client)
			skynet.retpack()
		elseif cmd == "fill" then
			-- Much for a client that does not read.
			for _ = 1, gate do
				socket.write(fd, ("x"):rep(64 * 1024))
			end
			skynet.retpack()
		elseif cmd == "exit" then
			skynet.retpack()
			skynet.exit()
		end
	end)
end)
