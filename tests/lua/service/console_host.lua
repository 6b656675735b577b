-- Starts what the tests of the debug console look at, and the console. Its port is in the log.
local skynet = require "skynet"
local socket = require "skynet.socket"
require "skynet.manager"

--- A port that nobody listens on: C skynet's console does not tell which one it got.
local function free_port()
	if skynet.getenv "rs_version" then
		return 0
	end
	local id, _, port = socket.listen("127.0.0.1", 0)
	socket.close(id)
	return port
end

skynet.start(function()
	skynet.name(".subject", skynet.newservice "console_subject")
	skynet.newservice("debug_console", free_port())
end)
