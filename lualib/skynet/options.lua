--- Looks at the settings that a program gives in a table: a misspelt one, or one of another type, is named, and does not pass for
--- a default.

local TEXTS = {
	string = "a string", ["function"] = "a function", table = "a table", number = "a number", boolean = "true or false",
	["false"] = "false", count = "a whole number of 0 or more", cs = "a whole number of 1/100 s, 0 or more",
	positive = "a whole number above 0", limit = "a whole number of 1/100 s, above 0",
}

local LEAST <const> = { count = 0, cs = 0, limit = 1, positive = 1 }

---@param kind string
---@param value any
---@return boolean
local function is(kind, value)
	if kind == "false" then
		return value == false
	elseif LEAST[kind] then
		local number = type(value) == "number" and math.tointeger(value)
		return number and number >= LEAST[kind] or false
	end
	return type(value) == kind
end

---@param value any
---@return string
local function show(value)
	return type(value) == "string" and string.format("%q", value) or tostring(value)
end

--- What is wrong with settings.
---@param settings any
---@param known table<string, string> the names that there are, and of what kinds each may be: `"cs|false"`
---@return string? problem nil if nothing is
return function(settings, known)
	if type(settings) ~= "table" then
		return "the settings are a table, not " .. show(settings)
	end
	for name, value in pairs(settings) do
		local kinds = known[name]
		if not kinds then
			local names = {}
			for other in pairs(known) do
				names[#names + 1] = other
			end
			table.sort(names)
			return string.format("there is no setting %s, but %s", show(name), table.concat(names, ", "))
		end
		local texts, fits = {}, false
		for kind in kinds:gmatch "[^|]+" do
			texts[#texts + 1], fits = TEXTS[kind], fits or is(kind, value)
		end
		if not fits then
			return string.format("%s is %s, not %s", name, table.concat(texts, " or "), show(value))
		end
	end
end
