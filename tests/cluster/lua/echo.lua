---Answers what it is asked, and watches that what one sender sends comes in its order and only once.
local skynet = require "skynet"

---The last number of each sender; a sender counts upwards.
---@type table<integer, integer>
local last = {}

---Of each node: requests and notes that came from it.
---@type table<integer, integer>
local seen = {}

---How often a number was not above the last one of its sender.
local disorder = 0

---@param source integer
---@param number integer
local function watch(source, number)
	if number <= (last[source] or 0) then
		disorder = disorder + 1
		skynet.error(("disorder: %d after %d from :%08x"):format(number, last[source], source))
	end
	last[source] = number
	local id = source >> 24
	seen[id] = (seen[id] or 0) + 1
end

local command = {}

---@param source integer
---@param number integer
---@param body string
function command.echo(source, number, body)
	watch(source, number)
	return number, body
end

---One way.
---@param source integer
---@param number integer
function command.note(source, number)
	watch(source, number)
end

---Answers after a while.
---@param _ integer
---@param time_cs integer
function command.slow(_, time_cs)
	skynet.sleep(time_cs)
	return "slow"
end

---@return integer disorder
---@return integer seen all that came
function command.books()
	local sum = 0
	for _, count in pairs(seen) do
		sum = sum + count
	end
	return disorder, sum
end

skynet.start(function()
	skynet.dispatch("lua", function(session, source, name, ...)
		if name == "forget" then
			skynet.ignoreret() -- its caller waits for ever, unless it watches us
		elseif session == 0 then
			command[name](source, ...)
		else
			skynet.ret(skynet.pack(command[name](source, ...)))
		end
	end)
end)
