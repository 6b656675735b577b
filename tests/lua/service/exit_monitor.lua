---Remembers the notices of services that ended, and answers with them.
local skynet = require "skynet"

local dead = {}

skynet.register_protocol {
	id = skynet.PTYPE_CLIENT,
	name = "client",
	dispatch = function(session, source)
		dead[#dead + 1] = { session, source }
	end,
	unpack = skynet.tostring,
}

skynet.start(function()
	skynet.dispatch("lua", function()
		skynet.retpack(dead)
	end)
end)
