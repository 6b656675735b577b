--- Adds to `skynet` what manages services: creating native ones, ending, naming, and running behind a message filter.
---@class skynet
local skynet = require "skynet"
local core = require "skynet.core"

--- Creates a service of a native module. For a Lua service use `skynet.newservice`, which waits until it has started.
---@param module string
---@param ... string|number the parameter; joined with spaces
---@return integer? handle nil if it could not be created; the log says why
---@return string? problem a text for `assert`
function skynet.launch(module, ...)
	local handle = core.addresscommand("LAUNCH", table.concat({ module, ... }, " "))
	if not handle then
		return nil, string.format("the service %s could not be launched; the log says why", module)
	end
	return handle
end

--- The handle that an address names by number or by ":hex".
---@param address integer|string
---@return integer?
local function handle_of(address)
	if type(address) == "number" then
		return address
	end
	local hex = address:match "^:(%x+)"
	return hex and tonumber(hex, 16)
end

--- Ends a service.
---@param address integer|string handle, ":hex" or ".name"
function skynet.kill(address)
	local handle = handle_of(address)
	if handle then
		skynet.send(".launcher", "lua", "REMOVE", handle, true)
		address = skynet.address(handle)
	end
	core.command("KILL", address)
end

--- Ends all services, and the process with them (status 0).
function skynet.abort()
	core.command "ABORT"
end

--- Checks a global name and registers it over the whole harbor network.
---@param name string
---@param handle? integer default: this service
local function register_global(name, handle)
	assert(#name < 16, "a global name has at most 15 bytes")
	assert(tonumber(name) == nil, "a global name can't be a number")
	assert(name:sub(1, 1) ~= ":", "a global name can't begin with a colon")
	require "skynet.harbor".globalname(name, handle)
end

--- Gives this service a name. Nothing happens if a local name is taken.
---@param name string ".local", or a global name of at most 15 bytes
function skynet.register(name)
	if name:sub(1, 1) == "." then
		core.command("REG", name)
	else
		register_global(name)
	end
end

--- Gives a service a name. Nothing happens if a local name is taken.
---@param name string ".local", or a global name of at most 15 bytes
---@param handle integer
function skynet.name(name, handle)
	if name:sub(1, 1) == "." then
		core.command("NAME", name .. " " .. skynet.address(handle))
	else
		register_global(name, handle)
	end
end

---@param callback function gets (type, msg, size, session, source)
---@param forward boolean leave the messages to the callback instead of freeing them
---@param start_func function
local function start_behind(callback, forward, start_func)
	local function start()
		skynet.init_service(start_func)
	end
	skynet.timeout(0, start)
	core.callback(callback, forward)
end

-- A node with native sessions brings these two along.

--- Use instead of `skynet.start`. Messages of the types in `map` are dispatched as type `map[type]`, and are not freed: their
--- handlers own message and size and may pass them on.
---@param map table<integer, integer>
---@param start_func function
skynet.forward_type = skynet.forward_type or function(map, start_func)
	local dispatch = skynet.dispatch_message
	start_behind(function(kind, msg, size, ...)
		local target = map[kind]
		if target then
			return dispatch(target, msg, size, ...)
		end
		local ok, reason = pcall(dispatch, kind, msg, size, ...)
		core.trash(msg, size)
		if not ok then
			error(reason, 0)
		end
	end, true, start_func)
end

--- Use instead of `skynet.start`. What `f` returns is dispatched in place of each message.
---@param f fun(type: integer, msg: lightuserdata, size: integer, session: integer, source: integer): ...
---@param start_func function
skynet.filter = skynet.filter or function(f, start_func)
	local dispatch = skynet.dispatch_message
	start_behind(function(...)
		dispatch(f(...))
	end, false, start_func)
end

--- Makes the globally unique service of that name the node's exit monitor: it gets a PTYPE_CLIENT message from each service
--- that ends.
---@param name string
---@param query? boolean only look it up, and wait until somebody has started it
---@return integer handle
function skynet.monitor(name, query)
	if type(name) ~= "string" then
		error(string.format("the monitor is the name of a service, not %s", tostring(name)), 2)
	end
	local find = query and skynet.queryservice or skynet.uniqueservice
	local handle = assert(find(true, name), "Monitor launch failed")
	core.command("MONITOR", skynet.address(handle))
	return handle
end

return skynet
