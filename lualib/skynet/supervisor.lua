--- Keeps services running: `require "skynet.supervisor".start { ... }` starts them in order, starts them anew when they end, and
--- gives up when that happens too often.
local skynet = require "skynet"
local Child = require "skynet.supervisor.child"
local debugger = require "skynet.debug"
local problem_of = require "skynet.options"
local queue = require "skynet.queue"
local shutdown = require "skynet.shutdown"

---@alias supervisor.strategy
---| "one_for_one" only the child that has ended is started anew
---| "one_for_all" all are stopped, and started anew
---| "rest_for_one" those after it are stopped, and started anew with it

---@class supervisor.conf
---@field children? supervisor.child[]
---@field strategy? supervisor.strategy default "one_for_one"
---@field intensity? integer restarts that may happen within `period`; default 3
---@field period? integer cs; default 500
---@field backoff? integer cs before a restart, twice as many for each further one within `period`; default 0
---@field backoff_most? integer cs that this may come to; default 1000
---@field failed? fun(reason: string) runs when it has given up and stopped all

---@class supervisor
---@field private conf supervisor.conf
---@field private list supervisor.record[]
---@field private by_id table<string, supervisor.record>
---@field private restarts integer[] when they were, oldest first
---@field private waiting thread[] those that wait for its end
---@field private stopping boolean
---@field private ended boolean
---@field private step shutdown.registration
---@field private starting? supervisor.record
---@field private serial fun(f: function, ...): ... one thread at a time changes what runs
local Supervisor = {}
Supervisor.__index = Supervisor

--- Those that run, and the order of their starts.
---@type table<supervisor, integer>
local running = {}
local started = 0

local STRATEGIES = { one_for_one = true, one_for_all = true, rest_for_one = true }
local SETTINGS = {
	children = "table", strategy = "string", intensity = "count", period = "cs", backoff = "cs", backoff_most = "cs", failed = "function",
}

---@private
---@param child supervisor.record
---@return boolean ok
---@return any err
function Supervisor:begin(child)
	self.starting = child
	local ok, err = pcall(child.begin, child, function()
		return self.stopping
	end)
	self.starting = nil
	return ok, err
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
			local ok, err = self:begin(child)
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
		self.list[i]:stop()
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
---@param child supervisor.record
function Supervisor:forget(child)
	self.by_id[child.spec.id] = nil
	for i, other in ipairs(self.list) do
		if other == child then
			table.remove(self.list, i)
			return
		end
	end
end

--- Looks at the children, and does what is to be done first.
---@private
---@return "idle"|nil what there was nothing to do
---@return string? reason why it gives up
function Supervisor:look()
	for i = #self.list, 1, -1 do
		local child = self.list[i]
		if child.dynamic and child.final and not child.handle then
			self.by_id[child.spec.id] = nil
			table.remove(self.list, i)
		end
	end
	if shutdown.reason() then
		return "idle" -- whoever ends now has done its part
	end
	for i, child in ipairs(self.list) do
		if not child.handle and not child.final then
			return nil, self:restart(i)
		end
	end
	return "idle"
end

---@private
function Supervisor:run()
	local reason, what
	while not self.stopping and not reason do
		what, reason = self.serial(self.look, self)
		if what == "idle" and not self.stopping then
			skynet.wait(self)
		end
	end
	self.stopping = true
	self.serial(self.stop_all, self, 1, #self.list)
	self.ended = true
	self.step:cancel()
	running[self] = nil
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
	if self.starting then
		skynet.wakeup(self.starting)
	end
	while not self.ended do
		table.insert(self.waiting, (coroutine.running()))
		skynet.wait()
	end
end

--- Adds a child, the last one, and starts it. Raises if that goes wrong, and then it is not added.
---@param spec supervisor.child
---@return integer? handle nil if it has ended already
function Supervisor:start_child(spec)
	local problem = Child.problem(spec)
	if problem then
		error("supervisor: " .. problem, 2)
	end
	return self.serial(function()
		if self.stopping then
			error("the supervisor is stopped", 0)
		elseif self.by_id[spec.id] then
			error(string.format("supervisor: child %s is there already: each child has an id of its own", spec.id), 0)
		end
		local child = self:add(spec)
		child.dynamic = true
		local ok, err = self:begin(child)
		if not ok then
			self:forget(child)
			error(string.format("supervisor: %s: it did not start: %s", spec.id, err), 0)
		end
		local handle = child.handle
		if not handle then
			skynet.wakeup(self)
		end
		return handle
	end)
end

--- Stops a child, and forgets it.
---@param id string
function Supervisor:stop_child(id)
	self.serial(function()
		local child = self.by_id[id] or error("the supervisor has no child " .. tostring(id), 0)
		child:stop()
		self:forget(child)
	end)
end

---@class supervisor.view
---@field id string
---@field handle? integer
---@field name? string
---@field restart string
---@field starts integer how often it was started
---@field reason? string why it does not run, or how its life before this one ended

--- What there is, in the order of the starts.
---@return supervisor.view[]
function Supervisor:which_children()
	local views = {}
	for i, child in ipairs(self.list) do
		views[i] = {
			id = child.spec.id, handle = child.handle, name = child.spec.name, restart = child.restart, starts = child.starts,
			reason = (child.starts > 1 or not child.handle) and child.reason or nil,
		}
	end
	return views
end

---@private
---@param spec supervisor.child
---@return supervisor.record
function Supervisor:add(spec)
	local child = Child.new(spec, function()
		skynet.wakeup(self)
	end)
	self.list[#self.list + 1], self.by_id[spec.id] = child, child
	return child
end

---@param conf any
---@return string? problem nil if nothing is wrong with it
local function check(conf)
	local problem = problem_of(conf, SETTINGS)
	if problem then
		return problem
	elseif not STRATEGIES[conf.strategy or "one_for_one"] then
		return string.format("the strategy is one_for_one, one_for_all or rest_for_one, not %s", conf.strategy)
	end
	local seen, children = {}, conf.children or {}
	for index in pairs(children) do
		if math.type(index) ~= "integer" then
			return string.format("children is a list of tables, one for each child; it has the key %s", tostring(index))
		end
	end
	for _, spec in ipairs(children) do
		problem = Child.problem(spec)
		if problem then
			return problem
		elseif seen[spec.id] then
			return string.format("child %s is there twice: each child has an id of its own", spec.id)
		end
		seen[spec.id] = true
	end
end

---@param conf supervisor.conf
---@return supervisor
local function new(conf)
	local self = setmetatable({
		conf = conf, list = {}, by_id = {}, restarts = {}, waiting = {}, stopping = false, ended = false, serial = queue(),
	}, Supervisor)
	for _, spec in ipairs(conf.children or {}) do
		self:add(spec)
	end
	return self
end

local supervisor = {}

--- Starts the children in order, and keeps them running from now on. If one cannot be started those before it are stopped,
--- and it raises. The children end with the service that calls this, at once and in no order; in order with the debug command
--- EXIT, and by `stop`.
---@param conf supervisor.conf
---@return supervisor
function supervisor.start(conf)
	local problem = check(conf)
	if problem then
		error("supervisor: " .. problem, 2)
	end
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
	if started == 0 then
		debugger.before_exit(supervisor.stop_all)
	end
	started = started + 1
	running[self] = started
	skynet.fork(self.run, self)
	return self
end

--- Stops all supervisors of this service, the last one first.
function supervisor.stop_all()
	local all = {}
	for self in pairs(running) do
		all[#all + 1] = self
	end
	table.sort(all, function(a, b)
		return running[a] > running[b]
	end)
	for _, self in ipairs(all) do
		self:stop()
	end
end

return supervisor
