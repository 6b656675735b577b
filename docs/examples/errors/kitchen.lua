-- A service that fails its callers in several ways.
local skynet = require "skynet"

local command = {}

function command.cook(dish)
	if dish ~= "soup" then
		error("nobody here can cook " .. dish)
	end
	skynet.retpack "a bowl of soup"
end

--- Says why, in words that are meant for the guest.
function command.tea()
	skynet.response()(nil, "out of tea")
end

--- Never answers: the guest hears when the kitchen closes.
function command.wait_for_closing()
	skynet.fork(skynet.wait, skynet.response())
end

--- Loses the order, which is a mistake.
function command.forget()
	skynet.response()
end

function command.clean_up()
	collectgarbage()
	skynet.ret()
end

function command.close()
	skynet.exit()
end

skynet.start(function()
	-- Without this the guest of `forget` would wait until the kitchen closes.
	skynet.answer_forgotten(true)
	skynet.dispatch("lua", function(_, _, what, ...)
		command[what](...)
	end)
end)
