-- A board that all nodes of the network can write on, under the global name BOARD.
local skynet = require "skynet"
require "skynet.manager"

---@type string[]
local lines = {}

local command = {}

---@param text string
---@return integer count of lines
function command.write(text)
	lines[#lines + 1] = text
	skynet.error(string.format("line %d: %s", #lines, text))
	return #lines
end

---@return string
function command.read()
	return table.concat(lines, "\n")
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		skynet.retpack(command[name](...))
	end)
	skynet.register "BOARD"
end)
