--- How a slave gets a master: connects, proves the secret, introduces its node, and hears who else is there.
local skynet = require "skynet"
local wire = require "skynet.harbor.wire"
local valid = require "skynet.harbor.valid"
local features = require "skynet.harbor.features"
local links = require "skynet.harbor.links"
local secret = require "skynet.harbor.secret"

local join = {}

--- Centiseconds: for the master's answer to H, between attempts to reach it (the first and the longest pause), and for the nodes
--- that it says will connect, where nobody knows who they are.
local ANSWER <const>, FIRST_PAUSE <const>, LONGEST_PAUSE <const>, GATHER <const> = 1000, 10, 500, 3000

--- Whether the master is about to answer.
local trying = false

--- Whether the master is about to say who may connect.
---@return boolean
function join.is_trying()
	return trying
end

--- Notes nodes that are up: their ids and features in turn.
---@param list any[]
---@param first integer
---@param id integer of this node
---@param into table<integer, boolean>
local function note(list, first, id, into)
	for i = first, list.n, 2 do
		if valid.id(list[i]) and list[i] ~= id then
			into[list[i]] = true
			links.expect(list[i], features.parse(list[i + 1]))
		end
	end
end

--- What a master answers to a node that introduces itself.
---@class harbor.Answer
---@field count integer so many nodes will connect
---@field ids? table<integer, boolean> which ones; nil from a C master
---@field features? harbor.Features

--- Introduces this node.
---@param fd integer
---@param id integer
---@param own harbor.Features
---@return harbor.Answer?
---@return string? refusal
local function handshake(fd, id, own)
	if secret.set then
		local ok, reason = secret.offer(fd)
		if not ok then
			return nil, "the master can't be trusted: " .. reason
		end
	end
	wire.send(fd, "H", id, skynet.getenv "rs_harbor_announce" or skynet.getenv "address", own.text)
	local ids = {}
	while true do
		local package = table.pack(wire.read(fd))
		local kind = package[1]
		if kind == "F" then
			note(package, 2, id, ids)
		elseif kind == "W" then
			local theirs = features.parse(package[3])
			if theirs then
				note(package, 4, id, ids)
			end
			return { count = math.tointeger(package[2]) or 0, ids = theirs and ids, features = theirs }
		elseif kind == "A" then
			return nil, "the master asks for a secret: set rs_harbor_secret as it is there"
		elseif not kind and package[2] == "closed" then
			return nil, string.format("the master refuses harbor %d: another node has it, or the master is a C skynet, "
				.. "which never takes an id back; restart the master or use another id", id)
		elseif kind ~= "P" then
			return nil, "what answered is no master of a harbor network"
		end
	end
end

--- Connects to the master and introduces this node.
---@param id integer
---@param own harbor.Features
---@return integer? fd
---@return harbor.Answer|string answer or why not
---@return boolean? refused nil if it could not even be reached
local function attempt(id, own)
	local fd, reason = wire.open(skynet.getenv "master" --[[@as string]])
	if not fd then
		return nil, reason
	end
	wire.prepare(fd, own.heartbeat)
	trying = true
	local answer, refusal = wire.within(fd, ANSWER, handshake, id, own)
	trying = false
	if not answer then
		wire.close(fd)
		return nil, refusal, true
	end
	if not answer.ids then
		links.expect_anybody(answer.count > 0 and GATHER or 0)
	end
	return fd, answer
end

--- Tries to join until it succeeds. What goes wrong is logged when it changes.
---@param id integer of this node
---@param own harbor.Features
---@param limit? integer centiseconds after which an unreachable master is given up; a refusal then counts at once
---@return integer? fd
---@return harbor.Answer|string answer or why not
---@return boolean? refused
function join.keep_trying(id, own, limit)
	local pause, said, start = FIRST_PAUSE, nil, skynet.now()
	while true do
		local fd, answer, refused = attempt(id, own)
		local late = limit and (refused or skynet.now() - start >= limit)
		if fd or late then
			return fd, answer, refused
		end
		if answer ~= said then
			skynet.error(string.format("harbor %d waits for its master %s: %s", id, skynet.getenv "master", answer))
			said = answer
		end
		skynet.sleep(pause + math.random(0, pause // 4))
		pause = math.min(pause * 2, LONGEST_PAUSE)
	end
end

return join
