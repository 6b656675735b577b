---Runs functions that a test sends to it, see `check.worker`.
local skynet = require "skynet"
local check = require "check"

local command = {}

function command.answer(code, ...)
	skynet.retpack(check.undump(code)(...))
end

function command.raw(code, ...)
	check.undump(code)(...)
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		command[name](...)
	end)
end)
