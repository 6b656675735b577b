---Calls the echo services of all nodes from many coroutines, and keeps the books of it: each call is answered once or
---failed once, or is still open.
local skynet = require "skynet"

---@class book calls to one node
---@field issued integer
---@field answered integer
---@field failed integer
---@field wrong integer answers to something else

---Where the echo service of a node is.
---@type table<integer, integer>
local targets = {}

---The keys of `targets`, to draw from.
---@type integer[]
local ids = {}

---@type table<integer, book>
local books = {}

local blowing = false

---Counts all that this service sends, so that each receiver sees it grow.
local number = 0

---Mostly small, sometimes more than one packet, seldom much.
---@return string
local function body()
	local dice = math.random(100)
	local size = dice <= 80 and math.random(0, 100) or dice <= 98 and math.random(0, 4000) or math.random(0, 70000)
	return string.char(math.random(97, 122)):rep(size)
end

---@param id integer
---@return boolean answered
local function call(id)
	local book, sent = books[id], body()
	number = number + 1
	local mine = number
	book.issued = book.issued + 1
	local ok, same, back = pcall(skynet.call, targets[id], "lua", "echo", mine, sent)
	if not ok then
		book.failed = book.failed + 1
	elseif same == mine and back == sent then
		book.answered = book.answered + 1
	else
		book.wrong = book.wrong + 1
	end
	return ok
end

local function blow()
	while blowing do
		local id = ids[math.random(#ids)]
		if math.random(10) == 1 then
			number = number + 1
			skynet.send(targets[id], "lua", "note", number)
		end
		if not call(id) then
			-- A node that is down answers at once; others want the processor, too.
			skynet.sleep(math.random(5))
		end
	end
end

local command = {}

---Adds a node, or tells the new handle of one.
---@param id integer
---@param handle integer
function command.target(id, handle)
	if not targets[id] then
		ids[#ids + 1] = id
		books[id] = { issued = 0, answered = 0, failed = 0, wrong = 0 }
	end
	targets[id] = handle
end

---@param coroutines integer
---@param seed integer
function command.go(coroutines, seed)
	math.randomseed(seed)
	blowing = true
	for _ = 1, coroutines do
		skynet.fork(blow)
	end
end

---No new calls from now on.
function command.stop()
	blowing = false
end

---@return string text a line for each node: its id, issued, answered, failed, wrong
function command.books()
	local lines = {}
	for i, id in ipairs(ids) do
		local book = books[id]
		lines[i] = ("%d %d %d %d %d"):format(id, book.issued, book.answered, book.failed, book.wrong)
	end
	return table.concat(lines, "\n")
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.ret(skynet.pack(command[name](...)))
	end)
end)
