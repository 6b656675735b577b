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

check.run(case)
