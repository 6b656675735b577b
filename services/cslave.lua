-- `.cslave`: this node's part in a harbor network. Knows the master and the other nodes, and keeps the global names.
--
-- When the master is gone, the links stay, and the slave tries to find the master again. Nodes of ours may come back under their id.
local skynet = require "skynet"
local core = require "skynet.core"
local socket = require "skynet.socket"
require "skynet.manager"
local wire = require "skynet.harbor.wire"
local valid = require "skynet.harbor.valid"
local features = require "skynet.harbor.features"
local heartbeat = require "skynet.harbor.heartbeat"
local join = require "skynet.harbor.join"
local links = require "skynet.harbor.links"
local names = require "skynet.harbor.names"

--- Connections that may be introducing themselves at a time.
local MAX_STRANGERS <const> = 256
--- Centiseconds when the node starts: to reach the master, and for the other nodes to connect.
local START <const>, GATHER <const> = 1000, 3000

local id = math.tointeger(tonumber(skynet.getenv "harbor"))
local own = features.own()

--- The connection to the master: nothing unless it is there and has answered.
---@class slave.Master
---@field fd integer
---@field ours boolean it has announced itself
---@field beat harbor.Heartbeat

---@type slave.Master?
local master
--- Answers to those who wait for the end of the master.
local mourners = {}
--- What is still to come before this node is ready.
---@type { count: integer, ids: table<integer, boolean>?, seen: table<integer, boolean> }?
local gathering

---@param format string
---@param ... any
local function log(format, ...)
	skynet.error(string.format(format, ...))
end

-- Commands to the harbor service are plain text.
skynet.register_protocol {
	id = skynet.PTYPE_HARBOR,
	name = "harbor",
	pack = function(text)
		return text
	end,
	unpack = skynet.tostring,
}

---@type integer
local harbor

local book = names.new {
	master = function(kind, ...)
		if not master then
			return false
		end
		master.beat.said = true
		wire.send(master.fd, kind, ...)
		return true
	end,
	harbor = function(name, handle)
		skynet.redirect(harbor, handle, "harbor", 0, "N " .. name)
	end,
	gone = function(handle)
		-- A service of this node that has ended: a watch tells, and costs one entry while it lives.
		return links.is_gone(handle >> 24) or handle >> 24 == id and not skynet.watch(handle)
	end,
}

--- Counts those that are waited for: of a C master nobody knows who they are, but that they connect to this node.
---@param peer integer
---@param event "accepted"|"dialed"|"ended"|"gone"
local function on_change(peer, event)
	local wait = gathering
	local counts = wait and (wait.ids or event == "accepted" or event == "gone")
	if wait and counts and (not wait.ids or wait.ids[peer]) and not wait.seen[peer] then
		wait.seen[peer] = true
		wait.count = wait.count - 1
		if wait.count <= 0 then
			skynet.wakeup(wait)
		end
	end
end

---@type table<string, fun(...)> what the master says
local packages = {}

--- A node is up: connect to it.
function packages.C(peer, address, text)
	if valid.id(peer) and type(address) == "string" then
		links.reach(peer, address, features.parse(text))
	end
end

function packages.N(name, handle)
	if valid.name(name) and valid.handle(handle) then
		book:announced(name, handle)
	end
end

--- A node is gone.
function packages.D(peer)
	if valid.id(peer) and peer ~= id then
		links.gone(peer)
	end
end

--- The network is shut down, at the pace of the coordinator with this handle.
function packages.X(leader)
	if not valid.handle(leader) then
		return
	end
	local order = string.format("BEGIN %s the whole network, led by node %d", skynet.address(leader), leader >> 24)
	local coordinator = not core.command("SHUTDOWN", order) and core.command("SHUTDOWN", "LEADER")
	if coordinator then
		skynet.send(coordinator, "lua", "LED", leader)
	end
end

--- A heartbeat, or a question whether this node lives.
function packages.P(question)
	if question and master then
		wire.send(master.fd, "P")
	end
end

--- Does what the master says until it is gone.
local function follow()
	local function act(kind, ...)
		if not kind then
			return false
		end
		master.beat.heard = true
		local run = packages[kind]
		if run then
			run(...)
		else
			log("Invalid master message type %s", kind)
		end
		return true
	end
	repeat until not act(wire.read(master.fd))
end

--- There is a master.
---@param fd integer
---@param answer harbor.Answer
local function joined(fd, answer)
	local theirs = answer.features and answer.features.heartbeat
	master = { fd = fd, ours = answer.features ~= nil, beat = heartbeat.start(fd, own.heartbeat, theirs) }
	book:joined()
end

--- There is no master any more.
local function left()
	local old = master --[[@as slave.Master]]
	master = nil
	old.beat:stop()
	log(old.beat.dead and "Master disconnect: it was silent for too long" or "Master disconnect")
	local answers = mourners
	mourners = {}
	for _, answer in ipairs(answers) do
		answer(true)
	end
	wire.close(old.fd)
end

--- Stays with masters for ever.
local function serve()
	while true do
		follow()
		left()
		joined(join.keep_trying(id, own))
		log("slave is connected to master %s again", skynet.getenv "master")
	end
end

--- Waits until the nodes that were there before this one are connected, or are gone.
---@param answer harbor.Answer
local function gather(answer)
	gathering = { count = answer.count, ids = answer.ids, seen = {} }
	if gathering.count > 0 and skynet.sleep(GATHER, gathering) ~= "BREAK" then
		log("harbor %d goes on without %d nodes that have not connected yet", id, gathering.count)
	end
	gathering = nil
	links.expect_anybody(0)
end

local command = {}

--- Has the shutdown of the whole network led by the node of the master. False if there is no master that knows what that is.
function command.SHUTDOWN()
	local able = master ~= nil and master.ours
	if able then
		wire.send(master.fd, "X")
	end
	skynet.retpack(able)
end

---@param name string
---@param handle integer
function command.REGISTER(name, handle)
	book:register(name, handle)
end

---@param name string
function command.QUERYNAME(name)
	if name:sub(1, 1) == "." then
		return skynet.retpack(skynet.localname(name))
	end
	local handle = book:query(name, skynet.response)
	if handle then
		skynet.retpack(handle)
	end
end

---@param peer any
local function check_id(peer)
	return valid.id(peer) or error("a harbor id is 1 to 255, not " .. tostring(peer), 0)
end

--- Answers when the link to a node ends.
---@param peer integer
function command.LINK(peer)
	check_id(peer)
	if links.up(peer) then
		links.watch(peer, skynet.response())
	else
		skynet.ret()
	end
end

--- Answers when the master is gone.
function command.LINKMASTER()
	if master then
		table.insert(mourners, skynet.response())
	else
		skynet.ret()
	end
end

--- Answers when there is a link to a node.
---@param peer integer
function command.CONNECT(peer)
	check_id(peer)
	if peer == id or links.up(peer) then
		skynet.ret()
	else
		links.hope(peer, skynet.response())
	end
end

skynet.register_protocol {
	id = skynet.PTYPE_TEXT,
	name = "text",
	unpack = skynet.tostring,
	-- From the harbor service: "Q name", a message waits for a name; "D id", a link has ended.
	dispatch = function(_, _, text)
		local kind, rest = text:match "^(%a) (.+)$"
		if kind == "Q" and valid.name(rest) then
			book:sought(rest)
		elseif kind == "D" and tonumber(rest) then
			links.lost(math.tointeger(tonumber(rest)))
		else
			log("Invalid command %s", text)
		end
	end,
}

local strangers = 0


---@param fd integer
---@param from string
local function accept(fd, from)
	log("New connection (fd = %d, %s)", fd, from)
	local _, reason = true, "too many introduce themselves"
	if strangers < MAX_STRANGERS then
		strangers = strangers + 1
		_, reason = pcall(links.accept, fd, join.is_trying)
		strangers = strangers - 1
	end
	if reason then
		log("New connection (fd = %d, %s) is closed: %s", fd, from, reason)
		wire.close(fd)
	end
end

skynet.start(function()
	local listener = socket.listen(assert(skynet.getenv "address", "the key address is missing"), nil, 256)
	log("slave connect to master %s", assert(skynet.getenv "master", "the key master is missing"))
	skynet.dispatch("lua", function(_, _, name, ...)
		local run = command[name] or error("unknown command " .. tostring(name))
		run(...)
	end)
	harbor = assert(skynet.launch("harbor", id, skynet.self()), "can't create the harbor service")
	links.start(id --[[@as integer]], own, harbor, on_change)

	local fd, answer, refused = join.keep_trying(id, own, START)
	if not fd then
		error(refused and "slave shakehand failed: " .. answer or "Can't connect to master: " .. answer, 0)
	end
	joined(fd, answer)
	socket.start(listener, accept)
	skynet.fork(serve)
	log("Waiting for %d harbors", answer.count)
	if answer.count > 0 then
		gather(answer)
	end
	log("Shakehand ready")
end)
