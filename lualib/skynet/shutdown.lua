--- Safe exit, as a service sees it: what it still has to do before the node ends, and when. `skynet.shutdown` begins one.
---
--- A service reports itself once, when it starts; nothing is sent and nothing runs until a shutdown comes to its phase. By then it
--- has handled everything that was sent to it before the phase began.
local skynet = require "skynet"
local core = require "skynet.core"
local native = require "skynet.native"
local problem_of = require "skynet.options"

local shutdown = {}

local SETTINGS = { phase = "string|number", handler = "function", timeout = "limit" }

--- The standard phases, in their order. Numbers between them are phases, too.
---@type table<string, integer>
shutdown.PHASES = {
	accept = 10, -- nobody new is let in: listeners close
	clients = 20, -- those who are there are parted from
	logic = 30, -- what is going on comes to an end
	store = 40, -- what must last is written
	last = 50, -- supervisors stop their children
}

---@class shutdown.step
---@field phase string|integer the name of a standard phase, or a number
---@field handler fun() does what has to be done; it may call others, wait and raise
---@field timeout? integer cs that it may take; default 500

--- A step that was reported.
---@class shutdown.registration
---@field private session integer
---@field private cancelled? boolean
local Registration = {}
Registration.__index = Registration

--- The number of a phase. Raises if it is none.
---@param phase string|integer
---@return integer
function shutdown.phase(phase)
	local number = shutdown.PHASES[phase] or math.tointeger(phase)
	if not number or math.abs(number) > 1000000 then
		error(string.format("shutdown: %s is no phase; it is accept, clients, logic, store, last, or a whole number up to a million",
			tostring(phase)), 3)
	end
	return number
end

--- Tells the coordinator that a step is done, or how it failed.
---@param text string
local function report(text)
	local leader = core.command("SHUTDOWN", "LEADER")
	if leader then
		core.send(leader, skynet.PTYPE_TEXT, 0, text)
	end
end

--- Reports that this service has something to do before the node ends.
---@param step shutdown.step
---@return shutdown.registration
function shutdown.register(step)
	local problem = problem_of(step, SETTINGS)
	if problem then
		error("shutdown: " .. problem, 2)
	end
	local phase, handler, timeout = shutdown.phase(step.phase), step.handler, step.timeout or 500
	if type(handler) ~= "function" then
		error("shutdown: a step needs a handler, a function", 2)
	end
	local step = setmetatable({}, Registration)
	step.session = native.on_answer(function()
		local ok, reason = true, nil
		if not step.cancelled then
			ok, reason = xpcall(handler, debug.traceback)
		end
		if ok then
			report("done " .. step.session)
		else
			skynet.error(reason)
			report(string.format("failed %d %s", step.session, tostring(reason):match "^[^\r\n]*"))
		end
	end)
	core.command("SHUTDOWN", string.format("JOIN %d %d %d", phase, timeout, step.session))
	return step
end

--- Takes the step back. Nothing happens if it has begun.
function Registration:cancel()
	self.cancelled = true
	if core.command("SHUTDOWN", "LEAVE " .. self.session) and not shutdown.reason() then
		native.cancel(self.session)
	end
	-- In a shutdown the request to begin may be on its way, and is answered.
end

--- Why the node is being shut down.
---@return string? reason nil if it is not
function shutdown.reason()
	return core.command("SHUTDOWN", "STATE")
end

return shutdown
