--- The slave's links to other nodes: who is to be connected to, who may connect, who waits for whom. The connections themselves
--- belong to the harbor service as soon as they stand.
---
--- Who was told an address by the master connects, and connects again when the link ends, until the master says that the node is
--- gone. Who accepted a link waits for the other side.
local skynet = require "skynet"
local socket = require "skynet.socket"
local wire = require "skynet.harbor.wire"
local secret = require "skynet.harbor.secret"

local links = {}

--- Centiseconds between attempts to connect: the first pause and the longest, each twice as long as the one before.
local FIRST_PAUSE <const>, LONGEST_PAUSE <const> = 10, 500
--- Attempts to connect to a C node. It listens for a moment only.
local C_ATTEMPTS <const> = 6
--- A link that lasted so many centiseconds was a good one.
local GOOD <const> = 500

---@class harbor.Peer
---@field id integer
---@field fd? integer the connection that the harbor service has
---@field since integer when it got it
---@field had boolean there was a link before
---@field gone boolean the master has said so
---@field expected boolean it may connect to this node
---@field features? harbor.Features
---@field address? string where it listens, if this node is to connect
---@field busy boolean the harbor service is forgetting a link
---@field dialer? table the attempts to connect that count
---@field pause integer before the next attempt
---@field watchers function[] answers to those who wait for the end of the link
---@field hopeful function[] answers to those who wait for a link

---@type table<integer, harbor.Peer>
local peers = {}
---@type integer
local self_id
---@type integer the harbor service
local harbor
---@type harbor.Features
local own
--- The harbor service of C skynet cannot forget a link.
local renewable = skynet.getenv "rs_version" ~= nil
--- Until when everybody may connect, as a C master does not say who will.
local open_until = 0
---@type fun(id: integer, event: "accepted"|"dialed"|"ended"|"gone")
local on_change

---@param format string
---@param ... any
local function log(format, ...)
	skynet.error(string.format(format, ...))
end

---@param id integer
---@return harbor.Peer
local function peer_of(id)
	local peer = peers[id]
	if not peer then
		peer = {
			id = id,
			since = 0,
			had = false,
			gone = false,
			expected = false,
			busy = false,
			pause = FIRST_PAUSE,
			watchers = {},
			hopeful = {},
		}
		peers[id] = peer
	end
	return peer
end

--- Answers all who wait.
---@param peer harbor.Peer
---@param list "watchers"|"hopeful"
local function wake(peer, list)
	local answers = peer[list]
	peer[list] = {}
	for _, answer in ipairs(answers) do
		answer(true)
	end
end

--- The link is no more.
---@param peer harbor.Peer
local function unlinked(peer)
	local good = skynet.now() - peer.since >= GOOD
	peer.pause = good and FIRST_PAUSE or math.min(peer.pause * 2, LONGEST_PAUSE)
	peer.fd = nil
	wake(peer, "watchers")
	on_change(peer.id, "ended")
end

--- Makes the harbor service forget a link, and hears all that it has to say about it.
---@param peer harbor.Peer
local function drop(peer)
	if not peer.fd or not renewable then
		return
	end
	peer.busy = true
	unlinked(peer)
	-- Its answer comes after everything it said before, which is ignored while there is no link.
	pcall(skynet.call, harbor, "harbor", "D " .. peer.id)
	peer.busy = false
end

--- Gives a connection to the harbor service.
---@param peer harbor.Peer
---@param letter "S"|"A"
---@param fd integer
local function hand_over(peer, letter, fd)
	local beats = peer.features and peer.features.heartbeat or 0
	local flags = (own.heartbeat > 0 and beats > 0) and " h" .. beats or ""
	peer.fd, peer.since, peer.had = fd, skynet.now(), true
	socket.abandon(fd)
	skynet.send(harbor, "harbor", string.format("%s %d %d%s", letter, fd, peer.id, flags))
	wake(peer, "hopeful")
	on_change(peer.id, letter == "A" and "accepted" or "dialed")
end

---@param fd integer
---@return boolean? ok
---@return string? reason
local function proven(fd)
	if not secret.set then
		return true
	end
	return wire.within(fd, wire.PATIENCE, secret.connect)
end

--- Connects once.
---@param peer harbor.Peer
---@param address string
---@return integer? fd
---@return string? reason
local function dial(peer, address)
	local fd, reason = wire.open(address)
	if not fd then
		return nil, reason
	end
	wire.prepare(fd, 0)
	local ok
	ok, reason = proven(fd)
	if not ok then
		wire.close(fd)
		return nil, reason
	end
	return fd
end

--- Connects until there is a link, or the peer is gone or is to be reached in another way.
---@param peer harbor.Peer
local function keep_dialing(peer)
	local dialer = {}
	peer.dialer = dialer
	skynet.fork(function()
		local attempts, said = 0, nil
		if peer.had then
			skynet.sleep(peer.pause)
		end
		while peer.dialer == dialer and not peer.fd do
			attempts = attempts + 1
			local fd, reason = dial(peer, peer.address)
			if fd and (peer.dialer ~= dialer or peer.fd or peer.busy) then
				wire.close(fd)
				fd, reason = nil, "something else happened meanwhile"
			end
			if peer.dialer ~= dialer or peer.fd then
				break
			elseif fd then
				log("Connect to harbor %d (fd=%d), %s", peer.id, fd, peer.address)
				hand_over(peer, "S", fd)
				break
			end
			if reason ~= said then
				log("Can't connect to harbor %d at %s: %s", peer.id, peer.address, reason)
				said = reason
			end
			if not peer.features and attempts >= C_ATTEMPTS then
				log("harbor %d is given up: a C skynet listens only while it starts", peer.id)
				break
			end
			skynet.sleep(peer.pause)
			peer.pause = math.min(peer.pause * 2, LONGEST_PAUSE)
		end
		if peer.dialer == dialer then
			peer.dialer = nil
		end
	end)
end

--- The master says that a node is up, and where it listens: connects to it.
---@param id integer
---@param address string
---@param news? harbor.Features
function links.reach(id, address, news)
	if id == self_id then
		return log("harbor %d at %s has the id of this node: it is left alone", id, address)
	end
	local peer = peer_of(id)
	local reborn = news and peer.features and news.incarnation ~= peer.features.incarnation
	if peer.fd and not reborn and not peer.gone then
		log("Slave %d exist (fd =%d)", id, peer.fd)
		peer.expected, peer.address = false, address
		return
	end
	peer.dialer = nil
	drop(peer)
	peer.gone, peer.expected, peer.features, peer.address = false, false, news, address
	peer.had, peer.pause = false, FIRST_PAUSE
	if not peer.fd then
		keep_dialing(peer)
	end
end

--- A master of ours says that a node is up, and will connect to this one if need be.
---@param id integer
---@param news? harbor.Features
function links.expect(id, news)
	local peer = peer_of(id)
	if news and peer.features and news.incarnation ~= peer.features.incarnation then
		drop(peer)
	end
	-- Of two nodes one connects: what the master said last counts.
	peer.gone, peer.expected, peer.features, peer.address, peer.dialer = false, true, news, nil, nil
end

--- A C master says that some nodes will connect.
---@param cs integer how long they may take
function links.expect_anybody(cs)
	open_until = skynet.now() + cs
end

--- The master says that a node is gone.
---@param id integer
function links.gone(id)
	local peer = peer_of(id)
	peer.gone, peer.expected, peer.dialer, peer.address = true, false, nil, nil
	drop(peer)
	on_change(id, "gone")
end

--- The harbor service says that a link has ended.
---@param id integer
function links.lost(id)
	local peer = peers[id]
	if not peer or not peer.fd then
		return
	end
	unlinked(peer)
	if renewable and peer.address and peer.features and not peer.dialer then
		keep_dialing(peer)
	end
end

--- Whether a node may connect now.
---@param id integer
---@return boolean
local function welcome(id)
	local peer = peers[id]
	return peer ~= nil and peer.expected or skynet.now() < open_until
end

--- Finds out who has connected.
---@param fd integer
---@return integer? id
---@return string? reason
local function introduction(fd)
	if secret.set then
		local ok, reason = secret.accept(fd)
		if not ok then
			return nil, reason
		end
	end
	local id = socket.read(fd, 1)
	if not id then
		return nil, "it did not say its id"
	end
	return id:byte()
end

--- Takes a connection of another node.
---@param fd integer
---@param joining fun(): boolean whether the master is about to say who may connect
---@return string? refusal
function links.accept(fd, joining)
	if not socket.start(fd) then
		return "closed"
	end
	wire.prepare(fd, 0)
	wire.bound(fd, true)
	local id, reason = wire.within(fd, wire.PATIENCE, introduction)
	if not id then
		return reason
	elseif id == 0 or id == self_id then
		return string.format("harbor %d can't connect here", id)
	end
	local deadline = skynet.now() + wire.PATIENCE
	while not welcome(id) and joining() and skynet.now() < deadline do
		skynet.sleep(10)
	end
	if not welcome(id) then
		return string.format("harbor %d is not expected", id)
	end
	local peer = peer_of(id)
	if secret.set then
		-- It has proven that it is of the network, so what there was is dead.
		drop(peer)
	end
	if peer.fd or peer.busy then
		return string.format("Harbor %d is already connected", id)
	elseif socket.invalid(fd) then
		return "closed"
	end
	log("Harbor %d connected (fd = %d)", id, fd)
	hand_over(peer, "A", fd)
end

--- Whether there is a link.
---@param id integer
---@return boolean
function links.up(id)
	return peers[id] ~= nil and peers[id].fd ~= nil
end

--- Whether a node was there and is no more.
---@param id integer
---@return boolean
function links.is_gone(id)
	local peer = peers[id]
	return peer ~= nil and not peer.fd and (peer.gone or peer.had)
end

--- Keeps an answer until the link to a node ends.
---@param id integer
---@param answer function
function links.watch(id, answer)
	table.insert(peer_of(id).watchers, answer)
end

--- Keeps an answer until there is a link to a node.
---@param id integer
---@param answer function
function links.hope(id, answer)
	table.insert(peer_of(id).hopeful, answer)
end

--- Must be called before all else.
---@param id integer of this node
---@param news harbor.Features of this node
---@param service integer the harbor service
---@param change fun(id: integer, event: "accepted"|"dialed"|"ended"|"gone") hears what happens to links and nodes
function links.start(id, news, service, change)
	self_id, own, harbor, on_change = id, news, service, change
end

return links
