--- The services of one kind on the other nodes of the network, one on each node: `groupd`, `multicastd`. Whoever is noted here is watched
--- by a request that fails with it or with the connection, and looked for again when its node is back.
local skynet = require "skynet"
local harbor = require "skynet.harbor"

--- How often a node is looked for when it is back, and the cs between: the end of a connection is heard of before all parts of this node
--- know, and a node that comes back takes a while to start its services.
local TRIES <const> = 20
local PAUSE <const> = 25

---@class Peers
---@field private known table<integer, integer> harbor id → handle
---@field private lost fun(id: integer): boolean
---@field private meet fun(id: integer)
local Peers = {}
Peers.__index = Peers

---@private
---@param id integer
function Peers:return_to(id)
	for _ = 1, TRIES do
		harbor.connect(id)
		if pcall(self.meet, id) then
			return
		end
		skynet.sleep(PAUSE)
	end
end

---@private
---@param id integer
---@param address integer
function Peers:watch(id, address)
	pcall(skynet.timeout_call, nil, address, "debug", "LINK")
	if self.known[id] == address then
		self.known[id] = nil
		if self.lost(id) then
			self:return_to(id)
		end
	end
end

--- The service of a node, as far as it is known.
---@param id integer
---@return integer?
function Peers:get(id)
	return self.known[id]
end

--- Notes the service of a node.
---@param id integer
---@param address integer
function Peers:know(id, address)
	if self.known[id] ~= address then
		self.known[id] = address
		skynet.fork(self.watch, self, id, address)
	end
end

local peers = {}

---@param lost fun(id: integer): boolean the connection to a node has ended, or its service; whether it is to be looked for again
---@param meet fun(id: integer) its node is back; raises as long as it cannot be met
---@return Peers
function peers.new(lost, meet)
	return setmetatable({ known = {}, lost = lost, meet = meet }, Peers)
end

return peers
