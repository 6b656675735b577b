--- A shutdown of all nodes of a harbor network: one coordinator leads, that of the master's node, the others follow. All nodes go
--- through a phase before any goes on to the next. Only nodes that have announced themselves to the master take part.
local skynet = require "skynet"
local phases = require "skynet.shutdown.phases"

local network = {}

--- What coordinators tell one another: each command gets its source and the arguments.
---@type table<string, fun(source: integer, ...: any): any>
network.command = {}
local command = network.command

--- Cs that nodes have to report to the leader, and a leader to show itself.
local GATHER <const> = 500
--- Cs that a node has for its answer beyond what its phase may take.
local WAY <const> = 200
--- Cs that the other nodes have to end.
local END <const> = 500

---@type integer
local deadline

--- A node that follows.
---@class shutdown.follower
---@field id integer
---@field handle integer its coordinator
---@field phase? integer its next one
---@field timeout integer cs that it may take

---@type table<integer, shutdown.follower>
local followers = {}

--- Who leads this node.
---@type integer?
local leader
--- The leader has said that this node may end.
local dismissed = false

--- Runs the phases of this node alone.
local function alone()
	local phase = phases.next()
	while phase do
		phases.run(phase, deadline)
		phase = phases.next()
	end
end

-- The side that leads.

--- A node reports to the leader.
---@param source integer
---@param id integer
---@param phase? integer
---@param timeout integer
function command.JOIN(source, id, phase, timeout)
	followers[id] = { id = id, handle = source, phase = phase, timeout = timeout }
	skynet.wakeup(followers)
end

--- Waits for the nodes that were told.
---@param ids integer[]
local function gather(ids)
	local limit = math.min(skynet.now() + GATHER, deadline)
	for _, id in ipairs(ids) do
		while not followers[id] and skynet.now() < limit do
			skynet.sleep(limit - skynet.now(), followers)
		end
		if not followers[id] then
			phases.clean = false
			phases.log("node %d does not report and is passed by", id)
		end
	end
end

---@return integer? phase the lowest of all nodes
local function next_of_all()
	local lowest = phases.next()
	for _, node in pairs(followers) do
		if node.phase and (not lowest or node.phase < lowest) then
			lowest = node.phase
		end
	end
	return lowest
end

---@param node shutdown.follower
---@param phase integer
local function run_there(node, phase)
	local limit = WAY + (node.phase == phase and math.min(node.timeout, math.max(deadline - skynet.now(), 0)) or 0)
	local ok, next_phase, timeout = pcall(skynet.timeout_call, limit, node.handle, "lua", "PHASE", phase)
	if ok then
		node.phase, node.timeout = next_phase, timeout
	else
		phases.clean = false
		phases.log("node %d is passed by from phase %d on: %s", node.id, phase, next_phase)
		followers[node.id] = nil
	end
end

--- Runs `f` for all nodes that follow, at a time, and something here.
---@param f fun(node: shutdown.follower)
---@param here? fun()
local function with_all(f, here)
	local count, token = 0, {}
	for _, node in pairs(followers) do
		count = count + 1
		skynet.fork(function()
			f(node)
			count = count - 1
			skynet.wakeup(token)
		end)
	end
	if here then
		here()
	end
	while count > 0 do
		skynet.wait(token)
	end
end

---@param ids integer[] the nodes that were told
local function lead(ids)
	phases.log("this node leads %d other%s", #ids, #ids == 1 and "" or "s")
	gather(ids)
	local phase = next_of_all()
	while phase and skynet.now() < deadline do
		with_all(function(node)
			run_there(node, phase)
		end, function()
			phases.run(phase, deadline)
		end)
		phase = next_of_all()
	end
	alone() -- with no time left, those who are left are named
	with_all(function(node)
		skynet.send(node.handle, "lua", "END")
		-- Its end fails the call. This node has to end in time itself.
		pcall(skynet.timeout_call, math.max(math.min(END, deadline - skynet.now()), 1), node.handle, "debug", "LINK")
	end)
end

-- The side that follows.

--- A phase that the leader wanted is being run.
local running = false

--- The leader wants a phase to be run: returns what is next here.
---@param source integer
---@param phase integer
---@return integer? phase
---@return integer timeout
function command.PHASE(source, phase)
	if source ~= leader then
		error("this node is led by somebody else", 0)
	end
	running = true
	local own = phases.next()
	while own and own <= phase do
		phases.run(own, deadline)
		own = phases.next()
	end
	running = false
	skynet.wakeup(network)
	return phases.next()
end

--- The leader is done with all phases.
---@param source integer
function command.END(source)
	if source == leader then
		dismissed = true
		skynet.wakeup(network)
	end
end

--- The slave has heard from the master who leads.
---@param handle integer
function command.LED(_, handle)
	leader = leader or handle
	skynet.wakeup(network)
end

--- Goes along until the leader is done, or gone.
local function follow()
	phases.log("node %d leads", leader >> 24)
	skynet.fork(function()
		pcall(skynet.call, leader, "debug", "LINK")
		leader = nil
		skynet.wakeup(network)
	end)
	skynet.send(leader, "lua", "JOIN", skynet.harbor(skynet.self()), phases.next())
	while leader and not dismissed and skynet.now() < deadline do
		skynet.sleep(deadline - skynet.now(), network)
	end
	if not dismissed then
		phases.log "the node that leads is gone or late: this one goes on alone"
		while running do
			skynet.wait(network)
		end
	end
	alone()
end

--- Asks the master of the network to have a shutdown led, and waits until somebody leads.
local function ask_for_leader()
	local ok, told = pcall(skynet.timeout_call, GATHER, ".cslave", "lua", "SHUTDOWN")
	if ok and told and not leader then
		skynet.sleep(GATHER, network)
	end
	if not leader then
		phases.log "the master of the network does not answer, or is none that can lead: this node ends alone"
	end
end

--- Goes through all phases.
---@param scope string
---@param latest integer when all must be over
function network.run(scope, latest)
	deadline = latest
	if scope == "network" and skynet.getenv "standalone" then
		local ok, ids = pcall(skynet.timeout_call, GATHER, ".cmaster", "lua", "SHUTDOWN")
		return lead(ok and ids or {})
	elseif scope == "network" then
		ask_for_leader()
	elseif scope:find "^:" then
		leader = tonumber(scope:sub(2), 16)
	end
	if leader then
		follow()
	else
		alone()
	end
end

return network
