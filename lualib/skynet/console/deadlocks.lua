--- Finds deadlocks among threads of services: threads that wait for one another in a circle, so that none will ever go on.
---
--- A thread waits for the thread that handles its request, or that holds what it needs. Who handles a request is known by the
--- request itself, so services that call one another in independent threads are no circle. A thread that waits for something
--- else, or not for ever, may go on, and with it all that wait for it.

local deadlocks = {}

---@class deadlocks.thread
---@field handle integer its service
---@field number integer its number there
---@field edges deadlocks.edge[] for what it waits: for any of these
---@field stuck boolean it will never go on

---@class deadlocks.edge
---@field how "call"|"lock"|"start" for an answer; for what another thread holds; for the start of a service, by way of the launcher
---@field to? deadlocks.thread nil: for something that is not known, or not for ever

---@class deadlocks.step
---@field thread deadlocks.thread
---@field how "call"|"lock"|"start" how it waits for the next one; the last one for the first

---@param ... integer
---@return string
local function key(...)
	return table.concat({ ... }, "/")
end

--- Calls a function with each wait and its service.
---@param waits table<integer, skynet.wait[]>
---@param f fun(handle: integer, wait: skynet.wait)
local function each(waits, f)
	for handle, list in pairs(waits) do
		for _, wait in ipairs(list) do
			f(handle, wait)
		end
	end
end

---@param waits table<integer, skynet.wait[]> what services say, by handle
---@return table<string, deadlocks.thread> threads by handle and number
---@return table<string, deadlocks.thread> handlers by handle, requester and session
---@return table<integer, deadlocks.thread> starts threads that run start functions, by handle
local function collect(waits)
	local threads, handlers, starts = {}, {}, {}
	each(waits, function(handle, wait)
		local id = key(handle, wait.thread)
		local thread = threads[id] or { handle = handle, number = wait.thread, edges = {}, stuck = false }
		threads[id] = thread
		if wait.request then
			handlers[key(handle, wait.source, wait.request)] = thread
		end
		if wait.start then
			starts[handle] = thread
		end
	end)
	return threads, handlers, starts
end

--- Adds to threads what they wait for.
---@param waits table<integer, skynet.wait[]>
---@param starting integer[]
---@param launcher? integer
---@return table<string, deadlocks.thread> threads
local function connect(waits, starting, launcher)
	local threads, handlers, starts = collect(waits)
	local launches = {}
	for i = 1, #starting, 3 do
		launches[key(starting[i + 1], starting[i + 2])] = starting[i]
	end
	each(waits, function(handle, wait)
		local edge = { how = "call" }
		local launched = wait.to and wait.to == launcher and launches[key(handle, wait.session)]
		if wait.limit then
			edge.to = nil -- it goes on by itself
		elseif wait.holder then
			edge.how, edge.to = "lock", threads[key(handle, wait.holder)]
		elseif launched then
			edge.how, edge.to = "start", starts[launched]
		elseif math.type(wait.to) == "integer" then
			edge.to = handlers[key(wait.to, handle, wait.session)]
		end
		table.insert(threads[key(handle, wait.thread)].edges, edge)
	end)
	return threads
end

--- Marks the threads that will never go on: all but those that may, and those that wait for one of these.
---@param threads table<string, deadlocks.thread>
local function mark_stuck(threads)
	local waiters, free = {}, {}
	for _, thread in pairs(threads) do
		thread.stuck = true
		for _, edge in ipairs(thread.edges) do
			if edge.to then
				waiters[edge.to] = waiters[edge.to] or {}
				table.insert(waiters[edge.to], thread)
			else
				thread.stuck = false
			end
		end
		if not thread.stuck then
			free[#free + 1] = thread
		end
	end
	while free[1] do
		local thread = table.remove(free)
		for _, waiter in ipairs(waiters[thread] or {}) do
			if waiter.stuck then
				waiter.stuck = false
				free[#free + 1] = waiter
			end
		end
	end
end

---@param a deadlocks.thread
---@param b deadlocks.thread
---@return boolean
local function before(a, b)
	if a.handle ~= b.handle then
		return a.handle < b.handle
	end
	return a.number < b.number
end

--- Turns a circle so that it begins with a thread that holds something, or starts. There is always one: a request is younger than the
--- thread that makes it, so requests alone make no circle.
---@param circle deadlocks.step[]
---@return deadlocks.step[]
local function turn(circle)
	local count, first = #circle, nil
	for i, step in ipairs(circle) do
		local how = circle[(i - 2) % count + 1].how
		if how ~= "call" and (not first or before(step.thread, circle[first].thread)) then
			first = i
		end
	end
	local turned = {}
	for i = 1, count do
		turned[i] = circle[((first or 1) + i - 2) % count + 1]
	end
	return turned
end

--- Walks from a stuck thread along its waits until it comes to one that was seen: if that was on this walk, there is a circle.
---@param thread deadlocks.thread
---@param seen table<deadlocks.thread, integer> the walk that came by
---@param walk integer
---@return deadlocks.step[]?
local function find_circle(thread, seen, walk)
	local path, places = {}, {}
	while not seen[thread] do
		seen[thread] = walk
		local edge = thread.edges[1]
		path[#path + 1] = { thread = thread, how = edge.how }
		places[thread] = #path
		thread = edge.to --[[@as deadlocks.thread]]
	end
	if seen[thread] == walk then
		return turn(table.move(path, places[thread], #path, 1, {}))
	end
end

---@param waits table<integer, skynet.wait[]> what services say, by handle
---@param starting integer[] handle, source, session of each service that starts; the launcher answers those requests
---@param launcher? integer
---@return deadlocks.step[][] circles each once, in the order of their first threads
---@return table<string, deadlocks.thread> threads by `handle/number`
function deadlocks.find(waits, starting, launcher)
	local threads = connect(waits, starting, launcher)
	mark_stuck(threads)
	local stuck = {}
	for _, thread in pairs(threads) do
		if thread.stuck then
			stuck[#stuck + 1] = thread
		end
	end
	table.sort(stuck, before)
	local circles, seen = {}, {}
	for walk, thread in ipairs(stuck) do
		circles[#circles + 1] = find_circle(thread, seen, walk)
	end
	table.sort(circles, function(a, b)
		return before(a[1].thread, b[1].thread)
	end)
	return circles, threads
end

return deadlocks
