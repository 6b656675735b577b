--- The debug protocol: what every service answers about itself. Loaded with the first message of type PTYPE_DEBUG.
local skynet = require "skynet"

local debugger = {}

--- The built-in commands. Each answers the running request by itself.
local builtin = {}
--- Commands added by `reg_debugcmd`.
local added = {}

function builtin.MEM()
	skynet.retpack(collectgarbage "count")
end

local collecting = false

function builtin.GC()
	if not collecting then
		collecting = true
		local kb, start = collectgarbage "count", skynet.now()
		collectgarbage "collect"
		skynet.yield() -- requests that have queued up meanwhile find `collecting` set
		local cost = (skynet.now() - start) / 100
		skynet.error(string.format("GC %.2f Kb -> %.2f Kb, cost %.2f sec", kb, collectgarbage "count", cost))
		collecting = false
	end
	skynet.ret()
end

function builtin.STAT()
	local stat = { task = skynet.task() }
	for _, what in ipairs { "mqlen", "cpu", "message" } do
		stat[what] = skynet.stat(what)
	end
	local late = skynet.stat "late"
	stat.late = late > 0 and late or nil
	for _, what in ipairs { "limit", "rejected", "dropped", "paused" } do
		local count = skynet.stat(what)
		stat[what] = count > 0 and count or nil
	end
	skynet.retpack(stat)
end

function builtin.TASK(session)
	if session then
		return skynet.retpack(skynet.task(session))
	end
	local tracebacks = {}
	skynet.task(tracebacks)
	skynet.retpack(tracebacks)
end

--- Its threads that wait for other services or threads, or that keep others waiting; with an argument all that wait.
function builtin.WAITS(all)
	skynet.retpack(require "skynet.waits"(all))
end

function builtin.UNIQTASK()
	skynet.retpack(skynet.uniqtask())
end

function builtin.KILLTASK(pattern)
	local thread = skynet.killthread(pattern)
	skynet.error("Kill " .. (thread and tostring(thread) or tostring(pattern) .. " : Not found"))
	if thread then
		skynet.ret()
	else
		skynet.retpack "Not found"
	end
end

function builtin.INFO(...)
	local info = skynet.info_func()
	if info then
		skynet.retpack(info(...))
	else
		skynet.retpack(nil)
	end
end

--- Functions that run before EXIT ends the service.
local before_exit = {}

function builtin.EXIT()
	for _, func in ipairs(before_exit) do
		local ok, err = pcall(func)
		if not ok then
			skynet.error("error: before EXIT: " .. tostring(err))
		end
	end
	skynet.exit()
end

function builtin.RUN(source, filename, ...)
	local inject = require "skynet.inject"
	local name = filename and "@" .. filename or "=(load)"
	local lua = skynet.dispatch "lua"
	local ok, lines = inject(skynet, source, name, table.pack(...), skynet.register_protocol, lua)
	collectgarbage "collect" -- what was injected may be large, and nothing of it may be needed again
	skynet.retpack(ok, table.concat(lines, "\n"))
end

function builtin.TERM(address)
	skynet.ret() -- first: handling an error gives up the running request
	skynet.term(address)
end

function builtin.SUPPORT(protocol)
	skynet.retpack(skynet.dispatch(protocol) ~= nil)
end

function builtin.PING()
	skynet.ret()
end

--- A request that is never answered: the end of the service fails it, which is what the asker waits for.
function builtin.LINK()
	require "skynet.link".hold()
end

--- The same of both sides: they are linked.
function builtin.BOND()
	require "skynet.link".accept()
end

--- This service is to end when the sender does.
function builtin.FOLLOW()
	local _, source = skynet.context()
	skynet.ret()
	require "skynet.link".follow(source)
end

function builtin.TRACELOG(protocol, flag)
	if type(protocol) ~= "string" then
		protocol, flag = "lua", protocol
	end
	skynet.error(string.format("Turn trace log %s for %s", flag, protocol))
	skynet.traceproto(protocol, flag)
	skynet.ret()
end

--- The answer comes when the debugger leaves.
function builtin.REMOTEDEBUG(fd, pointer)
	require "skynet.remotedebug".start({}, fd, pointer)
	skynet.ret()
end

--- Adds a debug command. A built-in one of the same name wins.
---@param name string
---@param func fun(...) gets the arguments of the message; answers with `skynet.ret` as any handler does
function debugger.reg_debugcmd(name, func)
	added[name] = func
end

--- Has a function run before the command EXIT ends the service; it may suspend.
---@param func fun()
function debugger.before_exit(func)
	before_exit[#before_exit + 1] = func
end

--- Handles a message of the debug protocol, unpacked.
---@param session integer
---@param source integer
---@param command string
---@param ... any
function debugger.dispatch(session, source, command, ...)
	local run = builtin[command] or added[command]
	if not run then
		error(string.format("there is no debug command %s", tostring(command)), 0)
	end
	run(...)
end

return debugger
