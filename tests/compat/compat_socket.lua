---Is a client of `testsocket`: shows its greeting, what it echoes, and that an agent serves each connection and goes with it.
local skynet = require "skynet"
local socket = require "skynet.socket"
require "skynet.manager"

---@return integer id
local function connect()
	local id
	repeat -- the script does not tell when it listens
		id = socket.open("127.0.0.1", 8001)
	until id or skynet.sleep(1)
	return id
end

---@param id integer
---@param text string
---@return string
local function echo(id, text)
	socket.write(id, text)
	return socket.read(id, #text)
end

skynet.start(function()
	skynet.newservice "testsocket"
	local first, second = connect(), connect()
	print("greeting", socket.readline(first), socket.readline(second))
	print("echo", echo(first, "one"), echo(second, "two"))
	local long = ("0123456789"):rep(100000)
	print("long echo", echo(first, long) == long)
	socket.close(first)
	print("other", echo(second, "three"))
	socket.close(second)
	-- The agents exit when they see the end.
	skynet.sleep(50)
	print "done"
	skynet.abort()
end)
