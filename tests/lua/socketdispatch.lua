---skynet.socket where the program looks at the messages first.
local skynet = require "skynet"
local check = require "check"
local net = require "net"
local socket = require "skynet.socket"

local case = check.cases()

---Echoes one line of a connection in a new service that `prepare` has set up.
local function echo_in(prepare)
	local handle = check.launch(prepare)
	local client, server = net.half_open()
	skynet.send(handle, "lua", server)
	socket.write(client, "over ")
	skynet.sleep(1)
	socket.write(client, "there\n")
	check.eq(socket.readall(client), "over there")
	socket.close(client)
	return skynet.call(handle, "lua")
end

case["a program may dispatch the messages itself, and pass them on"] = function()
	check.eq(echo_in(function()
		local skynet = require "skynet"
		local socket = require "skynet.socket"
		local kinds, before = {}, nil
		before = skynet.dispatch("socket", function(session, source, kind, ...)
			kinds[#kinds + 1] = kind
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
	end), { 2, 1, 1, 3 })
end

case["messages may pass a filter"] = function()
	check.eq(echo_in(function()
		local skynet = require "skynet"
		require "skynet.manager"
		local socket = require "skynet.socket"
		local count = 0
		skynet.filter(function(type, msg, sz, session, source)
			count = count + (type == skynet.PTYPE_SOCKET and 1 or 0)
			return type, msg, sz, session, source
		end, function()
			skynet.dispatch("lua", function(_, _, id)
				if not id then
					return skynet.retpack(count)
				end
				socket.start(id)
				socket.write(id, socket.readline(id))
				socket.close(id)
			end)
		end)
	end), 4)
end

check.run(case)
