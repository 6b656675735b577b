-- The tour: starts the other services of the demo, talks to them, and ends the node.

local skynet = require "skynet"
require "skynet.manager"

---@param title string
local function step(title)
	skynet.error("-- " .. title)
end

local function show_calls()
	step("A call: send a request, sleep until the answer comes.")
	local greeter = skynet.newservice("demo_greeter", "Hello")
	skynet.error(skynet.call(greeter, "lua", "greet", "newcomer"))
end

local function show_concurrency()
	step("Five coroutines of one service call a counter at the same time; a service handles one message at a time.")
	local counter = skynet.newservice("demo_counter")
	local running = 5
	local main = coroutine.running()
	for worker = 1, running do
		skynet.fork(function()
			for _ = 1, 1000 do
				skynet.call(counter, "lua", "add", worker)
			end
			running = running - 1
			if running == 0 then
				skynet.wakeup(main)
			end
		end)
	end
	skynet.wait(main)
	skynet.error("5000 calls later the counter says", skynet.call(counter, "lua", "get"))
end

local function show_timers()
	step("A service that acts on its own: a clock which sends a message every 30/100 s.")
	local main = coroutine.running()
	local left = 3
	skynet.dispatch("lua", function(_, source, command, ticks)
		assert(command == "tick", "the demo only knows ticks")
		skynet.error("tick", ticks, "from", skynet.address(source))
		left = left - 1
		if left == 0 then
			skynet.wakeup(main)
		end
	end)
	local clock = skynet.newservice("demo_clock", 30)
	skynet.send(clock, "lua", "start")
	skynet.wait(main)
	skynet.send(clock, "lua", "stop")
end

local function show_failure()
	step("Whatever happens to a service, a call to it ends: here with an error.")
	local greeter = skynet.newservice("demo_greeter", "Hello")
	local ok, err = pcall(skynet.call, greeter, "lua", "fail")
	skynet.error("call answered:", ok, err)
end

local function tour()
	show_calls()
	show_concurrency()
	show_timers()
	show_failure()
	step("The end: abort ends every service, and with the last one the node.")
	skynet.abort()
end

-- The start function returns at once, so that whoever launched this service need not wait for the tour.
skynet.start(function()
	skynet.fork(tour)
end)
