--- Memory limits: whatever allocation fails, every caller is answered, and only the service at its limit suffers.
local skynet = require "skynet"
local check = require "check"

local case = check.cases(true)

--- A service that allows itself `room` bytes beyond what it holds when its main chunk ends. It runs functions as workers
--- do, and `ready` is told once it has started.
---@param room integer
---@return boolean ok
---@return integer|string handle
local function limited(room, ...)
	return pcall(skynet.newservice, "limited", room, ...)
end

--- How many of a kind of outcome there were.
local function count(outcomes, outcome)
	outcomes[outcome] = (outcomes[outcome] or 0) + 1
end

--- Runs `f` in services of every size between too little for anything and enough.
---@param f function
---@return table<string, integer> outcomes
local function sweep(f)
	local outcomes = { done = 0, failed = 0, ["not started"] = 0 }
	local code = string.dump(f)
	local room = 0
	while room < 300 * 1024 do
		room = room + 61 + room // 64
		local ok, handle = limited(room)
		if not ok or not handle then
			count(outcomes, "not started")
		else
			local answered, result = pcall(skynet.call, handle, "lua", code)
			count(outcomes, answered and result == "done" and "done" or "failed")
			skynet.kill(handle)
		end
	end
	return outcomes
end

local SWEEP = {
	["packing"] = function()
		local list = {}
		for i = 1, 20 do
			list[i] = { name = "entry" .. i, setmetatable({}, { __pairs = function(t) return next, { t.x, i } end }) }
		end
		return #skynet.packstring(list, string.rep("z", 3000)) > 3000 and "done"
	end,
	["unpacking"] = function()
		local text = skynet.packstring({ first = { 1, 2, 3 }, second = { third = "x" }, list = { {}, {}, {} } })
		local kept = {}
		for i = 1, 20 do
			kept[i] = skynet.unpack(text)
		end
		return "done"
	end,
	["new coroutines"] = function()
		local run = 0
		for i = 1, 10 do
			local keep = i % 2 == 0 and skynet.fork(function(...) run = run + 1 end, i)
			skynet.fork(function() skynet.sleep(0) run = run + 1 end)
			local timer = i % 2 == 0 and skynet.timeout(0, function() run = run + 1 end)
			skynet.timeout(0, function() run = run + 1 end)
		end
		for _ = 1, 3 do
			skynet.sleep(0)
		end
		return "done"
	end,
	["fields of the module"] = function()
		for _ = 1, 2 do
			for _, name in ipairs { "task", "request", "now", "killthread", "retpack", "PTYPE_HARBOR", "_proto" } do
				assert(skynet[name])
			end
		end
		local n = 0
		for _ in pairs(skynet) do
			n = n + 1
		end
		return n > 50 and "done"
	end,
	["modules"] = function()
		require("skynet.codecache").clear()
		for _, name in ipairs { "skynet.queue", "skynet.coroutine", "skynet.profile", "skynet.debug", "skynet.mqueue" } do
			require(name)
		end
		return "done"
	end,
	["waiting"] = function()
		local token = {}
		skynet.fork(function() skynet.wakeup(token) end)
		skynet.sleep(20, token) -- what should wake us may have failed
		local answer = {}
		for i = 1, 3 do
			local r = skynet.request { skynet.self(), "debug", "PING" } { skynet.self(), "debug", "MEM" }
			for _, result in r:select(50) do
				answer[#answer + 1] = result
			end
		end
		local co = require "skynet.coroutine"
		co.wrap(function() skynet.sleep(0) co.yield() end)()
		return "done"
	end,
	["failing"] = function()
		local function deep(n)
			if n == 0 then
				error(setmetatable({}, { __tostring = function() return string.rep("reason ", 50) end }))
			end
			deep(n - 1)
			return n
		end
		for _ = 1, 3 do
			skynet.fork(deep, 20)
			skynet.fork(function()
				local _ <close> = setmetatable({}, { __close = function() return { {}, {} } end })
				deep(20)
			end)
			skynet.sleep(0)
		end
		return "done"
	end,
	["tracing"] = function()
		skynet.trace "x"
		skynet.call(skynet.self(), "debug", "PING")
		skynet.tracelog(skynet.tracetag(), "here")
		require("skynet.profile").start()
		skynet.sleep(0)
		require("skynet.profile").stop()
		return "done"
	end,
}

for name, f in pairs(SWEEP) do
	case["every allocation may fail: " .. name] = function()
		local outcomes = sweep(f)
		check.ok(outcomes.failed + outcomes["not started"] > 10, "the smallest of them should have failed")
		check.ok(outcomes.done > 10, "the largest of them should have done it")
	end
end

case["a service that hoards memory dies alone, with its callers answered"] = check.ours(function()
	local ok, handle = limited(1024 * 1024)
	check.ok(ok)
	local waiting = 3
	for _ = 1, waiting do
		check.fork(function()
			check.raises("call failed", skynet.call, handle, "lua", string.dump(function() skynet.wait() end))
			waiting = waiting - 1
		end)
	end
	check.raises("call failed", skynet.call, handle, "lua", string.dump(function()
		hoard = {}
		while true do
			hoard[#hoard + 1] = { #hoard }
		end
	end))
	check.log "error: the service is at its memory limit"
	check.eventually(function() return waiting == 0 end)
	check.eventually(function() return not check.alive(handle) end)
end)

case["a service that only wasted memory lives on"] = function()
	local ok, handle = limited(1024 * 1024)
	check.ok(ok)
	for _ = 1, 3 do
		check.raises("call failed", skynet.call, handle, "lua", string.dump(function()
			local waste = {}
			while true do
				waste[#waste + 1] = { #waste }
			end
		end))
		check.eq(skynet.call(handle, "lua", string.dump(function() return "alive" end)), "alive")
	end
	skynet.kill(handle)
end

case["a start function that runs out of memory fails its creator's call"] = function()
	for room = 500, 60000, 3700 do
		local ok = limited(room, "hoard")
		check.eq(ok, false)
	end
end

check.run(case)
