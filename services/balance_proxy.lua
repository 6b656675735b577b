-- Stands in front of several services that do the same: `newservice("balance_proxy", policy, type, target, ...)`. Each message
-- goes to one of them, by turns ("round_robin") or to the one with the least to do ("least_queued"). Targets that have ended
-- are left out; the debug commands ADD and REMOVE change the set.
local skynet = require "skynet"
local forward = require "skynet.proxy.forward"

local policy, kind = ...

---@class balance.target
---@field address integer|string
---@field here boolean it is a service of this node
---@field open integer requests that went there and are not answered

---@type balance.target[]
local targets = {}
---@type integer whose turn was last
local last = 0

---@param text string
---@return integer? position
local function find(text)
	local address = forward.target(text)
	for position, target in ipairs(targets) do
		if target.address == address then
			return position
		end
	end
end

---@param text string
local function add(text)
	if find(text) then
		return
	end
	local address = forward.target(text)
	local here = type(address) == "number" and not select(2, skynet.harbor(address))
	if here and not skynet.mqlen(address) then
		error(string.format("there is no service %s", text), 0)
	end
	targets[#targets + 1] = { address = address, here = here, open = 0 }
end

---@param position integer
local function remove(position)
	table.remove(targets, position)
	if position <= last then
		last = last - 1
	end
end

--- Leaves those of this node out that have ended. One of another node is left out when a request to it fails.
---@param target balance.target
---@return boolean
local function is_gone(target)
	return target.here and not skynet.mqlen(target.address)
end

local choose = {}

--- The next one, in a circle.
---@return balance.target?
function choose.round_robin()
	while targets[1] do
		last = last % #targets + 1
		local target = targets[last]
		if not is_gone(target) then
			return target
		end
		remove(last)
	end
end

--- Whoever has the fewest messages in its mailbox and requests of ours; of several, the next one in the circle.
---@return balance.target?
function choose.least_queued()
	for position = #targets, 1, -1 do
		if is_gone(targets[position]) then
			remove(position)
		end
	end
	local best, least
	for step = 1, #targets do
		local position = (last + step - 1) % #targets + 1
		local target = targets[position]
		local queued = target.open + (target.here and skynet.mqlen(target.address) or 0)
		if not least or queued < least then
			best, least = position, queued
		end
	end
	last = best or 0
	return targets[best]
end

--- A request to a service of another node has failed, perhaps since that is gone.
---@param target balance.target
local function look_after(target)
	if not skynet.watch(target.address) then
		for position, other in ipairs(targets) do
			if other == target then
				return remove(position)
			end
		end
	end
end

local pick = choose[policy]
if not pick then
	error(string.format("balance_proxy: expected round_robin or least_queued, not %s", policy), 0)
end

---@param target balance.target
---@param msg lightuserdata
---@param size integer
local function call(target, msg, size)
	target.open = target.open + 1
	local answered = forward.call(target.address, msg, size)
	target.open = target.open - 1
	if not answered and not target.here then
		look_after(target)
	end
end

---@param session integer
---@param source integer
---@param msg lightuserdata
---@param size integer
local function on_message(session, source, msg, size)
	local target = pick()
	if not target then
		skynet.trash(msg, size)
		if session ~= 0 then
			forward.refuse "no target is left"
		end
	elseif session == 0 then
		forward.send(target.address, source, msg, size)
	elseif target.here and policy == "round_robin" then
		-- Nothing is to be counted: the answer need not come by here.
		forward.hand_over(target.address --[[@as integer]], session, source, msg, size)
	else
		call(target, msg, size)
	end
end

for _, text in ipairs { select(3, ...) } do
	add(text)
end

forward.start(kind or "lua", on_message, function()
	local debugger = require "skynet.debug"
	debugger.reg_debugcmd("ADD", function(text)
		add(text)
		skynet.ret()
	end)
	debugger.reg_debugcmd("REMOVE", function(text)
		local position = find(text)
		if position then
			remove(position)
		end
		skynet.retpack(position ~= nil)
	end)
	skynet.info_func(function()
		local info = {}
		for position, target in ipairs(targets) do
			info[position] = { target = skynet.address(target.address), open = target.open }
		end
		return info
	end)
end)
