---Threads of one service: sleep, wait, wakeup, fork, timeout, killthread and their order.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()

---@return fun(what: any) note, any[] list
local function recorder()
	local list = {}
	return function(what)
		list[#list + 1] = what
	end, list
end

case["sleep waits at least its time and returns nil"] = function()
	local begin = skynet.now()
	check.eq(select("#", skynet.sleep(3)) <= 1, true)
	check.ok(skynet.now() - begin >= 2)
	check.eq(skynet.sleep(1), nil)
end

case["sleep takes a number in text, and nothing but whole numbers"] = function()
	check.eq(skynet.sleep "1", nil)
	check.eq(skynet.sleep(-5), nil)
	check.eq(skynet.sleep(1.0), nil)
	check.raises("number has no integer representation", skynet.sleep, 0.5)
	check.raises("", skynet.sleep, nil)
end

case["timers fire in the order of their time"] = function()
	local note, list = recorder()
	for _, t in ipairs { 5, 1, 3, 2, 4 } do
		skynet.timeout(t, function()
			note(t)
		end)
	end
	check.eventually(function()
		return #list == 5
	end)
	check.eq(list, { 1, 2, 3, 4, 5 })
end

case["timers of the same time fire in the order they were set"] = function()
	local note, list = recorder()
	for i = 1, 50 do
		skynet.timeout(2, function()
			note(i)
		end)
	end
	check.eventually(function()
		return #list == 50
	end)
	for i = 1, 50 do
		check.eq(list[i], i)
	end
end

case["a timer thread is new and has no request"] = function()
	local seen
	local co = skynet.timeout(0, function()
		seen = { coroutine.running(), skynet.context() }
	end)
	check.eq(type(co), "thread")
	skynet.yield()
	check.eq(seen, { co })
end

case["yield lets messages go first that are queued already"] = function()
	local note, list = recorder()
	skynet.dispatch("lua", function(_, _, n)
		note(n)
	end)
	skynet.send(skynet.self(), "lua", 1)
	skynet.send(skynet.self(), "lua", 2)
	skynet.yield()
	note "back"
	check.eq(list, { 1, 2, "back" })
end

case["forks run in order when the message ends, before timers of zero"] = function()
	local note, list = recorder()
	skynet.timeout(0, function()
		note "timeout"
	end)
	skynet.fork(function(a, b)
		note(a .. b)
		skynet.fork(note, "nested")
	end, "fo", "rk")
	skynet.fork(note, "second")
	note "thread"
	skynet.sleep(1)
	check.eq(list, { "thread", "fork", "second", "nested", "timeout" })
end

case["fork passes nil arguments and returns the thread"] = function()
	local seen
	local co = skynet.fork(function(...)
		seen = table.pack(...)
		seen.co = coroutine.running()
	end, nil, 1, nil)
	skynet.yield()
	check.eq(seen, { n = 3, [2] = 1, co = co })
end

case["wait lasts until wakeup of its token"] = function()
	local note, list = recorder()
	local token = {}
	skynet.fork(function()
		note "waits"
		check.eq(select("#", skynet.wait(token)), 0)
		note "woken"
	end)
	skynet.yield()
	check.eq(skynet.wakeup(token), true)
	note "wakeup only queues"
	skynet.yield()
	check.eq(list, { "waits", "wakeup only queues", "woken" })
end

case["the default token is the running thread"] = function()
	local woken
	local co = skynet.fork(function()
		skynet.wait()
		woken = true
	end)
	skynet.yield()
	check.eq(skynet.wakeup(co), true)
	skynet.yield()
	check.eq(woken, true)
end

case["sleep that is woken returns BREAK, and its timer is forgotten"] = function()
	local result
	skynet.fork(function()
		result = skynet.sleep(5, "token")
	end)
	skynet.yield()
	check.eq(skynet.wakeup "token", true)
	skynet.yield()
	check.eq(result, "BREAK")
	skynet.sleep(8)
	check.nolog "Response message"
	check.nolog "Unknown session"
end

case["wakeup of a token that nobody waits on returns nil"] = function()
	check.eq(skynet.wakeup {}, nil)
end

case["two threads on one token are refused"] = function()
	skynet.fork(skynet.wait, "shared")
	skynet.yield()
	check.raises("token duplicative", skynet.wait, "shared")
	skynet.wakeup "shared"
	skynet.yield()
end

case["a sleep that is refused leaves no timer behind"] = check.ours(function()
	skynet.fork(skynet.wait, "shared")
	skynet.yield()
	check.raises("token duplicative", skynet.sleep, 1, "shared")
	skynet.wakeup "shared"
	local peer = check.worker()
	check.eq(peer:call(function()
		skynet.sleep(5)
		return "answer"
	end), "answer")
	check.nolog "Unknown session"
end)

case["woken threads run in the order of wakeup, before forks"] = function()
	local note, list = recorder()
	for i = 1, 3 do
		skynet.fork(function()
			skynet.wait("order" .. i)
			note(i)
		end)
	end
	skynet.yield()
	skynet.fork(note, "fork")
	for _, i in ipairs { 2, 3, 1 } do
		skynet.wakeup("order" .. i)
	end
	skynet.yield()
	check.eq(list, { 2, 3, 1, "fork" })
end

case["a woken thread may wake another, which runs next"] = function()
	local note, list = recorder()
	skynet.fork(function()
		skynet.wait "a"
		note "a"
		skynet.wakeup "c"
	end)
	skynet.fork(function()
		skynet.wait "b"
		note "b"
	end)
	skynet.fork(function()
		skynet.wait "c"
		note "c"
	end)
	skynet.yield()
	skynet.wakeup "a"
	skynet.wakeup "b"
	skynet.yield()
	check.eq(list, { "a", "b", "c" })
end

case["a second wakeup before the thread runs is true and without effect"] = function()
	local count = 0
	skynet.fork(function()
		skynet.wait "twice"
		count = count + 1
		skynet.wait "other"
		count = count + 1
	end)
	skynet.yield()
	check.eq({ skynet.wakeup "twice", skynet.wakeup "twice" }, { true, true })
	skynet.yield()
	check.eq(count, 1)
	check.eq(skynet.wakeup "twice", nil)
	skynet.wakeup "other"
	skynet.yield()
	check.eq(count, 2)
end

case["a second wakeup wakes a thread that waits on the token again"] = function()
	local count = 0
	skynet.fork(function()
		for _ = 1, 2 do
			skynet.wait "again"
			count = count + 1
		end
	end)
	skynet.yield()
	skynet.wakeup "again"
	skynet.wakeup "again"
	skynet.yield()
	check.eq(count, 2)
end

case["failed calls resume after woken threads"] = function()
	local note, list = recorder()
	local peer = check.worker()
	skynet.fork(function()
		pcall(peer.ask, peer, function()
			skynet.ignoreret()
		end)
		note "failed call"
	end)
	skynet.fork(function()
		skynet.wait "first"
		note "first"
		skynet.wakeup "second"
	end)
	skynet.fork(function()
		skynet.wait "second"
		note "second"
	end)
	skynet.yield()
	skynet.term(peer.handle)
	skynet.wakeup "first"
	skynet.yield()
	check.eq(list, { "first", "second", "failed call" })
end

case["killthread closes a waiting thread and its variables"] = function()
	local closed
	local co = skynet.fork(function()
		local guard <close> = setmetatable({}, { __close = function()
			closed = true
		end })
		skynet.wait(guard)
	end)
	skynet.yield()
	check.eq(skynet.killthread(co), co)
	check.eq(closed, true)
	check.eq(coroutine.status(co), "dead")
	check.eq(skynet.killthread(co), nil)
end

case["killthread finds a thread by its printed name"] = function()
	local co = skynet.fork(skynet.wait)
	skynet.yield()
	check.eq(skynet.killthread(tostring(co)), co)
	check.eq(skynet.killthread "no thread has this name", nil)
end

case["killthread takes back a fork that has not begun"] = function()
	local ran
	local co = skynet.fork(function()
		ran = true
	end)
	check.eq(skynet.killthread(co), co)
	skynet.yield()
	check.eq(ran, nil)
end

case["killthread of a thread in a call drops the late answer"] = function()
	local peer = check.worker()
	local co = skynet.fork(function()
		peer:call(function()
			skynet.sleep(3)
		end)
	end)
	skynet.yield()
	check.eq(skynet.killthread(co), co)
	peer:call(function()
		skynet.sleep(5)
	end)
	check.nolog "Response message"
	check.nolog "Unknown session"
end

case["killthread of a serving thread fails its caller"] = function()
	local peer = check.worker()
	check.fork(function()
		skynet.sleep(2)
		peer:call(function()
			check.ok(skynet.killthread(check.state.co))
		end)
	end)
	check.raises("call failed", peer.ask, peer, function()
		check.state.co = coroutine.running()
		skynet.wait()
	end)
end

case["killthread of a thread that has answered already"] = check.ours(function()
	local peer = check.worker()
	peer:ask(function()
		check.state.co = coroutine.running()
		skynet.ret()
		skynet.wait()
	end)
	check.eq(peer:call(function()
		return skynet.killthread(check.state.co) == check.state.co
	end), true)
end)

case["many threads sleep at once"] = function()
	local left = 2000
	for i = 1, left do
		skynet.fork(function()
			skynet.sleep(i % 5)
			left = left - 1
		end)
	end
	check.eventually(function()
		return left == 0
	end)
end

case["a timer whose thread nobody looked at has one when it is asked for"] = function()
	local ran
	local before, tasks = {}, {}
	skynet.task(before)
	skynet.timeout(20, function()
		ran = true
	end)
	skynet.task(tasks)
	local found
	for name in pairs(tasks) do
		found = found or not before[name] and name:match "^(thread: %S+)"
	end
	check.ok(found)
	check.eq(type(skynet.killthread(found)), "thread")
	skynet.sleep(25)
	check.eq(ran, nil)
end

case["forks and timers run once each, whether their threads are looked at or not"] = function()
	local count = 0
	local function step()
		count = count + 1
	end
	for i = 1, 100 do
		skynet.fork(step)
		skynet.timeout(i % 3, step)
		local co = skynet.fork(step)
		local timer = skynet.timeout(i % 2, step)
		check.eq(type(co), "thread")
		check.eq(type(timer), "thread")
	end
	check.eventually(function()
		return count == 400
	end)
	skynet.sleep(5)
	check.eq(count, 400)
end

check.run(case)
