--- Heartbeats between master and slave: each side says something at least three times within the silence that the other one takes
--- for death. Used where both announced it.
local skynet = require "skynet"
local socket = require "skynet.socket"
local wire = require "skynet.harbor.wire"

local heartbeat = {}

---@class harbor.Heartbeat
---@field heard boolean something came since the last look
---@field said boolean something was sent since then
---@field dead boolean the other side was silent for too long
---@field private stopped boolean
local beat = {}
beat.__index = beat

--- No more of it.
function beat:stop()
	self.stopped = true
	skynet.wakeup(self)
end

--- Looks after a connection until `stop`. One that is silent for too long is shut down, which its reader notices.
---@param fd integer
---@param own integer seconds of silence that mean death here; 0: none
---@param other? integer the same on the other side; nil: it did not say
---@return harbor.Heartbeat
function heartbeat.start(fd, own, other)
	local self = setmetatable({ heard = true, said = true, dead = false, stopped = false }, beat)
	if own == 0 or not other or other == 0 then
		return self
	end
	local step = math.min(own, other) * 100 // 3
	local ping = wire.pack "P"
	skynet.fork(function()
		-- Looks are counted, not time: after a pause of this whole process the other side gets its chance to be heard.
		local silent = 0
		while not self.stopped do
			silent = self.heard and 0 or silent + step
			if silent > own * 100 then
				self.dead = true
				socket.shutdown(fd)
				return
			end
			if not self.said then
				socket.write(fd, ping)
			end
			self.heard, self.said = false, false
			skynet.sleep(step, self)
		end
	end)
	return self
end

return heartbeat
