--- Runs source code inside a service, with sight of the tables that its functions hold (the debug command RUN).

--- Collects the tables among the upvalues of a function, and of the functions among its upvalues.
---@param found table<string, table> by upvalue name; gets the result
---@param func function
---@param seen table<function, true>
local function collect_tables(found, func, seen)
	if seen[func] then
		return
	end
	seen[func] = true
	for i = 1, math.huge do
		local name, value = debug.getupvalue(func, i)
		if not name then
			return
		elseif type(value) == "function" then
			collect_tables(found, value, seen)
		elseif type(value) == "table" and name ~= "_ENV" and name ~= "" then
			found[name] = value
		end
	end
end

--- The tables behind each protocol's dispatch function.
---@param protocols table<string|integer, table>
---@return table<string, table<string, table>> by protocol name
local function protocol_tables(protocols)
	local by_name = {}
	for name, protocol in pairs(protocols) do
		if type(name) == "string" and type(protocol.dispatch) == "function" then
			by_name[name] = {}
			collect_tables(by_name[name], protocol.dispatch, {})
		end
	end
	return by_name
end

---@param lines string[]
---@return fun(...) print
local function printer(lines)
	return function(...)
		local texts = table.pack(...)
		for i = 1, texts.n do
			texts[i] = tostring(texts[i])
		end
		lines[#lines + 1] = table.concat(texts, "\t")
	end
end

--- Runs the source. It sees the globals, and besides: `print`, which writes into the result; `_U`, tables behind the functions
--- in `...`; `_P`, per protocol name the tables behind its dispatch function.
---@param skynet table the skynet module
---@param source string
---@param filename? string "@file" or "=name", for error messages
---@param args { n: integer, [integer]: any } arguments of the chunk
---@param ... function where to look for `_U`
---@return boolean ok
---@return string[] lines what it printed, and its error message
return function(skynet, source, filename, args, ...)
	local lines, tables, seen = {}, {}, {}
	for _, func in ipairs { ... } do
		collect_tables(tables, func, seen)
	end
	local scope = { print = printer(lines), _U = tables, _P = protocol_tables(skynet._proto) }
	local chunk, reason = load(source, filename, "bt", setmetatable(scope, { __index = _ENV }))
	if not chunk then
		return false, { reason }
	end
	local ok, failure = pcall(chunk, table.unpack(args, 1, args.n))
	if not ok then
		lines[#lines + 1] = tostring(failure)
	end
	return ok, lines
end
