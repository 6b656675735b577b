---`skynet.group`: groups of services with one handle, tunnels, and groups across nodes as far as one node has them.
local skynet = require "skynet"
local check = require "check"
local group = require "skynet.group"
require "skynet.manager"

local case = check.cases(true)

--- A service that keeps what it gets.
local function member()
	local worker = check.worker()
	worker:call(function()
		check.state.got = {}
		skynet.register_protocol {
			name = "news",
			id = 100,
			pack = skynet.pack,
			unpack = function(msg, size)
				return tostring(msg), skynet.unpack(msg, size)
			end,
			dispatch = function(session, source, address, ...)
				table.insert(check.state.got, { session = session, source = source, address = address, ... })
			end,
		}
	end)
	return worker
end

local function got(worker)
	return worker:call(function()
		return check.state.got
	end)
end

local function wait(worker, count)
	check.eventually(function()
		return #got(worker) >= count
	end)
	return got(worker)
end

skynet.register_protocol { name = "news", id = 100, pack = skynet.pack, unpack = skynet.unpack }

case["a message to a group reaches every member, with its source and one payload"] = function()
	local one = group.new "test"
	local members = { member(), member(), member() }
	for _, worker in ipairs(members) do
		check.eq(one:join(worker.handle), true)
		check.eq(one:join(skynet.address(worker.handle)), false)
	end
	check.eq(one:count(), 3)
	skynet.send(one.handle, "news", "hello", 1)
	one:send("news", "again", 2)
	local addresses = {}
	for _, worker in ipairs(members) do
		local all = wait(worker, 2)
		check.eq({ all[1][1], all[1][2], all[1].session, all[1].source }, { "hello", 1, 0, skynet.self() })
		check.eq({ all[2][1], all[2][2] }, { "again", 2 })
		addresses[all[1].address] = true
		skynet.kill(worker.handle)
	end
	check.ok(next(addresses, next(addresses)) == nil, "they read one block")
	check.eventually(function()
		return one:count() == 0
	end, "the dead leave")
	one:delete()
	check.eq(one:count(), nil)
end

case["a service joins by itself, and leaves"] = function()
	local one = group.new()
	local heard = 0
	skynet.dispatch("news", function(_, _, number)
		heard = heard + number
	end)
	check.eq(one:join(), true)
	one:send("news", 1)
	check.eventually(function()
		return heard == 1
	end)
	check.eq(one:members(), { skynet.self() })
	check.eq(one:leave(), true)
	check.eq(one:leave(), false)
	one:send("news", 10)
	-- A message that goes through the group's mailbox after that one.
	check.raises("call failed", skynet.call, one.handle, "news")
	check.eq(heard, 1)
	one:delete()
end

case["a request to a group fails and says why"] = function()
	local one = group.new "quiet"
	local err = check.raises("a group does not answer: :%x+ %(group quiet%) has 0 members", skynet.call, one.handle, "lua", "?")
	check.match(err, "send to it without a session")
	one:delete()
end

case["what cannot join is named"] = function()
	local one = group.new()
	local worker = check.worker()
	skynet.kill(worker.handle)
	check.raises(":%x+ is not alive and cannot join a group", one.join, one, worker.handle)
	check.raises("cannot be a member of itself", one.join, one, one.handle)
	check.raises("a service is named by its handle, :address or .name, not true", one.join, one, true)
	check.raises("no service of this node has the name .nobody", one.join, one, ".nobody")
	check.raises("no group of this node has the handle", group.of, skynet.self())
	check.raises("a group is found by its handle, a number, not by .room", group.of, ".room")
	check.raises("the label of a group is a string, not table", group.new, {})
	check.raises("a service is named by its handle, :address or .name, not room", group.tunnel, "room")
	check.raises("^[^:]*group.lua:%d+: :%x+ is not alive and cannot join a group", function()
		one:join(worker.handle)
		return true
	end)
	one:delete()
	check.raises("no group of this node has the handle", one.join, one)
end

case["a circle is refused, of groups and of tunnels"] = function()
	local one, two, three = group.new(), group.new(), group.new()
	one:join(two.handle)
	two:join(three.handle)
	check.raises(":%x+ leads back to the group :%x+ and cannot join it", three.join, three, one.handle)
	local tunnel = group.tunnel(one.handle)
	check.raises("leads back to the group", three.join, three, tunnel)
	check.raises("leads back to the group", one.join, one, tunnel)
	check.eq(three:count(), 0)
	one:leave(two.handle)
	check.eq(three:join(tunnel), true)
	check.raises("leads back to the group", one.join, one, two.handle)
	for _, each in ipairs { one, two, three } do
		each:delete()
	end
end

case["forwarded as a raw message, each member's payload is its own to free"] = function()
	local one = group.new()
	local forwarder = check.launch(function()
		local skynet = require "skynet"
		require "skynet.manager"
		skynet.register_protocol { name = "system", id = skynet.PTYPE_SYSTEM, unpack = function(...) return ... end }
		local to
		skynet.forward_type({ [skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM }, function()
			skynet.dispatch("system", function(_, source, msg, size)
				if not to then
					to = skynet.unpack(msg, size)
					skynet.trash(msg, size)
				else
					skynet.redirect(to, source, "lua", 0, msg, size)
				end
			end)
		end)
	end)
	check.ok(forwarder)
	skynet.send(forwarder, "lua", skynet.self())
	local heard = {}
	skynet.dispatch("lua", function(_, source, ...)
		heard[#heard + 1] = { source, ... }
	end)
	local other = member()
	check.ok(one:join(forwarder))
	check.ok(one:join(other.handle))
	for i = 1, 100 do
		one:send("lua", "raw", i)
	end
	check.eventually(function()
		return #heard == 100
	end)
	check.eq(heard[100], { skynet.self(), "raw", 100 })
	skynet.kill(forwarder)
	skynet.kill(other.handle)
	one:delete()
end

case["a call works through a tunnel, which ends with the other end"] = function()
	local worker = check.worker()
	local tunnel = group.tunnel(worker.handle)
	local dump = string.dump(function()
		return "through"
	end)
	check.eq(skynet.call(tunnel, "lua", "answer", dump), "through")
	skynet.kill(worker.handle)
	check.raises("call failed", skynet.call, tunnel, "lua", "answer", dump)
	check.raises("could not be launched", group.tunnel, worker.handle)
	check.log "a tunnel leads nowhere"
end

case["a group may be a member of another one, by itself or behind a tunnel"] = function()
	local outer, inner = group.new(), group.new()
	local worker = member()
	check.ok(inner:join(worker.handle))
	check.ok(outer:join(inner.handle))
	check.ok(outer:join(group.tunnel(inner.handle)))
	outer:send("news", "twice")
	check.eq(#wait(worker, 2), 2)
	inner:delete()
	check.eventually(function()
		return outer:count() == 0
	end)
	skynet.kill(worker.handle)
	outer:delete()
end

case["a global group is one for all who ask"] = function()
	local here = group.global "hall"
	local worker = member()
	worker:call(function()
		require("skynet.group").global("hall"):join()
	end)
	check.eq(here:count(), 1)
	here:send("news", "to all")
	check.eq(wait(worker, 1)[1][1], "to all")
	check.raises("a string that is not empty", group.global, "")
	skynet.kill(worker.handle)
	here:delete()
	check.eq(here:count(), nil)
	check.eq(group.global("hall"):count(), 0)
end

case["groups are listed"] = function()
	local one = group.new "in the list"
	one:join()
	check.eq(group.list()[one.handle], { label = "in the list", members = 1 })
	check.eq(group.of(one.handle):count(), 1)
	one:delete()
	check.eq(group.list()[one.handle], nil)
end

case["members come, go and die while messages are sent"] = function()
	local one = group.new()
	local stays = member()
	one:join(stays.handle)
	local workers = {}
	for i = 1, 30 do
		workers[i] = member()
		one:join(workers[i].handle)
	end
	for i, worker in ipairs(workers) do
		one:send("news", i)
		if i % 2 == 0 then
			one:leave(worker.handle)
		end
		skynet.kill(worker.handle)
	end
	one:send("news", "last")
	local all = wait(stays, 31)
	check.eq({ all[1][1], all[31][1] }, { 1, "last" })
	check.eventually(function()
		return one:count() == 1
	end)
	skynet.kill(stays.handle)
	one:delete()
end

check.run(case)
