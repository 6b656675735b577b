---Channels between a debugger and what it looks at, and hooks that suspend.
local skynet = require "skynet"
local check = require "check"
local debugchannel = require "skynet.debugchannel"

local case = check.cases()

case["both ends read and write one queue"] = function()
	local one, pointer = debugchannel.create()
	check.eq(type(pointer), "userdata")
	check.eq(math.type(pointer), nil)
	one:write "early"
	local two = debugchannel.connect(pointer)
	two:write "second"
	one:write ""
	one:write "\0z"
	check.eq(one:read(), "early")
	check.eq(two:read(0), "second")
	check.eq(two:read(), "")
	check.eq(two:read(), "\0z")
	check.eq(select("#", one:read()), 0, "nothing, not even nil")
end

case["a read waits as long as it was told to"] = function()
	local one = debugchannel.create()
	local began = skynet.hpc()
	check.eq(one:read(0.5), nil)
	local ms = (skynet.hpc() - began) / 1e6
	check.ok(ms >= 49, "it waits for 50 ms")
	-- A busy machine may keep us from running now and then.
	check.eventually(function()
		began = skynet.hpc()
		check.eq(one:read(), nil)
		return (skynet.hpc() - began) / 1e6 < 49
	end, "a read without a time that does not wait")
end

case["the other service wakes a reader"] = function()
	local worker = check.worker()
	local one, pointer = debugchannel.create()
	worker:call(function(pointer)
		check.state.channel = require "skynet.debugchannel".connect(pointer)
	end, pointer)
	worker:send(function()
		check.state.got = check.state.channel:read(100)
		skynet.ret()
	end)
	one:write "hello"
	check.eq(worker:call(function()
		return check.state.got
	end), "hello")
end

case["the second end is given away once"] = function()
	local one, pointer = debugchannel.create()
	local two = debugchannel.connect(pointer)
	check.raises("^new channel failed$", debugchannel.connect, pointer)
	check.raises("^Invalid channel pointer$", debugchannel.connect)
	check.raises("^Invalid channel pointer$", debugchannel.connect, "text")
	one = nil
	collectgarbage()
	two:write "alone"
	check.eq(two:read(), "alone")
	check.raises("debugchannel expected", two.read, io.stdout)
	check.raises("string expected", two.write, two)
	check.raises("number expected", two.read, two, "x")
end

case["a pointer to nothing is refused"] = check.ours(function()
	-- C follows it.
	local one, pointer = debugchannel.create()
	debugchannel.release(one)
	check.raises("^Invalid channel pointer$", debugchannel.connect, pointer)
	check.eq(one:read(), nil)
	one:write "nowhere"
	local message, size = skynet.pack "no channel"
	check.raises("^Invalid channel pointer$", debugchannel.connect, message)
	skynet.trash(message, size)
	check.raises("^Invalid channel pointer$", debugchannel.connect, io.stdout)
end)

---Runs a coroutine to its end; how often it was suspended, and what it returned.
---@param co thread
---@return integer count
---@return any result
local function run(co)
	for count = 0, 100 do
		local result = table.pack(coroutine.resume(co))
		check.ok(result[1], tostring(result[2]))
		if coroutine.status(co) == "dead" then
			return count, result[2]
		end
		check.eq(result.n, 1, "a hook yields nothing")
	end
	error "it never ends"
end

local function three_lines(x)
	x = x + 1
	x = x * 2
	return x
end

case["a hook that returns true suspends the coroutine"] = function()
	for _, answer in ipairs { true, 1 } do
		local co = coroutine.create(three_lines)
		local seen = {}
		debugchannel.sethook(co, function(event, line)
			seen[#seen + 1] = event .. " " .. (line - debug.getinfo(three_lines, "S").linedefined)
			return answer
		end, "l")
		local first = table.pack(coroutine.resume(co, 4))
		check.eq(first, { true, n = 1 })
		check.eq(select(2, debug.getlocal(co, 0, 1)), 4, "its locals can be seen")
		check.eq({ run(co) }, { 2, 10 })
		check.eq(seen, { "line 1", "line 2", "line 3" })
	end
end

case["a hook that returns nothing looks on"] = function()
	local co = coroutine.create(function()
		math.abs(-1)
		return 1
	end)
	local seen = {}
	debugchannel.sethook(co, function(event, line)
		seen[#seen + 1] = line and event or event .. "!"
	end, "crl")
	check.eq({ run(co) }, { 0, 1 })
	check.eq(seen, { "call!", "line", "call!", "return!", "line", "return!" })
end

case["instructions are counted"] = function()
	local co = coroutine.create(function()
		for _ = 1, 10 do
		end
		return "done"
	end)
	debugchannel.sethook(co, function(event)
		return event == "count"
	end, "", 1)
	local count, result = run(co)
	check.ok(count > 10)
	check.eq(result, "done")
end

case["a hook can be taken away in three ways"] = function()
	for _, arguments in ipairs { {}, { nil, "l", n = 2 }, { print, "" } } do
		local co = coroutine.create(three_lines)
		debugchannel.sethook(co, function()
			return true
		end, "l")
		check.eq((debug.gethook(co)), "external hook")
		coroutine.resume(co, 1)
		debugchannel.sethook(co, table.unpack(arguments, 1, arguments.n))
		check.eq(debug.gethook(co), nil)
		check.eq({ run(co) }, { 0, 4 })
	end
end

case["wrong arguments leave the hook as it is"] = function()
	local co = coroutine.create(three_lines)
	debugchannel.sethook(co, print, "l")
	check.raises("function expected, got number", debugchannel.sethook, co, 5, "l")
	check.raises("string expected", debugchannel.sethook, co, print)
	check.eq((debug.gethook(co)), "external hook")
end

case["the running coroutine can hook itself"] = function()
	local co = coroutine.create(function(x)
		debugchannel.sethook(function()
			return true
		end, "l")
		x = x + 1
		debugchannel.sethook()
		return x
	end)
	coroutine.resume(co, 1)
	check.eq({ run(co) }, { 2 - 1, 2 })
end

case["an error of the hook is one of the code"] = function()
	local co = coroutine.create(three_lines)
	debugchannel.sethook(co, function()
		error "in the hook"
	end, "l")
	check.match(select(2, coroutine.resume(co, 1)), "in the hook")
	check.eq(coroutine.status(co), "dead")
end

case["code under a C function is not suspended, and goes on"] = check.ours(function()
	-- In C it fails: attempt to yield across a C-call boundary.
	local co = coroutine.create(function()
		local list = { 3, 1, 2 }
		table.sort(list, function(a, b)
			return a < b
		end)
		return list
	end)
	local lines = 0
	debugchannel.sethook(co, function()
		lines = lines + 1
		return true
	end, "l")
	local count, list = run(co)
	check.eq(list, { 1, 2, 3 })
	check.ok(count >= 3 and lines > count)
end)

case["a thread of the framework is suspended, and goes on by hand"] = function()
	local co, reached
	skynet.fork(function()
		co = coroutine.running()
		debugchannel.sethook(function()
			return true
		end, "l")
		reached = 1
		debugchannel.sethook()
		reached = 2
	end)
	skynet.sleep(1)
	check.eq(coroutine.status(co), "suspended")
	check.eq(reached, nil)
	check.ok(coroutine.resume(co))
	check.eq(reached, 1)
	debugchannel.sethook(co)
	check.ok(coroutine.resume(co))
	check.eq(reached, 2)
end

case["a service that waits in a hook can be killed"] = check.ours(function()
	local worker = check.worker()
	worker:send(function()
		local debugchannel = require "skynet.debugchannel"
		local channel = debugchannel.create()
		local co = coroutine.wrap(function(x)
			x = x + 1
			return x
		end)
		debugchannel.sethook(function()
			skynet.error "waits"
			while not channel:read(-1) do
			end
		end, "l")
		skynet.ret(skynet.pack(co(1)))
	end)
	check.log ":%x+%] waits"
	skynet.kill(worker.handle)
	check.eventually(function()
		return not check.alive(worker.handle)
	end)
	check.log "the service has been killed"
end)

case["a service that waits for a text can be signalled"] = check.ours(function()
	local worker = check.worker()
	worker:send(function()
		skynet.error "reads"
		local channel = require "skynet.debugchannel".create()
		check.state.result = { pcall(channel.read, channel, -1) }
		skynet.ret()
	end)
	check.log ":%x+%] reads"
	local core = require "skynet.core"
	core.command("SIGNAL", skynet.address(worker.handle) .. " 0")
	local result = worker:call(function()
		return check.state.result
	end)
	check.eq(result[1], false)
	check.match(result[2], "signal 0")
end)

case["whatever allocation fails, nothing else does"] = check.ours(function()
	local fine = 0
	for room = 0, 24000, 400 do
		local started, limited = pcall(skynet.newservice, "limited", room)
		local ok, result = pcall(skynet.call, started and limited or 0, "lua", string.dump(function()
			local function work()
				local debugchannel = require "skynet.debugchannel"
				local one, pointer = debugchannel.create()
				local two = debugchannel.connect(pointer)
				two:write(("x"):rep(100))
				debugchannel.sethook(function() end, "c")
				debugchannel.sethook()
				local crypt = require "skynet.crypt"
				local text = crypt.base64encode(one:read())
				require "client.socket".close(5)
				return crypt.hexencode(crypt.desencode("12345678", text))
			end
			local ok, result = pcall(work)
			return ok and #result or result
		end))
		if ok and result == 288 then
			fine = fine + 1
		else
			-- Too little even to say so, or an ordinary error.
			check.ok(not ok or result == "not enough memory", tostring(result))
		end
		if started then
			skynet.kill(limited)
		end
	end
	check.ok(fine > 5 and fine < 60, "some rooms are enough, and some are not")
end)

check.run(case)
