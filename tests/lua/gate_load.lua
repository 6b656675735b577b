---The native service `gate` under load: many clients at once, connections that come and go, an end in the midst of it. The test is
---the watchdog, the agent of every connection, and the clients.
local skynet = require "skynet"
require "skynet.manager"
local check = require "check"
local clients = require "clients"
local socket = require "skynet.socket"

local case = check.cases()

local CLIENTS <const> = 100
local ROUNDS <const> = 10
local TOGETHER <const> = 20

local gate, port

---Connections that were opened, and those that were closed.
local opened, closed = 0, 0
---Packages that came to the agent.
local packages = 0

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	pack = function(text)
		return text
	end,
	unpack = skynet.tostring,
	dispatch = function(_, _, text)
		skynet.ignoreret()
		local fd, what = text:match "^(%d+) (%l+)"
		if what == "open" then
			opened = opened + 1
			skynet.send(gate, "text", ("forward %s :%x :0"):format(fd, skynet.self()))
			skynet.send(gate, "text", "start " .. fd)
		elseif what == "close" then
			closed = closed + 1
		end
	end,
}

-- Sends each package back, through the gate, or has its sender thrown out.
skynet.register_protocol {
	name = "client",
	id = skynet.PTYPE_CLIENT,
	pack = function(text)
		return text
	end,
	unpack = skynet.tostring,
	dispatch = function(fd, _, package)
		skynet.ignoreret()
		packages = packages + 1
		if package == "kick me" then
			skynet.send(gate, "text", "kick " .. fd)
		else
			skynet.send(gate, "client", string.pack(">s2<i4", package, fd))
		end
	end,
}

local function launch()
	opened, closed, packages = 0, 0, 0
	port = clients.free_port()
	local address = "127.0.0.1:" .. port
	gate = check.ok(skynet.launch("gate", "S", skynet.address(skynet.self()), address, skynet.PTYPE_CLIENT, 1000))
end

---Runs so many coroutines, and waits for all; the first error of one is raised.
---@param count integer
---@param body fun(index: integer)
local function together(count, body)
	local left, problem = count, nil
	for index = 1, count do
		skynet.fork(function()
			local ok, why = pcall(body, index)
			problem = problem or not ok and why
			left = left - 1
		end)
	end
	check.eventually(function()
		return left == 0
	end, "all clients to end")
	if problem then
		error(problem, 0)
	end
end

---@param index integer
---@param round integer
---@param number integer
---@return string
local function package_of(index, round, number)
	return ("%d/%d/%d "):format(index, round, number) .. ("x"):rep(index * 7919 * number % 1500)
end

case["many clients get their own packages back, in order"] = function()
	launch()
	together(CLIENTS, function(index)
		local id = clients.connect(port)
		for round = 1, ROUNDS do
			local sent = {}
			for number = 1, TOGETHER do
				sent[number] = package_of(index, round, number)
			end
			clients.send(id, table.unpack(sent))
			for number = 1, TOGETHER do
				check.eq(clients.read(id), sent[number])
			end
		end
		socket.close(id)
	end)
	check.eq(packages, CLIENTS * ROUNDS * TOGETHER)
	check.eq(opened, CLIENTS)
	check.eventually(function()
		return closed == CLIENTS
	end, "the end of every connection")
	skynet.kill(gate)
end

case["connections that come and go are all seen"] = function()
	launch()
	local each <const> = 20
	together(CLIENTS // 2, function(index)
		for round = 1, each do
			local id = clients.connect(port)
			local package = package_of(index, round, 1)
			clients.send(id, package)
			-- Every third one leaves before its answer.
			if (index + round) % 3 ~= 0 then
				check.eq(clients.read(id), package)
			end
			socket.close(id)
		end
	end)
	local all <const> = CLIENTS // 2 * each
	check.eventually(function()
		return opened == all and closed == all
	end, "every beginning and every end")
	local id = clients.connect(port)
	clients.send(id, "still here")
	check.eq(clients.read(id), "still here")
	socket.close(id)
	skynet.kill(gate)
end

case["clients that are kicked amid their packages harm nobody"] = function()
	launch()
	together(CLIENTS, function(index)
		local id = clients.connect(port)
		if index % 2 == 0 then
			clients.send(id, package_of(index, 1, 1), "kick me", "too late")
			clients.read(id)
			-- The gate may have passed on the last one before it hears that this client is to go.
			local rest = socket.readall(id)
			check.ok(rest == "" or rest == string.pack(">s2", "too late"), rest)
		else
			for round = 1, ROUNDS do
				local package = package_of(index, round, 1)
				clients.send(id, package)
				check.eq(clients.read(id), package)
			end
		end
		socket.close(id)
	end)
	-- C skynet itself does not tell of a kick that meets a client which leaves.
	check.eventually(function()
		return closed == CLIENTS or not skynet.getenv "rs_version"
	end, "the end of every connection")
	skynet.kill(gate)
end

case["a gate ends under load, and the node goes on"] = function()
	launch()
	local killed = false
	together(CLIENTS, function(index)
		local id = socket.open("127.0.0.1", port)
		if not id then
			check.ok(killed, "a connection, or a gate that is gone")
			return
		end
		for round = 1, ROUNDS do
			if killed then
				break
			end
			local package = package_of(index, round, 1)
			clients.send(id, package)
			if index == 1 and round == ROUNDS // 2 then
				killed = true
				skynet.kill(gate)
			end
			-- What is not answered any more ends with the gate's sockets, or stays open: both are good.
			if not killed then
				skynet.sleep(0)
			end
		end
		socket.close(id)
	end)
	local old = gate
	launch()
	check.ok(gate ~= old)
	local id = clients.connect(port)
	clients.send(id, "again")
	check.eq(clients.read(id), "again")
	socket.close(id)
	skynet.kill(gate)
end

check.run(case)
