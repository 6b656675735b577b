---Small things that ship: the services simplemonitor and dbg, the module skynet.injectcode.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases(true)

case["simplemonitor tells its watchers of an end, and knows who has ended"] = function()
	local monitor = skynet.monitor "simplemonitor"
	local peer = check.worker()
	local code = string.dump(function()
		require "skynet".ignoreret()
	end)
	check.eq(skynet.call(monitor, "lua", "WATCH", peer.handle), true)
	local failed
	check.fork(function()
		-- Such a request is forgotten by its service: what ends it is the monitor's word.
		check.raises("call failed", skynet.call, peer.handle, "lua", "raw", code)
		failed = true
	end)
	skynet.yield()
	skynet.kill(peer.handle)
	check.eventually(function()
		return failed
	end)
	check.eq(skynet.call(monitor, "lua", "WATCH", peer.handle), false)
	check.raises("call failed", skynet.call, monitor, "lua", "NO SUCH COMMAND")
end

case["dbg asks the launcher, prints the answer and ends"] = function()
	check.eq(skynet.newservice("dbg", "list"), nil)
	check.eq(skynet.newservice("dbg", "stat"), nil)
end

case["skynet.memory knows the VM of each service, and only while it lives"] = function()
	local memory = require "skynet.memory"
	local peer = check.worker()
	local before = peer:call(function()
		local figures = require "skynet.memory"
		check.state.ballast = ("x"):rep(1000000)
		return figures.current()
	end)
	check.ok(before > 1000000)
	local report = memory.info()
	check.ok(report[peer.handle] > 1000000)
	check.ok(report[skynet.self()] > 0)
	check.ok(memory.total() >= report[peer.handle] + report[skynet.self()])
	check.eq(memory.block(), 0)
	skynet.kill(peer.handle)
	check.eventually(function()
		return memory.info()[peer.handle] == nil
	end)
	memory.dump()
	check.log(skynet.address(skynet.self()) .. " %-> %d+kb %d+b\n")
	check.log "%+total: %d+kb\n"
end

case["skynet.memory says what it does not have"] = function()
	local memory = require "skynet.memory"
	check.eq(memory.profactive(), false)
	check.nolog "No jemalloc"
	check.eq(memory.profactive(true), false)
	check.log "No jemalloc"
	check.eq(memory.mallctl "stats.allocated", 0)
	check.ok(memory.jestat()["stats.resident"] > 0)
end

case["cmemory prints what services use, and ends"] = function()
	check.eq(skynet.newservice "cmemory", nil)
end

case["injected code reads and writes the scope of a suspended thread"] = function()
	local inject = require "skynet.injectcode"
	local outer = 1
	local co = coroutine.create(function(...)
		local inner = 10
		coroutine.yield()
		return inner, outer, ...
	end)
	coroutine.resume(co, "vararg")
	-- Level 0 is the yield, level 1 the function.
	check.eq({ inject("inner = inner + 1; outer = outer + extra; return inner, ...", co, 1, { extra = 5 }) }, {
		true, 11, "vararg",
	})
	check.eq({ coroutine.resume(co) }, { true, 11, 6, "vararg" })
end

case["injected code that fails says why"] = function()
	local inject = require "skynet.injectcode"
	local co = coroutine.create(function()
		coroutine.yield()
	end)
	coroutine.resume(co)
	local ok, message = inject("error 'no'", co, 1)
	check.eq(ok, false)
	check.match(message, "no")
	check.eq((inject("this is no Lua", co, 1)), false)
end

check.run(case)
