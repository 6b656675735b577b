---Many services call one another while others are ended in every way. At the end each request has had one outcome, no thread
---waits, and memory is back where it was. `SEED` chooses the run, `CHURN` how long it is: the number of waves of deaths, 8 by default.
local skynet = require "skynet"
local core = require "skynet.core"
local memory = require "skynet.memory"
local check = require "check"
require "skynet.manager"

local case = check.cases(true)

local SEED = math.tointeger(tonumber(os.getenv "SEED" or "")) or 1
local WAVES = math.tointeger(tonumber(os.getenv "CHURN" or "")) or 8
local STEADY <const>, VICTIMS <const> = 80, 220
---What a survivor may have more of after a run than after the run before, KiB: caches, and the threads that it keeps for later.
local VM_ROOM <const> = 160
local RESIDENT_ROOM <const> = 24 * 1024

math.randomseed(SEED)
local random = math.random

---@type integer[]
local steady, victims = {}, {}

---@param kind string
---@param start? string
---@return integer? handle
local function create(kind, start)
	local room = kind == "victim" and random(4) == 1 and random(20000, 2000000) or 0
	local ok, handle = pcall(skynet.newservice, "churner", random(1 << 30), kind, room, start or "now")
	return ok and handle or nil
end

---Runs `f` so many times at once, and waits.
---@param n integer
---@param f fun(i: integer)
local function at_once(n, f)
	local left, token = n, {}
	for i = 1, n do
		skynet.fork(function()
			f(i)
			left = left - 1
			skynet.wakeup(token)
		end)
	end
	while left > 0 do
		skynet.wait(token)
	end
end

---@param list integer[]
---@return integer
local function one_of(list)
	return list[random(#list)]
end

---Victims again as many as there should be.
local function fill_up()
	local alive = {}
	for _, handle in ipairs(victims) do
		if skynet.watch(handle) then
			alive[#alive + 1] = handle
		end
	end
	victims = alive
	local starts = { "now", "now", "now", "slow", "slow", "error", "exit", "kill" }
	at_once(VICTIMS - #victims, function()
		local handle = create("victim", starts[random(#starts)])
		if handle then
			victims[#victims + 1] = handle
			skynet.send(handle, "lua", "go", 1)
		end
	end)
	local all = table.move(victims, 1, #victims, #steady + 1, table.move(steady, 1, #steady, 1, {}))
	for _, handle in ipairs(all) do
		skynet.send(handle, "lua", "peers", all, victims)
	end
end

-- Ways to end a service, or to disturb it.
local blows = {
	skynet.kill,
	function(handle)
		skynet.kill(skynet.address(handle))
	end,
	function(handle)
		skynet.send(handle, "debug", "EXIT")
	end,
	function(handle)
		skynet.send(handle, "lua", "exit")
	end,
	function(handle)
		skynet.send(handle, "lua", "hoard")
	end,
	function(handle)
		core.command("SIGNAL", skynet.address(handle) .. " 0")
	end,
	function(handle)
		skynet.send(handle, "debug", "KILLTASK", "churner")
	end,
	function(handle)
		skynet.send(handle, "debug", "RUN", "error 'injected'")
	end,
	function(handle)
		skynet.fork(pcall, skynet.call, ".launcher", "lua", "KILL", handle)
	end,
	function(handle)
		local other = one_of(victims)
		skynet.redirect(handle, other, "error", 0, "")
	end,
}

---@param handle integer
---@return table
local function report(handle)
	return skynet.call(handle, "lua", "report")
end

---@return integer count
local function services()
	local n = 0
	for _ in pairs(skynet.call(".launcher", "lua", "LIST")) do
		n = n + 1
	end
	return n
end

---One run, from quiet to quiet.
---@param waves integer
---@return table<integer, table> reports by handle
local function run(waves)
	for _, handle in ipairs(steady) do
		skynet.send(handle, "lua", "go", 2)
	end
	fill_up()
	for _ = 1, waves do
		skynet.sleep(random(3, 12))
		for _ = 1, random(VICTIMS // 3) do
			blows[random(#blows)](one_of(victims))
		end
		fill_up()
	end
	for _, list in ipairs { steady, victims } do
		for _, handle in ipairs(list) do
			skynet.send(handle, "lua", "stop")
		end
	end
	skynet.sleep(random(0, 10))
	for _, handle in ipairs(victims) do
		local blow = blows[random(4)]
		blow(handle)
	end
	check.eventually(function()
		for _, handle in ipairs(victims) do
			if skynet.watch(handle) then
				skynet.kill(handle) -- a victim with no memory may have not understood
				return false
			end
		end
		return true
	end, "the end of all victims")
	victims = {}
	for _, handle in ipairs(steady) do
		skynet.send(handle, "lua", "peers", steady, victims)
	end
	local reports = {}
	for _, handle in ipairs(steady) do
		local last
		local ok = pcall(check.eventually, function()
			last = report(handle)
			return last.tasks == 0 and last.waiters == 0 and last.links == 0
		end)
		if not ok then
			error(string.format("SEED=%d: %s is not quiet: tasks %d, waiters %d, links %d:\n%s", SEED, skynet.address(handle),
				last.tasks, last.waiters, last.links, table.concat(check.values(skynet.call(handle, "debug", "TASK")), "\n")))
		end
		reports[handle] = last
	end
	return reports
end

---@param before table<integer, table>
---@param after table<integer, table>
local function compare(before, after)
	for handle, now in pairs(after) do
		local books = now.books
		local text = string.format("SEED=%d %s: ", SEED, skynet.address(handle))
		check.eq(books.issued, books.answered + books.failed + books.killed, text .. "requests with an outcome")
		check.eq(books.wrong, 0, text .. "answers to other requests")
		check.ok(books.unknown <= books.astray, text .. books.unknown .. " answers that nobody waits for")
		check.ok(books.answered > before[handle].books.answered, text .. "answered some")
		check.ok(books.failed > before[handle].books.failed, text .. "some failed")
		local growth = now.kb - before[handle].kb
		check.ok(growth < VM_ROOM, string.format("%sits VM grew by %.0f KiB to %.0f", text, growth, now.kb))
	end
end

---@return number KiB
local function resident()
	return memory.jestat()["stats.resident"] / 1024
end

---Seconds that a wave may take on a busy machine.
local WAVE <const> = 20

case["each request has one outcome, no thread waits, and memory is back where it was"] = function()
	check.allow(60 + 2 * WAVES * WAVE)
	at_once(STEADY, function(i)
		steady[i] = create "steady"
	end)
	local count = services()
	local first = run(math.max(3, WAVES // 2))
	collectgarbage()
	local rss, total = resident(), memory.total()
	local second = run(WAVES)
	compare(first, second)
	check.eventually(function()
		return services() == count
	end, string.format("SEED=%d: services as at the beginning", SEED))
	collectgarbage()
	local grown = (memory.total() - total) / 1024
	check.ok(grown < STEADY * VM_ROOM / 2, string.format("SEED=%d: all VMs grew by %.0f KiB", SEED, grown))
	local more = resident() - rss
	check.ok(more < RESIDENT_ROOM, string.format("SEED=%d: the process grew by %.0f KiB", SEED, more))
	check.eq(skynet.task(), 1, "threads of the test")
	local log = check.whole_log()
	check.eq(log:match "[^\n]*panicked[^\n]*", nil)
	local sums = { issued = 0, answered = 0, failed = 0, killed = 0 }
	for _, now in pairs(second) do
		for key in pairs(sums) do
			sums[key] = sums[key] + now.books[key]
		end
	end
	print(string.format("SEED=%d: survivors' requests %d: %d answered, %d failed, %d killed; VMs %+.0f KiB, process %+.0f KiB", SEED,
		sums.issued, sums.answered, sums.failed, sums.killed, grown, more))
	for _, handle in ipairs(steady) do
		skynet.kill(handle)
	end
end

check.run(case)
