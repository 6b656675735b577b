-- Sells one thing at a time, and asks its clerk for the price meanwhile: who asks back.
local skynet = require "skynet"
local one_at_a_time = require "skynet.queue"()

local clerk
local stock = 10

local command = {}

function command.buy()
	local price = skynet.call(clerk, "lua", skynet.self())
	stock = stock - 1
	return price
end

function command.stock()
	return stock
end

skynet.start(function()
	clerk = skynet.newservice "clerk"
	skynet.dispatch("lua", function(_, _, name)
		skynet.retpack(one_at_a_time(command[name]))
	end)
end)
