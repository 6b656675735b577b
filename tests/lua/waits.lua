---The debug command WAITS: for what the threads of a service wait.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases(true)

---@param peer check.worker
---@param all? boolean
---@return skynet.wait[] waits
---@return integer[] held
local function waits(peer, all)
	return skynet.call(peer.handle, "debug", "WAITS", all)
end

--- Waits until a service has one thread that waits.
---@param peer check.worker
---@param all? boolean
---@return skynet.wait
local function one_wait(peer, all)
	return check.eventually(function()
		local list = waits(peer, all)
		return #list == 1 and list[1]
	end, "one wait")
end

local function after(ti)
	skynet.sleep(ti)
end

case["nobody waits in a service that is idle"] = function()
	local peer = check.worker()
	check.eq(table.pack(waits(peer)), { n = 2, {}, {} })
	check.eq(waits(peer, true), {})
end

case["a call tells whom, since when, where and for whom"] = function()
	local peer, callee = check.worker(), check.worker()
	skynet.fork(function()
		peer:call(function(handle, code)
			skynet.call(handle, "lua", "answer", code, 20)
		end, callee.handle, string.dump(after))
	end)
	local wait = one_wait(peer)
	check.eq(wait.how, "call")
	check.eq(wait.to, callee.handle)
	check.eq(wait.source, skynet.self())
	check.ok(wait.request > 0 and wait.session > 0)
	check.eq({ wait.limit, wait.start, wait.holder }, { false, false })
	check.match(wait.where, "waits.lua:%d+$")
	check.ok(wait.cs <= 20)
	local serving = one_wait(callee)
	check.eq({ serving.how, serving.source, serving.request }, { "sleep", peer.handle, wait.session })
	check.eventually(function()
		local later = waits(peer)[1]
		return later and later.cs >= 5 or not later
	end, "the wait grows older")
	check.eventually(function()
		return #waits(peer) == 0
	end)
end

case["a call to oneself is one to this service"] = function()
	local peer = check.worker()
	peer:send(function(code)
		skynet.call(skynet.self(), "lua", "answer", code, 10)
	end, string.dump(after))
	local found = check.eventually(function()
		local list = waits(peer)
		return #list == 2 and list
	end)
	local call, sleep = found[1], found[2]
	if call.how ~= "call" then
		call, sleep = sleep, call
	end
	check.eq({ call.to, sleep.source, sleep.request }, { peer.handle, peer.handle, call.session })
end

case["a limited call says so, and is gone with its limit"] = function()
	local peer, callee = check.worker(), check.worker()
	peer:send(function(handle, code)
		pcall(skynet.timeout_call, 5, handle, "lua", "answer", code, 15)
	end, callee.handle, string.dump(after))
	check.eq(one_wait(peer).limit, true)
	check.eventually(function()
		return #waits(peer) == 0
	end)
end

case["many requests at once are one wait each, of one thread"] = function()
	local peer, callee = check.worker(), check.worker()
	peer:send(function(handle, code)
		for _ in skynet.request { handle, "lua", "answer", code, 20 } { handle, "lua", "answer", code, 20 }
			:select(1000) do end
	end, callee.handle, string.dump(after))
	local found = check.eventually(function()
		local list = waits(peer)
		return #list == 2 and list
	end)
	for _, wait in ipairs(found) do
		check.eq({ wait.how, wait.to, wait.thread, wait.limit }, { "select", callee.handle, found[1].thread, true })
		check.match(wait.where, "waits.lua:%d+$")
	end
end

case["sleeps and waits are told when they are asked for"] = function()
	local peer = check.worker()
	peer:send(function()
		skynet.wait "a token"
	end)
	check.eq(waits(peer), {})
	check.eq(one_wait(peer, true).how, "wait")
	peer:call(function()
		skynet.wakeup "a token"
	end)
	peer:send(function()
		skynet.sleep(10)
	end)
	check.eq(one_wait(peer, true).how, "sleep")
end

case["who waits for a queue waits for the thread inside"] = function()
	local peer = check.worker()
	peer:call(function()
		local serial = require "skynet.queue"()
		check.state.serial = serial
		skynet.fork(serial, skynet.wait, "inside")
		skynet.fork(serial, skynet.sleep, 0)
	end)
	local list = waits(peer, true)
	table.sort(list, function(a, b)
		return a.thread < b.thread
	end)
	check.eq(#list, 2)
	local inside, outside = list[1], list[2]
	if inside.how == "lock" then
		inside, outside = outside, inside
	end
	check.eq({ inside.how, outside.how, outside.holder }, { "wait", "lock", inside.thread })
	check.eq(#waits(peer), 1)
	peer:call(function()
		skynet.wakeup "inside"
		skynet.sleep(2)
	end)
	check.eq(waits(peer, true), {})
end

case["a thread that is killed while it waits for a queue waits no longer"] = function()
	local peer = check.worker()
	peer:call(function()
		local serial = require "skynet.queue"()
		skynet.fork(serial, skynet.wait, "inside")
		check.state.second = skynet.fork(serial, skynet.sleep, 0)
	end)
	check.eq(#waits(peer), 1)
	peer:call(function()
		skynet.killthread(check.state.second)
	end)
	check.eq(waits(peer), {})
	check.eq(peer:call(function()
		return next(require "skynet.blocked")
	end), nil)
end

case["queues work in coroutines of skynet.coroutine, and are seen there"] = function()
	local peer = check.worker()
	peer:call(function()
		local coroutines = require "skynet.coroutine"
		local serial = require "skynet.queue"()
		local function enter()
			coroutines.wrap(function()
				serial(skynet.wait, "inside")
			end)()
		end
		skynet.fork(enter)
		skynet.fork(enter)
	end)
	local wait = one_wait(peer)
	check.eq(wait.how, "lock")
	check.ok(wait.holder ~= 0 and wait.holder ~= wait.thread)
end

case["who waits for a module waits for the thread that loads it"] = function()
	local peer = check.worker()
	peer:call(function()
		package.preload.waits_slow = function()
			skynet.wait "loading"
		end
		skynet.fork(require, "waits_slow")
		skynet.fork(require, "waits_slow")
	end)
	check.eq(one_wait(peer).how, "lock")
	peer:call(function()
		skynet.wakeup "loading"
		skynet.sleep(2)
	end)
	check.eq(waits(peer), {})
end

case["requests that functions of skynet.response have are told apart"] = function()
	local peer = check.worker()
	skynet.fork(pcall, peer.ask, peer, function()
		check.state.answer = skynet.response()
	end)
	local held = check.eventually(function()
		local _, held = waits(peer)
		return held[1] and held
	end)
	check.eq({ #held, held[1] }, { 2, skynet.self() })
	peer:call(function()
		check.state.answer(true)
	end)
	check.eq(select(2, waits(peer)), {})
end

case["a call by a global name is named by it"] = function()
	local peer = check.worker()
	peer:send(function()
		skynet.timeout_call(3, "NOBODY_HERE", "lua")
	end)
	check.eq(one_wait(peer).to, "NOBODY_HERE")
end

case["a service that starts says so"] = function()
	local handle
	skynet.fork(function()
		check.launch(function()
			skynet.start(function()
				skynet.call(".launcher", "debug", "LINK")
			end)
		end)
	end)
	check.eventually(function()
		local starting = skynet.call(".launcher", "lua", "STARTING")
		handle = starting[1]
		return handle and starting[2] == skynet.self()
	end)
	local wait = one_wait { handle = handle }
	check.eq({ wait.how, wait.start, wait.to }, { "call", true, skynet.localname ".launcher" })
	skynet.kill(handle)
end

--- What two services say, written shortly: { how, thread, whom or holder, session, requester, its session }.
local function graph(services)
	local waits = {}
	for handle, list in pairs(services) do
		waits[handle] = {}
		for i, item in ipairs(list) do
			local how, thread, target, session, source, request = table.unpack(item, 1, 6)
			waits[handle][i] = {
				how = how, thread = thread, session = session, source = source, request = request,
				limit = how == "limited", start = how == "start",
				to = how ~= "lock" and how ~= "sleep" and target or nil, holder = how == "lock" and target or nil,
			}
		end
	end
	return waits
end

---@return string[] circles as `handle/thread handle/thread …`
---@return string stuck threads
local function circles(services, starting, launcher)
	local found, threads = require "skynet.console.deadlocks".find(graph(services), starting or {}, launcher)
	local texts, stuck = {}, {}
	for i, circle in ipairs(found) do
		local steps = {}
		for at, step in ipairs(circle) do
			steps[at] = step.thread.handle .. "/" .. step.thread.number
		end
		texts[i] = table.concat(steps, " ")
	end
	for id, thread in pairs(threads) do
		stuck[#stuck + 1] = thread.stuck and id or nil
	end
	table.sort(stuck)
	return texts, table.concat(stuck, " ")
end

case["a circle is found once, and those who wait for it are stuck with it"] = function()
	local found, stuck = circles {
		[1] = { { "call", 1, 2, 10 }, { "lock", 2, 1, 11, 2, 20 } },
		[2] = { { "call", 1, 1, 20, 1, 10 } },
		[3] = { { "lock", 1, 2, 30 }, { "call", 2, 1, 31 } },
		[4] = { { "call", 7, 1, 40 } },
	}
	check.eq(found, { "1/1 2/1 1/2" })
	-- Nobody there handles 3's and 4's request.
	check.eq(stuck, "1/1 1/2 2/1")
	found, stuck = circles {
		[1] = { { "call", 1, 2, 10 }, { "lock", 2, 1, 11, 2, 20 }, { "lock", 3, 1, 12, 4, 40 } },
		[2] = { { "call", 1, 1, 20, 1, 10 } },
		[4] = { { "call", 7, 1, 40 } },
	}
	check.eq(found, { "1/1 2/1 1/2" })
	check.eq(stuck, "1/1 1/2 1/3 2/1 4/7")
end

case["two circles are two"] = function()
	local function circle(a, b)
		return { { "call", 1, b, 10 }, { "lock", 2, 1, 11, b, 20 } }, { { "call", 1, a, 20, a, 10 } }
	end
	local services = {}
	services[5], services[3] = circle(5, 3)
	services[8], services[9] = circle(8, 9)
	check.eq(circles(services), { "5/1 3/1 5/2", "8/1 9/1 8/2" })
end

case["a thread that may go on opens the circle"] = function()
	for _, how in ipairs { "limited", "sleep" } do
		local found, stuck = circles {
			[1] = { { "call", 1, 2, 10 }, { "lock", 2, 1, 11, 2, 20 } },
			[2] = { { how, 1, 1, 20, 1, 10 } },
		}
		check.eq(found, {})
		check.eq(stuck, "")
	end
end

case["who waits for one of several is stuck when all of them are"] = function()
	local services = {
		[1] = { { "select", 1, 2, 10 }, { "select", 1, 3, 11 }, { "lock", 2, 1, 12, 2, 20 }, { "lock", 3, 1, 13, 3, 30 } },
		[2] = { { "call", 1, 1, 20, 1, 10 } },
		[3] = { { "sleep", 1, nil, 30, 1, 11 } },
	}
	local found, stuck = circles(services)
	check.eq({ #found, stuck }, { 0, "" })
	services[3] = { { "call", 1, 1, 30, 1, 11 } }
	found, stuck = circles(services)
	check.eq({ #found, stuck }, { 1, "1/1 1/2 1/3 2/1 3/1" })
end

case["a start is waited for by way of the launcher"] = function()
	local services = {
		[3] = {},
		[1] = { { "call", 1, 3, 10 }, { "lock", 2, 1, 11, 2, 20 } },
		[2] = { { "start", 1, 1, 20 } },
	}
	check.eq(circles(services, { 2, 1, 10 }, 3), { "1/1 2/1 1/2" })
	check.eq(circles(services, { 2, 1, 77 }, 3), {})
	check.eq(circles(services, {}, nil), {})
end

check.run(case)
