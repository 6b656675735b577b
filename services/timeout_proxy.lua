-- Stands in front of a service: `newservice("timeout_proxy", target, cs, type?)`. Everything sent here goes on to `target`, and a
-- request that it has not answered within `cs` fails. Its late answer is dropped.
local skynet = require "skynet"
local forward = require "skynet.proxy.forward"

local name, limit, kind = ...
limit = math.tointeger(tonumber(limit))
if not limit or limit < 1 then
	error("timeout_proxy: expected a target, and a time limit of at least 1 cs", 0)
end
local target = forward.target(name)

---@param session integer
---@param source integer
---@param msg lightuserdata
---@param size integer
local function on_message(session, source, msg, size)
	if session == 0 then
		forward.send(target, source, msg, size)
	else
		forward.call(target, msg, size)
	end
end

forward.start(kind or "lua", on_message, function()
	skynet.call_timeout(limit)
	skynet.info_func(function()
		return { target = name, limit = limit, late = skynet.stat "late" }
	end)
end)
