---How services begin and end: newservice, launch, start, init, exit, kill, monitor.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases()

case["the first service of the user on a single node is handle 8"] = function()
	check.eq(skynet.self(), 8)
end

case["the boot services are started in order and bootstrap ends"] = function()
	local text = check.eventually(function()
		local all = check.whole_log()
		return all:find "%[:00000002%] KILL self\n" and all
	end)
	local order = {}
	for handle, line in text:gmatch "%[:(%x+)%] LAUNCH (.-)\n" do
		order[#order + 1] = handle .. " " .. line
	end
	check.eq(table.move(order, 1, 7, 1, {}), {
		"00000002 snlua bootstrap",
		"00000003 snlua launcher",
		"00000004 snlua cdummy",
		"00000005 harbor 0 4",
		"00000006 snlua datacenterd",
		"00000007 snlua service_mgr",
		"00000008 snlua life",
	})
end

case["newservice returns a new handle when start has ended"] = function()
	local handle = skynet.newservice "worker"
	check.eq(math.type(handle), "integer")
	check.log(string.format("%%[:%08x%%] LAUNCH snlua worker\n", handle))
end

case["arguments arrive as words"] = function()
	local handle = skynet.newservice("arguments", "one", 2, 2.5, "three four")
	check.eq(skynet.call(handle, "lua"), { n = 5, "one", "2", "2.5", "three", "four" })
end

case["arguments that are no text fail the call"] = function()
	check.raises("call failed", skynet.newservice, "arguments", {})
	check.raises("call failed", skynet.newservice, "arguments", true)
end

case["a service that exits in start gives nil"] = function()
	check.eq(skynet.newservice "quitter", nil)
end

case["a missing file fails the call and the log names it"] = function()
	check.raises("call failed", skynet.newservice, "no_such_service")
	check.log "no_such_service"
end

case["a syntax error fails the call and the log names file and line"] = function()
	check.raises("call failed", skynet.newservice, "broken_syntax")
	check.log "broken_syntax%.lua:1: "
end

case["an error in the main chunk fails the call and the log names file and line"] = function()
	check.raises("call failed", skynet.newservice, "broken_chunk")
	check.log "broken_chunk%.lua:2: the main chunk fails"
	check.log "stack traceback"
end

case["an error in the start function fails the call and is logged with its traceback"] = function()
	check.raises("call failed", skynet.newservice, "broken_init")
	check.log "init service failed: [^\n]*broken_init%.lua:12: the start function fails\nstack traceback"
	check.log "KILL self"
end

case["an error object of the start function is logged as its text"] = function()
	check.raises("call failed", skynet.newservice, "broken_init", "table")
	check.log "init service failed: an error object\n"
end

case["a service that is killed while it starts fails the call"] = function()
	local token = {}
	local peer = check.worker()
	check.fork(function()
		check.raises("call failed", skynet.newservice, "chunk", (string.dump(function()
			skynet.start(function()
				skynet.register ".life_starting"
				skynet.wait()
			end)
		end):gsub(".", function(c)
			return string.format("%02x", c:byte())
		end)))
		skynet.wakeup(token)
	end)
	local handle = check.eventually(function()
		return skynet.localname ".life_starting"
	end)
	skynet.kill(handle)
	skynet.wait(token)
	skynet.kill(peer.handle)
end

case["a service that never calls start fails the call and ends"] = check.ours(function()
	check.raises("call failed: its main chunk has called neither", check.launch, function() end)
	check.log "error: its main chunk has called neither skynet%.start nor skynet%.core%.callback"
end)

case["requests are served while start still runs"] = function()
	check.fork(function()
		check.launch(function()
			skynet.start(function()
				skynet.dispatch("lua", function()
					skynet.retpack "early"
				end)
				skynet.register ".life_slow"
				skynet.sleep(10)
			end)
		end)
		check.state.started = true
	end)
	local handle = check.eventually(function()
		return skynet.localname ".life_slow"
	end)
	check.eq(skynet.call(handle, "lua"), "early")
	check.eq(check.state.started, nil)
	check.eventually(function()
		return check.state.started
	end)
end

case["init functions run before start in the order they were given"] = function()
	local handle = check.launch(function()
		check.state.list = {}
		for i = 1, 3 do
			skynet.init(function()
				table.insert(check.state.list, "init" .. i)
			end)
		end
		skynet.start(function()
			table.insert(check.state.list, "start")
			skynet.dispatch("lua", function()
				skynet.retpack(check.state.list)
			end)
		end)
	end)
	check.eq(skynet.call(handle, "lua"), { "init1", "init2", "init3", "start" })
end

case["an init function may suspend"] = function()
	local handle = check.launch(function()
		skynet.init(function()
			skynet.sleep(1)
			check.state.init = true
		end)
		skynet.start(function()
			check.ok(check.state.init)
		end)
	end)
	check.ok(handle)
end

case["init in a running thread raises"] = function()
	check.raises("", skynet.init, function() end)
end

case["launch starts a service by its module and gives nil if that fails"] = function()
	local handle = check.ok(skynet.launch("snlua", "worker"))
	check.log(string.format("%%[:%08x%%] LAUNCH snlua worker", handle))
	skynet.kill(handle)
	check.eq(skynet.launch "no_such_module", nil)
end

case["exit logs, ends the thread and drops forks"] = function()
	local peer = check.worker()
	peer:send(function()
		local guard <close> = setmetatable({}, { __close = function()
			skynet.error "closed by exit"
		end })
		skynet.fork(skynet.error, "forked before exit")
		skynet.error("before exit", guard ~= nil)
		skynet.exit()
		skynet.error "after exit"
	end)
	check.log(string.format("before exit true.*%%[:%08x%%] KILL self\n.*closed by exit", peer.handle))
	check.nolog "forked before exit"
	check.nolog "after exit"
	check.eq(check.alive(peer.handle), false)
end

case["exit closes the suspended threads first"] = function()
	local peer = check.worker()
	peer:call(function()
		skynet.fork(function()
			local guard <close> = setmetatable({}, { __close = function()
				skynet.error "closed sleeper"
			end })
			skynet.wait(guard)
		end)
		skynet.yield()
	end)
	peer:send(function()
		skynet.exit()
	end)
	check.log(string.format("closed sleeper\n.*%%[:%08x%%] KILL self", peer.handle))
end

case["exit tells those that it was waiting for"] = function()
	local server, client = check.worker(), check.worker()
	client:send(function(addr, code)
		skynet.timeout(2, skynet.exit)
		skynet.call(addr, "lua", "raw", code)
	end, server.handle, string.dump(function()
		check.state.response = skynet.response()
	end))
	check.eventually(function()
		return server:call(function()
			return check.state.response and not check.state.response "TEST"
		end)
	end)
end

case["kill ends a service by handle, by text and by name"] = function()
	local peer = check.worker()
	skynet.kill(peer.handle)
	check.eq(check.alive(peer.handle), false)
	check.log(string.format("KILL :%x\n", peer.handle))
	peer = check.worker()
	skynet.kill(skynet.address(peer.handle))
	check.eq(check.alive(peer.handle), false)
	peer = check.worker()
	skynet.name(".life_victim", peer.handle)
	skynet.kill ".life_victim"
	check.eq(check.alive(peer.handle), false)
	check.eq(skynet.localname ".life_victim", nil)
end

case["handles are not used again"] = function()
	local first = check.worker()
	skynet.kill(first.handle)
	local second = check.worker()
	check.ok(second.handle > first.handle)
	skynet.kill(second.handle)
end

case["the monitor is told of each service that ends"] = function()
	local core = require "skynet.core"
	check.eq(core.addresscommand "MONITOR", nil)
	local monitor = skynet.monitor "exit_monitor"
	check.eq(core.addresscommand "MONITOR", monitor)
	check.eq(skynet.monitor("exit_monitor", true), monitor)
	local one, two = check.worker(), check.worker()
	skynet.kill(one.handle)
	two:send(function()
		skynet.exit()
	end)
	local dead = check.eventually(function()
		local list = skynet.call(monitor, "lua")
		return #list == 2 and list
	end)
	check.eq(dead, { { 0, one.handle }, { 0, two.handle } })
end

case["what cannot be an argument of a service is named"] = check.ours(function()
	check.raises("argument 2 of a service is a table: arguments travel as text", skynet.newservice, "worker", "one", {})
end)

case["a monitor is a name"] = check.ours(function()
	check.raises("the monitor is the name of a service, not nil", skynet.monitor)
	check.raises("the monitor is the name of a service, not 5", skynet.monitor, 5)
end)

---The next to be told of to the monitor of the case before.
---@param count integer how many there have been
---@return integer handle
local function next_dead(count)
	return check.eventually(function()
		local list = skynet.call(skynet.queryservice(true, "exit_monitor"), "lua")
		return #list == count + 1 and list[count + 1][2]
	end)
end

case["and of one whose start or main chunk fails, or that is there too briefly to be seen"] = function()
	local count = #skynet.call(skynet.queryservice(true, "exit_monitor"), "lua")
	for i, name in ipairs { "broken_init", "broken_chunk", "broken_syntax", "quitter" } do
		local from = skynet.newservice "quitter" -- nil: it has ended
		check.eq(from, nil)
		next_dead(count + 2 * i - 2)
		pcall(skynet.newservice, name)
		local handle = next_dead(count + 2 * i - 1)
		check.log(string.format("%%[:%08x%%] KILL self", handle))
	end
end

case["and of one that is at its memory limit"] = check.ours(function()
	local count = #skynet.call(skynet.queryservice(true, "exit_monitor"), "lua")
	local handle = check.ok(skynet.newservice("limited", 1024 * 1024))
	check.raises("call failed", skynet.call, handle, "lua", string.dump(function()
		hoard = {}
		while true do
			hoard[#hoard + 1] = { #hoard }
		end
	end))
	check.eq(next_dead(count), handle)
end)

check.run(case)
