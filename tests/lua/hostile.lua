--- Programs that take the framework's coroutines, its end and its buffers into their own hands.
local skynet = require "skynet"
local check = require "check"

local case = check.cases(true)
local w = check.worker

local function fails(peer, f, ...)
	check.raises("call failed", peer.ask, peer, f, ...)
end

case["a forked thread with arguments that was closed before it started does not run"] = check.ours(function()
	check.eq({ w():call(function()
		local ran = false
		local co = skynet.fork(function() ran = true end, 1, 2, 3, 4, 5)
		local closed = coroutine.close(co)
		skynet.yield()
		return closed, ran, coroutine.status(co)
	end) }, { true, false, "dead" })
end)

case["a forked thread may be started by hand, with its arguments and more"] = check.ours(function()
	local got = table.pack(w():call(function()
		local got
		local co = skynet.fork(function(...) got = table.pack(...) end, 1, 2, 3)
		local ok = coroutine.resume(co, 4, 5)
		skynet.yield()
		return ok, table.unpack(got)
	end))
	check.eq(got, { true, 1, 2, 3, 4, 5, n = 6 })
end)

case["a thread that waits for a call and is resumed by hand sees it fail"] = check.ours(function()
	local silent = w()
	local ok, first, second, status = w():call(function(addr)
		local outcome
		local co = skynet.fork(function()
			outcome = pcall(skynet.call, addr, "lua", "no such command at all", "x")
		end)
		coroutine.resume(co) -- starts it
		local ok = coroutine.resume(co)
		local first = outcome
		skynet.sleep(2)
		return ok, first, outcome, coroutine.status(co)
	end, silent.handle)
	check.eq({ ok, first, second, status }, { true, false, false, "dead" })
end)

case["a sleeping thread that is resumed by hand is not woken again"] = check.ours(function()
	local steps, status = w():call(function()
		local steps = {}
		local co = skynet.fork(function()
			for i = 1, 3 do
				steps[#steps + 1] = i
				skynet.sleep(1)
			end
		end)
		skynet.yield()
		coroutine.resume(co)
		coroutine.resume(co)
		coroutine.resume(co)
		skynet.sleep(5)
		return steps, coroutine.status(co)
	end)
	check.eq({ steps, status }, { { 1, 2, 3 }, "dead" })
end)

case["the request of a thread that is closed by hand fails"] = check.ours(function()
	local peer = w()
	check.fork(function()
		check.raises("call failed", peer.ask, peer, function()
			check.state.co = coroutine.running()
			skynet.wait()
		end)
		check.state.done = true
	end)
	check.eventually(function()
		return peer:call(function() return check.state.co ~= nil end)
	end)
	check.eq(peer:call(function() return coroutine.close(check.state.co) end), true)
	check.eventually(function() return check.state.done end)
end)

case["a handler that closes itself fails its request"] = check.ours(function()
	local peer = w()
	fails(peer, function()
		pcall(pcall, pcall, coroutine.close)
	end)
	fails(peer, function()
		pcall(skynet.pack, setmetatable({}, { __pairs = function() coroutine.close() end }))
	end)
	check.eq(peer:call(function() return skynet.unpack(skynet.packstring("still", { "whole" })) end), "still")
end)

case["a service whose start function closes itself ends, and its creator is told"] = check.ours(function()
	check.raises("call failed", check.launch, function()
		local s = require "skynet"
		s.start(function() coroutine.close() end)
	end)
end)

case["a service whose start thread is killed ends, and its creator is told"] = check.ours(function()
	check.raises("call failed", check.launch, function()
		local s = require "skynet"
		local start
		s.start(function()
			start = coroutine.running()
			s.fork(function() s.killthread(start) end)
			s.wait()
		end)
	end)
end)

case["finalizers may pack while a message is being packed"] = check.ours(function()
	local ok = w():call(function()
		collectgarbage "generational"
		collectgarbage("param", "minormul", 1)
		local function litter()
			setmetatable({}, { __gc = function() skynet.packstring("from a finalizer", { 1, 2, 3 }) end })
		end
		-- Packing it lets a fresh stack grow: memory that the collector notices at the next chance.
		local deep, level = { depth = 0 }, setmetatable({}, { __index = {} })
		deep.inner = level
		for depth = 1, 28 do
			level[1], level.inner = depth, setmetatable({}, getmetatable(level))
			level = level.inner
		end
		for round = 1, 400 do
			local text
			for _ = 1, 20 do
				litter()
			end
			coroutine.wrap(function() text = skynet.packstring(deep, round) end)()
			local ok, copy, number = pcall(skynet.unpack, text)
			if not ok or number ~= round or copy.depth ~= 0 or copy.inner.inner.inner[1] ~= 3 then
				return round
			end
		end
		return "whole"
	end)
	check.eq(ok, "whole")
end)

case["__pairs metamethods may pack, fail and yield in vain"] = function()
	check.eq({ w():call(function()
		local inner = setmetatable({}, { __pairs = function() return next, { skynet.packstring("deep") } end })
		local outer = setmetatable({}, { __pairs = function() return next, { a = inner } end })
		local good = skynet.unpack(skynet.packstring(outer))
		local bad = pcall(skynet.packstring, "x", setmetatable({}, { __pairs = function() error "no" end }))
		local slow = pcall(skynet.packstring, "x", setmetatable({}, { __pairs = function() skynet.sleep(1) end }))
		return skynet.unpack(good.a[1]), bad, slow
	end) }, { "deep", false, false })
end

case["a coroutine that resumes itself gets false and the reason"] = function()
	check.eq({ w():call(function()
		local co = require "skynet.coroutine"
		local c
		c = co.create(function() return co.resume(c) end)
		return select(2, co.resume(c))
	end) }, { false, "cannot resume non-suspended coroutine" })
end

case["threads that kill one another while the service exits"] = check.ours(function()
	local peer = w()
	fails(peer, function()
		local threads = {}
		for i = 1, 8 do
			threads[i] = skynet.fork(function()
				local _ <close> = setmetatable({}, { __close = function()
					for _, other in ipairs(threads) do
						skynet.killthread(other)
						pcall(skynet.fork, print)
						pcall(skynet.exit)
					end
					collectgarbage()
				end })
				skynet.wait()
			end)
		end
		skynet.yield()
		skynet.exit()
	end)
end)

case["exit in strange places ends the service and answers its requests"] = function()
	local places = {
		finalizer = function()
			setmetatable({}, { __gc = function() skynet.exit() end })
			collectgarbage()
			collectgarbage()
			skynet.wait()
		end,
		closing = function()
			local _ <close> = setmetatable({}, { __close = function() skynet.exit() end })
			error "leave"
		end,
		packing = function()
			skynet.pack(setmetatable({}, { __pairs = function() skynet.exit() end }))
		end,
		sorting = function()
			table.sort({ 3, 2, 1 }, function() skynet.exit() end)
		end,
		hook = function()
			debug.sethook(function() debug.sethook() skynet.exit() end, "l")
			local x = 1
			return x
		end,
		nested = function()
			coroutine.wrap(function() coroutine.wrap(function() skynet.exit() end)() end)()
		end,
		mixed = function()
			local co = require "skynet.coroutine"
			co.wrap(function() coroutine.wrap(function() pcall(skynet.exit) end)() end)()
		end,
		traceback = function()
			error(setmetatable({}, { __tostring = function() skynet.exit() end }))
		end,
	}
	for name, place in pairs(places) do
		local peer = w()
		local other = skynet.now() + 500
		fails(peer, place)
		check.eventually(function() return not check.alive(peer.handle) end, name)
		check.ok(skynet.now() < other, name)
	end
end

case["a service that exits or fails while it loads tells its creator"] = function()
	check.eq(check.launch(function() require "skynet".exit() end), nil)
	check.raises("call failed", check.launch, function() error "in the main chunk" end)
	check.raises("call failed", check.launch, function() error(setmetatable({}, { __tostring = error })) end)
	check.raises("call failed", check.launch, function()
		require "skynet".start(function() error(setmetatable({}, { __tostring = error })) end)
	end)
end

case["a callback may replace itself and collect garbage"] = check.ours(function()
	local handle = check.launch(function()
		local s = require "skynet"
		local core = require "skynet.core"
		s.start(function()
			local function second(kind, msg, sz, session, source)
				if kind == s.PTYPE_LUA then
					core.send(source, s.PTYPE_RESPONSE, session, core.packstring(core.unpack(msg, sz)))
				end
			end
			core.callback(function(kind, msg, sz, session, source)
				core.callback(second)
				coroutine.wrap(function()
					collectgarbage()
					collectgarbage()
				end)()
				local garbage = {}
				for i = 1, 1000 do
					garbage[i] = { i }
				end
				second(kind, msg, sz, session, source)
			end)
		end)
	end)
	check.eq(skynet.call(handle, "lua", "one"), "one")
	check.eq(skynet.call(handle, "lua", "two"), "two")
	skynet.send(handle, "lua") -- leaves it as it is
	require "skynet.manager".kill(handle)
end)

case["a token of a killed sleeper can be slept on again"] = check.ours(function()
	check.eq({ w():call(function()
		local token = {}
		local co = skynet.fork(function() skynet.wait(token) end)
		skynet.yield()
		skynet.killthread(co)
		local fine = pcall(skynet.sleep, 1, token)
		return fine, skynet.wakeup(token)
	end) }, { true })
end)

case["a call left behind in a coroutine of the program does not wake a later wait"] = check.ours(function()
	check.eq(w():call(function(addr)
		local request = skynet.request { addr, "lua", "answer", string.dump(function() skynet.sleep(3) return "late" end) }
		coroutine.wrap(function()
			skynet.call(addr, "lua", "answer", string.dump(function() return "left behind" end))
		end)()
		local results = {}
		for _, answer in request:select() do
			results[#results + 1] = answer and answer[1]
		end
		return results
	end, w().handle), { "late" })
end)

case["a service that was interrupted can be interrupted again"] = check.ours(function()
	local core = require "skynet.core"
	local peer = w()
	for _ = 1, 4 do
		local stopped = false
		check.fork(function()
			fails(peer, function()
				skynet.error "spinning"
				while true do end
			end)
			stopped = true
		end)
		check.log "spinning"
		check.eventually(function()
			core.command("SIGNAL", skynet.address(peer.handle) .. " 0")
			return stopped
		end)
	end
	-- The last signal may have found the service idle: then it hits what runs next.
	check.eventually(function()
		return pcall(peer.call, peer, function() return "fine" end)
	end)
end)

check.run(case)
