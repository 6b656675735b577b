---Sockets that feed a service which has more than it can do.
local skynet = require "skynet"
local socket = require "skynet.socket"
local check = require "check"
local overloaded = require "overloaded"

local case = check.cases(true)

local block, stat = overloaded.block, overloaded.stat

---The connection that a gate has told of.
---@type integer?
local opened

case["a flood on a socket waits in the system, and comes whole and in order"] = function()
	local total <const> = 16 * 1024 * 1024
	local peer = check.worker()
	local port = peer:call(function(total)
		local socket = require "skynet.socket"
		skynet.bound_mailbox(4, "pause")
		local id, _, port = socket.listen("127.0.0.1", 0)
		socket.start(id, function(fd)
			socket.start(fd)
			check.state.fd = fd
			check.state.parts = {}
			local have = 0
			while have < total do
				local bytes = socket.read(fd)
				if not bytes then
					break
				end
				have = have + #bytes
				table.insert(check.state.parts, bytes)
			end
			check.state.all = true
		end)
		return port
	end, total)
	local fd = socket.open("127.0.0.1", port)
	check.eventually(function()
		return peer:call(function()
			return check.state.fd
		end)
	end)
	local open = block(peer)
	local line = {}
	for i = 1, 65536 do
		line[i] = string.char(i * 7 // 13 % 256)
	end
	local piece = table.concat(line)
	for _ = 1, total // #piece do
		socket.write(fd, piece)
	end
	-- Long enough for the node to read all of it, if it did.
	skynet.sleep(30)
	open()
	check.eventually(function()
		return peer:call(function()
			return check.state.all
		end)
	end)
	check.ok(stat(peer).paused >= 1)
	check.ok(peer:call(function(piece, count)
		return table.concat(check.state.parts) == piece:rep(count)
	end, piece, total // #piece))
	socket.close(fd)
end

case["a gate reads no more from the client of a full agent, and loses nothing"] = function()
	local total <const> = 4096
	local peer = check.worker()
	peer:call(function()
		skynet.bound_mailbox(4, "pause")
		check.state.packages, check.state.last = 0, ""
		skynet.register_protocol {
			id = skynet.PTYPE_CLIENT,
			name = "client",
			unpack = skynet.tostring,
			dispatch = function(_, _, package)
				skynet.ignoreret()
				check.state.packages = check.state.packages + 1
				check.state.in_order = check.state.packages == string.unpack(">I4", package) and check.state.in_order ~= false
			end,
		}
	end)
	local gate = skynet.newservice "gate"
	local _, port = skynet.call(gate, "lua", "open", { address = "127.0.0.1", port = 0 })
	local id = socket.open("127.0.0.1", port)
	local fd = check.eventually(function()
		return opened
	end)
	skynet.call(gate, "lua", "forward", fd, 0, peer.handle)
	local open = block(peer)
	for i = 1, total do
		socket.write(id, string.pack(">s2", string.pack(">I4", i) .. ("x"):rep(8000)))
		skynet.yield() -- the gate needs the worker that this service is on
	end
	-- Long enough for the gate to read all of it, if it did.
	skynet.sleep(30)
	local waiting = skynet.mqlen(peer.handle)
	check.ok(waiting < total, "all of it was read")
	open()
	check.eventually(function()
		return stat(peer).mqlen == 0 and peer:call(function(total)
			return check.state.packages == total
		end, total)
	end)
	check.ok(peer:call(function()
		return check.state.in_order
	end))
	check.ok(stat(peer).paused >= 1)
	socket.close(id)
	skynet.kill(gate)
end

skynet.dispatch("lua", function(_, _, _, what, fd)
	opened = what == "open" and fd or opened
end)

check.run(case)
