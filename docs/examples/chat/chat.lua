-- The chat room: starts its services, and says how to join. It runs without a config; in one of your own:
--     start = "chat"   luaservice = "docs/examples/chat/?.lua"   chat_port = 26500   chat_console_port = 26501

local skynet = require "skynet"
local socket = require "skynet.socket"

-- How many services share the rooms.
local ROOM_SERVICES = 4

local WELCOME = [[

A chat room runs on this node. Join it from two terminals:

    nc %s %d        (or telnet; /help lists the commands)

Look inside while people talk:

    nc %s %d        the debug console: try  list  stat  mem  info .chat_watchdog  help
    tail -f %s             what was said; written every %d seconds

Each client has a service of its own, so has each group of rooms; they do nothing but exchange messages. Their source is
in docs/examples/chat. Environment variables change the ports and the file: CHAT_PORT, CHAT_CONSOLE_PORT, CHAT_LOG.
Ctrl-C ends it.
]]

-- A setting from the config, the environment, or the default.
local function setting(name, default)
	return skynet.getenv(name) or os.getenv(name:upper()) or default
end

-- What keeps the demo from running is said in one line, on the standard error.
local function give_up(...)
	io.stderr:write(string.format(...), "\n")
	os.exit(1)
end

local function port_setting(name, default)
	local text = setting(name, default)
	local port = math.tointeger(tonumber(text))
	if not port or port < 0 or port > 65535 then
		give_up("chat: %s is %q, which is no port (0 to 65535)", name:upper(), text)
	end
	return port
end

-- The port that a service listens on: it may have been left to the system, by 0.
local function port_of(service)
	for _, info in ipairs(socket.netstat()) do
		if info.address == service and info.type == "LISTEN" then
			return tonumber(info.sock:match ":(%d+)$")
		end
	end
end

skynet.start(function()
	local host = "127.0.0.1" -- this machine alone: the console lets everybody do everything
	local port, console_port = port_setting("chat_port", 26500), port_setting("chat_console_port", 26501)
	local file, flush_seconds = setting("chat_log", "chat.log"), 2

	local writer = skynet.newservice "writer"
	local written, reason = skynet.call(writer, "lua", "open", file, flush_seconds)
	if not written then
		give_up("chat: cannot write %s: %s; set CHAT_LOG to another file", file, reason)
	end

	local rooms = {}
	for i = 1, ROOM_SERVICES do
		rooms[i] = skynet.newservice("room", writer)
	end
	local watchdog = skynet.newservice("watchdog", table.unpack(rooms))

	local gate = skynet.newservice("linegate", watchdog)
	if not skynet.call(gate, "lua", "open", host, port) then
		give_up("chat: port %d is in use; set CHAT_PORT to another one", port)
	end
	local open, console = pcall(skynet.newservice, "debug_console", host, console_port)
	if not open then
		give_up("chat: port %d of the console is in use; set CHAT_CONSOLE_PORT to another one", console_port)
	end
	io.write(string.format(WELCOME, host, port_of(gate), host, port_of(console), file, flush_seconds))
	io.flush()
	skynet.exit()
end)
