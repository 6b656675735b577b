--- Reads the rest of an HTTP request that came to the debug console: the command is in its path or its body.
local socket = require "skynet.socket"

local http = {}

--- Lines of a header that are read before the request is refused.
local MAX_HEADER_LINES = 128
--- Bytes of a body.
local MAX_BODY = 64 * 1024

--- Reads the header lines, up to the empty one.
---@param fd integer
---@return table<string, string>? headers by name in lower case; nil: the client has gone, or there is no end of them
local function read_headers(fd)
	local headers = {}
	for _ = 1, MAX_HEADER_LINES do
		local line = socket.readline(fd, "\n")
		if not line then
			return nil
		elseif line == "" or line == "\r" then
			return headers
		end
		local name, value = line:match "^([^:]+):%s*(.-)%s*$"
		if name then
			headers[name:lower()] = value
		end
	end
	return nil
end

--- The command that a request asks for.
---@param fd integer
---@param line string its first line
---@return string? command nil: there is none to be run
---@return string? reason why
function http.command(fd, line)
	local method, path = line:match "^(%u+) (%S*)"
	local headers = read_headers(fd)
	if not headers then
		return nil, "Invalid HTTP request"
	elseif method == "GET" then
		return (path:gsub("/", " "))
	elseif headers["transfer-encoding"] then
		return nil, "Send the command with a content-length"
	end
	local length = math.tointeger(tonumber(headers["content-length"]))
	if length and length <= 0 then
		return ""
	elseif length and length > MAX_BODY then
		return nil, "The body is too long"
	end
	-- Without a length: what comes with the header.
	return socket.read(fd, length) or nil, "Invalid HTTP request"
end

return http
