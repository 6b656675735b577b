--- The less used half of the `skynet` module, on what the engine offers. The native half loads it when one of its fields
--- is looked at, and hands over the `skynet` table to fill.
local native = require "skynet.native"
local core = require "skynet.core"

---@param skynet table
return function(skynet)
	if rawget(skynet, "task") then
		return
	end

	--- Traceback of the place that armed a timer, by thread, while `trace_timeout` is on.
	---@type table<thread, string>?
	local timer_traces

	--- Defines a field unless the program has put something of its own there.
	local function define(name, value)
		if rawget(skynet, name) == nil then
			rawset(skynet, name, value)
		end
	end

	---@param co thread|false
	local function describe(co)
		if not co then
			return "BREAK"
		end
		return timer_traces and timer_traces[co] or debug.traceback(co)
	end

	--- Suspended threads: nil counts them, "init" tells about the start thread, a table is filled, a number or thread is
	--- looked up.
	define("task", function(what)
		local sessions = native.sessions()
		if what == nil then
			local count = 0
			for _, co in pairs(sessions) do
				if co then
					count = count + 1
				end
			end
			return count
		elseif what == "init" then
			local co = native.start_thread()
			if co then
				return debug.traceback(co)
			end
			return
		end
		local kind = type(what)
		if kind == "table" then
			for session, co in pairs(sessions) do
				what[string.format("%s session: %d", tostring(co or "BREAK"), session)] = describe(co)
			end
		elseif kind == "number" then
			local co = sessions[what]
			return co == nil and "No session" or describe(co)
		elseif kind == "thread" then
			for session, co in pairs(sessions) do
				if co == what then
					return session
				end
			end
		end
	end)

	--- Groups of threads that are suspended at the same place.
	define("uniqtask", function()
		local groups = {}
		for session, co in pairs(native.sessions()) do
			local trace = describe(co)
			local group = groups[trace]
			if not group then
				group = { count = 0 }
				groups[trace] = group
			end
			group.count = group.count + 1
			if group.count < 10 then
				group[group.count] = session
			end
		end
		local result = {}
		for trace, group in pairs(groups) do
			local more = group.count > 10 and "..." or ""
			result[string.format("%d\tsessions:[%s%s]\n", group.count, table.concat(group, ","), more)] = trace
		end
		return result
	end)

	--- Closes a suspended thread: the thread itself, or the first whose text matches a pattern.
	define("killthread", function(thread)
		if type(thread) == "string" then
			local pattern
			pattern, thread = thread, nil
			for _, co in pairs(native.sessions()) do
				if co and tostring(co):find(pattern) then
					thread = co
					break
				end
			end
		end
		return thread and native.kill(thread) and thread or nil
	end)

	--- Behaves as if the service at an address had ended.
	define("term", native.term)

	--- From now on every call to that service fails when it ends. False if it has ended already.
	define("watch", function(address)
		return require "skynet.watch"(address)
	end)

	--- Orders a shutdown of this node, or with `network` of all nodes of its harbor network that are of this kind. False if one
	--- was ordered before.
	---@param reason? string for the log
	---@param options? { network?: boolean }
	---@return boolean
	define("shutdown", function(reason, options)
		local problem = require "skynet.options"(options or {}, { network = "boolean" })
		if type(reason) == "table" then
			problem = "its reason is a text; options come behind it"
		end
		if problem then
			error("skynet.shutdown: " .. problem, 2)
		end
		local scope = options and options.network and "network" or "node"
		local text = tostring(reason or "skynet.shutdown was called"):gsub("%c", " ")
		return core.command("SHUTDOWN", string.format("BEGIN %s %s", scope, text)) ~= nil
	end)

	define("dispatch_unknown_request", function(func)
		return native.hook("unknown_request", func) or native.unknown_request
	end)

	define("dispatch_unknown_response", function(func)
		return native.hook("unknown_response", func) or native.unknown_response
	end)

	--- Sets what the debug command INFO answers with; without an argument: what is set.
	define("info_func", function(...)
		return native.hook("info", ...)
	end)

	define("dispatch_message", native.dispatch_message)

	define("forward_type", function(map, start_func)
		native.forward(map)
		skynet.start(start_func)
	end)

	define("filter", function(filter, start_func)
		skynet.start(start_func)
		core.callback(function(...)
			native.dispatch_message(filter(...))
		end)
	end)

	define("pcall", pcall)
	define("cache", require "skynet.codecache")

	--- A service may take long to start, so the service's own time limit does not count.
	---@param command string
	local function manager(command, name, ...)
		local handle, reason
		if name == true then
			handle, reason = skynet.timeout_call(nil, ".service", "lua", "G" .. command, ...)
		else
			handle, reason = skynet.timeout_call(nil, ".service", "lua", command, name, ...)
		end
		return handle or error(reason or "call failed", 2)
	end

	define("uniqueservice", function(...)
		return manager("LAUNCH", ...)
	end)

	define("queryservice", function(...)
		return manager("QUERY", ...)
	end)

	-- Tracing.

	define("tracetag", function()
		return native.tag()
	end)

	define("trace", function(info)
		local old = native.tag()
		skynet.error("TRACE", old)
		if old == false then
			return
		end
		local tag = native.tag(true)
		core.trace(tag, info and "trace " .. tostring(info) or "trace")
	end)

	define("traceproto", function(name, flag)
		local class = assert(skynet._proto[name])
		class.trace = flag
		native.tracing()
	end)

	define("tracecall", function(tag, addr, typename, msg, sz)
		core.trace(tag, "tracecall begin")
		core.send(addr, skynet.PTYPE_TRACE, 0, tag)
		local reply, size = skynet.rawcall(addr, typename, msg, sz)
		core.trace(tag, "tracecall end")
		return reply, size
	end)

	--- While on, timers remember where they were armed, and `task` shows it.
	define("trace_timeout", function(on)
		if on and not timer_traces then
			local timeout = skynet.timeout
			timer_traces = setmetatable({}, { __mode = "k" })
			skynet.timeout = function(ti, func)
				local co = timeout(ti, func)
				if timer_traces then
					timer_traces[co] = debug.traceback(string.format("TIMER %d+%s : ", skynet.now(), ti), 2)
				end
				return co
			end
		elseif not on then
			timer_traces = nil
			skynet.timeout = nil -- the native one comes back
		end
	end)

	-- Parallel requests.

	local unpack_of = {}

	define("request", require "skynet.select" {
		send = function(obj)
			local session = native.ask(obj[1], obj[2], table.unpack(obj, 3, obj.n))
			if session then
				unpack_of[session] = skynet._proto[obj[2]].unpack
			end
			return session
		end,
		watch = function() end,
		timer = native.timer,
		next = function()
			local session, ok, msg, sz = native.next()
			local unpack = unpack_of[session]
			unpack_of[session] = nil
			if ok and unpack then
				return session, ok, unpack(msg, sz)
			end
			return session, ok, not ok and msg or nil
		end,
		cancel = function(session)
			unpack_of[session] = nil
			native.cancel(session)
		end,
	})
end
