-- Takes part in what tests of waits tie together: it does its step and passes the others on.
local skynet = require "skynet"
local serial = require "skynet.queue"()

---@class knot.step
---@field at integer|string the service that takes it
---@field how "free"|"queue" in its queue or not
---@field rest? integer centiseconds until it calls the next one
---@field limit? integer time limit of that call
---@field child? boolean starts a service that calls back into the queue

local go

---@param step knot.step
---@param more knot.step[]
local function act(step, more)
	skynet.sleep(step.rest or 0)
	if step.child then
		skynet.newservice("waits_child", skynet.self())
	elseif more[1] then
		skynet.timeout_call(step.limit, more[1].at, "lua", more)
	end
end

---@param steps knot.step[]
function go(steps)
	local step = table.remove(steps, 1)
	if step.how == "queue" then
		serial(act, step, steps)
	else
		act(step, steps)
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, steps)
		if steps == "keep" then
			skynet.response()
		else
			go(steps)
			skynet.ret()
		end
	end)
end)
