---`multicastd` is killed. There is one in the life of a node.
local skynet = require "skynet"
local check = require "check"
local multicast = require "skynet.multicast"
require "skynet.manager"

local case = check.cases(true)

--- Megabytes that the process has in memory.
local function resident()
	local file <close> = assert(io.open("/proc/self/statm"))
	local _, pages = file:read("n", "n")
	return pages * 4 // 1024
end

case["publications that wait for a multicastd that is killed are freed, and so are later ones"] = function()
	local service = skynet.uniqueservice "multicastd"
	local channel = multicast.new {}
	local message = ("x"):rep(1000000)
	channel:publish "once"
	local before = resident()
	skynet.send(service, "debug", "RUN", [[while true do end]])
	local failed = 0
	for _ = 1, 100 do
		check.fork(function()
			check.raises("call failed", channel.publish, channel, message)
			failed = failed + 1
		end)
	end
	skynet.yield()
	skynet.kill(service)
	check.eventually(function()
		return failed == 100
	end)
	for _ = 1, 100 do
		check.raises("call to invalid address", channel.publish, channel, message)
	end
	-- What was freed is used again.
	local held = {}
	for i = 1, 100 do
		held[i] = table.pack(skynet.pack(message))
	end
	local now = resident()
	for _, one in ipairs(held) do
		skynet.trash(one[1], one[2])
	end
	check.ok(now < before + 150, string.format("from %d MB to %d MB", before, now))
end

check.run(case)
