--- The debugger of a running service. Lines come through a channel from the debug agent, and what they give goes straight
--- to the socket of whoever typed them. A thread looks at the channel from time to time; while a watched handler is
--- stopped at a line, the service waits at the channel and does nothing else.
local skynet = require "skynet"
local driver = require "skynet.socketdriver"
local debugchannel = require "skynet.debugchannel"
local injectcode = require "skynet.injectcode"
local native = require "skynet.native"

local remotedebug = {}

--- How often the channel is looked at, in 1/100 s.
local POLL = 5
--- How long a stopped service waits before it asks whether anybody is still there, in 1/10 s.
local PATIENCE = 10

--- Files that `s` does not step into: the framework's own.
local SKIPPED = {}
for _, name in ipairs { "api", "debug", "remotedebug", "require", "select" } do
	SKIPPED["@[skynet]/lualib/skynet/" .. name .. ".lua"] = true
end
SKIPPED[debug.getinfo(1, "S").source] = true

---@class remotedebug.session
---@field fd integer the client's socket
---@field agent integer the service at the other end of the channel
---@field channel skynet.debugchannel.channel
---@field prompt string
---@field scope table environment of what is typed
---@field unwatch? fun() takes the watch away, while there is one
---@field stepping? thread the watched handler, while it is gone through step by step
---@field depth? integer stop only where the stack is not deeper than this
---@field shown? boolean the prompt has been written since it ran last

---@type remotedebug.session?
local session

---@param ... string
local function write(...)
	if session then
		driver.send(session.fd, table.concat { ... })
	end
end

--- Each value is followed by a tab.
local function write_values(...)
	local texts = table.pack(...)
	for i = 1, texts.n do
		texts[i] = tostring(texts[i]) .. "\t"
	end
	write(table.concat(texts), "\n")
end

---@param prompt? string a new one
local function write_prompt(prompt)
	if session then
		session.prompt = prompt or session.prompt
		write(session.prompt)
	end
end

---@return string
local function idle_prompt()
	return skynet.address(skynet.self()) .. ">"
end

---@param text string what was typed: an expression or statements
---@return string source
local function as_source(text)
	local expression = "return " .. text
	return load(expression, "=(debug)", "t") and expression or text
end

---@param ok boolean
---@param ... any results, or the error
local function write_outcome(ok, ...)
	if ok then
		write_values(...)
	else
		write_values((...))
	end
end

--- Ends the stepping, however it comes to that.
local function stop_stepping()
	if session and session.stepping then
		debugchannel.sethook(session.stepping)
		session.stepping, session.depth = nil, nil
		write_prompt(idle_prompt())
	end
end

--- Leaves the debug mode.
local function leave()
	if not session then
		return
	end
	if session.unwatch then
		session.unwatch()
	end
	if session.stepping then
		debugchannel.sethook(session.stepping)
	end
	skynet.error "Leave debug mode"
	skynet.wakeup(session)
	session = nil
end

--- Commands while a handler is being gone through. Each is true if the handler goes on.
local stepping = {}

function stepping.s()
	session.depth = nil
	return true
end

---@param depth integer of the handler's stack
function stepping.n(depth)
	session.depth = depth
	return true
end

function stepping.c()
	stop_stepping()
	return true
end

function stepping.cont()
	leave()
	return true
end

--- Number of functions on the stack above (in the sense of calling) a level.
---@param level integer as `debug.getinfo` counts in the caller
---@return integer
local function depth_from(level)
	local depth = 0
	while debug.getinfo(level + 1 + depth, "") do
		depth = depth + 1
	end
	return depth
end

--- The next line for a handler that is stopped. Meanwhile the service does nothing else.
---@return string line "cont" if nobody is there any more
local function await_line()
	local line
	repeat
		line = session.channel:read(PATIENCE)
		if not line and not skynet.send(session.agent, "lua", "ping") then
			return "cont"
		end
	until line
	return line
end

--- Gives the worker free that a stopped handler holds, however it goes on.
local RELEASE = { __close = native.release_worker }

--- Hook of a watched handler: stops at its next line, and takes commands there.
local function at_line(_, line)
	if not session or session.stepping ~= coroutine.running() then
		return
	end
	local info = debug.getinfo(2, "S")
	if SKIPPED[info.source] then
		return
	end
	local depth = depth_from(2)
	if session.depth and depth > session.depth then
		return
	end
	if not native.hold_worker() then
		write "Not stopped: that would leave no worker that goes on\n"
		return stop_stepping()
	end
	local _ <close> = setmetatable({}, RELEASE)
	local file = info.source:match "^@(.*)" or info.short_src
	write_prompt(string.format("%s(%d)>", file, line))
	local text = await_line()
	while not (stepping[text] and stepping[text](depth)) do
		if text ~= "" then
			-- Level 0 is this function, then comes the one that was stopped. Not a tail call, or it would be different.
			local outcome = table.pack(injectcode(as_source(text), coroutine.running(), 1, session.scope))
			write_outcome(table.unpack(outcome, 1, outcome.n))
		end
		write_prompt()
		text = await_line()
	end
	if session then
		session.shown = false
	end
end

--- Stops at the first line of the handler of the next message of a protocol.
---@param name string the protocol
---@param condition? fun(session: integer, source: integer, ...): any only if it gives a true value for the message
local function watch(name, condition)
	local handler = skynet._proto[name] and skynet.dispatch(name)
	if not handler then
		error("No " .. tostring(name), 0)
	end
	local current = session
	if not current then
		return
	elseif current.unwatch then
		current.unwatch()
		handler = skynet.dispatch(name)
	end

	local function watched(id, source, ...)
		if session ~= current or current.stepping then
			return handler(id, source, ...)
		end
		if condition then
			local ok, wanted = pcall(condition, id, source, ...)
			if not ok then
				write_values(wanted)
			end
			if not ok or not wanted then
				return handler(id, source, ...)
			end
		end
		current.unwatch()
		local _ <close> = setmetatable({}, { __close = stop_stepping })
		current.stepping, current.shown = coroutine.running(), false
		debugchannel.sethook(at_line, "l")
		handler(id, source, ...)
	end

	function current.unwatch()
		current.unwatch = nil
		if skynet.dispatch(name) == watched then
			skynet.dispatch(name, handler)
		end
	end
	skynet.dispatch(name, watched)
end

--- Runs a line that was typed while no handler is stopped.
---@param line string
local function run_idle(line)
	if line == "cont" then
		return leave()
	elseif session.stepping and stepping[line] then
		stepping[line](0) -- where it is suspended
		return
	elseif line ~= "" then
		local chunk, reason = load(as_source(line), "=(debug)", "t", session.scope)
		if chunk then
			write_outcome(pcall(chunk))
		else
			write_values(reason)
		end
	end
	write_prompt()
end

--- Reads the channel until the session ends.
local function poll()
	local current = session
	while session == current do
		local line = current.channel:read()
		if line then
			run_idle(line)
		elseif not skynet.send(current.agent, "lua", "ping") then
			leave()
		else
			if current.stepping and not current.shown then
				-- The handler waits for something.
				current.shown = true
				write_prompt()
			end
			skynet.sleep(POLL)
		end
	end
end

--- The debug mode, until it is left. The running message is the request of the debug agent.
---@param import table parts of the framework that a debugger might need; none here
---@param fd integer socket of the client
---@param pointer lightuserdata leads to the channel
function remotedebug.start(import, fd, pointer)
	if session then
		error("The service is being debugged already", 0)
	end
	local _, agent = skynet.context()
	session = {
		fd = fd,
		agent = agent,
		channel = debugchannel.connect(pointer),
		prompt = idle_prompt(),
		scope = setmetatable({ print = write_values, watch = watch }, { __index = _G, __newindex = _G }),
	}
	skynet.error "Enter debug mode"
	write_prompt()
	skynet.fork(poll)
	skynet.wait(session)
end

return remotedebug
