-- What the tests of the debug console look at and debug. They know the numbers of its lines.
local skynet = require "skynet"

local command = {}

local function twice(x)
	local doubled = x * 2
	return doubled
end

function command.add(a, b)
	local sum = a + b
	sum = twice(sum)
	return sum
end

function command.table(value)
	return value, "second", nil
end

function command.fail()
	error "as it was told to"
end

-- Until then this service answers nothing.
function command.stick()
	local stuck = true
	while stuck do
		stuck = skynet.now() >= 0
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		local run = command[name]
		skynet.retpack(run(...))
	end)
	skynet.info_func(function(...)
		return { name = "subject", args = { ... } }
	end)
	skynet.fork(function()
		while true do
			skynet.sleep(1000000)
		end
	end)
end)
