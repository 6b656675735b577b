---Parallel requests: skynet.request and select.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()
local peer

local echo = string.dump(function(ti, ...)
	skynet.sleep(ti)
	return ...
end)
local hold = string.dump(function(value)
	skynet.wait(value)
	return value
end)
local raise = string.dump(function()
	error "from the peer"
end)

---@param ti integer
---@param value any
---@return table
local function after(ti, value)
	return { peer.handle, "lua", "answer", echo, ti, value }
end

---A request that is not answered before `free`.
---@param value string
---@return table
local function held(value)
	return { peer.handle, "lua", "answer", hold, value }
end

---Lets requests be answered; those that were sent before are waiting by then.
---@param ... string
local function free(...)
	for _, value in ipairs { ... } do
		peer:call(function(token)
			skynet.wakeup(token)
		end, value)
	end
end

case["answers come in the order of their arrival"] = function()
	peer = check.worker()
	local got = {}
	for _, resp in skynet.request(held "c")(held "b")(after(1, "a")):select() do
		got[#got + 1] = resp[1]
		free(({ a = "b", b = "c" })[resp[1]])
	end
	check.eq(got, { "a", "b", "c" })
end

case["the loop gives the request object and the packed answer"] = function()
	local object = after(0, "x")
	object.mark = "mine"
	local count = 0
	for req, resp in skynet.request(object):select() do
		count = count + 1
		check.ok(req == object)
		check.eq(req.mark, "mine")
		check.eq(resp, { "x", n = 1 })
	end
	check.eq(count, 1)
end

case["a request may end in nil by its length n"] = function()
	for _, resp in skynet.request({ peer.handle, "lua", "answer", echo, 0, nil, nil, n = 7 }):select() do
		check.eq(resp.n, 2)
	end
end

case["add returns the set, and a set may start empty"] = function()
	local reqs = skynet.request()
	check.ok(reqs:add(after(0, 1)) == reqs)
	local count = 0
	for _ in reqs:select() do
		count = count + 1
	end
	check.eq(count, 1)
end

case["an empty set ends at once"] = function()
	for _ in skynet.request():select() do
		error "nothing was asked"
	end
end

case["a failed request gives false"] = function()
	local failed, good = 0, 0
	for _, resp in skynet.request { peer.handle, "lua", "answer", raise } (after(0, "x")):select() do
		if resp then
			good = good + 1
		else
			check.eq(resp, false)
			failed = failed + 1
		end
	end
	check.eq({ failed, good }, { 1, 1 })
end

case["invalid addresses come first, the last added before the others, with nil"] = function()
	local got = {}
	for req, resp in skynet.request { 0xfffff0, "lua", name = "one" } (after(0, "x")) { 0xfffff1, "lua", name = "two" }
		:select() do
		got[#got + 1] = req.name or resp[1]
		if req.name then
			check.eq(resp, nil)
		end
	end
	check.eq(got, { "two", "one", "x" })
end

case["a timeout ends the loop and is told"] = function()
	local got = {}
	local reqs = skynet.request(after(1, "early"))(held "late")
	for _, resp in reqs:select(100) do
		got[#got + 1] = resp[1]
	end
	check.eq(got, { "early" })
	check.eq(reqs.timeout, true)
	free "late"
	peer:call(function() end)
	check.nolog "Unknown session"
end

case["what comes too late for a loop is counted"] = check.ours(function()
	local before = skynet.stat "late"
	for _ in skynet.request(held "one")(held "two"):select(2) do end
	for _ in skynet.request(held "three")(after(0, 2)):select() do
		break
	end
	free("one", "two", "three")
	check.eventually(function()
		return skynet.stat "late" == before + 3
	end)
	check.eq(skynet.call(skynet.self(), "debug", "STAT").late, before + 3)
end)

case["the default limit of calls is none of loops"] = check.ours(function()
	local before = skynet.call_timeout(1)
	local got
	for _, resp in skynet.request(after(4, "late for a call")):select() do
		got = resp[1]
	end
	skynet.call_timeout(before)
	check.eq(got, "late for a call")
end)

case["a timeout counts from the start of the loop, and time in its body is part of it"] = function()
	local count = 0
	local reqs = skynet.request(after(1, "a"))(held "b")
	for _ in reqs:select(100) do
		count = count + 1
		skynet.sleep(105)
	end
	free "b"
	check.eq(count, 1)
	check.eq(reqs.timeout, true)
end

case["a timeout that is over in the body loses no answer that came before"] = function()
	local got = {}
	local reqs = skynet.request(held "a")(held "b")
	skynet.fork(free, "a", "b")
	for _, resp in reqs:select(100) do
		got[#got + 1] = resp[1]
		skynet.sleep(105)
	end
	check.eq(got, { "a", "b" })
end

case["a timeout of 0 is one"] = function()
	local reqs = skynet.request(held "a")
	for _ in reqs:select(0) do
		error "nothing is there yet"
	end
	free "a"
	check.eq(reqs.timeout, true)
end

case["errors and invalid addresses count as done: no timeout"] = function()
	local reqs = skynet.request { peer.handle, "lua", "answer", raise } { 0xfffff0, "lua" }
	local count = 0
	for _, resp in reqs:select(500) do
		check.ok(not resp)
		count = count + 1
	end
	check.eq(count, 2)
	check.eq(reqs.timeout, nil)
end

case["without a timeout the field stays nil"] = function()
	local reqs = skynet.request(after(0, 1))
	for _ in reqs:select(500) do end
	check.eq(reqs.timeout, nil)
end

case["leaving the loop drops the other answers"] = function()
	for _ in skynet.request(after(1, 1))(after(3, 2)):select() do
		break
	end
	pcall(function()
		for _ in skynet.request(after(1, 1))(after(3, 2)):select() do
			error "out"
		end
	end)
	peer:call(function()
		skynet.sleep(8)
	end)
	check.nolog "Unknown session"
end

case["calls are allowed inside the loop"] = function()
	local got = {}
	for _, resp in skynet.request(held "b")(after(1, "a")):select() do
		free(resp[1] == "a" and "b")
		got[#got + 1] = peer:call(function(text)
			return text
		end, resp[1])
		skynet.sleep(4)
	end
	check.eq(got, { "a", "b" })
end

case["a set is selected once and takes no more requests then"] = function()
	local reqs = skynet.request(after(0, 1))
	for _ in reqs:select() do end
	check.raises("assertion failed!", function()
		for _ in reqs:select() do end
	end)
	local open = skynet.request(after(0, 1))
	for _ in open:select() do
		check.raises("", open.add, open, after(0, 1))
	end
end

case["a service that dies fails its requests"] = function()
	local mortal = check.worker()
	local results = {}
	for _, resp in skynet.request { mortal.handle, "lua", "answer", echo, 500 } (after(0, "x")):select() do
		results[#results + 1] = resp and resp[1]
		if resp then
			mortal:send(function()
				skynet.exit()
			end)
		end
	end
	check.eq(results, { "x", false })
end

check.run(case)
