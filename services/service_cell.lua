-- An empty service that runs the function given to `skynet.service.new`.
local skynet = require "skynet"

local name = ...

local function refuse()
	error "No dispatch function"
end

--- Runs the code as if it were the main chunk of this service.
---@param code string a dumped function
local function init(code, ...)
	local main = assert(load(code, name))
	local starts = {}

	-- The service is running already, so what the code wants to run at its start is run right after it.
	skynet.start = function(func)
		starts[#starts + 1] = func
	end
	skynet.dispatch("lua", refuse)
	main(...)
	for _, start in ipairs(starts) do
		start()
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, command, ...)
		assert(command == "init", "No dispatch function")
		init(...)
		skynet.ret()
	end)
end)
