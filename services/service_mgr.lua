-- `.service`: services of which there is one per node, or (names beginning with "@") one in the whole network.
local skynet = require "skynet"
require "skynet.manager"
local harbor = require "skynet.harbor"

--- Who asks, for the waiting description.
---@class Asker
---@field session integer
---@field source integer

--- What is known of a name. Exactly one of handle and failure is set when it is settled, none before.
---@class Entry
---@field handle? integer
---@field failure? string remembered: later requests get it again
---@field starter? Asker whose request is starting the service
---@field thread? thread the thread that is starting it
---@field askers Asker[] those who wait
---@field answers function[] their answers, in the same order

---@type table<string, Entry>
local entries = {}

---@return Asker
local function asker()
	local session, source = skynet.context()
	return { session = session, source = source }
end

---@param key string
---@return Entry
local function entry_of(key)
	local entry = entries[key]
	if not entry then
		entry = { askers = {}, answers = {} }
		entries[key] = entry
	end
	return entry
end

--- Answers from what is known, or keeps the request until the name is settled.
---@param entry Entry
local function answer_or_wait(entry)
	if entry.handle then
		skynet.retpack(entry.handle)
	elseif entry.failure then
		skynet.retpack(nil, entry.failure)
	else
		table.insert(entry.askers, asker())
		table.insert(entry.answers, skynet.response())
	end
end

--- Runs `create(...)` for the first request for a name and answers all that came meanwhile.
---@param key string
---@param create fun(...): integer?, string?
local function launch(key, create, ...)
	local entry = entry_of(key)
	if entry.handle or entry.failure or entry.starter then
		return answer_or_wait(entry)
	end
	entry.starter, entry.thread = asker(), coroutine.running()
	table.insert(entry.answers, 1, skynet.response())

	local ok, handle, reason = pcall(create, ...)
	if not ok then
		handle, reason = nil, tostring(handle)
		entry.failure = reason
	elseif handle then
		entry.handle = handle
	else
		-- It ended of its own will while starting. That is no failure to remember.
		reason = reason or string.format("service %s ended while starting", key)
		entries[key] = nil
	end
	local answers = entry.answers
	entry.starter, entry.thread, entry.askers, entry.answers = nil, nil, {}, {}
	for _, answer in ipairs(answers) do
		if handle then
			answer(true, handle)
		else
			answer(true, nil, reason)
		end
	end
end

--- The key under which a service is kept. A snax service is known by its own name too.
---@param name string
---@param sub? string
---@return string key
---@return string script
local function key_of(name, sub)
	local script = name:match "^@?(.*)$"
	if script == "snaxd" then
		return name .. "." .. assert(sub, "snaxd needs the name of a snax service"), script
	end
	return name, script
end

local function new_snax(...)
	return require "skynet.snax".rawnewservice(...)
end

local command = {}

function command.LAUNCH(name, ...)
	local key, script = key_of(name, ...)
	if script == "snaxd" then
		launch(key, new_snax, ...)
	else
		launch(key, skynet.newservice, script, ...)
	end
end

function command.QUERY(name, sub)
	answer_or_wait(entry_of((key_of(name, sub))))
end

--- The traceback of whoever waits; the service asked may be gone by now.
---@param handle integer
---@param session integer|string
---@return string
local function traceback_of(handle, session)
	local ok, text = pcall(skynet.call, handle, "debug", "TASK", session)
	return ok and tostring(text) or "ERROR"
end

---@param entry Entry
---@return string
local function describe_waiting(entry)
	local lines = {}
	local starter, session = entry.starter, entry.thread and skynet.task(entry.thread)
	local started = session and skynet.call(".launcher", "lua", "QUERY", session)
	if starter and started then
		lines[1] = "Init as " .. skynet.address(started)
		lines[2] = traceback_of(started, "init")
		lines[3] = "Launching from " .. skynet.address(starter.source)
		lines[4] = traceback_of(starter.source, starter.session)
	end
	local askers = table.move(entry.askers, 1, #entry.askers, 1, {})
	if #askers > 0 then
		table.insert(lines, "Querying:")
	end
	for _, who in ipairs(askers) do
		table.insert(lines, skynet.address(who.source) .. " " .. traceback_of(who.source, who.session))
	end
	return table.concat(lines, "\n")
end

---@return table<string, string>
local function list()
	local result, unsettled = {}, {}
	for key, entry in pairs(entries) do
		if entry.handle then
			result[key] = skynet.address(entry.handle)
		elseif entry.failure then
			result[key] = "Error: " .. entry.failure
		else
			unsettled[key] = entry
		end
	end
	-- After the walk: describing asks other services, and meanwhile the entries change.
	for key, entry in pairs(unsettled) do
		result[key] = describe_waiting(entry)
	end
	return result
end

--- The manager of the standalone node decides for all nodes.
local function serve_network()
	local others = {}

	function command.GLAUNCH(name, ...)
		return command.LAUNCH("@" .. name, ...)
	end

	function command.GQUERY(name, ...)
		return command.QUERY("@" .. name, ...)
	end

	function command.REPORT(handle)
		others[handle] = true
		skynet.ret()
	end

	function command.LIST()
		local result = list()
		for handle in pairs(others) do
			local ok, remote = pcall(skynet.call, handle, "lua", "LIST")
			for key, text in pairs(ok and remote or {}) do
				result[key .. "@" .. skynet.harbor(handle)] = text
			end
		end
		skynet.retpack(result)
	end

	skynet.register "SERVICE"
end

--- Other nodes ask the manager of the standalone node for what is global, and remember what it says.
---@return fun() follow stays with that node, also when it dies and comes back
local function follow_network()
	local function ask(request, name, ...)
		local handle, reason = skynet.call("SERVICE", "lua", request, name, ...)
		return handle or error(reason, 0)
	end

	--- A manager that is not there is no reason to refuse a name for ever.
	local function ask_to_launch(...)
		local results = table.pack(pcall(skynet.call, "SERVICE", "lua", "LAUNCH", ...))
		if not results[1] then
			return nil, "the manager of the network can't be reached: " .. tostring(results[2])
		end
		return results[2] or error(results[3], 0)
	end

	function command.GLAUNCH(name, ...)
		local global = "@" .. name
		launch(key_of(global, ...), ask_to_launch, global, ...)
	end

	function command.GQUERY(name, sub)
		local global = "@" .. name
		local key = key_of(global, sub)
		local entry = entries[key]
		if not entry or not (entry.handle or entry.failure) then
			-- Not kept as a start in progress: a GLAUNCH from this node must be able to overtake it.
			local handle = ask("QUERY", global, sub)
			entry = entry_of(key)
			entry.handle = entry.handle or handle
		end
		answer_or_wait(entry)
	end

	function command.LIST()
		skynet.retpack(list())
	end

	--- Forgets what the global manager has said: it is gone, and so are the services that it has started.
	local function forget()
		for key, entry in pairs(entries) do
			if (entry.handle or entry.failure) and key:sub(1, 1) == "@" then
				entries[key] = nil
			end
		end
	end

	--- Makes this manager known to the global one.
	local function report()
		while not pcall(skynet.call, "SERVICE", "lua", "REPORT", skynet.self()) do
			-- It has not got its name yet.
			skynet.sleep(10)
		end
	end

	return function()
		local node = skynet.harbor(harbor.queryname "SERVICE" --[[@as integer]])
		while true do
			harbor.link(node)
			forget()
			harbor.connect(node)
			skynet.fork(report)
		end
	end
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		local run = command[name]
		if not run then
			return skynet.retpack(nil, "Invalid command " .. tostring(name))
		end
		local ok, reason = pcall(run, ...)
		if not ok then
			skynet.retpack(nil, tostring(reason))
		end
	end)

	local registered = skynet.localname ".service"
	if registered then
		skynet.error(".service is already register by ", skynet.address(registered))
		skynet.exit()
	end
	skynet.register ".service"
	if skynet.getenv "standalone" then
		serve_network()
	else
		local follow = follow_network()
		skynet.call("SERVICE", "lua", "REPORT", skynet.self())
		skynet.fork(follow)
	end
end)
