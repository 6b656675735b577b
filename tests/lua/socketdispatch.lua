---skynet.socket where the program looks at the messages first.
local skynet = require "skynet"
local check = require "check"
local net = require "net"
local socket = require "skynet.socket"

local case = check.cases()

---Echoes one line of a connection in a new service that `prepare` has set up, which then says what it has seen: a digit for each
---message, 2 when the socket was ready, 1 for data, 3 at the end.
local function echo_in(prepare)
	local handle = check.launch(prepare)
	local client, server = net.half_open()
	skynet.send(handle, "lua", server)
	socket.write(client, "over ")
	skynet.sleep(1)
	socket.write(client, "there\n")
	check.eq(socket.readall(client), "over there")
	socket.close(client)
	check.eventually(function()
		return skynet.call(handle, "lua"):find "^21+3$"
	end)
end

case["a program may dispatch the messages itself, and pass them on"] = function()
	echo_in(function()
		local skynet = require "skynet"
		local socket = require "skynet.socket"
		local kinds, before = "", nil
		before = skynet.dispatch("socket", function(session, source, kind, ...)
			kinds = kinds .. kind
			return before(session, source, kind, ...)
		end)
		skynet.start(function()
			skynet.dispatch("lua", function(_, _, id)
				if not id then
					return skynet.retpack(kinds)
				end
				socket.start(id)
				socket.write(id, socket.readline(id))
				socket.close(id)
			end)
		end)
	end)
end

case["messages may pass a filter"] = function()
	echo_in(function()
		local skynet = require "skynet"
		require "skynet.manager"
		local socket = require "skynet.socket"
		local kinds = ""
		skynet.filter(function(type, msg, sz, session, source)
			if type == skynet.PTYPE_SOCKET then
				kinds = kinds .. string.unpack("=i4", skynet.tostring(msg, sz))
			end
			return type, msg, sz, session, source
		end, function()
			skynet.dispatch("lua", function(_, _, id)
				if not id then
					return skynet.retpack(kinds)
				end
				socket.start(id)
				socket.write(id, socket.readline(id))
				socket.close(id)
			end)
		end)
	end)
end

check.run(case)
