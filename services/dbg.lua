-- Sends its arguments as a command to the launcher, prints the answer and ends: `skynet.newservice("dbg", "mem")`.
local skynet = require "skynet"

local words = table.pack(...)

--- Calls `visit(key, value)` in the order of the keys' texts.
---@param values table
---@param visit fun(key: any, value: any)
local function each_sorted(values, visit)
	local keys = {}
	for key in pairs(values) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b)
		return tostring(a) < tostring(b)
	end)
	for _, key in ipairs(keys) do
		visit(key, values[key])
	end
end

---@param value any
---@return string
local function text_of(value)
	if type(value) ~= "table" then
		return tostring(value)
	end
	local pairs_text = {}
	each_sorted(value, function(key, inner)
		pairs_text[#pairs_text + 1] = tostring(key) .. ":" .. tostring(inner)
	end)
	return table.concat(pairs_text, "\t")
end

skynet.start(function()
	local answer = skynet.call(".launcher", "lua", table.unpack(words, 1, words.n))
	if type(answer) == "table" then
		each_sorted(answer, function(key, value)
			print(key, text_of(value))
		end)
	elseif answer ~= nil then
		print(text_of(answer))
	end
	skynet.exit()
end)
