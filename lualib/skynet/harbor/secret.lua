--- The shared secret of a harbor network (config `rs_harbor_secret`): both ends of a connection prove that they know it, before
--- anything else is said. Who answers a challenge cannot be made to answer its own: the proofs of the four roles differ.
---
--- This keeps strangers out. What is sent afterwards is neither hidden nor signed.
local skynet = require "skynet"
local socket = require "skynet.socket"
local wire = require "skynet.harbor.wire"
local crypt = require "skynet.crypt"

local secret = {}

--- Bytes of a challenge, and of a proof.
local SIZE <const> = 20

---@type string?
local key = skynet.getenv "rs_harbor_secret"
if key == "" then
	key = nil
end

--- Whether connections need a proof.
secret.set = key ~= nil

--- Why the other end was refused, or has to be.
local WRONG <const> = "its secret is another one: rs_harbor_secret differs"
local MISSING <const> = "it sent no proof of the secret: rs_harbor_secret is not set there"
local SILENT <const> = "it asks for no secret: rs_harbor_secret is set here, but not there (or that is a C skynet)"

---@return string
local function challenge()
	return (crypt.randomkey() .. crypt.randomkey() .. crypt.randomkey()):sub(1, SIZE)
end

---@param role string
---@param asked string the challenge
---@return string
local function proof(role, asked)
	return crypt.hmac_sha1(assert(key), role .. asked)
end

--- Whether two texts are equal; how long that takes does not tell where they differ.
---@param given any
---@param expected string
---@return boolean
local function equal(given, expected)
	if type(given) ~= "string" or #given ~= #expected then
		return false
	end
	local difference = 0
	for i = 1, #expected do
		difference = difference | given:byte(i) ~ expected:byte(i)
	end
	return difference == 0
end

--- Master: demands the proof of who connected, and gives its own.
---@param fd integer
---@return boolean? ok
---@return string? reason
function secret.demand(fd)
	local mine = challenge()
	wire.send(fd, "A", mine)
	local kind, given, theirs = wire.read(fd)
	if kind ~= "A" or type(theirs) ~= "string" then
		return nil, MISSING
	elseif not equal(given, proof("slave", mine)) then
		return nil, WRONG
	end
	wire.send(fd, "A", proof("master", theirs))
	return true
end

--- Slave: gives the proof, and demands that of the master.
---@param fd integer
---@return boolean? ok
---@return string? reason
function secret.offer(fd)
	local kind, theirs = wire.read(fd)
	if kind ~= "A" or type(theirs) ~= "string" then
		return nil, SILENT
	end
	local mine = challenge()
	wire.send(fd, "A", proof("slave", theirs), mine)
	local answer, given = wire.read(fd)
	if answer ~= "A" or not equal(given, proof("master", mine)) then
		return nil, WRONG
	end
	return true
end

--- Slave that accepted a connection of another: demands its proof and gives the own one.
---@param fd integer
---@return boolean? ok
---@return string? reason
function secret.accept(fd)
	local mine = challenge()
	socket.write(fd, mine)
	local given = socket.read(fd, 2 * SIZE)
	if not given then
		return nil, MISSING
	elseif not equal(given:sub(1, SIZE), proof("connect", mine)) then
		return nil, WRONG
	end
	socket.write(fd, proof("accept", given:sub(SIZE + 1)))
	return true
end

--- Slave that connected to another: gives its proof and demands the other's.
---@param fd integer
---@return boolean? ok
---@return string? reason
function secret.connect(fd)
	local theirs = socket.read(fd, SIZE)
	if not theirs then
		return nil, SILENT
	end
	local mine = challenge()
	socket.write(fd, proof("connect", theirs) .. mine)
	local given = socket.read(fd, SIZE)
	if not equal(given, proof("accept", mine)) then
		return nil, WRONG
	end
	return true
end

return secret
