---Calls with a time limit: timeout_call and call_timeout.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases(true)

skynet.register_protocol {
	name = "own",
	id = 100,
	pack = function(...)
		skynet.sleep(1)
		return skynet.pack(...)
	end,
	unpack = function(...)
		return "own", skynet.unpack(...)
	end,
	dispatch = function(_, _, _, ti, ...)
		skynet.sleep(ti)
		skynet.retpack(...)
	end,
}

---@param ti integer
---@param ... any
local function answer_after(ti, ...)
	skynet.sleep(ti)
	return ...
end

---@param limit? integer
---@param peer check.worker
---@param f function
---@param ... any
---@return any ...
local function call(limit, peer, f, ...)
	return skynet.timeout_call(limit, peer.handle, "lua", "answer", string.dump(f), ...)
end

---@return integer count sessions of which something is still due, and nobody waits
local function leftovers()
	local tasks, count = {}, 0
	for _, where in pairs(skynet.task(tasks) or tasks) do
		count = count + (where == "BREAK" and 1 or 0)
	end
	return count
end

case["an answer in time is that of call"] = function()
	local peer = check.worker()
	check.eq(table.pack(call(1000, peer, answer_after, 0, nil, "two", { 3 }, nil)), { n = 4, nil, "two", { 3 }, nil })
	check.eq(leftovers(), 0)
end

case["no answer in time raises and says who did not answer"] = function()
	local peer = check.worker()
	local began = skynet.hpc()
	local expected = string.format("call failed: no answer from :%08x within 0%%.03 s$", peer.handle)
	check.raises(expected, call, 3, peer, answer_after, 8)
	check.ok(skynet.hpc() - began >= 30000000)
	check.eventually(function()
		return leftovers() == 0
	end)
end

case["a late answer is dropped in silence and counted"] = function()
	local peer = check.worker()
	local before = skynet.stat "late"
	check.raises("no answer", call, 1, peer, answer_after, 4)
	check.eq(leftovers(), 1)
	check.eventually(function()
		return skynet.stat "late" == before + 1
	end)
	check.eq(leftovers(), 0)
	check.nolog "Response message"
	check.nolog "Unknown session"
end

case["a late error is dropped, and nothing is left of the call"] = function()
	local peer = check.worker()
	local before = skynet.stat "late"
	check.raises("no answer", call, 1, peer, function()
		skynet.sleep(3)
		error "too late to matter"
	end)
	check.log "too late to matter"
	check.eventually(function()
		return leftovers() == 0
	end)
	check.eq(skynet.stat "late", before)
end

case["a limit of 0 fails, and the answer is late"] = function()
	local peer = check.worker()
	local before = skynet.stat "late"
	check.raises("no answer from :%x+ within 0%.0 s", call, 0, peer, answer_after, 1)
	check.raises("no answer", call, -5, peer, answer_after, 1)
	check.eventually(function()
		return skynet.stat "late" == before + 2
	end)
end

case["the end of the callee fails the call at once, and its timer is forgotten"] = function()
	local peer = check.worker()
	check.fork(function()
		skynet.yield()
		skynet.kill(peer.handle)
	end)
	local err = check.raises("call failed", call, 30, peer, answer_after, 1000)
	check.ok(not err:find "no answer", err)
	skynet.sleep(35)
	check.eq(leftovers(), 0)
	check.nolog "Response message"
end

case["an answer and a timer that come in the same moment are one result"] = function()
	local peer = check.worker()
	for _ = 1, 30 do
		local ok, result = pcall(call, 1, peer, answer_after, 1, "answer")
		check.ok(ok and result == "answer" or not ok and result:find "no answer", tostring(result))
	end
	check.eventually(function()
		return leftovers() == 0
	end)
	check.nolog "Response message"
end

case["own protocols have limits, and their pack may yield"] = function()
	check.eq({ skynet.timeout_call(1000, skynet.self(), "own", 0, "x", 1) }, { "own", "x", 1 })
	check.eq({ skynet.timeout_call(nil, skynet.self(), 100, 0, "y") }, { "own", "y" })
	check.raises("within 0%.02 s", skynet.timeout_call, 2, skynet.self(), "own", 9, "x")
	check.eventually(function()
		return leftovers() == 0
	end)
end

case["a default limit is that of call and rawcall"] = function()
	local peer = check.worker()
	check.eq(skynet.call_timeout(2), nil)
	check.raises("no answer from :%x+ within 0%.02 s", peer.call, peer, answer_after, 30)
	check.raises("within 0%.02 s", skynet.rawcall, peer.handle, "lua",
		skynet.packstring("answer", string.dump(answer_after), 30))
	check.raises("within 0%.02 s", skynet.call, skynet.self(), "own", 9)
	check.eq(skynet.call_timeout(1000), 2)
	check.eq(skynet.unpack(skynet.rawcall(peer.handle, "lua", skynet.packstring("answer", string.dump(answer_after), 0, 7))), 7)
	check.eq(peer:call(answer_after, 0, 8), 8)
	check.eq(skynet.call_timeout(2), 1000)
	check.eq(call(nil, peer, answer_after, 5, "waits for ever"), "waits for ever")
	check.eq(call(1000, peer, answer_after, 5, "has its own limit"), "has its own limit")
	check.eq(skynet.call_timeout(), 2)
	check.eq(skynet.call_timeout(nil), 2)
	check.eq(skynet.call_timeout(), nil)
	check.eq(peer:call(answer_after, 5, "no limit"), "no limit")
	check.eventually(function()
		return leftovers() == 0
	end)
end

case["a default limit does not count for services that start"] = function()
	local start = function()
		skynet.start(function()
			skynet.sleep(5)
		end)
	end
	local hex = string.dump(start):gsub(".", function(c)
		return string.format("%02x", c:byte())
	end)
	skynet.call_timeout(1)
	local handle = check.launch(start)
	local unique = skynet.uniqueservice("chunk", hex)
	skynet.call_timeout(nil)
	check.ok(check.alive(handle) and check.alive(unique))
end

case["what cannot be sent raises as in call"] = function()
	check.raises("call to invalid address %.deadline_nobody", skynet.timeout_call, 1, ".deadline_nobody", "lua")
	check.raises("number expected, got table", skynet.timeout_call, {}, skynet.self(), "lua")
	check.raises("no integer representation", skynet.timeout_call, 1.5, skynet.self(), "lua")
	check.raises("dest address type", skynet.timeout_call, 1)
	check.raises("dest address type", skynet.timeout_call)
	check.raises("attempt to index a nil value", skynet.timeout_call, 1, skynet.self(), "no such protocol")
	check.raises("number expected", skynet.call_timeout, "soon")
end

case["killthread of a limited call drops the answer and the timer, in either order"] = function()
	local peer = check.worker()
	for _, due in ipairs { 1, 4 } do
		local co = skynet.fork(function()
			call(2, peer, answer_after, due)
		end)
		skynet.yield()
		local began = skynet.hpc()
		while skynet.hpc() - began < 60000000 do
			-- Both messages wait in the mailbox when this is over.
		end
		check.eq(skynet.killthread(co), co)
	end
	check.eventually(function()
		return leftovers() == 0
	end)
	check.nolog "Response message"
	check.nolog "Unknown session"
end

case["limits hold inside skynet.coroutine"] = function()
	local coroutines = require "skynet.coroutine"
	local peer = check.worker()
	local co = coroutines.create(function()
		coroutines.yield(call(1000, peer, answer_after, 0, "in time"))
		call(1, peer, answer_after, 3)
	end)
	check.eq({ coroutines.resume(co) }, { true, "in time" })
	local ok, err = coroutines.resume(co)
	check.eq(ok, false)
	check.match(err, "no answer")
	check.eventually(function()
		return leftovers() == 0
	end)
end

case["many limited calls at once end each by itself"] = function()
	local peer = check.worker()
	local before, ended = skynet.stat "late", { answered = 0, late = 0 }
	for i = 1, 200 do
		check.fork(function()
			-- The odd ones are answered at once, the others long after.
			local ok = pcall(call, 20, peer, answer_after, i % 2 == 1 and 0 or 40)
			local how = ok and "answered" or "late"
			ended[how] = ended[how] + 1
		end)
	end
	check.eventually(function()
		return ended.answered + ended.late == 200
	end)
	check.eq(ended.late >= 100, true)
	check.eventually(function()
		return skynet.stat "late" == before + ended.late
	end)
	check.eq(leftovers(), 0)
end

-- The last one: the answer stays due for ever.
case["a call by a global name is named by it"] = function()
	check.raises("call failed: no answer from NOBODY_YET within 0%.01 s", skynet.timeout_call, 1, "NOBODY_YET", "lua")
end

check.run(case)
