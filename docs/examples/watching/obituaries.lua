-- The exit monitor: each service of the node that ends is the source of a message of the type client, without a text.
local skynet = require "skynet"

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = function() end,
	dispatch = function(_, ended)
		skynet.error(string.format("obituaries: %s has ended", skynet.address(ended)))
	end,
}

skynet.start(function() end)
