-- Answers requests. Its argument is the greeting.

local skynet = require "skynet"

local greeting = ...

local commands = {}

---@param name string
---@return string
function commands.greet(name)
	return greeting .. ", " .. name .. "! I am " .. skynet.address(skynet.self()) .. "."
end

-- An error in a handler is logged here, and raised in the caller.
function commands.fail()
	error("the greeter was asked to fail")
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, command, ...)
		local handler = assert(commands[command], "unknown command")
		skynet.retpack(handler(...))
	end)
end)
