-- Sends back each package of its client.
local skynet = require "skynet"
local socket = require "skynet.socket"

skynet.register_protocol {
	id = skynet.PTYPE_CLIENT,
	name = "client",
	unpack = skynet.tostring,
	dispatch = function(fd, _, data)
		skynet.ignoreret()
		socket.write(fd, string.pack(">s2", data))
	end,
}

skynet.start(function() end)
