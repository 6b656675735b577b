-- The debug console: `skynet.newservice("debug_console", port)` or `(..., ip, port)`. One command per line, over telnet or
-- in an HTTP request; `help` lists the commands, which are in `skynet.console.commands`.
local skynet = require "skynet"
local socket = require "skynet.socket"
local commands = require "skynet.console.commands"
local format = require "skynet.console.format"
local http = require "skynet.console.http"

local ip, port = ...
if not port then
	ip, port = "127.0.0.1", ip
end

--- Bytes that a client may send without ending the line.
local LINE_LIMIT = 1024 * 1024

--- Runs one command line.
---@param fd integer
---@param line string
---@return string text what the client gets
local function answer(fd, line)
	local words = {}
	for word in line:gmatch "%S+" do
		words[#words + 1] = word
	end
	local command = commands[words[1]]
	if not command then
		return "Invalid command, type help for command list\n\n<CMD Error>\n"
	end
	---@type console.session
	local session = { fd = fd, rest = line:match "^%s*%S+%s+%S+%s*(.-)%s*$" or "" }
	local ok, result = pcall(command[2], session, table.unpack(words, 2))
	if ok then
		return format.result(result) .. "<CMD OK>\n"
	end
	return tostring(result) .. "\n<CMD Error>\n"
end

--- Answers an HTTP request, which is the last thing that its connection is good for.
---@param fd integer
---@param line string its first line
local function answer_http(fd, line)
	local command, reason = http.command(fd, line)
	socket.write(fd, command and answer(fd, command) or reason .. "\n<CMD Error>\n")
end

--- Serves a client until it goes.
---@param fd integer
local function serve(fd)
	socket.limit(fd, LINE_LIMIT)
	socket.write(fd, "Welcome to skynet console\n")
	while true do
		local line = socket.readline(fd, "\n")
		if not line then
			return
		elseif line:find "^GET " or line:find "^POST " then
			return answer_http(fd, line)
		elseif line:find "%S" and not socket.write(fd, answer(fd, line)) then
			return
		end
	end
end

---@param fd integer
---@param address string
local function accepted(fd, address)
	if not socket.start(fd) then
		return -- gone already
	end
	skynet.error(address .. " connected")
	skynet.fork(function()
		local ok, reason = pcall(serve, fd)
		if not ok then
			skynet.error(fd, reason)
		end
		skynet.error(address .. " disconnect")
		socket.close(fd)
	end)
end

skynet.start(function()
	local id, bound_ip, bound_port = socket.listen(ip, port)
	skynet.error(string.format("Start debug console at %s:%s", bound_ip or ip, bound_port or port))
	socket.start(id, accepted)
end)
