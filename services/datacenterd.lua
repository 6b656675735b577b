-- `DATACENTER`: one tree of values for the whole network, with waiting for a value to appear.
local skynet = require "skynet"

local root = {}

--- A place in the tree of waits: either somebody waits for this very key, or for keys below it, never both.
---@class WaitNode
---@field answers? function[] answers to those who wait for this key
---@field below? table<any, WaitNode>

---@type WaitNode
local waits = { below = {} }

--- The number of keys of a path. It ends at the first nil.
---@param ... any
---@return integer
local function depth_of(...)
	for i = 1, select("#", ...) do
		if select(i, ...) == nil then
			return i - 1
		end
	end
	return select("#", ...)
end

---@param ... any keys
---@return any value
local function lookup(...)
	local value = root
	for i = 1, depth_of(...) do
		if not value then
			break
		end
		value = value[select(i, ...)]
	end
	return value
end

--- Leaves the running request waiting for a key.
---@param ... any keys
local function wait_for(...)
	local node, depth = waits, depth_of(...)
	for i = 1, depth do
		local below = assert(node.below, "somebody waits for a value where this key needs a branch")
		local key = select(i, ...)
		node = below[key]
		if not node then
			node = i == depth and { answers = {} } or { below = {} }
			below[key] = node
		end
	end
	local answers = assert(node.answers, "the key is a branch that somebody waits in")
	answers[#answers + 1] = skynet.response()
end

--- Wakes those who wait for a key that has just got its first value.
---@param value any
---@param depth integer number of keys
---@param ... any keys, and more
local function wake(value, depth, ...)
	local level, branch, node = 0, nil, waits
	while node and node.below and level < depth do
		level, branch = level + 1, node.below
		node = branch[select(level, ...)]
	end
	if branch and node and node.answers then
		branch[select(level, ...)] = nil
		for _, answer in ipairs(node.answers) do
			-- Above the last key the key has become a branch: there is no value to give.
			answer(level == depth, value)
		end
	end
end

local command = {}

function command.QUERY(...)
	skynet.retpack(lookup(...))
end

function command.UPDATE(...)
	local depth = select("#", ...) - 1
	local branch = root
	for i = 1, depth - 1 do
		local key = select(i, ...)
		local inner = branch[key]
		if inner == nil then
			inner = {}
			branch[key] = inner
		end
		branch = inner
	end
	local key, value = select(depth, ...)
	local previous = branch[key]
	branch[key] = value
	if previous == nil and value ~= nil then
		wake(value, depth, ...)
	end
	skynet.retpack(previous)
end

function command.WAIT(...)
	local value = lookup(...)
	if value == nil then
		wait_for(...)
	else
		skynet.retpack(value)
	end
end

skynet.dispatch("lua", function(_, _, name, ...)
	local run = assert(command[name], "unknown command")
	run(...)
end)

skynet.start(function() end)
