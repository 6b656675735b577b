---Messages that take too long: skynet.runaway.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases(true)

---@param seconds number
local function spin(seconds)
	local stop = skynet.hpc() + seconds * 1e9
	while skynet.hpc() < stop do
		-- As if it computed.
	end
	return "done"
end

case["there is no limit at first, and setting one gives the one before"] = function()
	check.eq(skynet.runaway(), 0.0)
	check.eq(skynet.runaway(1.5), 0.0)
	check.eq(skynet.runaway(0.0001), 1.5)
	check.eq(skynet.runaway(), 0.001)
	check.eq(skynet.runaway(-1), 0.001)
	check.eq(skynet.runaway(math.huge), 0.0)
	check.eq(skynet.runaway(0), 0.0)
	check.raises("number expected, got table", skynet.runaway, {})
end

case["a loop is interrupted, and the service goes on"] = function()
	local peer = check.worker()
	peer:call(function() skynet.runaway(0.2) end)
	check.raises("call failed", peer.call, peer, function()
		while true do
		end
	end)
	check.log "runaway.lua:%d+: interrupted after %d+%.%d+ s in one message"
	check.log "stack traceback:.-worker.lua"
	check.eq(peer:call(function(x) return x end, 7), 7)
end

case["the limit is one of a message, not of a request"] = function()
	local peer = check.worker()
	check.eq(peer:call(function()
		skynet.runaway(1)
		for _ = 1, 60 do
			local stop = skynet.hpc() + 20000000
			while skynet.hpc() < stop do
			end
			skynet.yield()
		end
		return "in time"
	end), "in time")
	check.nolog "interrupted"
end

case["the error is one that pcall catches, and cleaning up is not interrupted"] = function()
	local peer = check.worker()
	local ok, err, closed, sum = peer:call(function()
		skynet.runaway(0.1)
		local closed = false
		local ok, err = pcall(function()
			local _ <close> = setmetatable({}, { __close = function()
				for i = 1, 100000 do
					closed = i
				end
			end })
			while true do
			end
		end)
		local sum = 0
		for i = 1, 100000 do
			sum = sum + i
		end
		return ok, err, closed, sum
	end)
	check.eq(ok, false)
	check.match(err, "runaway.lua:%d+: interrupted after %d+%.%d+ s in one message$")
	check.eq(closed, 100000)
	check.eq(sum, 5000050000)
end

case["who catches the error and goes on for ever is interrupted for good"] = function()
	local peer = check.worker()
	check.raises("call failed", peer.call, peer, function()
		skynet.runaway(0.1)
		check.state.caught = 0
		while true do
			local ok = pcall(function()
				while true do
				end
			end)
			if not ok then
				check.state.caught = check.state.caught + 1
			end
		end
	end)
	local caught = peer:call(function() return check.state.caught end)
	check.ok(caught >= 1, "the first error was caught")
	check.eq(peer:call(function() return "alive" end), "alive")
end

case["a loop in a coroutine of the program's own is interrupted, too"] = function()
	local peer = check.worker()
	local ok, err = peer:call(function()
		skynet.runaway(0.1)
		return coroutine.resume(coroutine.create(function()
			while true do
			end
		end))
	end)
	check.eq(ok, false)
	check.match(err, "interrupted after")
end

case["so is one in what a coroutine has to close"] = function()
	local peer = check.worker()
	for how = 1, 2 do
		local ok, err = peer:call(function(how)
			skynet.runaway(0.1)
			local function run()
				local _ <close> = setmetatable({}, { __close = function()
					while true do
					end
				end })
				if how == 2 then
					error "the coroutine ends"
				end
				coroutine.yield()
			end
			if how == 2 then
				return pcall(coroutine.wrap(run))
			end
			local co = coroutine.create(run)
			coroutine.resume(co)
			return coroutine.close(co)
		end, how)
		check.eq(ok, false)
		check.match(err, "interrupted after")
	end
end

case["a queue is free again after an interrupt inside of it"] = function()
	local peer = check.worker()
	check.raises("call failed", peer.call, peer, function()
		skynet.runaway(0.1)
		check.state.serial = require "skynet.queue"()
		check.state.serial(function()
			while true do
			end
		end)
	end)
	check.eq(peer:call(function()
		return check.state.serial(function() return "free" end)
	end), "free")
end

case["loops in timers and forks are interrupted, and others of the same message run"] = function()
	local peer = check.worker()
	peer:call(function()
		skynet.runaway(0.1)
		skynet.fork(function()
			while true do
			end
		end)
		skynet.fork(function()
			check.state.second = true
		end)
	end)
	check.eq(peer:call(function() return check.state.second end), true)
	check.log "interrupted after"
end

case["a hook of the program's own is there again afterwards"] = function()
	local peer = check.worker()
	local same, counted = peer:call(function()
		skynet.runaway(0.1)
		local count = 0
		local function hook()
			count = count + 1
		end
		debug.sethook(hook, "", 1000)
		pcall(function()
			while true do
			end
		end)
		local before = count
		for _ = 1, 100000 do
		end
		local now = debug.gethook()
		debug.sethook()
		return now == hook, count > before
	end)
	check.eq({ same, counted }, { true, true })
end

case["C code goes on until it comes back to Lua"] = function()
	local peer = check.worker()
	check.raises("call failed", peer.call, peer, function()
		skynet.runaway(0.1)
		-- A pattern that takes C code long to give up.
		local text = ("a"):rep(700)
		string.find(text, "^.-.-.-b")
		for _ = 1, 1000 do
		end
	end)
	check.log "interrupted after"
end

case["a killed service with a limit ends"] = function()
	local peer = check.worker()
	peer:send(function()
		skynet.runaway(0.1)
		while true do
			pcall(function()
				while true do
				end
			end)
		end
	end)
	skynet.sleep(5)
	skynet.kill(peer.handle)
	check.eventually(function()
		return not check.alive(peer.handle)
	end)
end

case["no limit is no limit"] = function()
	local peer = check.worker()
	check.eq(peer:call(spin, 0.3), "done")
end

check.run(case)
