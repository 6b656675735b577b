--- Texts of the debug console: how results look, and how addresses, times and sizes are written.
local skynet = require "skynet"

local format = {}

--- Timeout of commands that ask every service, in centiseconds.
local DEFAULT_TIMEOUT = 300

--- Keys of a table in the order of their texts.
---@param values table
---@return any[]
local function sorted_keys(values)
	local keys = {}
	for key in pairs(values) do
		keys[#keys + 1] = key
	end
	table.sort(keys, function(a, b)
		return tostring(a) < tostring(b)
	end)
	return keys
end

---@param value any
---@return string
local function cell(value)
	if type(value) ~= "table" then
		return tostring(value)
	end
	local parts = {}
	for _, key in ipairs(sorted_keys(value)) do
		parts[#parts + 1] = tostring(key) .. ":" .. tostring(value[key])
	end
	return table.concat(parts, "\t")
end

--- What a command's result looks like: a line for a plain value, a line per key for a table, nothing for nil.
---@param result any
---@return string text whole lines
function format.result(result)
	if result == nil then
		return ""
	elseif type(result) ~= "table" then
		return tostring(result) .. "\n"
	end
	local lines = {}
	for _, key in ipairs(sorted_keys(result)) do
		lines[#lines + 1] = tostring(key) .. "\t" .. cell(result[key]) .. "\n"
	end
	return table.concat(lines)
end

--- Reads an address as people type it: `:hex`, `.name`, or hexadecimal digits of a service of this node.
---@param text? string
---@return integer|string address raises if it is none
function format.address(text)
	if not text then
		error("Need an address", 0)
	end
	local first = text:sub(1, 1)
	if first == ":" then
		return text
	elseif first == "." then
		return skynet.localname(text) or error("Not a valid name", 0)
	end
	local handle = text:find "^%x+$" and tonumber(text, 16)
	if not handle then
		error("Need an address", 0)
	elseif handle > 0xffffff then
		return handle -- with its harbor id
	end
	return skynet.harbor(skynet.self()) << 24 | handle
end

--- Reads the timeout of `stat`, `mem` and `gc`.
---@param text? string centiseconds
---@return integer? timeout nil: none
function format.timeout(text)
	if not text then
		return DEFAULT_TIMEOUT
	end
	local timeout = math.tointeger(tonumber(text))
	if not timeout then
		error(string.format("Invalid timeout %s: it is a number of 1/100 s", text), 0)
	end
	return timeout > 0 and timeout or nil
end

---@param bytes? integer
---@return string|integer|nil size nil where there is none
local function size(bytes)
	if not bytes or bytes == 0 then
		return nil
	elseif bytes < 1024 then
		return bytes
	elseif bytes < 1024 * 1024 then
		return bytes / 1024 .. "K"
	end
	return bytes / 1024 / 1024 .. "M"
end

--- Puts one socket of `socket.netstat()` into the form of the command `netstat`.
---@param info table is changed
---@param now integer centiseconds
---@return table info
function format.socket(info, now)
	info.address = info.address and skynet.address(info.address)
	for _, field in ipairs { "read", "write", "wbuffer" } do
		info[field] = size(info[field])
	end
	for _, field in ipairs { "rtime", "wtime" } do
		local at = info[field]
		info[field] = at and at > 0 and (now - at) / 100 .. "s" or nil
	end
	return info
end

return format
