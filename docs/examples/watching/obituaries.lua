-- The exit monitor: each service of the node that ends is the source of a message of the type client, without a text.
local skynet = require "skynet"

local function note(_, ended)
	skynet.error(string.format("obituaries: %s has ended", skynet.address(ended)))
end

skynet.register_protocol { id = skynet.PTYPE_CLIENT, name = "client", dispatch = note, unpack = skynet.tostring }

skynet.start(function() end)
