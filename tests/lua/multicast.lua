---`skynet.multicast`: channels, their subscribers, and the packages that they share.
local skynet = require "skynet"
local check = require "check"
local multicast = require "skynet.multicast"
local core = require "skynet.multicast.core"

local case = check.cases()

--- A channel object with what it has got.
---@param number? integer
---@return table channel
---@return table got a list of what came, each a table with source and values
local function listener(number)
	local got = {}
	local channel = multicast.new {
		channel = number,
		dispatch = function(_, source, ...)
			got[#got + 1] = table.pack(source, ...)
		end,
	}
	return channel, got
end

--- Waits until so many have come.
local function wait(got, count)
	check.eventually(function()
		return #got >= count
	end)
end

--- A service that subscribes, and keeps what it gets in `check.state`.
local function subscriber(number)
	local worker = check.worker()
	worker:call(function(number)
		check.state.got = {}
		check.state.channel = require("skynet.multicast").new {
			channel = number,
			dispatch = function(_, source, ...)
				table.insert(check.state.got, table.pack(source, ...))
			end,
		}
		check.state.channel:subscribe()
	end, number)
	return worker
end

local function count_of(worker)
	return worker:call(function()
		return #check.state.got
	end)
end

case["channels have numbers 256 apart"] = function()
	local a, b = multicast.new(), multicast.new()
	check.eq(b.channel - a.channel, 256)
	check.eq(tostring(b), string.format("[Multicast:%x]", b.channel))
	check.eq(tostring(multicast.new { channel = 0xabcd00 }), "[Multicast:abcd00]")
	a:delete()
	b:delete()
end

case["a publication reaches each subscriber with its source and values"] = function()
	local channel, got = listener()
	channel:subscribe()
	local others = { subscriber(channel.channel), subscriber(channel.channel) }
	channel:publish("text", 1, nil, { list = { 1, 2 } }, nil)
	wait(got, 1)
	check.eq(got[1], { n = 6, skynet.self(), "text", 1, nil, { list = { 1, 2 } }, nil })
	for _, other in ipairs(others) do
		check.eventually(function()
			return count_of(other) == 1
		end)
		check.eq(other:call(function()
			return table.unpack(check.state.got[1], 1, 3)
		end), skynet.self())
		skynet.kill(other.handle)
	end
	channel:delete()
end

case["an empty publication is one too"] = function()
	local channel, got = listener()
	channel:subscribe()
	channel:publish()
	wait(got, 1)
	check.eq(got[1], { n = 1, skynet.self() })
	channel:delete()
end

case["publications of one service arrive in order and before what it sends next"] = function()
	local channel = multicast.new()
	local other = subscriber(channel.channel)
	for i = 1, 100 do
		channel:publish(i)
	end
	check.eq(other:call(function()
		local order = {}
		for i, one in ipairs(check.state.got) do
			order[i] = one[2]
		end
		return #order, order[1], order[100]
	end), 100)
	skynet.kill(other.handle)
	channel:delete()
end

case["who unsubscribes gets no more"] = function()
	local channel, got = listener()
	channel:subscribe()
	channel:subscribe()
	channel:publish(1)
	wait(got, 1)
	channel:unsubscribe()
	channel:publish(2)
	channel:subscribe()
	channel:publish(3)
	wait(got, 2)
	check.eq(got[2][2], 3)
	channel:unsubscribe()
	channel:delete()
end

case["a deleted channel is refused, unsubscribing from it is not"] = function()
	local channel = listener()
	channel:subscribe()
	channel:delete()
	check.raises("assertion failed!", channel.publish, channel, 1)
	check.raises("assertion failed!", channel.subscribe, channel)
	check.raises("assertion failed!", channel.delete, channel)
	channel:unsubscribe()
end

case["a channel that does not exist takes subscribers and publications"] = function()
	local channel, got = listener(0x7f0000)
	channel:subscribe()
	channel:publish(1)
	channel:unsubscribe()
	check.eq(#got, 0)
end

case["an error in a dispatch function is logged and hits nobody else"] = function()
	local bad = multicast.new {
		dispatch = function()
			error "boom in dispatch"
		end,
	}
	bad:subscribe()
	local other = subscriber(bad.channel)
	bad:publish(1)
	check.eventually(function()
		return count_of(other) == 1
	end)
	check.log "boom in dispatch"
	skynet.kill(other.handle)
	bad:delete()
end

case["a channel may pack and unpack by itself"] = function()
	local got
	local channel = multicast.new {
		pack = function(text)
			return skynet.pack("packed", text)
		end,
		unpack = function(msg, size)
			return "unpacked", size > 0, skynet.unpack(msg, size)
		end,
		dispatch = function(_, _, ...)
			got = { ... }
		end,
	}
	channel:subscribe()
	channel:publish "x"
	check.eventually(function()
		return got
	end)
	check.eq(got, { "unpacked", true, "packed", "x" })
	channel:delete()
end

case["a dispatch function may suspend, and is no request"] = function()
	local got = {}
	local channel = multicast.new {
		dispatch = function(_, source, value)
			skynet.sleep(1)
			got[1], got[2], got[3] = value, skynet.context()
			got[4] = source
			got[5] = pcall(skynet.ret)
		end,
	}
	channel:subscribe()
	channel:publish "slow"
	check.eventually(function()
		return got[5] ~= nil
	end)
	check.eq(got, { "slow", nil, skynet.self(), skynet.self(), false })
	channel:delete()
end

case["what is no number of a channel is refused"] = check.ours(function()
	check.raises("a channel is a whole number, not 5 %(string%)", multicast.new, { channel = "5" })
	check.raises("the settings of a channel are a table, not 5", multicast.new, 5)
end)

case["a channel that is collected unsubscribes"] = check.ours(function()
	local worker = check.worker()
	local seen, got = listener()
	seen:subscribe()
	worker:call(function(number)
		check.state.channel = require("skynet.multicast").new {
			channel = number,
			dispatch = function()
				check.state.hits = (check.state.hits or 0) + 1
			end,
		}
		check.state.channel:subscribe()
	end, seen.channel)
	worker:call(function()
		check.state.channel = nil
		collectgarbage()
		collectgarbage()
	end)
	-- What the finalizer sent has arrived when this is answered.
	worker:call(function() end)
	seen:publish(1)
	wait(got, 1)
	check.eq(worker:call(function()
		return check.state.hits
	end), nil)
	skynet.kill(worker.handle)
	seen:delete()
end)

case["a package is bound once and closed by all"] = function()
	local cell, size = core.pack(skynet.pack("a", 1))
	check.eq(size, 8)
	local package, msg, bytes = core.unpack(cell, size)
	local a, one = skynet.unpack(msg, bytes)
	check.eq({ a, one }, { "a", 1 })
	local again = skynet.tostring(cell, size)
	check.eq(core.bind(cell, 3), package)
	local second, second_size = core.pack(skynet.pack "x")
	check.eq(second_size, #again)
	core.close(package)
	core.close(package)
	core.close(package)
	local data, length = core.remote(second)
	check.eq(skynet.unpack(data, length), "x")
	skynet.trash(data, length)
end

case["packremote copies, pack takes"] = function()
	local msg, size = skynet.pack "kept"
	local cell = core.packremote(msg, size)
	check.eq(skynet.unpack(msg, size), "kept")
	skynet.trash(msg, size)
	local package = core.bind(cell, 1)
	core.close(package)
end

case["wrong packages are refused"] = function()
	local cell, size = core.pack(skynet.pack "x")
	check.raises("Invalid multicast package size 7", core.unpack, cell, 7)
	core.close(core.bind(cell, 1))
	local msg, len = skynet.pack "x"
	check.raises("Size should be 32bit integer", core.pack, msg, 1 << 32)
	skynet.trash(msg, len)
end

case["ids go round above the node's own"] = function()
	check.eq(core.nextid(1), 257)
	check.eq(core.nextid(0x7fffff01), 1)
end

case["subscribers that die leave, in the middle of publications too"] = check.ours(function()
	local service = skynet.uniqueservice "multicastd"
	local channel, got = listener()
	channel:subscribe()
	local workers = {}
	for i = 1, 40 do
		workers[i] = subscriber(channel.channel)
	end
	local function subscribers()
		local info = skynet.call(service, "debug", "INFO")
		return info[string.format("%x", channel.channel)].subscribers
	end
	check.eq(subscribers(), 41)
	for i, worker in ipairs(workers) do
		channel:publish(i)
		skynet.kill(worker.handle)
	end
	channel:publish "last"
	check.eq(subscribers(), 1)
	wait(got, 41)
	-- On a channel that nobody publishes on they do not pile up either.
	for _ = 1, 300 do
		skynet.kill(subscriber(channel.channel).handle)
	end
	check.ok(subscribers() < 200, "the dead leave when others come")
	channel:delete()
end)

case["a publication that was on its way when a subscriber left is dropped"] = check.ours(function()
	local channel, got = listener()
	channel:subscribe()
	local number = channel.channel
	-- In our mailbox before the next line runs.
	channel:publish(1)
	channel:unsubscribe()
	skynet.yield()
	skynet.call(skynet.uniqueservice "multicastd", "debug", "PING")
	check.nolog "Unknown channel"
	check.ok(#got <= 1 and number)
	channel:delete()
end)

case["deleting while others publish and subscribe loses no service"] = check.ours(function()
	local channel = multicast.new()
	local number = channel.channel
	local workers = {}
	for i = 1, 4 do
		workers[i] = check.worker()
		workers[i]:send(function(number)
			local channel = require("skynet.multicast").new { channel = number, dispatch = function() end }
			for _ = 1, 200 do
				channel:subscribe()
				channel:publish "x"
				channel:unsubscribe()
			end
			check.state.done = true
			skynet.ignoreret()
		end, number)
	end
	skynet.sleep(1)
	channel:delete()
	for _, worker in ipairs(workers) do
		check.eventually(function()
			return worker:call(function()
				return check.state.done
			end)
		end)
		skynet.kill(worker.handle)
	end
	check.nolog "traceback"
end)

case["a channel without a dispatch function says so"] = check.ours(function()
	local channel = multicast.new()
	channel:subscribe()
	channel:publish(1)
	check.log("multicast channel " .. channel.channel .. " has no dispatch function")
	channel:delete()
end)

case["the address in a package is one for all that read it"] = check.ours(function()
	local channel = multicast.new {
		unpack = function(msg)
			return tostring(msg)
		end,
	}
	local addresses = {}
	channel[1] = function(_, _, address)
		addresses[#addresses + 1] = address
	end
	channel:subscribe()
	local other = check.worker()
	other:call(function(number)
		check.state.channel = require("skynet.multicast").new {
			channel = number,
			unpack = function(msg)
				return tostring(msg)
			end,
			dispatch = function(_, _, address)
				check.state.address = address
			end,
		}
		check.state.channel:subscribe()
	end, channel.channel)
	channel:publish(("long"):rep(1000))
	wait(addresses, 1)
	check.eq(other:call(function()
		return check.state.address
	end), addresses[1])
	skynet.kill(other.handle)
	channel:delete()
end)

check.run(case)
