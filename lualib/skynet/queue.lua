--- Critical sections of a service: `local serial = require "skynet.queue"()`, then `serial(f, ...)`.
--- While one thread is inside, others wait in the order they came, whatever calls and sleeps the one inside makes.
---@class skynet
local skynet = require "skynet"
local blocked = require "skynet.blocked"

local running = coroutine.running
local traceback = debug.traceback

local function results(ok, ...)
	if not ok then
		error((...), 0)
	end
	return ...
end

--- Makes a queue.
---@return fun(f: function, ...): ... run calls f(...) inside, gives its results, raises its error with a traceback
local function new_queue()
	local owner, depth
	local waiting, first, last = {}, 1, 0

	local function holder()
		return owner
	end

	--- Hands the section to the next thread that is still there.
	local function pass_on()
		owner = nil
		while first <= last and not owner do
			local thread = waiting[first]
			waiting[first] = nil
			first = first + 1
			if thread and skynet.wakeup(thread) then
				owner, depth = thread, 0
			end
		end
	end

	--- Runs when a thread leaves, in whatever way: by the end of f, by an error, or by being killed inside or while waiting.
	local guard = setmetatable({}, {
		__close = function()
			local thread = running()
			if owner == thread then
				depth = depth - 1
				if depth <= 0 then
					pass_on()
				end
			else -- killed while waiting
				blocked[thread] = nil
				for i = first, last do
					waiting[i] = waiting[i] ~= thread and waiting[i]
				end
			end
		end,
	})

	return function(f, ...)
		local thread = running()
		local _ <close> = guard
		if owner == nil then
			owner, depth = thread, 0
		elseif owner ~= thread then
			last = last + 1
			waiting[last] = thread
			blocked[thread] = holder
			skynet.wait(thread)
			blocked[thread] = nil
		end
		depth = depth + 1
		return results(xpcall(f, traceback, ...))
	end
end

skynet.queue = new_queue

return new_queue
