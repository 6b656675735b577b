-- An example of an exit monitor: `skynet.monitor "simplemonitor"`, then `skynet.call(monitor, "lua", "WATCH", handle)`.
-- WATCH answers true, and when that service ends the watcher is told as if the service itself had said so: its calls to it
-- fail. It answers false if the service is known to have ended already.
local skynet = require "skynet"

---@type table<integer, table<integer, true>|false> service → its watchers; false once it has ended
local watched = {}

skynet.register_protocol {
	id = skynet.PTYPE_CLIENT,
	name = "client", -- no unpack: the notice says nothing but who has ended
	-- The node tells of each service that ends, as if from that service.
	dispatch = function(_, ended)
		-- A watcher that has ended waits for nothing any more.
		for _, watchers in pairs(watched) do
			if watchers then
				watchers[ended] = nil
			end
		end
		local watchers = watched[ended]
		watched[ended] = watchers and false
		for watcher in pairs(watchers or {}) do
			skynet.redirect(watcher, ended, "error", 0, "")
		end
	end,
}

skynet.dispatch("lua", function(_, watcher, name, handle)
	assert(name == "WATCH", "unknown command")
	local watchers = watched[handle]
	if watchers == nil then
		watchers = {}
		watched[handle] = watchers
	end
	if watchers then
		watchers[watcher] = true
	end
	skynet.retpack(watchers ~= false)
end)

skynet.start(function() end)
