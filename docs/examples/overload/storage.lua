-- Nothing may be lost, and the client has time: its connection is read as fast as the bytes can be written.
local skynet = require "skynet"
local socket = require "skynet.socket"
local work = require "work"

---@param fd integer
local function store(fd)
	socket.start(fd)
	local size = 0
	local bytes = socket.read(fd)
	while bytes do
		work(5)
		size = size + #bytes
		bytes = socket.read(fd)
	end
	socket.close(fd)
	skynet.error(string.format("%d bytes are stored; the client had to wait %d times", size, skynet.stat "paused"))
end

skynet.start(function()
	skynet.bound_mailbox(4, "pause")
	local listener, _, port = socket.listen("127.0.0.1", 0)
	socket.start(listener, store)
	skynet.dispatch("lua", function()
		skynet.retpack(port)
	end)
end)
