---Fails in its start function; with the argument `table` by an error value that is no string.
local skynet = require "skynet"

local kind = ...

skynet.start(function()
	if kind == "table" then
		error(setmetatable({}, { __tostring = function()
			return "an error object"
		end }))
	end
	error "the start function fails"
end)
