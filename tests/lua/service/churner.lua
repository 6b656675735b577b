---One of many services that call one another in every way while others end; see `churn.lua`. Arguments: a seed; "steady" (never
---ends, keeps books) or "victim"; bytes of memory that it may take beyond what it has after loading, 0 for any; how it starts.
local skynet = require "skynet"
local link = require "skynet.link"
local new_queue = require "skynet.queue"
require "skynet.manager"

local seed, kind, room, start = ...
local steady = kind == "steady"
math.randomseed(math.tointeger(tonumber(seed)))
local random = math.random

---@type integer[]
local all, victims = {}, {}
local running = false
local books = { issued = 0, answered = 0, failed = 0, killed = 0, wrong = 0, unknown = 0, astray = 0 }
---Threads that wait until they are woken or killed.
---@type table<thread, true>
local dozers = {}
---Requests that are never answered.
local kept = {}
local lock = new_queue()
local waiters = 0

---@param list integer[]
local function one_of(list)
	return list[random(#list)]
end

-- What is asked of this service. Each gets a number, which the answer has to have.
local command = {}

function command.echo(n, text)
	skynet.retpack(n, text)
end

function command.slow(n, time)
	skynet.sleep(time)
	skynet.retpack(n)
end

function command.fail(n)
	local errors = { "an error", { "an object" }, n, false }
	error(errors[random(#errors)])
end

function command.redirect(n, text)
	local session, source = skynet.context()
	if skynet.redirect(one_of(all), source, "lua", session, skynet.pack("echo", n, text)) then
		skynet.ignoreret()
	else
		error "the third one is gone"
	end
end

function command.later(n)
	local answer = skynet.response()
	local how = random(3)
	local function finish()
		answer(random(10) > 1, n)
	end
	if how == 1 then
		skynet.fork(finish)
	elseif how == 2 then
		skynet.timeout(random(0, 2), finish)
	else
		finish()
	end
end

function command.hold()
	if steady then
		return skynet.response()(false)
	end
	kept[#kept + 1] = skynet.response()
end

function command.forget()
	if steady then
		error "this one keeps its requests"
	end
	skynet.ignoreret()
end

function command.nested(n, depth)
	if depth > 0 then
		local other = one_of(all)
		assert(skynet.call(other, "lua", "nested", n, depth - 1) == n)
	end
	skynet.retpack(n)
end

---Whether somebody wakes the dozers.
local awake = false

local function wake_dozers()
	while next(dozers) do
		skynet.sleep(1)
		local threads = {}
		for thread in pairs(dozers) do
			threads[#threads + 1] = thread
		end
		for _, thread in ipairs(threads) do
			if random(3) > 1 then
				skynet.wakeup(thread)
			else
				skynet.killthread(thread)
			end
		end
	end
	awake = false
end

function command.doze(n)
	local thread = coroutine.running()
	dozers[thread] = true
	local _ <close> = setmetatable({}, { __close = function()
		dozers[thread] = nil
	end })
	if not awake then
		awake = true
		skynet.fork(wake_dozers)
	end
	skynet.wait(thread)
	skynet.retpack(n)
end

function command.section(n)
	lock(function()
		skynet.sleep(random(0, 1))
		assert(random(5) > 1, "an error in the section")
	end)
	skynet.retpack(n)
end

function command.collected(n)
	for _ = 1, 3 do
		setmetatable({}, { __gc = function() error "in a finalizer" end })
	end
	collectgarbage()
	skynet.retpack(n)
end

function command.closing(n)
	local _ <close> = setmetatable({}, { __close = function() error "in a close" end })
	skynet.retpack(n)
	skynet.sleep(0)
end

function command.create(n)
	local bad = { "broken_init", "broken_chunk", "broken_syntax", "no_such_service", "quitter" }
	local ok, handle = pcall(skynet.newservice, one_of(bad))
	assert(not (ok and handle), "it cannot have started")
	skynet.retpack(n)
end

function command.kill(n)
	if #victims > 0 then
		skynet.kill(one_of(victims))
	end
	skynet.retpack(n)
end

function command.exit(n)
	if steady then
		error "this one stays"
	end
	local how = random(6)
	if how == 1 then
		skynet.retpack(n)
	elseif how == 2 then
		skynet.fork(skynet.exit)
		skynet.sleep(5)
	elseif how == 3 then
		local _ <close> = setmetatable({}, { __close = function() skynet.sleep(0) end })
		skynet.exit()
	elseif how == 4 then
		skynet.timeout(0, skynet.exit)
		skynet.call(one_of(all), "lua", "slow", n, 3)
	elseif how == 5 then
		skynet.exit "it was asked to"
	end
	skynet.exit()
end

function command.hoard()
	if room == "0" then
		error "there is no limit"
	end
	local list = {}
	kept.hoard = random(2) == 1 and list or nil
	while true do
		list[#list + 1] = { list }
	end
end

---Whom a command may be asked of; nil: anybody.
local ASKED = { hold = "victims", forget = "victims", exit = "victims", hoard = "victims" }
---Commands by how often they are chosen.
local MENU = {}
for name, weight in pairs {
	echo = 10, slow = 4, fail = 2, redirect = 4, later = 5, nested = 5, doze = 4, section = 4, collected = 1, closing = 2,
	create = 1, kill = 1, exit = 1, hoard = 1, hold = 2, forget = 2,
} do
	for _ = 1, weight do
		MENU[#MENU + 1] = name
	end
end
table.sort(MENU)

---@param command_name string
---@return any argument
local function argument_of(command_name)
	if command_name == "slow" then
		return random(0, 3)
	elseif command_name == "nested" then
		return random(0, 3)
	elseif command_name == "echo" or command_name == "redirect" then
		return string.rep("b", random(20) == 1 and random(70000) or random(0, 200))
	end
end

---@param n integer
---@param got any
local function expect(n, got)
	if got ~= n then
		books.wrong = books.wrong + 1
	end
end

-- Ways to ask. Each raises if the request fails.
local ways = {}

function ways.call(target, name, n)
	expect(n, (skynet.call(target, "lua", name, n, argument_of(name))))
end

function ways.timeout_call(target, name, n)
	expect(n, (skynet.timeout_call(random(0, 3), target, "lua", name, n, argument_of(name))))
end

function ways.rawcall(target, name, n)
	local text = skynet.packstring(name, n, argument_of(name))
	expect(n, (skynet.unpack(skynet.rawcall(target, "lua", text))))
end

function ways.select(target, name, n)
	local request = skynet.request()
	for i = 1, random(4) do
		local asked = i == 1 and target or one_of(all)
		request:add { asked, "lua", i == 1 and name or "echo", n, argument_of(name) }
	end
	local stop = random(3) == 1
	for _, answer in request:select(random(3) == 1 and random(0, 3) or 300) do
		if answer then
			expect(n, answer[1])
		end
		if stop then
			break
		end
	end
end

local WAYS = { ways.call, ways.call, ways.timeout_call, ways.rawcall, ways.select }

local number = 0

local function ask()
	local name = one_of(MENU)
	local list = ASKED[name] == "victims" and victims or all
	if #list == 0 then
		return
	end
	number = number + 1
	local target = one_of(list)
	local way = one_of(WAYS)
	if name == "forget" and way ~= ways.timeout_call then
		-- Only who watches hears of the end.
		if not skynet.watch(target) then
			return
		end
		way = ways.call
	elseif name == "hold" and way == ways.select then
		way = ways.call
	end
	if name ~= "redirect" then
		return way(target, name, number)
	end
	-- If the one who passed it on is watched and ends, the request fails, and the third one's answer finds nobody.
	books.astray = books.astray + 1
	way(target, name, number)
	books.astray = books.astray - 1
end

---One request, or what belongs to it; however it ends, the books know.
local function perform()
	books.issued = books.issued + 1
	local outcome = "killed"
	local _ <close> = setmetatable({}, { __close = function()
		books[outcome] = books[outcome] + 1
	end })
	outcome = pcall(ask) and "answered" or "failed"
end

---Those that may wait long do it beside the loop.
local function aside()
	waiters = waiters + 1
	local _ <close> = setmetatable({}, { __close = function()
		waiters = waiters - 1
	end })
	perform()
end

local function work()
	while running do
		if random(8) == 1 then
			local done
			local thread = skynet.fork(function()
				aside()
				done = true -- from now on the coroutine may be another thread
			end)
			skynet.sleep(random(0, 2))
			if not done and random(2) == 1 then
				skynet.killthread(thread)
			end
		elseif waiters < 20 then
			skynet.fork(aside)
		end
		if random(30) == 1 and #victims > 0 then
			pcall(link.to, one_of(victims))
		end
		skynet.sleep(random(0, 2))
	end
end

-- Orders of the test.
local order = {}

function order.peers(everybody, those)
	all, victims = everybody, those
end

function order.go(loops)
	running = true
	for _ = 1, loops do
		skynet.fork(work)
	end
end

function order.stop()
	running = false
end

---@return table report
function order.report()
	collectgarbage()
	collectgarbage()
	return {
		books = books, tasks = skynet.task(), links = #link.list(), kb = collectgarbage "count", waiters = waiters,
		held = require "skynet.link.held".count(),
	}
end

if room ~= "0" then
	collectgarbage()
	skynet.memlimit(math.tointeger(collectgarbage "count" * 1024 // 1) + math.tointeger(tonumber(room)))
end

skynet.start(function()
	if steady then
		link.trap(function() end)
	end
	skynet.dispatch_unknown_response(function()
		books.unknown = books.unknown + 1
	end)
	skynet.dispatch("lua", function(session, _, name, ...)
		if order[name] then
			local result = order[name](...)
			if session ~= 0 then
				skynet.retpack(result)
			end
		else
			command[name](...)
		end
	end)
	if start == "error" then
		error "a start that fails"
	elseif start == "exit" then
		skynet.exit()
	elseif start == "slow" then
		skynet.sleep(random(0, 2))
	elseif start == "kill" then
		skynet.timeout(0, function()
			skynet.kill(skynet.self())
		end)
		skynet.sleep(2)
	end
end)
