--- The command `waits`: who waits for whom, since when, and which of them for ever.
local skynet = require "skynet"
local list_own = require "skynet.waits"
local deadlocks = require "skynet.console.deadlocks"
local survey = require "skynet.console.survey"

---@param known survey.result
---@param to integer|string
---@return string text address and name
local function named(known, to)
	if type(to) == "string" then
		return to .. " (a global name)"
	end
	local name = known.names[to]
	local node, remote = skynet.harbor(to)
	if remote then
		name = "on node " .. node
	end
	return skynet.address(to) .. (name and " (" .. name .. ")" or "")
end

---@param known survey.result
---@param wait skynet.wait
---@return string
local function what(known, wait)
	if wait.to then
		return string.format("calls %s, session %d", named(known, wait.to), wait.session)
	elseif wait.holder then
		return wait.holder == 0 and "waits for its queue" or "waits for its queue, which thread " .. wait.holder .. " has"
	elseif wait.how == "socket" then
		return "reads socket " .. wait.session
	end
	return wait.how == "sleep" and "sleeps" or "waits for a wakeup"
end

---@param known survey.result
---@param threads table<string, deadlocks.thread>
---@param handle integer
---@param wait skynet.wait
---@return string
local function describe_wait(known, threads, handle, wait)
	local parts = { string.format("%.2fs\t%s thread %d ", wait.cs / 100, named(known, handle), wait.thread), what(known, wait) }
	if wait.where then
		parts[#parts + 1] = ", at " .. wait.where
	end
	if wait.request then
		parts[#parts + 1] = string.format(", for session %d of %s", wait.request, named(known, wait.source))
	end
	if wait.limit then
		parts[#parts + 1] = ", with a time limit"
	end
	local fate = survey.fate(known, handle, wait)
	if fate then
		parts[#parts + 1] = "; " .. fate
	end
	local thread = threads[handle .. "/" .. wait.thread]
	if thread and thread.stuck then
		parts[#parts + 1] = "; for ever"
	end
	return table.concat(parts)
end

---@param known survey.result
---@param circle deadlocks.step[]
---@return string
local function describe_circle(known, circle)
	local told = {}
	---@param handle integer
	local function address(handle)
		local text = told[handle] and skynet.address(handle) or named(known, handle)
		told[handle] = true
		return text
	end
	local parts = { "deadlock: ", address(circle[1].thread.handle) }
	for i, step in ipairs(circle) do
		local target = circle[i % #circle + 1].thread.handle
		if step.how == "lock" then
			parts[#parts + 1] = ", its queue"
		else
			parts[#parts + 1] = step.how == "start" and " -> the start of " or " -> "
			parts[#parts + 1] = address(target)
		end
	end
	return table.concat(parts)
end

---@param circle deadlocks.step[]
---@param only? integer
---@return boolean
local function concerns(circle, only)
	for _, step in ipairs(circle) do
		if not only or step.thread.handle == only then
			return true
		end
	end
	return false
end

--- The lines about single waits, the oldest first.
---@param known survey.result
---@param threads table<string, deadlocks.thread>
---@param shown table<integer, skynet.wait[]>
---@return string[]
local function list(known, threads, shown)
	local found, lines = {}, {}
	for handle, waits in pairs(shown) do
		for _, wait in ipairs(waits) do
			found[#found + 1] = { cs = wait.cs, handle = handle, text = describe_wait(known, threads, handle, wait) }
		end
	end
	table.sort(found, function(a, b)
		if a.cs ~= b.cs then
			return a.cs > b.cs
		elseif a.handle ~= b.handle then
			return a.handle < b.handle
		end
		return a.text < b.text
	end)
	for i, wait in ipairs(found) do
		lines[i] = wait.text
	end
	return lines
end

--- Describes all waits of threads for services and for one another, the oldest first; or all waits of one service.
---@param only? integer a service
---@param timeout? integer centiseconds that each question may take
---@return string text lines; raises if the launcher, or that service, does not answer
return function(only, timeout)
	local shown
	if only == skynet.self() then
		shown = { [only] = list_own(true) }
	elseif only then
		shown = { [only] = skynet.timeout_call(timeout, only, "debug", "WAITS", true) }
	end
	local known = survey.take(timeout)
	local circles, threads = deadlocks.find(known.waits, known.starting, known.launcher)
	local lines = list(known, threads, shown or known.waits)
	for handle in pairs(known.silent) do
		if not only then
			lines[#lines + 1] = "no answer: " .. named(known, handle)
		end
	end
	for _, circle in ipairs(circles) do
		if concerns(circle, only) then
			lines[#lines + 1] = describe_circle(known, circle)
		end
	end
	return lines[1] and table.concat(lines, "\n") or "nobody waits"
end
