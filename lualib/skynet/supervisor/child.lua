--- One child of a supervisor: its start, with a time limit; its end, and what that was like; being stopped.
local skynet = require "skynet"
local link = require "skynet.link"
local problem_of = require "skynet.options"
require "skynet.manager"

--- Centiseconds.
local START_LIMIT <const> = 6000
local SHUTDOWN <const> = 500
local NAME_LIMIT <const> = 500

local RESTARTS = { permanent = true, transient = true, temporary = true }
local SETTINGS = {
	id = "string", start = "table|function", name = "string", restart = "string|false", start_limit = "cs|false",
	stop = "function", shutdown = "cs", follow = "boolean",
}

---@class supervisor.child
---@field id string
---@field start string[]|fun(): integer the arguments of `newservice`, or a function that gives a handle
---@field name? string a name that each of its lives gets: a local one such as ".db", or a global one
---@field restart? "permanent"|"transient"|"temporary"|false always (the default); unless it has ended by `skynet.exit()`; never (also: false)
---@field start_limit? integer|false cs that its start may take; default 6000; false: any time
---@field stop? fun(handle: integer) asks it to end; default: the debug command EXIT
---@field shutdown? integer cs that it may take to end then, before it is killed; default 500
---@field follow? boolean false: it does not end with the supervisor's service

---@class supervisor.record
---@field spec supervisor.child
---@field restart string
---@field handle? integer while it runs
---@field coming? integer the same while it starts, if it is known
---@field final? boolean it is not started again
---@field stopping? boolean it is asked to end
---@field dynamic? boolean it was added later
---@field reason string why it does not run, or how its last life ended
---@field starts integer
---@field private changed fun() is called when it has ended
local Child = {}
Child.__index = Child

--- What is wrong with the settings of a child.
---@param spec any
---@return string? problem nil if nothing is
function Child.problem(spec)
	local problem = problem_of(spec, SETTINGS)
	if not problem and not spec.id then
		problem = "each child has an id of its own, a string"
	elseif not problem and not spec.start then
		problem = "start is a table, the arguments of newservice, or a function"
	elseif not problem and spec.restart and not RESTARTS[spec.restart] then
		problem = string.format("restart is permanent, transient or temporary, not %s", spec.restart)
	end
	local id = type(spec) == "table" and spec.id
	return problem and id and string.format("child %s: %s", id, problem) or problem
end

---@param spec supervisor.child
---@param changed fun()
---@return supervisor.record
function Child.new(spec, changed)
	local restart = spec.restart
	if restart == nil then
		restart = "permanent"
	end
	return setmetatable({
		spec = spec, restart = restart or "temporary", reason = "it has not been started", starts = 0, changed = changed,
	}, Child)
end

--- Waits for the end of a service.
---@param handle integer
---@return string reason
local function wait_for_end(handle)
	while skynet.watch(handle) do
		local answered, err = pcall(skynet.timeout_call, nil, handle, "debug", "LINK")
		if not answered then
			return (link.read_reason(handle, err))
		end
		skynet.sleep(100) -- it answers whatever comes, and cannot be linked to
	end
	return "it has ended already"
end

---@param handle integer
local function attend(self, handle)
	local reason = wait_for_end(handle)
	if self.handle ~= handle and self.coming ~= handle then
		return -- it was given up while it started
	end
	self.reason = reason
	self.final = self.restart == "temporary"
		or self.restart == "transient" and not self.stopping and link.is_normal(reason)
	self.handle, self.coming = nil, nil
	skynet.wakeup(self)
	self.changed()
end

--- A service is its next life.
---@param handle integer
local function adopt(self, handle)
	self.coming = handle
	if self.spec.follow ~= false then
		skynet.send(handle, "debug", "FOLLOW")
	end
	skynet.fork(attend, self, handle)
end

--- The service that a thread is creating.
---@param thread thread
---@return integer? handle
local function being_created(thread)
	local session = skynet.task(thread)
	if session then
		local ok, handle = pcall(skynet.timeout_call, NAME_LIMIT, ".launcher", "lua", "QUERY", session)
		return ok and handle or nil
	end
end

---@param name string
---@param handle integer
local function give_name(name, handle)
	skynet.name(name, handle)
	local holder
	if name:sub(1, 1) == "." then
		holder = skynet.localname(name)
	else
		local ok, found = pcall(skynet.timeout_call, NAME_LIMIT, ".cslave", "lua", "QUERYNAME", name)
		holder = ok and found
	end
	if holder ~= handle then
		error("its name " .. name .. " is taken", 0)
	end
end

--- Starts it, and raises if that goes wrong, takes too long or is given up. Whoever gives it up wakes its threads.
---@param given_up fun(): boolean
function Child:begin(given_up)
	local spec = self.spec
	local limit = spec.start_limit == nil and START_LIMIT or spec.start_limit
	local deadline = limit and skynet.now() + limit
	local done, ok, handle
	self.starts, self.coming, self.final, self.stopping = self.starts + 1, nil, nil, nil
	local thread = skynet.fork(function()
		if type(spec.start) == "table" then
			ok, handle = pcall(skynet.newservice, table.unpack(spec.start))
		else
			ok, handle = pcall(spec.start)
		end
		done = true
		skynet.wakeup(self)
	end)
	local early
	if type(spec.start) == "table" then
		-- While it starts its handle is known already: it follows us from the beginning, and we learn how it ends.
		skynet.yield()
		early = not done and being_created(thread)
		if early then
			adopt(self, early)
		end
	end
	while not done and not given_up() and (not deadline or skynet.now() < deadline) do
		if deadline then
			skynet.sleep(deadline - skynet.now(), self)
		else
			skynet.wait(self)
		end
	end
	if not done then
		local coming = early or being_created(thread)
		self.coming = nil
		if coming then
			skynet.kill(coming)
		end
		if not done then
			skynet.killthread(thread)
		end
		error(given_up() and "its start is given up" or string.format("it has not started within %.2f s", limit / 100), 0)
	elseif not ok then
		error(handle, 0)
	elseif type(handle) ~= "number" then
		if self.restart ~= "permanent" then
			self.final, self.reason = true, "it has ended while it started"
			return
		end
		error("it has ended while it started"
			.. (type(spec.start) == "function" and ", or its start function does not give its handle" or ""), 0)
	end
	if not early then
		adopt(self, handle)
		skynet.yield() -- until it is watched
	end
	if spec.name then
		local named, err = pcall(give_name, spec.name, handle)
		if not named then
			self.coming = nil
			skynet.kill(handle)
			error(err, 0)
		end
	end
	self.handle, self.coming = self.coming, nil -- nil if it has ended meanwhile
end

---@param handle integer
local function ask_to_exit(handle)
	skynet.send(handle, "debug", "EXIT")
end

--- Stops it if it runs, and waits for its end.
function Child:stop()
	local handle, spec = self.handle, self.spec
	if not handle then
		return
	end
	self.stopping = true
	skynet.fork(function()
		local ok, err = pcall(spec.stop or ask_to_exit, handle)
		if not ok then
			skynet.error(string.format("supervisor: stop of %s: %s", spec.id, err))
		end
	end)
	local deadline = skynet.now() + (spec.shutdown or SHUTDOWN)
	while self.handle and skynet.now() < deadline do
		skynet.sleep(deadline - skynet.now(), self)
	end
	if self.handle then
		skynet.error(string.format("supervisor: %s did not stop in time and is killed", spec.id))
		skynet.kill(handle)
		while self.handle do
			skynet.wait(self)
		end
	end
end

return Child
