--- For what the threads of this service wait, and what it owes: the answer to the debug command WAITS.
local native = require "skynet.native"
local blocked = require "skynet.blocked"

---@class skynet.wait
---@field how "call"|"select"|"lock"|"sleep"|"wait"|"socket" `select` is one of several requests; `lock` waits for another thread
---@field thread integer the thread's number in its service
---@field session integer what it waits on; for `socket` the socket's id
---@field to? integer|string whom it has asked: a handle, or a global name
---@field holder? integer the thread that holds what it waits for
---@field cs integer how long it has waited, in centiseconds
---@field limit boolean a time limit ends it
---@field source? integer whose request it has to answer
---@field request? integer the session of that
---@field start boolean it runs the start function of the service
---@field where? string its place in the program

--- Where the files that ship are: their lines say little about who waits.
local FRAMEWORK = debug.getinfo(1, "S").short_src:match "^(.*/)[^/]*$"

---@param co thread
---@return string? place
local function place(co)
	local fallback
	for level = 0, 20 do
		local info = debug.getinfo(co, level, "Sl")
		if not info then
			break
		elseif info.currentline > 0 then
			local line = info.short_src .. ":" .. info.currentline
			if info.short_src:sub(1, #FRAMEWORK) ~= FRAMEWORK then
				return line
			end
			fallback = fallback or line
		end
	end
	return fallback
end

--- The framework's thread that runs a coroutine.
---@param co thread
---@return thread
local function outermost(co)
	local coroutines = package.loaded["skynet.coroutine"]
	return coroutines and coroutines.thread(co) or co
end

--- Threads that wait for what another one holds, by the waiting thread.
---@return table<thread, thread>
local function lock_waits()
	local holders = {}
	for co, holder in pairs(blocked) do
		local held_by = holder()
		if held_by then
			holders[outermost(co)] = outermost(held_by)
		end
	end
	return holders
end

--- The waits of this service, those of the running thread apart.
---@param all? boolean also what no other thread or service ends: sleeps, waits, sockets
---@return skynet.wait[] waits
---@return integer[] held requests that `skynet.response` functions have to answer: source, session, source, session, …
return function(all)
	local holders, numbers, waits = lock_waits(), {}, {}
	local records = native.waits(all or next(holders) ~= nil)
	for _, record in ipairs(records) do
		numbers[record.co] = record.thread
	end
	for _, record in ipairs(records) do
		local co, holder = record.co, holders[record.co]
		record.co = nil
		if holder and record.how == "wait" then
			-- A holder that runs, or waits for nothing that is listed, has no number.
			record.how, record.holder = "lock", numbers[holder] or 0
		end
		if all or record.to or record.holder or record.request then
			record.where = place(co)
			waits[#waits + 1] = record
		end
	end
	return waits, native.held()
end
