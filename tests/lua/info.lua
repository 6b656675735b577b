---What a service can learn of itself and its node: time, environment, tasks, statistics, memory.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()

case["the clock goes on and time is in seconds since 1970"] = function()
	local begin = skynet.now()
	check.eq(math.type(begin), "integer")
	skynet.sleep(5)
	check.ok(skynet.now() - begin >= 4)
	check.eq(math.type(skynet.starttime()), "integer")
	check.ok(math.abs(skynet.starttime() - os.time()) <= 60)
	check.ok(math.abs(skynet.time() - os.time()) <= 60)
	check.eq(math.type(skynet.time()), "float")
end

case["hpc counts nanoseconds"] = function()
	local begin = skynet.hpc()
	check.eq(math.type(begin), "integer")
	skynet.sleep(2)
	check.ok(skynet.hpc() - begin >= 9000000)
end

case["the environment holds the config as text"] = function()
	check.eq(skynet.getenv "thread", "2")
	check.eq(skynet.getenv "start", SERVICE_NAME)
	check.eq(skynet.getenv "standalone", "true")
	check.eq(skynet.getenv "no such key", nil)
end

case["a key is set once, and seen by all services"] = function()
	skynet.setenv("info_key", "a value with spaces")
	check.eq(skynet.getenv "info_key", "a value with spaces")
	check.raises("Can't setenv exist key : info_key", skynet.setenv, "info_key", "other")
	check.eq(check.worker():call(function()
		return skynet.getenv "info_key"
	end), "a value with spaces")
	skynet.setenv("info_number", 12)
	check.eq(skynet.getenv "info_number", "12")
end

case["a key ends at its first space"] = function()
	skynet.setenv("info_two words", "value")
	check.eq(skynet.getenv "info_two", "words value")
end

case["the service knows its name, file and arguments"] = function()
	check.eq(SERVICE_NAME, "info")
	local handle = skynet.newservice("arguments", 1)
	check.eq(skynet.call(handle, "lua"), { n = 1, "1" })
	local peer = check.worker()
	check.eq(peer:call(function()
		return SERVICE_NAME
	end), "worker")
end

case["error joins its values"] = function()
	skynet.error("one", 2, nil, true, setmetatable({}, { __tostring = function()
		return "object"
	end }))
	check.log(string.format("%%[:%08x%%] one 2 nil true object\n", skynet.self()))
	skynet.error()
	skynet.error "with\ntwo lines"
	check.log "%] with\ntwo lines\n"
	skynet.error "with\0zero"
	check.log "with%zzero"
end

case["mqlen and stat count"] = function()
	check.eq(skynet.mqlen(), 0)
	for _ = 1, 5 do
		skynet.send(skynet.self(), "debug", "GC_not_a_command")
	end
	check.eq(skynet.mqlen(), 5)
	check.eq(skynet.stat "mqlen", 5)
	skynet.yield()
	check.eq(skynet.mqlen(), 0)
	local before = skynet.stat "message"
	skynet.yield()
	check.eq(skynet.stat "message", before + 1)
	check.eq(skynet.stat "endless", 0)
	check.eq(skynet.endless(), false)
	check.eq(skynet.stat "nonsense", 0)
end

case["cpu and time grow with work"] = function()
	local cpu = skynet.stat "cpu"
	check.eq(math.type(cpu), "float")
	local till = skynet.hpc() + 20000000
	while skynet.hpc() < till do end
	check.eq(type(skynet.stat "time"), "number")
	skynet.yield()
	check.ok(skynet.stat "cpu" > cpu)
end

case["task counts and shows the suspended threads"] = function()
	local count = skynet.task()
	local co = skynet.fork(skynet.wait)
	skynet.yield()
	check.eq(skynet.task(), count + 1)
	local session = skynet.task(co)
	check.eq(math.type(session), "integer")
	local tasks = {}
	skynet.task(tasks)
	local text = tasks[tostring(co) .. " session: " .. session]
	check.match(text, "stack traceback")
	check.match(skynet.task(session), "stack traceback")
	check.eq(skynet.task(0x7fffffff), "No session")
	skynet.wakeup(co)
	skynet.yield()
	check.eq(skynet.task(), count)
	check.eq(skynet.task(co), nil)
end

case["task of init shows a start that is still running"] = function()
	check.eq(select("#", skynet.task "init"), 0)
	check.fork(function()
		check.launch(function()
			skynet.start(function()
				skynet.dispatch("lua", function()
					skynet.retpack(skynet.task "init")
				end)
				skynet.register ".info_starting"
				skynet.sleep(10)
			end)
		end)
	end)
	local handle = check.eventually(function()
		return skynet.localname ".info_starting"
	end)
	check.match(skynet.call(handle, "lua"), "stack traceback")
end

case["uniqtask gathers equal threads"] = function()
	local threads = {}
	for i = 1, 3 do
		threads[i] = skynet.fork(skynet.wait)
	end
	skynet.yield()
	local found
	for key, text in pairs(skynet.uniqtask()) do
		if key:find "^3\tsessions:" then
			found = text
			for _, co in ipairs(threads) do
				check.match(key, "[%[,]" .. skynet.task(co) .. "[%],]")
			end
		end
	end
	check.match(found, "stack traceback")
	for _, co in ipairs(threads) do
		skynet.wakeup(co)
	end
	skynet.yield()
end

case["trace_timeout remembers who set a timer"] = function()
	skynet.trace_timeout(true)
	skynet.timeout(5, function() end)
	local tasks, found = {}, nil
	skynet.task(tasks)
	for _, text in pairs(tasks) do
		found = found or text:match "^TIMER %d+%+5 : "
	end
	skynet.trace_timeout(false)
	check.ok(found)
end

case["memlimit refuses memory beyond it, and the service lives"] = function()
	local handle = check.launch(function()
		skynet.memlimit(4 << 20)
		skynet.start(function()
			check.ok(not rawget(skynet, "memlimit"))
			skynet.dispatch("lua", function()
				local ok, err = pcall(string.rep, "x", 8 << 20)
				skynet.retpack(ok, err, #string.rep("x", 1 << 20))
			end)
		end)
	end)
	check.eq({ skynet.call(handle, "lua") }, { false, "not enough memory", 1 << 20 })
end

case["a handler that meets the limit fails its caller"] = function()
	local handle = check.launch(function()
		skynet.memlimit(4 << 20)
		skynet.start(function()
			skynet.dispatch("lua", function(_, _, n)
				skynet.retpack(#string.rep("x", n))
			end)
		end)
	end)
	check.raises("call failed", skynet.call, handle, "lua", 8 << 20)
	check.log "not enough memory"
	check.eq(skynet.call(handle, "lua", 5), 5)
end

case["pcall, cache and genid are there"] = function()
	check.ok(skynet.pcall == pcall)
	check.ok(skynet.cache == require "skynet.codecache")
end

check.run(case)
