-- Looks after one client: reads its lines, and shows it what is said in its room.

local skynet = require "skynet"
local socket = require "skynet.socket"

local watchdog, rooms = tonumber((...)), table.pack(select(2, ...))

local MAX_LINE, MAX_AHEAD = 500, 4096 -- bytes: of a line, and of what has come and not been looked at
local MAX_BACKLOG_KB = 256 -- what waits for a client that does not read
local LINES_PER_SECOND, BURST = 5, 10
local IDLE_MINUTES = 30

local fd, nick, room, keeper -- `keeper` is the service that has the room
local last_line = skynet.now()

local function show(text)
	socket.write(fd, text .. "\r\n")
end

-- The same room is always in the same service.
local function keeper_of(name)
	local sum = 0
	for i = 1, #name do
		sum = sum * 31 + name:byte(i)
	end
	return tonumber(rooms[sum % rooms.n + 1])
end

local function enter(name)
	if room then
		skynet.send(keeper, "lua", "leave", room)
	end
	room, keeper = name, keeper_of(name)
	skynet.send(keeper, "lua", "join", room, nick)
end

local function valid(name)
	return #name <= 20 and name:find "^[%w_-]+$"
end

local typed = {}

function typed.help()
	show "/nick NAME, /join ROOM, /who, /quit; anything else is said to the room"
end

function typed.nick(name)
	if not valid(name) then
		show "* a nick has up to 20 letters, digits, _ and -"
	elseif not skynet.call(watchdog, "lua", "nick", name) then
		show("* " .. name .. " is taken")
	else
		nick = name
		skynet.send(keeper, "lua", "rename", room, nick)
	end
end

function typed.join(name)
	if valid(name) then
		enter(name)
	else
		show "* a room has up to 20 letters, digits, _ and -"
	end
end

function typed.who()
	show("* in " .. room .. ": " .. table.concat(skynet.call(keeper, "lua", "who", room), " "))
end

function typed.quit()
	return true
end

-- Handles a line; true ends the session.
local function handle(line)
	line = line:sub(1, MAX_LINE):gsub("%c", "") -- of "\r\n", and of what would play with others' terminals
	local name, argument = line:match "^/(%S*)%s*(.-)%s*$"
	if not name then
		if line:find "%S" then
			skynet.send(keeper, "lua", "say", room, line)
		end
	elseif typed[name] then
		return typed[name](argument)
	else
		show("* no command /" .. name .. ", /help lists them")
	end
end

-- Takes the client's lines, not faster than allowed, until it goes.
local function serve()
	local allowance = BURST
	repeat
		local line = socket.readline(fd, "\n")
		local now = skynet.now()
		allowance = math.min(BURST, allowance + (now - last_line) * LINES_PER_SECOND / 100) - 1
		last_line = now
		if allowance < 0 then
			skynet.sleep(100 // LINES_PER_SECOND)
		end
	until not line or handle(line)
end

local command = { show = show }

function command.start(id, address, name)
	fd, nick = id, name
	if socket.start(fd) then
		socket.limit(fd, MAX_AHEAD) -- which cuts it off beyond
		socket.warning(fd, function(_, kb)
			if kb > MAX_BACKLOG_KB then
				socket.shutdown(fd)
			end
		end)
		skynet.error(nick, "from", address)
		show("* welcome, " .. nick .. "; /help tells what you can do")
		enter "lobby"
		pcall(serve)
		skynet.send(keeper, "lua", "leave", room)
		show "* bye"
		socket.close(fd)
	end
	skynet.exit()
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		command[name](...)
	end)
	skynet.fork(function()
		while skynet.now() - last_line < IDLE_MINUTES * 6000 do
			skynet.sleep(6000)
		end
		if fd then
			socket.shutdown(fd)
		end
	end)
	skynet.info_func(function()
		return { nick = nick, room = room, idle_s = (skynet.now() - last_line) // 100 }
	end)
end)
