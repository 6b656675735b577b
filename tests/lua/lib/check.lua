---Assertions and the runner for the Lua service tests.
---
---A test file is a start service. It fills a table made by `check.cases()` with named functions and ends with
---`check.run(cases)`, which runs them in the order they were written and ends the process: status 0 if all
---passed, 1 if one failed or hung.
local skynet = require "skynet"
require "skynet.manager"

---@class check
---@field state table free for the functions sent to a worker: it lasts from one call to the next
local check = { state = {} }

---Seconds that one case may take, on a machine that is very busy with other things.
local CASE_DEADLINE = 60

local failures = 0
local current = "loading"
local log_start = 0
---@type integer? when the running case is taken for hung
local deadline

---@param message string
local function report(message)
	failures = failures + 1
	io.stdout:write("FAIL ", SERVICE_NAME, ": ", current, ": ", message, "\n")
	io.stdout:flush()
end

---@param value any
---@return string
local function show(value)
	if type(value) == "string" then
		return string.format("%q", value)
	elseif type(value) ~= "table" then
		return tostring(value)
	end
	local parts = {}
	for key, item in pairs(value) do
		parts[#parts + 1] = "[" .. show(key) .. "]=" .. show(item)
	end
	table.sort(parts)
	return "{" .. table.concat(parts, ",") .. "}"
end

---@param a any
---@param b any
---@return boolean
local function same(a, b)
	if type(a) ~= "table" or type(b) ~= "table" then
		return rawequal(a, b) or (a == b and math.type(a) == math.type(b))
	end
	for key, item in pairs(a) do
		if not same(item, b[key]) then
			return false
		end
	end
	for key in pairs(b) do
		if a[key] == nil then
			return false
		end
	end
	return true
end

---Tables are compared by content, numbers by value and subtype.
---@param actual any
---@param expected any
---@param what? string
function check.eq(actual, expected, what)
	if not same(actual, expected) then
		error((what and what .. ": " or "") .. "got " .. show(actual) .. ", expected " .. show(expected), 2)
	end
end

---@param value any
---@param what? string
---@return any value
function check.ok(value, what)
	if not value then
		error((what or "condition") .. ": got " .. show(value), 2)
	end
	return value
end

---@param text any
---@param pattern string
function check.match(text, pattern)
	if type(text) ~= "string" or not text:find(pattern) then
		error("got " .. show(text) .. ", expected a match of " .. show(pattern), 2)
	end
end

---Calls `f` and demands an error whose text matches the Lua pattern.
---@param pattern string
---@param f function
---@param ... any
---@return any err
function check.raises(pattern, f, ...)
	local ok, err = pcall(f, ...)
	if ok then
		error("no error, expected one that matches " .. show(pattern), 2)
	elseif not tostring(err):find(pattern) then
		error("error " .. show(err) .. ", expected one that matches " .. show(pattern), 2)
	end
	return err
end

---A case that holds on this runtime only: C skynet behaves otherwise, and there it is skipped. So it is where services of C skynet
---take the place of ours.
---@param case function
---@return function|false
function check.ours(case)
	return skynet.getenv "rs_version" ~= nil and skynet.getenv "rs_prefer_files" == nil and case
end

---@param from? integer
---@return string
local function log_text(from)
	local file = assert(io.open(assert(skynet.getenv "logger"), "rb"))
	file:seek("set", from or log_start)
	local text = file:read "a"
	file:close()
	return text
end

---@return string text the log since the node began
function check.whole_log()
	return log_text(0)
end

---Waits until the log holds, since the start of the case, a text that matches the Lua pattern.
---@param pattern string
---@return string line what the pattern matched (or its first capture)
function check.log(pattern)
	for _ = 1, CASE_DEADLINE * 80 do
		local found = log_text():match(pattern)
		if found then
			return found
		end
		skynet.sleep(1)
	end
	error("no log line matches " .. show(pattern) .. "; log since the case began:\n" .. log_text(), 2)
end

local marks = 0

---Demands that no such text was logged before this call, since the start of the case.
---@param pattern string
function check.nolog(pattern)
	marks = marks + 1
	local mark = "mark <" .. marks .. ">"
	skynet.error(mark)
	check.log(mark)
	local found = log_text():match(pattern)
	if found then
		error("logged: " .. show(found), 2)
	end
end

---Forks a thread whose error fails the case.
---@param f function
---@param ... any
---@return thread
function check.fork(f, ...)
	return skynet.fork(function(...)
		local ok, err = xpcall(f, debug.traceback, ...)
		if not ok then
			report(err)
		end
	end, ...)
end

---Waits until `f` gives a true value, which it returns.
---@param f fun(): any
---@param what? string
---@return any
function check.eventually(f, what)
	for _ = 1, CASE_DEADLINE * 80 do
		local value = f()
		if value then
			return value
		end
		skynet.sleep(1)
	end
	error((what or "condition") .. " never came true", 2)
end

---@class check.worker
---@field handle integer
local worker = {}
worker.__index = worker

---Starts a service that runs functions sent to it. Such a function may use the upvalues `skynet` and `check`
---(it sees those of the worker) and globals; everything else it gets as arguments.
---@return check.worker
function check.worker()
	return setmetatable({ handle = check.ok(skynet.newservice "worker") }, worker)
end

---Runs `f` in a request of the worker and returns its results.
---@param f function
---@param ... any
---@return any ...
function worker:call(f, ...)
	return skynet.call(self.handle, "lua", "answer", string.dump(f), ...)
end

---As `call`, but `f` has to answer the request by itself.
---@param f function
---@param ... any
---@return any ...
function worker:ask(f, ...)
	return skynet.call(self.handle, "lua", "raw", string.dump(f), ...)
end

---Runs `f` in the worker without waiting for it.
---@param f function
---@param ... any
function worker:send(f, ...)
	skynet.send(self.handle, "lua", "raw", string.dump(f), ...)
end

---Runs `f` in the main chunk of a new service (which has to call `skynet.start`).
---@param f function
---@return integer? handle
function check.launch(f)
	local hex = string.dump(f):gsub(".", function(c)
		return string.format("%02x", c:byte())
	end)
	return skynet.newservice("chunk", hex)
end

---@param handle integer
---@return boolean
function check.alive(handle)
	return skynet.send(handle, "debug", "GC") ~= nil
end

---@param map table
---@return any[] values in no order
function check.values(map)
	local values = {}
	for _, value in pairs(map) do
		values[#values + 1] = value
	end
	return values
end

---Gives a function that came from another service its upvalues.
---@param code string
---@return function
function check.undump(code)
	local f = assert(load(code, "=undump", "b"))
	local known = { _ENV = _ENV, skynet = skynet, check = check }
	for i = 1, math.huge do
		local name = debug.getupvalue(f, i)
		if not name then
			return f
		end
		assert(known[name], "a function sent to a worker may not use the upvalue " .. name)
		debug.setupvalue(f, i, known[name])
	end
end

---@param ours? boolean all of them are about our node alone, see `check.ours`
---@return table<string, function|false>
function check.cases(ours)
	local order = {}
	return setmetatable({}, {
		__newindex = function(_, name, case)
			order[#order + 1] = { name = name, run = ours and check.ours(case) or not ours and case }
		end,
		__call = function()
			return order
		end,
	})
end

---Lets the running case take longer.
---@param seconds number from now on
function check.allow(seconds)
	deadline = skynet.now() + math.ceil(seconds * 100)
end

---@param order { name: string, run: function|false }[]
local function run_all(order)
	skynet.fork(function()
		while true do
			skynet.sleep(50)
			if deadline and skynet.now() > deadline then
				local tasks = {}
				skynet.task(tasks)
				report("hangs; threads: " .. show(tasks))
				os.exit(1)
			end
		end
	end)
	local passed, skipped = 0, 0
	for _, case in ipairs(order) do
		current = case.name
		if not case.run then
			skipped = skipped + 1
		else
			deadline = skynet.now() + CASE_DEADLINE * 100
			log_start = log_start + #log_text()
			local before = failures
			local ok, err = xpcall(case.run, debug.traceback)
			if not ok then
				report(err)
			end
			passed = passed + (failures == before and 1 or 0)
		end
	end
	print(string.format("%s: %d passed, %d failed, %d skipped", SERVICE_NAME, passed, failures, skipped))
	if failures > 0 then
		os.exit(1)
	end
	skynet.abort()
end

---Starts the service and runs the cases in the order of their definition.
---@param cases table made by `check.cases`
function check.run(cases)
	skynet.start(function()
		skynet.fork(run_all, cases())
	end)
end

return check
