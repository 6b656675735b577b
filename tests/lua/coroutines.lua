---skynet.coroutine, the native coroutine library inside a service, and skynet.profile.
local skynet = require "skynet"
local check = require "check"
local co_lib = require "skynet.coroutine"
local profile = require "skynet.profile"

local case = check.cases()

---Computes for some milliseconds. As much as it says, and not until some time is over: then others may have had the processor.
local function compute()
	local sum = 0
	for i = 1, 5000000 do
		sum = sum + i
	end
	return sum
end

case["resume and yield pass values as usual"] = function()
	local co = co_lib.create(function(a, b)
		local c = co_lib.yield(a + b)
		return c * 2
	end)
	check.eq({ co_lib.resume(co, 1, 2) }, { true, 3 })
	check.eq(co_lib.status(co), "suspended")
	check.eq({ co_lib.resume(co, 5) }, { true, 10 })
	check.eq(co_lib.status(co), "dead")
	check.eq({ co_lib.resume(co) }, { false, "cannot resume dead coroutine" })
end

case["a coroutine may call and sleep, and its resumer waits with it"] = function()
	local peer = check.worker()
	local co = co_lib.wrap(function()
		skynet.sleep(1)
		co_lib.yield(peer:call(function()
			return "answer"
		end))
		skynet.sleep(1)
		return "end"
	end)
	check.eq(co(), "answer")
	check.eq(co(), "end")
end

case["coroutines nest"] = function()
	local outer = co_lib.wrap(function()
		local inner = co_lib.wrap(function()
			skynet.sleep(1)
			co_lib.yield "inner"
			skynet.yield()
		end)
		co_lib.yield(inner())
		inner()
		co_lib.yield "outer"
	end)
	check.eq({ outer(), outer() }, { "inner", "outer" })
end

case["wrap raises the errors of its function"] = function()
	check.raises("inside", co_lib.wrap(function()
		error "inside"
	end))
	check.raises("after a sleep", co_lib.wrap(function()
		skynet.sleep(1)
		error "after a sleep"
	end))
end

case["a coroutine that the framework holds is blocked"] = function()
	local co = co_lib.create(function()
		skynet.sleep(3)
	end)
	local ended
	check.fork(function()
		check.eq(co_lib.resume(co), true)
		ended = true
	end)
	skynet.yield()
	check.eq(co_lib.status(co), "blocked")
	check.eq({ co_lib.resume(co) }, { false, "cannot resume a skynet coroutine suspend by skynet framework" })
	check.eventually(function()
		return ended
	end)
	check.eq(co_lib.status(co), "dead")
end

case["a coroutine made elsewhere is refused"] = function()
	check.eq({ co_lib.resume(coroutine.create(print)) }, { false, "cannot resume none skynet coroutine" })
end

case["thread names the framework thread"] = function()
	local self = coroutine.running()
	check.eq({ co_lib.thread() }, { self, true })
	co_lib.wrap(function()
		check.eq({ co_lib.thread() }, { self, false })
		check.ok(co_lib.running() ~= self)
		check.eq(co_lib.isyieldable(), true)
	end)()
	local co = co_lib.create(print)
	check.eq(co_lib.thread(co), nil)
end

case["close ends a coroutine and closes its variables"] = function()
	local closed
	local co = co_lib.create(function()
		local guard <close> = setmetatable({}, { __close = function()
			closed = true
		end })
		co_lib.yield(guard)
	end)
	co_lib.resume(co)
	check.eq(co_lib.close(co), true)
	check.eq(closed, true)
	check.eq(co_lib.close(co_lib.create(print)), true)
end

case["the native library works for what does not touch the framework"] = function()
	local next_value = coroutine.wrap(function(a)
		for i = 1, 3 do
			a = coroutine.yield(a + i)
		end
		return "end"
	end)
	check.eq({ next_value(1), next_value(10), next_value(20), next_value() }, { 2, 12, 23, "end" })
	check.raises("inside", coroutine.wrap(function()
		error "inside"
	end))
	local co = coroutine.create(error)
	check.eq({ coroutine.resume(co, "message") }, { false, "message" })
	check.eq(coroutine.status(co), "dead")
	check.raises("cannot resume dead coroutine", coroutine.wrap(function() end) and function()
		local f = coroutine.wrap(function() end)
		f()
		f()
	end)
end

case["coroutine.resume and wrap are those of profile"] = function()
	check.ok(coroutine.resume == profile.resume)
	check.ok(coroutine.wrap == profile.wrap)
end

case["pcall and metamethods may suspend"] = function()
	local peer = check.worker()
	check.eq({ pcall(function()
		skynet.sleep(1)
		return peer:call(function()
			return "through pcall"
		end)
	end) }, { true, "through pcall" })
	local t = setmetatable({}, { __index = function(_, key)
		skynet.sleep(1)
		return key
	end })
	check.eq(t.word, "word")
	local got = {}
	for i in function(_, i)
		skynet.yield()
		return (i or 0) < 3 and (i or 0) + 1 or nil
	end do
		got[#got + 1] = i
	end
	check.eq(got, { 1, 2, 3 })
end

case["profile measures the time of computing, not of waiting"] = function()
	local measured
	check.fork(function()
		profile.start()
		compute()
		skynet.sleep(100)
		measured = profile.stop()
	end)
	check.eventually(function()
		return measured
	end)
	check.eq(math.type(measured), "float")
	check.ok(measured > 0.001)
	check.ok(measured < 0.9)
end

case["profile of another coroutine"] = function()
	local co = coroutine.create(function()
		compute()
		coroutine.yield()
	end)
	profile.start(co)
	coroutine.resume(co)
	check.ok(profile.stop(co) > 0.001)
end

case["profile begins once and stops after it began"] = function()
	check.fork(function()
		profile.start()
		check.raises("Thread 0x%x+ start profile more than once", profile.start)
		profile.stop()
		check.raises("Call profile%.start%(%) before profile%.stop%(%)", profile.stop)
	end)
	skynet.yield()
end

check.run(case)
