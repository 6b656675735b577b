-- `.launcher`: creates services, tells their creators when they are ready, and knows all that it created.
local skynet = require "skynet"
local core = require "skynet.core"
require "skynet.manager"

---@type table<integer, string> what runs at a handle: "snlua name args"
local services = {}

-- A service between its creation and its LAUNCHOK. Two flat maps instead of a record each: newservice is hot.
---@type table<integer, fun(ok: boolean|"TEST", ...): boolean?> new handle → answer to the LAUNCH request
local answers = {}
---@type table<integer, integer> new handle → requester's handle and session in one integer
local requests = {}

---@param source integer
---@param session integer
---@return integer
local function request_key(source, session)
	return source << 32 | session
end

--- Ends the wait for `handle`, if someone waits.
---@param handle integer
---@param ok? boolean nil: it failed, and the reason follows
---@param ... any what the caller gets: the handle, or the reason
local function settle(handle, ok, ...)
	local answer = answers[handle]
	if answer then
		answers[handle], requests[handle] = nil, nil
		answer(ok, ...)
	end
end

---@param handle integer
---@param ... string reason
local function failed(handle, ...)
	services[handle] = nil
	settle(handle, nil, ...)
end

--- The start of a service has failed that did not say why.
---@param handle integer
---@param how string
local function ended(handle, how)
	failed(handle, string.format("service %s (%s) %s while it started", skynet.address(handle), services[handle] or "unknown", how))
end

---@param name any
---@return string
local function join(name, ...)
	if type(name) == "string" and select("#", ...) == 0 then
		return name
	end
	for index, argument in ipairs { name, ... } do
		if type(argument) ~= "string" and type(argument) ~= "number" then
			error(string.format("argument %d of a service is a %s: arguments travel as text, anything else by skynet.call",
				index - 1, type(argument)), 0)
		end
	end
	return table.concat({ name, ... }, " ")
end

--- Creates the service; the running request is answered when the service reports, or now if there is none.
---@param source integer
---@param module string
---@return integer? handle
local function launch(source, module, ...)
	local description = module .. " " .. join(...)
	local session = skynet.context()
	local answer = skynet.response()
	local handle = core.addresscommand("LAUNCH", description)
	if not handle then
		answer(nil, string.format("the service %s could not be launched; the log says why", description))
		return nil
	end
	services[handle] = description
	answers[handle] = answer
	requests[handle] = request_key(source, session)
	return handle
end

-- Each command gets the handle of its sender and the arguments, and answers by itself if it answers at all.
-- Injected code reaches this table as `_P.lua.command`.
local command = {}

function command.LAUNCH(source, module, ...)
	launch(source, module, ...)
end

function command.LOGLAUNCH(source, module, ...)
	local handle = launch(source, module, ...)
	if handle then
		core.command("LOGON", skynet.address(handle))
	end
end

function command.LAUNCHOK(source)
	settle(source, true, source)
end

function command.ERROR(source, ...)
	failed(source, ...)
end

function command.REMOVE(_, handle, killed)
	if killed then
		ended(handle, "was killed")
	else
		services[handle] = nil
		settle(handle, true)
	end
end

function command.KILL(_, handle)
	local description = services[handle]
	skynet.kill(handle)
	services[handle] = nil
	skynet.retpack { [skynet.address(handle)] = tostring(description) }
end

--- Services that are starting, each with the request that waits for it: handle, source, session, handle, …
function command.STARTING()
	local starting = {}
	for handle, key in pairs(requests) do
		table.move({ handle, key >> 32, key & 0xffffffff }, 1, 3, #starting + 1, starting)
	end
	skynet.retpack(starting)
end

function command.LIST()
	local list = {}
	for handle, description in pairs(services) do
		list[skynet.address(handle)] = description
	end
	skynet.retpack(list)
end

function command.QUERY(source, session)
	-- Sessions are per sender. The sender's own come first; another one's are found too, for those who only look.
	local own, found = request_key(source, session), nil
	for handle, key in pairs(requests) do
		if key == own then
			found = handle
			break
		elseif key & 0xffffffff == session then
			found = handle
		end
	end
	skynet.retpack(found)
end

--- Sends a debug command to every service and collects what they say.
---@param timeout? integer centiseconds; those who have not answered by then are reported as "TIMEOUT"
---@param debug_command string
---@param format fun(answer: any, description: string): any
---@return table<string, any> report by address
local function survey(timeout, debug_command, format)
	local report, asked = {}, skynet.request()
	for handle, description in pairs(services) do
		local address = skynet.address(handle)
		report[address] = format("TIMEOUT", description)
		asked:add { handle, "debug", debug_command, address = address, description = description }
	end
	if next(report) then
		for question, answer in asked:select(timeout) do
			report[question.address] = format(answer and answer[1] or "ERROR", question.description)
		end
	end
	return report
end

---@param kb number|string
---@param description string
---@return string
local function format_memory(kb, description)
	if type(kb) == "number" then
		return string.format("%.2f Kb (%s)", kb, description)
	end
	return string.format("%s (%s)", kb, description)
end

function command.STAT(_, timeout)
	skynet.retpack(survey(timeout, "STAT", function(stat) return stat end))
end

function command.MEM(_, timeout)
	skynet.retpack(survey(timeout, "MEM", format_memory))
end

function command.GC(source, timeout)
	for handle in pairs(services) do
		skynet.send(handle, "debug", "GC")
	end
	return command.MEM(source, timeout)
end

-- Services without the lua protocol (C ones, and a Lua service whose script could not be loaded) report in text.
local text_command = { [""] = command.LAUNCHOK, ERROR = command.ERROR }

skynet.register_protocol {
	id = skynet.PTYPE_TEXT,
	name = "text",
	unpack = skynet.tostring,
	dispatch = function(_, source, text)
		local report = text_command[text or ""]
		if not report then
			error("Invalid text command " .. text)
		end
		report(source)
	end,
}

skynet.dispatch("lua", function(_, source, name, ...)
	local run = command[name] or command[string.upper(name)]
	if run then
		run(source, ...)
	else
		skynet.retpack { "Unknown command" }
	end
end)

-- An error with session 0 says that its source is gone, however it ended: nobody may wait for it any longer.
local dispatch_error = skynet.dispatch "error"
if dispatch_error then
	skynet.dispatch("error", function(session, source, ...)
		if session == 0 then
			ended(source, "has ended")
		end
		return dispatch_error(session, source, ...)
	end)
end

skynet.start(function() end)
