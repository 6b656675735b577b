--- Keeps services running: `require "skynet.supervisor".start { ... }` starts them in order, starts them anew when they end, and
--- gives up when that happens too often.
local skynet = require "skynet"
local shutdown = require "skynet.shutdown"
require "skynet.manager"

---@alias supervisor.strategy
---| "one_for_one" only the child that has ended is started anew
---| "one_for_all" all are stopped, and started anew
---| "rest_for_one" those after it are stopped, and started anew with it

---@class supervisor.child
---@field id string
---@field start string[]|fun(): integer the arguments of `newservice`, or a function that gives a handle
---@field name? string a local name that each of its lives gets, such as ".db"
---@field restart? boolean false: its end is nobody's concern, and final
---@field stop? fun(handle: integer) asks it to end; default: the debug command EXIT
---@field shutdown? integer cs that it may take to end then, before it is killed; default 500

---@class supervisor.conf
---@field children supervisor.child[]
---@field strategy? supervisor.strategy default "one_for_one"
---@field intensity? integer restarts that may happen within `period`; default 3
---@field period? integer cs; default 500
---@field backoff? integer cs before a restart, twice as many for each further one within `period`; default 0
---@field backoff_most? integer cs that this may come to; default 1000
---@field failed? fun(reason: string) runs when it has given up and stopped all

---@class supervisor.record
---@field spec supervisor.child
---@field handle? integer while it runs
---@field final? boolean it is not started again
---@field reason string why it does not run

---@class supervisor
---@field private conf supervisor.conf
---@field private list supervisor.record[]
---@field private by_id table<string, supervisor.record>
---@field private restarts integer[] when they were, oldest first
---@field private waiting thread[] those that wait for its end
---@field private stopping boolean
---@field private ended boolean
---@field private step shutdown.registration
local Supervisor = {}
Supervisor.__index = Supervisor

local STRATEGIES = { one_for_one = true, one_for_all = true, rest_for_one = true }

--- Waits for the end of a service.
---@param handle integer
---@return string reason
local function wait_for_end(handle)
	local reason = "it has ended already"
	while skynet.watch(handle) do
		local answered, err = pcall(skynet.timeout_call, nil, handle, "debug", "LINK")
		if not answered then
			return tostring(err):match "call failed: (.*)" or tostring(err)
		end
		skynet.sleep(100) -- it answers whatever comes, and cannot be linked to
	end
	return reason
end

---@private
---@param child supervisor.record
---@param handle integer
function Supervisor:follow(child, handle)
	local reason = wait_for_end(handle)
	child.handle, child.reason = nil, reason
	child.final = child.spec.restart == false
	skynet.wakeup(child)
	skynet.wakeup(self)
end

---@param handle integer
local function ask_to_exit(handle)
	skynet.send(handle, "debug", "EXIT")
end

--- Stops a child that runs, and waits for its end.
---@private
---@param child supervisor.record
function Supervisor:stop_child(child)
	local handle, spec = child.handle, child.spec
	if not handle then
		return
	end
	skynet.fork(function()
		local ok, err = pcall(spec.stop or ask_to_exit, handle)
		if not ok then
			skynet.error(string.format("supervisor: stop of %s: %s", spec.id, err))
		end
	end)
	local deadline = skynet.now() + (spec.shutdown or 500)
	while child.handle and skynet.now() < deadline do
		skynet.sleep(deadline - skynet.now(), child)
	end
	if child.handle then
		skynet.error(string.format("supervisor: %s did not stop in time and is killed", spec.id))
		skynet.kill(handle)
		while child.handle do
			skynet.wait(child)
		end
	end
end

--- Raises if it cannot be started.
---@private
---@param child supervisor.record
function Supervisor:start_child(child)
	local spec = child.spec
	local handle
	if type(spec.start) == "table" then
		handle = skynet.newservice(table.unpack(spec.start))
	else
		handle = spec.start()
	end
	if type(handle) ~= "number" then
		error("it has ended while it started", 0)
	end
	if spec.name then
		skynet.name(spec.name, handle)
		if skynet.localname(spec.name) ~= handle then
			skynet.kill(handle)
			error("its name " .. spec.name .. " is taken", 0)
		end
	end
	child.handle = handle
	skynet.fork(self.follow, self, child, handle)
end

--- Starts children in order. Those that run, and those whose end was final, are left out.
---@private
---@param first integer
---@param last integer
---@return boolean ok false if one could not be started, which ends it
---@return string? reason
function Supervisor:start_all(first, last)
	for i = first, last do
		local child = self.list[i]
		if self.stopping then
			return false, "it is stopped"
		elseif not child.handle and not child.final then
			local ok, err = pcall(self.start_child, self, child)
			if not ok then
				child.reason = "it did not start: " .. tostring(err)
				return false, child.spec.id .. ": " .. child.reason
			end
		end
	end
	return true
end

--- Stops children, the last one first.
---@private
---@param first integer
---@param last integer
function Supervisor:stop_all(first, last)
	for i = last, first, -1 do
		self:stop_child(self.list[i])
	end
end

--- How long it may take to stop all.
---@private
---@return integer cs
function Supervisor:patience()
	local sum = 100
	for _, child in ipairs(self.list) do
		sum = sum + (child.spec.shutdown or 500)
	end
	return sum
end

--- Notes a restart.
---@private
---@return integer count those within the period
function Supervisor:count_restart()
	local restarts, now = self.restarts, skynet.now()
	restarts[#restarts + 1] = now
	while restarts[1] < now - (self.conf.period or 500) do
		table.remove(restarts, 1)
	end
	return #restarts
end

--- Starts a child anew that has ended, and others with it as the strategy wants.
---@private
---@param index integer
---@return string? reason why it gives up
function Supervisor:restart(index)
	local conf, child = self.conf, self.list[index]
	local most, count = conf.intensity or 3, self:count_restart()
	local what = string.format("%s: %s", child.spec.id, child.reason)
	if count > most then
		return string.format("more than %d restarts in %.2f s; the last is that of %s", most, (conf.period or 500) / 100, what)
	end
	skynet.error(string.format("supervisor: restart %d of %d: %s", count, most, what))
	local first, last = index, index
	if conf.strategy == "one_for_all" then
		first, last = 1, #self.list
	elseif conf.strategy == "rest_for_one" then
		last = #self.list
	end
	self:stop_all(first, last)
	local pause = math.min((conf.backoff or 0) << math.min(count - 1, 20), conf.backoff_most or 1000)
	local deadline = skynet.now() + pause
	while not self.stopping and skynet.now() < deadline do
		skynet.sleep(deadline - skynet.now(), self) -- ends of others wake it, too
	end
	-- What cannot be started is found by the next round, and counts as another restart.
	self:start_all(first, last)
end

---@private
---@return integer? index the first child that should run and does not
function Supervisor:missing()
	for i, child in ipairs(self.list) do
		if not child.handle and not child.final then
			return i
		end
	end
end

---@private
function Supervisor:run()
	local reason
	while not self.stopping and not reason do
		local index = self:missing()
		if index and shutdown.reason() then
			-- Whoever ends now has done its part: nobody is started anew.
			skynet.wait(self)
		elseif index then
			reason = self:restart(index)
		else
			skynet.wait(self)
		end
	end
	self.stopping = true
	self:stop_all(1, #self.list)
	self.ended = true
	self.step:cancel()
	for _, thread in ipairs(self.waiting) do
		skynet.wakeup(thread)
	end
	if reason then
		skynet.error("error: supervisor gives up: " .. reason)
		if self.conf.failed then
			self.conf.failed(reason)
		end
	end
end

--- The service that a child is now.
---@param id string
---@return integer? handle nil while it does not run
function Supervisor:handle(id)
	local child = self.by_id[id] or error("the supervisor has no child " .. tostring(id), 2)
	return child.handle
end

--- Stops the children, the last one first, and waits for their end.
function Supervisor:stop()
	self.stopping = true
	skynet.wakeup(self)
	while not self.ended do
		table.insert(self.waiting, (coroutine.running()))
		skynet.wait()
	end
end

---@param conf supervisor.conf
---@return supervisor
local function new(conf)
	assert(STRATEGIES[conf.strategy or "one_for_one"], "the strategy is one_for_one, one_for_all or rest_for_one")
	local self = setmetatable({
		conf = conf, list = {}, by_id = {}, restarts = {}, waiting = {}, stopping = false, ended = false,
	}, Supervisor)
	for i, spec in ipairs(conf.children) do
		assert(type(spec.id) == "string" and not self.by_id[spec.id], "each child has an id of its own, a string")
		assert(type(spec.start) == "table" or type(spec.start) == "function", "a child is started by a table or a function")
		assert(not spec.name or spec.name:find "^%.", "the name of a child is a local one, such as .db")
		local child = { spec = spec, reason = "it has not been started" }
		self.list[i], self.by_id[spec.id] = child, child
	end
	return self
end

local supervisor = {}

--- Starts the children in order, and keeps them running from now on. If one cannot be started those before it are stopped,
--- and it raises. The children do not end with the service that calls this: it stops them before it exits.
---@param conf supervisor.conf
---@return supervisor
function supervisor.start(conf)
	local self = new(conf)
	local ok, reason = self:start_all(1, #self.list)
	if not ok then
		self:stop_all(1, #self.list)
		error("supervisor: " .. reason, 2)
	end
	-- In a shutdown the children end in their order, after all phases of their own.
	self.step = shutdown.register { phase = "last", timeout = self:patience(), handler = function()
		self:stop()
	end }
	skynet.fork(self.run, self)
	return self
end

return supervisor
