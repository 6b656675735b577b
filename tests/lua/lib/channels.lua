---Channels of `skynet.socketchannel`, and servers for them, for tests.
local skynet = require "skynet"
local check = require "check"
local net = require "net"
local socket = require "skynet.socket"
local socketchannel = require "skynet.socketchannel"

---@class channels
local channels = {}

---A server that answers lines: `hang` by nothing, `drop` by closing, everything else by itself.
---@return integer port
---@return table<integer, boolean> open its connections
---@return integer listener
function channels.server()
	local open = {}
	local port, listener = net.listen(function(id)
		skynet.fork(function()
			socket.start(id)
			open[id] = true
			local text = socket.readline(id)
			while text and text ~= "drop" do
				if text ~= "hang" then
					socket.write(id, text .. "\n")
				end
				text = socket.readline(id)
			end
			open[id] = nil
			socket.close(id)
		end)
	end)
	return port, open, listener
end

---@param desc table
---@return table channel
---@return table open
function channels.channel(desc)
	local port, open = channels.server()
	desc.host, desc.port = "127.0.0.1", desc.port or port
	return socketchannel.channel(desc), open
end

---A port on which nobody listens.
function channels.closed_port()
	local port, listener = net.listen(print)
	socket.close(listener)
	return port
end

---Parsers of channels in order.
function channels.line(sock)
	return true, sock:readline()
end

function channels.failing(sock)
	return false, sock:readline()
end

---The parser of channels with sessions: `SESSION TEXT`; `fail` fails, a text that begins with `more` is a part.
function channels.by_session(sock)
	local text = sock:readline()
	local session, rest = text:match "^(%d+) (.*)"
	if not session then
		error("not a response: " .. text)
	end
	return tonumber(session), rest ~= "fail", rest, rest:sub(1, 4) == "more"
end

---@param result fun(): ...
function channels.is_socket_error(result)
	local ok, err = result()
	check.eq(ok, false)
	check.ok(err == socketchannel.error, tostring(err))
end

---@param open table<integer, boolean>
function channels.count(open)
	local n = 0
	for _ in pairs(open) do
		n = n + 1
	end
	return n
end

return channels
