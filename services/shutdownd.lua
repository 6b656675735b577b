-- `.shutdown`: goes through the phases of a shutdown. Started by the node when one is ordered and there are phases to go through, or
-- the whole network is to end. Its argument: `node`, `network`, or the address of the coordinator that leads.
local skynet = require "skynet"
local core = require "skynet.core"
require "skynet.manager"
local phases = require "skynet.shutdown.phases"
local network = require "skynet.shutdown.network"

local scope = ... or "node"

skynet.register_protocol {
	id = skynet.PTYPE_TEXT,
	name = "text",
	unpack = skynet.tostring,
	dispatch = function(_, source, text)
		phases.report(source, text)
	end,
}

local dispatch_error = skynet.dispatch "error"
skynet.dispatch("error", function(session, source, ...)
	if session == 0 then
		phases.ended(source)
	end
	return dispatch_error(session, source, ...)
end)

skynet.dispatch("lua", function(session, source, name, ...)
	local run = network.command[name] or error("shutdownd knows no command " .. tostring(name))
	if session == 0 then
		run(source, ...)
	else
		skynet.retpack(run(source, ...))
	end
end)

skynet.start(function()
	-- The name is for people. Services ask the node who leads: the name may be taken.
	skynet.register ".shutdown"
	core.command("SHUTDOWN", "LEAD")
	local limit = tonumber(skynet.getenv "rs_shutdown_timeout") or 30
	local deadline = skynet.now() + limit * 100
	skynet.fork(function()
		local ok, reason = xpcall(network.run, debug.traceback, scope, deadline)
		if not ok then
			-- Nobody may hang on a mistake of this service.
			phases.clean = false
			phases.log("the coordinator failed: %s", reason)
		end
		phases.finish()
	end)
end)
