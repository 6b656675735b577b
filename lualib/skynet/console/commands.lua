--- The commands of the debug console. Each has its help text, and a function that gets the words behind the command's name
--- and returns what is shown, or raises. `session` is what the command came with.
local skynet = require "skynet"
local core = require "skynet.core"
local socket = require "skynet.socket"
local group = require "skynet.group"
local memory = require "skynet.memory"
local format = require "skynet.console.format"
require "skynet.manager"

---@class console.session
---@field fd integer the client's socket
---@field rest string what stands behind the first two words

---@class console.command
---@field [1] string help
---@field [2] fun(session: console.session, ...: string): any

---@type table<string, console.command>
local commands = {}

---@param text? string
---@return fun(...): ... calls the service with the debug protocol
local function asking(text)
	local address = format.address(text)
	return function(...)
		return skynet.call(address, "debug", ...)
	end
end

---@param text? string an address
---@return string
local function address_text(text)
	return skynet.address(format.address(text))
end

--- What is said about a service that was to be started.
---@param name? string
---@param ok boolean
---@param handle? integer
---@return table|string
local function started(name, ok, handle)
	if not ok then
		return "Failed"
	elseif not handle then
		return "Exit"
	end
	return { [skynet.address(handle)] = name }
end

--- A word of `on` and `off`; anything else is nil.
local SWITCH = { on = true, off = false }

commands.help = { "This help message", function()
	local texts = {}
	for name, command in pairs(commands) do
		texts[name] = command[1]
	end
	return texts
end }

-- All services.

commands.list = { "List all the service", function()
	local list = skynet.call(".launcher", "lua", "LIST")
	for handle, one in pairs(group.list()) do
		list[skynet.address(handle)] = string.format("group %s (%d members)", one.label, one.members)
	end
	return list
end }

commands.stat = { "Dump all stats", function(_, timeout)
	return skynet.call(".launcher", "lua", "STAT", format.timeout(timeout))
end }

commands.mem = { "mem : show memory status", function(_, timeout)
	return skynet.call(".launcher", "lua", "MEM", format.timeout(timeout))
end }

commands.gc = { "gc : force every lua service do garbage collect", function(_, timeout)
	return skynet.call(".launcher", "lua", "GC", format.timeout(timeout))
end }

commands.service = { "List unique service", function()
	return skynet.call("SERVICE", "lua", "LIST")
end }

-- Starting and ending services.

commands.start = { "lanuch a new lua service", function(_, ...)
	return started(..., pcall(skynet.newservice, ...))
end }

commands.log = { "launch a new lua service with log", function(_, ...)
	return started(..., pcall(skynet.call, ".launcher", "lua", "LOGLAUNCH", "snlua", ...))
end }

commands.snax = { "lanuch a new snax service", function(_, ...)
	local found, snax = pcall(require, "skynet.snax")
	if not found then
		return "Failed"
	end
	local ok, object = pcall(snax.newservice, ...)
	return started(..., ok, ok and object.handle or nil)
end }

commands.exit = { "exit address : kill a lua service", function(_, address)
	skynet.send(format.address(address), "debug", "EXIT")
end }

commands.kill = { "kill address : kill service", function(_, address)
	return skynet.call(".launcher", "lua", "KILL", format.address(address))
end }

commands.shutdown = { "shutdown [reason] : end the node in an orderly way", function(_, ...)
	local reason = select("#", ...) > 0 and table.concat({ ... }, " ") or "ordered at the debug console"
	return skynet.shutdown(reason) and "The node is shut down" or "That was ordered before"
end }

commands.abort = { "abort : end the node at once", function()
	skynet.abort()
end }

-- One service.

commands.info = { "info address : get service infomation", function(_, address, ...)
	local at = format.address(address)
	local found = group.list()[type(at) == "string" and tonumber(at:sub(2), 16) or at]
	if found then
		return found
	end
	return asking(address)("INFO", ...)
end }

commands.task = { "task address : show service task detail", function(_, address)
	return asking(address) "TASK"
end }

commands.uniqtask = { "task address : show service unique task detail", function(_, address)
	return asking(address) "UNIQTASK"
end }

commands.waits = { "waits [address|all] [timeout] : who waits for whom, and deadlocks", function(_, address, timeout)
	local only = address and address ~= "all" and format.address(address) or nil
	if type(only) == "string" then
		only = tonumber(only:match "^:(%x+)$" or "", 16) or error("Need an address", 0)
	end
	return require "skynet.console.waits"(only, format.timeout(timeout))
end }

commands.killtask = { "killtask address threadname : threadname listed by task", function(_, address, pattern)
	return asking(address)("KILLTASK", pattern)
end }

commands.ping = { "ping address", function(_, address)
	local ask, start = asking(address), skynet.now()
	ask "PING"
	return skynet.now() - start
end }

commands.inject = { "inject address luascript.lua", function(_, address, filename, ...)
	local ask = asking(address)
	if not filename then
		error("Need a file", 0)
	end
	local file = io.open(filename, "rb")
	local source = file and file:read "a"
	if file then
		file:close()
	end
	if not source then
		return "Can't open " .. filename
	end
	local ok, output = ask("RUN", source, filename, ...)
	return ok and output or error(output, 0)
end }

commands.dbgcmd = { "run address debug command", function(_, address, ...)
	return (asking(address)(...))
end }

commands.call = { "call address ...", function(session, address)
	local handle = format.address(address)
	if session.rest == "" then
		error("need arguments", 0)
	end
	local arguments = load("return " .. session.rest, "=(console)", "t", {})
	if not arguments then
		error("Invalid arguments", 0)
	end
	return table.pack(skynet.call(handle, "lua", arguments()))
end }

commands.debug = { "debug address : debug a lua service", function(session, address)
	local handle = format.address(address)
	local agent = skynet.newservice "debug_agent"
	local attached, reason = skynet.call(agent, "lua", "start", handle, session.fd)
	if not attached then
		error(reason, 0)
	end
	local line, alive
	repeat
		line = socket.readline(session.fd, "\n")
		line = line and line:gsub("\r$", "") or "cont" -- so does a client that goes away
		alive, reason = skynet.call(agent, "lua", "cmd", line)
		if alive == false then
			error(reason, 0)
		end
	until line == "cont"
end }

commands.logon = { "logon address", function(_, address)
	core.command("LOGON", address_text(address))
end }

commands.logoff = { "logoff address", function(_, address)
	core.command("LOGOFF", address_text(address))
end }

commands.signal = { "signal address sig", function(_, address, number)
	local target = address_text(address)
	core.command("SIGNAL", number and target .. " " .. number or target)
end }

commands.trace = { "trace address [proto] [on|off]", function(_, address, protocol, flag)
	local ask = asking(address)
	if not flag and SWITCH[protocol] ~= nil then
		protocol, flag = nil, protocol
	end
	ask("TRACELOG", protocol or "lua", SWITCH[flag])
end }

-- The node.

commands.netstat = { "netstat : show netstat", function()
	local sockets, now = socket.netstat(), skynet.now()
	for _, info in ipairs(sockets) do
		format.socket(info, now)
	end
	return sockets
end }

commands.clearcache = { "clear lua code cache", function()
	require "skynet.codecache".clear()
end }

commands.getenv = { "getenv name : skynet.getenv(name)", function(_, name)
	if not name then
		error("Need a name", 0)
	end
	return { [name] = tostring(skynet.getenv(name)) }
end }

commands.setenv = { "setenv name value: skynet.setenv(name,value)", function(_, name, value)
	if not value then
		error("Need a name and a value", 0)
	end
	skynet.setenv(name, value)
end }

-- Memory beside that of Lua.

commands.cmem = { "Show C memory info", function()
	local report = { total = memory.total(), block = memory.block() }
	for handle, bytes in pairs(memory.info()) do
		report[skynet.address(handle)] = bytes
	end
	return report
end }

commands.jmem = { "Show jemalloc mem stats", function()
	local report = {}
	for name, bytes in pairs(memory.jestat()) do
		report[name] = string.format("%11d  %8.2f Mb", bytes, bytes / 1024 / 1024)
	end
	return report
end }

commands.profactive = { "profactive [on|off] : active/deactive jemalloc heap profilling", function(_, flag)
	local active = SWITCH[flag]
	if active ~= nil then
		memory.profactive(active)
	end
	return "heap profilling is " .. (memory.profactive() and "active" or "deactive")
end }

commands.dumpheap = { "dumpheap : dump heap profilling", function()
	memory.dumpheap()
end }

return commands
