---Remembers the notices of services that ended, and answers with them.
local skynet = require "skynet"

local dead = {}

skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	unpack = function() end,
	dispatch = function(session, source)
		dead[#dead + 1] = { session, source }
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function()
		skynet.retpack(dead)
	end)
end)
