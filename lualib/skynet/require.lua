--- `require` for services: a module may call other services while it loads, and has a second stage of initialisation.
--- 1. Its chunk runs, as ever. 2. The functions it gave to `skynet.init` run: after the chunk if a thread of the service loads
--- it, before the start function if the main chunk does.
local loader = {}

--- A module being loaded.
---@class Loading
---@field name string
---@field thread thread who loads it
---@field waiting thread[] who else requires it

local native = require "skynet.native"

-- The global `require` of a service leads here.
local standard_require = native.require
local loaded = package.loaded
-- The main chunk: there nothing can yield, and the start function comes later.
local main_thread = native.main_thread()

---@type table<string, Loading>
local loading = {}
---@type table<thread, Loading> what a thread waits for
local blocked_on = {}
---@type table<thread, function[]> init functions of the module that a thread loads
local init_lists = {}

--- Finds the Lua chunk of a module. Everything else is left to the standard `require`: C modules, errors.
---@param name string
---@return function? chunk
---@return any extra passed to the chunk after the name
local function find_chunk(name)
	for _, searcher in ipairs(package.searchers) do
		local ok, chunk, extra = pcall(searcher, name)
		if not ok then
			return nil
		elseif type(chunk) == "function" then
			local is_lua = debug.getinfo(chunk, "S").what ~= "C"
			return is_lua and chunk or nil, extra
		end
	end
end

--- Follows who waits for whom: waiting would never end if the module's loader waits for us.
---@param record Loading
---@param thread thread
local function check_circle(record, thread)
	local link = record
	while link do
		if link.thread == thread then
			error("circular dependency: " .. record.name, 0)
		end
		link = blocked_on[link.thread]
	end
end

---@param record Loading
---@param thread thread
---@return any module
local function wait_loaded(record, thread)
	check_circle(record, thread)
	table.insert(record.waiting, thread)
	blocked_on[thread] = record
	local blocked = standard_require "skynet.blocked"
	blocked[thread] = function()
		return record.thread
	end
	standard_require "skynet".wait(thread)
	blocked_on[thread], blocked[thread] = nil, nil
	local module = loaded[record.name]
	if module == nil then
		error(string.format("require %s failed", record.name))
	end
	return module
end

---@param list function[]
local function run_all(list)
	local i = 1
	while list[i] do -- one may add another
		list[i]()
		i = i + 1
	end
end

---@return any module
local function load_module(record, chunk, extra)
	local list = {}
	init_lists[record.thread] = list
	local module = chunk(record.name, extra)
	run_all(list)
	if module == nil then
		module = loaded[record.name]
	end
	if module == nil then
		module = true
	end
	loaded[record.name] = module
	return module
end

--- Loads a module.
---@param name string
---@return any module
function loader.require(name)
	local module = loaded[name]
	if module ~= nil then
		return module
	end
	local thread = coroutine.running()
	if thread == main_thread then
		return standard_require(name)
	end
	if loading[name] then
		return wait_loaded(loading[name], thread)
	end
	local chunk, extra = find_chunk(name)
	if not chunk then
		return standard_require(name)
	end

	local record = { name = name, thread = thread, waiting = {} }
	loading[name] = record
	local outer_list = init_lists[thread]
	local ok, result = xpcall(load_module, debug.traceback, record, chunk, extra)
	init_lists[thread] = outer_list
	loading[name] = nil
	for _, waiter in ipairs(record.waiting) do
		standard_require "skynet".wakeup(waiter)
	end
	if not ok then
		loaded[name] = nil
		error(result, 0)
	end
	return result
end

--- Registers a second-stage function of the module being loaded, or of the service's main chunk.
---@param func function
function loader.init(func)
	assert(type(func) == "function", "skynet.init needs a function")
	local thread = coroutine.running()
	if thread == main_thread then
		return standard_require "skynet".init(func)
	end
	local list = init_lists[thread]
	if not list then
		error("skynet.init: neither the main chunk nor a module is being loaded here (table expected, got nil)", 2)
	end
	list[#list + 1] = func
end

--- Runs what the main chunk registered, in order. The engine has done so before the start function: for frameworks that
--- call it themselves, nothing is left.
function loader.init_all() end

return loader
