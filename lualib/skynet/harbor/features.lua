--- What nodes of ours tell one another beyond the protocol of C skynet, as trailing values that C nodes do not read. Nothing
--- new is ever sent to a peer that has not announced itself in this way.
---
--- The text is `rs1 <incarnation> <heartbeat>`: which life of the node this is, and how many seconds of silence mean to it that
--- a connection is dead (0: silence means nothing). Words after those are for the future.
local skynet = require "skynet"

local features = {}

---@class harbor.Features
---@field text string as it travels
---@field incarnation string digits
---@field heartbeat integer seconds

--- The longest heartbeat, seconds.
local DAY = 24 * 60 * 60
--- Where the config says nothing.
local DEFAULT_HEARTBEAT <const> = 15

---@param text any
---@return harbor.Features? features nil if a peer announced none that are known here
function features.parse(text)
	if type(text) ~= "string" then
		return nil
	end
	local incarnation, heartbeat = text:match "^rs1 (%d+) (%d+)"
	if not incarnation or #text > 100 or #heartbeat > 6 then
		return nil
	end
	return { text = text, incarnation = incarnation, heartbeat = math.min(math.tointeger(tonumber(heartbeat)) or 0, DAY) }
end

--- Those of this node, for its whole life.
---@return harbor.Features
function features.own()
	-- The harbor service of C skynet knows no heartbeats.
	local ours = skynet.getenv "rs_version" ~= nil
	local heartbeat = ours and math.tointeger(tonumber(skynet.getenv "rs_harbor_heartbeat") or DEFAULT_HEARTBEAT) or 0
	local incarnation = math.tointeger(tonumber(skynet.getenv "rs_incarnation")) or math.floor(skynet.time() * 1000)
	local text = string.format("rs1 %d %d", incarnation, heartbeat)
	return features.parse(text) or error("harbor: rs_incarnation and rs_harbor_heartbeat are numbers, 0 or above")
end

return features
