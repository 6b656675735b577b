--- The phases of a shutdown on one node, from the side of its coordinator: who is asked when, and who is passed by.
local skynet = require "skynet"
local core = require "skynet.core"
local shutdown = require "skynet.shutdown"

local phases = {}

--- Whether all have done what they wanted to, so far.
phases.clean = true

--- A step that was reported.
---@class shutdown.asked
---@field key string names the step for the whole life of the node
---@field handle integer
---@field session integer
---@field phase integer
---@field timeout integer cs
---@field name string for the log
---@field deadline integer

---@type table<string, true> steps that have begun
local begun = {}
---@type table<integer, table<integer, shutdown.asked>> those that are not done, by service and session
local open = {}
--- How many those are.
local count = 0

---@type table<integer, string>
local names = {}
for name, number in pairs(shutdown.PHASES) do
	names[number] = name
end

---@param format string
---@param ... any
function phases.log(format, ...)
	skynet.error("shutdown: " .. string.format(format, ...))
end

---@param phase integer
---@return string
local function title(phase)
	return names[phase] and string.format("%q", names[phase]) or tostring(phase)
end

--- Steps that have not begun.
---@return shutdown.asked[]
local function waiting()
	local list = {}
	local steps = core.command("SHUTDOWN", "STEPS") or ""
	for hex, session, phase, timeout, name in steps:gmatch ":(%x+) (%d+) (%-?%d+) (%d+) ([^\n]*)\n" do
		local key = hex .. " " .. session
		if not begun[key] then
			local handle = tonumber(hex, 16)
			list[#list + 1] = {
				key = key,
				handle = handle,
				session = tonumber(session),
				phase = tonumber(phase),
				timeout = tonumber(timeout),
				name = string.format("%s (%s)", skynet.address(handle), name),
			}
		end
	end
	return list
end

--- The phase that is next.
---@return integer? phase nil if there is none
---@return integer timeout cs that it may take
function phases.next()
	local next_phase, timeout = nil, 0
	for _, step in ipairs(waiting()) do
		if not next_phase or step.phase < next_phase then
			next_phase, timeout = step.phase, step.timeout
		elseif step.phase == next_phase then
			timeout = math.max(timeout, step.timeout)
		end
	end
	return next_phase, timeout
end

---@param step shutdown.asked
local function close(step)
	local steps = open[step.handle]
	steps[step.session] = nil
	if not next(steps) then
		open[step.handle] = nil
	end
	count = count - 1
	if count == 0 then
		skynet.wakeup(open)
	end
end

--- A service says how a step went.
---@param source integer
---@param text string
function phases.report(source, text)
	local word, session, reason = text:match "^(%a+) (%d+) ?(.*)$"
	local step = session and open[source] and open[source][tonumber(session)]
	if not step then
		return
	elseif word == "failed" then
		phases.clean = false
		phases.log("%s failed in phase %s: %s", step.name, title(step.phase), reason)
	end
	close(step)
end

--- A service has ended.
---@param handle integer
function phases.ended(handle)
	for _, step in pairs(open[handle] or {}) do
		close(step)
	end
end

--- Passes those by whose time is over.
---@return integer? deadline the next one
local function expire()
	local next_deadline
	for _, steps in pairs(open) do
		for _, step in pairs(steps) do
			if step.deadline <= skynet.now() then
				phases.clean = false
				phases.log("%s did not finish phase %s in %.2f s and is passed by", step.name, title(step.phase), step.timeout / 100)
				close(step)
			else
				next_deadline = math.min(next_deadline or step.deadline, step.deadline)
			end
		end
	end
	return next_deadline
end

--- Asks a service to begin.
---@param step shutdown.asked
local function ask(step)
	if skynet.watch(step.handle) then
		local steps = open[step.handle] or {}
		open[step.handle], steps[step.session] = steps, step
		count = count + 1
		-- It comes behind everything that was sent to the service before.
		skynet.redirect(step.handle, skynet.self(), "response", step.session, "")
	end
end

--- Runs the steps of a phase, and returns when all are done or passed by.
---@param phase integer
---@param latest integer no step may take longer than until then
function phases.run(phase, latest)
	local start, steps = skynet.now(), {}
	for _, step in ipairs(waiting()) do
		if step.phase == phase then
			begun[step.key] = true
			step.timeout = math.max(math.min(step.timeout, latest - start), 0)
			step.deadline = start + step.timeout
			steps[#steps + 1] = step
		end
	end
	if #steps == 0 then
		return
	end
	phases.log("phase %s begins: %d step%s", title(phase), #steps, #steps == 1 and "" or "s")
	for _, step in ipairs(steps) do
		ask(step)
	end
	local deadline = expire()
	while deadline do
		-- Woken when the last one is done; who is done in time needs no other look at the rest.
		skynet.sleep(deadline - skynet.now(), open)
		deadline = expire()
	end
	phases.log("phase %s is over after %.2f s", title(phase), (skynet.now() - start) / 100)
end

--- Ends all services of this node, and the process.
function phases.finish()
	local code = phases.clean and 0 or 3
	phases.log("all phases are over%s; all services end", phases.clean and "" or ", and something was left undone")
	core.command("SHUTDOWN", "END " .. code)
end

return phases
