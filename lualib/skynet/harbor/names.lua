--- What a slave knows of global names: its own, which it registers with the master, and those it has heard of.
local valid = require "skynet.harbor.valid"

local names = {}

--- Names, and questions for names, that may wait while there is no master, or nobody has the name.
local MAX_WAITING <const> = 10000

---@class harbor.names.Outside
---@field master fun(kind: string, ...): boolean tells the master; false if there is none
---@field harbor fun(name: string, handle: integer) tells the harbor service
---@field gone fun(handle: integer): boolean whether it is known that the service has ended, or its node

---@class harbor.Names
---@field private out harbor.names.Outside
---@field private known table<string, integer>
---@field private own table<string, integer> registered here
---@field private unsent table<string, boolean> own names that no master knows yet
---@field private unsent_count integer
---@field private open table<string, fun(ok: boolean, handle: integer)[]> answers that wait
---@field private open_count integer
---@field private wanted table<string, boolean> the master was or will be asked
---@field private wanted_count integer
local Names = {}
Names.__index = Names

---@param out harbor.names.Outside
---@return harbor.Names
function names.new(out)
	return setmetatable({
		out = out,
		known = {},
		own = {},
		unsent = {},
		unsent_count = 0,
		open = {},
		open_count = 0,
		wanted = {},
		wanted_count = 0,
	}, Names)
end

---@param name any
local function check_name(name)
	if not valid.name(name) then
		error(valid.no_name(name), 0)
	end
end

--- Makes a name known here: those who asked for it get their answer, and the harbor service what waits for it.
---@param name string
---@param handle integer
function Names:learn(name, handle)
	self.known[name] = handle
	self.out.harbor(name, handle)
	if self.wanted[name] then
		self.wanted[name] = nil
		self.wanted_count = self.wanted_count - 1
	end
	local answers = self.open[name]
	if answers then
		self.open[name] = nil
		self.open_count = self.open_count - #answers
		for _, answer in ipairs(answers) do
			answer(true, handle)
		end
	end
end

--- Registers a name. Raises if it is taken; a name whose service or node is known to be gone is not.
---@param name string
---@param handle integer
function Names:register(name, handle)
	check_name(name)
	if not valid.handle(handle) then
		error(string.format("the global name %s needs the handle of a service, not %s", name, tostring(handle)), 0)
	end
	local holder = self.known[name]
	if holder and not self.out.gone(holder) then
		error(string.format("the global name %s is taken by :%08x", name, holder), 0)
	end
	if self.unsent_count >= MAX_WAITING then
		error(string.format("the global name %s is refused: there is no master, and %d names wait for it", name, MAX_WAITING), 0)
	end
	self.own[name] = handle
	if not self.out.master("R", name, handle) and not self.unsent[name] then
		self.unsent[name] = true
		self.unsent_count = self.unsent_count + 1
	end
	self:learn(name, handle)
end

--- Asks the master for a name, once until it is known.
---@param name string
local function ask(self, name)
	if not self.wanted[name] then
		self.wanted[name] = true
		self.wanted_count = self.wanted_count + 1
		self.out.master("Q", name)
	end
end

--- The handle of a name, or nil. Then `answer` comes later. Raises if too many wait already.
---@param name string
---@param answer fun(): fun(ok: boolean, handle: integer) makes the answer
---@return integer? handle
function Names:query(name, answer)
	check_name(name)
	local handle = self.known[name]
	if handle then
		return handle
	elseif self.open_count >= MAX_WAITING then
		error(string.format("nobody has the global name %s, and %d others wait for names", name, MAX_WAITING), 0)
	end
	local answers = self.open[name] or {}
	answers[#answers + 1] = answer()
	self.open[name] = answers
	self.open_count = self.open_count + 1
	ask(self, name)
end

--- The harbor service has messages for a name.
---@param name string
function Names:sought(name)
	local handle = self.known[name]
	if handle then
		self.out.harbor(name, handle)
	elseif self.wanted_count < 2 * MAX_WAITING then
		ask(self, name)
	end
end

--- The master says whose a name is.
---@param name string
---@param handle integer
function Names:announced(name, handle)
	if self.own[name] ~= handle then
		-- Somebody else has it now; a new master is to hear it from them.
		self.own[name] = nil
	end
	self:learn(name, handle)
end

--- There is a master again: it may know nothing, and names may have changed hands meanwhile.
function Names:joined()
	self.unsent, self.unsent_count = {}, 0
	for name, handle in pairs(self.own) do
		self.out.master("R", name, handle)
	end
	for name in pairs(self.wanted) do
		self.out.master("Q", name)
	end
	for name in pairs(self.known) do
		if not self.own[name] then
			self.out.master("Q", name)
		end
	end
end

return names
