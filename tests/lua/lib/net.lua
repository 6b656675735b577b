---Connections of a service to itself, for tests of sockets.
local skynet = require "skynet"
local socket = require "skynet.socket"

---@class net
local net = {}

local accepted = {}
local listener, port

---Listens on a port of the system's choice.
---@param accept fun(id: integer, address: string)
---@return integer port
---@return integer listener
function net.listen(accept)
	local id, _, bound = socket.listen("127.0.0.1", 0)
	assert(socket.start(id, accept))
	return bound, id
end

---A connection: the client's end, open, and the server's, not started yet.
---@return integer client
---@return integer server
---@return string address of the client
function net.half_open()
	if not listener then
		port, listener = net.listen(function(id, address)
			table.insert(accepted, { id, address })
		end)
	end
	local client = assert(socket.open("127.0.0.1", port))
	while #accepted == 0 do
		skynet.sleep(1)
	end
	local server, address = table.unpack(table.remove(accepted, 1))
	return client, server, address
end

---A connection, both ends open.
---@return integer client
---@return integer server
function net.pair()
	local client, server = net.half_open()
	assert(socket.start(server))
	return client, server
end

---@return integer port of the listener behind `pair`
function net.port()
	net.half_open()
	return port
end

---@param id integer
---@return table? info what `netstat` says of a socket
function net.info(id)
	for _, info in ipairs(socket.netstat()) do
		if info.id == id then
			return info
		end
	end
end

---Runs a function in a thread of its own; its results come later.
---@param f function
---@param ... any
---@return fun(): any ... results waits for them, and gives what pcall gives
---@return thread
function net.later(f, ...)
	local results
	local thread = skynet.fork(function(...)
		results = table.pack(pcall(f, ...))
	end, ...)
	-- So that it waits by now.
	skynet.yield()
	return function()
		for _ = 1, 1000 do
			if results then
				return table.unpack(results, 1, results.n)
			end
			skynet.sleep(1)
		end
		error("the thread waits on", 2)
	end, thread
end

return net
