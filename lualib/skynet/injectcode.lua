--- Evaluates source code in the scope of a running function: its locals and upvalues can be read and written.

--- The locals of a frame; of several with one name the innermost counts.
---@param co thread
---@param level integer
---@return table<string, integer> slots
---@return table<string, any> values
local function read_locals(co, level)
	local slots, values = {}, {}
	local slot = 1
	local name, value = debug.getlocal(co, level, slot)
	while name do
		if name:sub(1, 1) ~= "(" then -- not a temporary
			slots[name], values[name] = slot, value
		end
		slot = slot + 1
		name, value = debug.getlocal(co, level, slot)
	end
	return slots, values
end

---@param co thread
---@param level integer
---@return any[] values
---@return integer count
local function read_varargs(co, level)
	local list, count = {}, 0
	local name, value = debug.getlocal(co, level, -1)
	while name do
		count = count + 1
		list[count] = value
		name, value = debug.getlocal(co, level, -count - 1)
	end
	return list, count
end

---@param func function
---@return table<string, integer> indices by name
local function read_upvalues(func)
	local indices, index = {}, 1
	local name = debug.getupvalue(func, index)
	while name do
		if name ~= "" then
			indices[name] = index
		end
		index = index + 1
		name = debug.getupvalue(func, index)
	end
	return indices
end

--- Makes the environment of the injected code.
---@param func function the function of the frame
---@param slots table<string, integer> its locals
---@param values table<string, any> their values, read and written through the environment
---@param changed table<string, true> gets the names of locals that were assigned
---@param extra table<string, any>? further names
---@return table
local function scope_of(func, slots, values, changed, extra)
	local upvalues = read_upvalues(func)
	local globals = values._ENV or _G
	if not values._ENV and upvalues._ENV then
		globals = select(2, debug.getupvalue(func, upvalues._ENV))
	end

	local function get(_, name)
		if slots[name] then
			return values[name]
		elseif upvalues[name] then
			return select(2, debug.getupvalue(func, upvalues[name]))
		elseif extra and extra[name] ~= nil then
			return extra[name]
		end
		return globals[name]
	end

	local function set(_, name, value)
		if slots[name] then
			values[name], changed[name] = value, true
		elseif upvalues[name] then
			debug.setupvalue(func, upvalues[name], value)
		else
			globals[name] = value
		end
	end

	return setmetatable({}, { __index = get, __newindex = set })
end

--- Runs `source` as if it stood in that frame; `...` in it is the frame's. Locals it assigns are written back when it ends.
---@param source string
---@param co thread
---@param level integer frame of `co` as `debug.getinfo` counts; if co is the running thread, 0 is the caller of this function
---@param env? table<string, any> further names that the code may read
---@return boolean ok
---@return any ... results, or the error
return function(source, co, level, env)
	-- A running thread has the frames of this function and of the one it calls on top.
	local above = co == coroutine.running() and 1 or 0
	local frame = debug.getinfo(co, level + 2 * above, "f")
	if not frame then
		return false, "Invalid level"
	end
	local slots, values = read_locals(co, level + 3 * above)
	local args, count = read_varargs(co, level + 3 * above)
	local changed = {}
	local chunk, reason = load(source, "=(debug)", "t", scope_of(frame.func, slots, values, changed, env))
	if not chunk then
		return false, reason
	end
	local results = table.pack(pcall(chunk, table.unpack(args, 1, count)))
	for name in pairs(changed) do
		debug.setlocal(co, level + 2 * above, slots[name], values[name])
	end
	return table.unpack(results, 1, results.n)
end
