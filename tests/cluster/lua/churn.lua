---One node's part of a run in which services of two nodes call one another while many are ended; see `churner.lua` of the
---service tests. Asked by the test, through the agent.
local skynet = require "skynet"
local core = require "skynet.core"
require "skynet.manager"

local random = math.random

---@type integer[] of this node
local steady, victims = {}, {}

---@param kind string
---@return integer? handle
local function create(kind)
	local ok, handle = pcall(skynet.newservice, "churner", random(1 << 30), kind, 0, "now")
	return ok and handle or nil
end

local blows = {
	skynet.kill,
	function(handle) skynet.send(handle, "debug", "EXIT") end,
	function(handle) skynet.send(handle, "lua", "exit") end,
	function(handle) core.command("SIGNAL", skynet.address(handle) .. " 0") end,
}

---@param handles integer[]
---@return string
local function text(handles)
	return table.concat(handles, ",")
end

---@param line string
---@return integer[]
local function numbers(line)
	local list = {}
	for number in line:gmatch "%d+" do
		list[#list + 1] = math.tointeger(number)
	end
	return list
end

local command = {}

---@param seed integer
---@param count integer services that stay
---@return string handles
function command.begin(seed, count)
	math.randomseed(seed)
	for i = 1, count do
		steady[i] = assert(create "steady")
	end
	return text(steady)
end

---Ends some victims, and has as many again.
---@param count integer
---@param hits integer
---@return string handles of all victims
function command.wave(count, hits)
	for _ = 1, #victims > 0 and hits or 0 do
		blows[random(#blows)](victims[random(#victims)])
	end
	local alive = {}
	for _, handle in ipairs(victims) do
		if skynet.watch(handle) then
			alive[#alive + 1] = handle
		end
	end
	while #alive < count do
		alive[#alive + 1] = create "victim"
	end
	victims = alive
	return text(victims)
end

---@param everybody string
---@param those string
function command.peers(everybody, those)
	local all, mortal = numbers(everybody), numbers(those)
	for _, list in ipairs { steady, victims } do
		for _, handle in ipairs(list) do
			skynet.send(handle, "lua", "peers", all, mortal)
		end
	end
end

---Those that do not run yet begin.
---@type table<integer, true>
local began = {}

function command.go()
	for _, list in ipairs { steady, victims } do
		for _, handle in ipairs(list) do
			if not began[handle] then
				began[handle] = true
				skynet.send(handle, "lua", "go", 1)
			end
		end
	end
end

function command.stop()
	for _, handle in ipairs(steady) do
		skynet.send(handle, "lua", "stop")
	end
	for _, handle in ipairs(victims) do
		skynet.kill(handle)
	end
	victims = {}
end

---What is not as it should be with those that stay, now that it should be quiet.
---@return string complaint "" if nothing
---@return integer answered
---@return integer failed
function command.complaint()
	local answered, failed = 0, 0
	for _, handle in ipairs(steady) do
		local now = skynet.call(handle, "lua", "report")
		local books = now.books
		answered, failed = answered + books.answered, failed + books.failed
		local open = books.issued - books.answered - books.failed - books.killed
		if now.tasks ~= 0 or now.links ~= 0 or open ~= 0 or books.wrong ~= 0 or books.unknown > books.astray then
			return string.format("%s: threads %d, links %d, open %d, wrong %d, unasked %d of %d", skynet.address(handle), now.tasks,
				now.links, open, books.wrong, books.unknown, books.astray), answered, failed
		end
	end
	return "", answered, failed
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
end)
