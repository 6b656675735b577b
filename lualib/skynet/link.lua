--- Links between services: when one of two ends abnormally the other one ends, too, unless it traps that.
---
--- Each of two that are linked has sent the other a request BOND of the debug protocol, which is not answered while the link
--- lasts. An answer says that the link is cut; the end of the other service, or of the way to it, fails the request.
local skynet = require "skynet"
local held = require "skynet.link.held"
local native = require "skynet.native"

local link = {}

--- Centiseconds that the other one has to answer when a link is made.
local LIMIT <const> = 6000

---@class link.bond
---@field up? boolean each side has the other's request
---@field cut? boolean it is to be given up as soon as it is up
---@field waiting? table<thread, true> those that wait until it is up
---@field answer? fun(ok: boolean): boolean? the other side's request
---@field err? string why it did not come up

---@type table<integer, link.bond>
local bonds = {}
---@type table<integer, true> services that this one follows
local followed = {}
---@type nil|fun(handle: integer, reason: string, abnormal: boolean)
local trap

--- Whether that is how a service ends that has called `skynet.exit()`.
---@param reason? string
---@return boolean
function link.is_normal(reason)
	return type(reason) == "string"
		and (reason:find "^service :%x+ %(.*%) has ended$" ~= nil or reason:find "^service :%x+ has ended$" ~= nil)
end

--- What the error of a request that has just failed says about the end of the callee.
---@param handle integer
---@param err any
---@return string reason one line
---@return boolean abnormal
function link.read_reason(handle, err)
	-- The framework knows the reason also where `skynet.explain_errors` hides it from the program.
	local reason = native.hidden():match "^[^\n]+" or tostring(err):match "call failed: ([^\n]+)" or "is gone"
	if reason == "has ended" or reason == "is gone" then
		-- All that a node says that does not explain errors.
		reason = string.format("service %s %s", skynet.address(handle), reason)
	end
	return reason, not link.is_normal(reason)
end

--- Ends this service as another one has ended.
---@param handle integer
---@param reason string
local function end_like(handle, reason)
	skynet.error(string.format("error: ends with %s: %s", skynet.address(handle), reason))
	-- Of a chain of links each tells the first reason.
	skynet.exit("linked " .. (reason:match "ended: linked (.+)" or reason))
end

---@param handle integer
---@param reason string
---@param abnormal boolean
local function has_ended(handle, reason, abnormal)
	if trap then
		local ok, err = xpcall(trap, debug.traceback, handle, reason, abnormal)
		if not ok then
			skynet.error("error: the trap of links: " .. tostring(err))
		end
	elseif abnormal then
		end_like(handle, reason)
	end
end

---@param bond link.bond
local function wake(bond)
	for thread in pairs(bond.waiting or {}) do
		skynet.wakeup(thread)
	end
	bond.waiting = nil
end

--- Sends our request, and waits for what becomes of it.
---@param handle integer
---@param bond link.bond
local function attend(handle, bond)
	local answered, err = pcall(skynet.timeout_call, nil, handle, "debug", "BOND")
	if bonds[handle] ~= bond then
		return -- it was cut here
	end
	bonds[handle] = nil
	if bond.answer then
		bond.answer(answered)
	end
	bond.err = not answered and tostring(err) or nil
	wake(bond)
	if not answered and bond.up then
		has_ended(handle, link.read_reason(handle, err))
	end
end

---@param handle integer
---@return link.bond
local function new_bond(handle)
	local bond = {}
	bonds[handle] = bond
	skynet.fork(attend, handle, bond)
	return bond
end

--- Takes the running request BOND: the framework's.
function link.accept()
	local _, source = skynet.context()
	local answer = skynet.response()
	local bond = bonds[source]
	if bond and bond.up then
		-- The other side has cut the link and makes it anew. Debug messages may overtake the word of that.
		bonds[source] = nil
		bond.answer(true)
		bond = nil
	end
	if not bond then
		bond = new_bond(source)
	elseif bond.cut then
		bonds[source] = nil
		answer(true)
		return wake(bond)
	end
	bond.answer, bond.up = answer, true
	wake(bond)
end

--- Takes the running request LINK: the framework's.
function link.hold()
	held.keep()
end

--- The handle that an address stands for now; waits for a global name.
---@param address integer|string
---@return integer? handle nil for a local name that nobody has
local function resolve(address)
	if math.type(address) == "integer" then
		return address
	elseif type(address) ~= "string" or address == "" then
		error(string.format("a service is named by its handle, :address, .name or a global name, not %s", tostring(address)), 3)
	end
	local hex = address:match "^:(%x+)$"
	if hex then
		return tonumber(hex, 16)
	elseif address:sub(1, 1) == "." then
		return skynet.localname(address)
	end
	return require "skynet.harbor".queryname(address)
end

--- Links this service and another one, which may be on another node; waits until both know it. From now on, when either ends
--- abnormally (other than by `skynet.exit()`), the other ends. Linking again changes nothing.
---@param address integer|string
---@param limit? integer cs to wait for it; default 6000. A service that takes no debug messages never answers
---@return boolean linked false if it has ended already
function link.to(address, limit)
	local handle = resolve(address)
	if not handle or handle == skynet.self() then
		return handle ~= nil
	end
	local bond = bonds[handle] or new_bond(handle)
	bond.cut = nil
	local deadline = skynet.now() + (limit or LIMIT)
	while bonds[handle] == bond and not bond.up do
		local rest = deadline - skynet.now()
		if rest <= 0 then
			-- If it answers after all, that is no link, unless somebody else waits for one.
			bond.cut = not bond.waiting or not next(bond.waiting) or nil
			error(string.format("%s cannot be linked to: no answer within %g s", skynet.address(handle), (limit or LIMIT) / 100), 2)
		end
		local thread = coroutine.running()
		bond.waiting = bond.waiting or {}
		bond.waiting[thread] = true
		skynet.sleep(rest, thread)
		if bond.waiting then
			bond.waiting[thread] = nil
		end
	end
	if bond.up then
		return true
	elseif bond.err and skynet.watch(handle) then
		error(string.format("%s cannot be linked to: %s", skynet.address(handle), bond.err), 2)
	end
	return false
end

--- Cuts a link: the end of one is no concern of the other's any more. Nothing happens if there is none.
---@param address integer|string
function link.cut(address)
	local handle = resolve(address)
	local bond = handle and bonds[handle]
	if not bond then
		return
	elseif bond.up then
		bonds[handle] = nil
		bond.answer(true) -- tells the other side
	else
		bond.cut = true
	end
end

--- Sets what happens instead when a service ends that this one is linked to.
---@param func? fun(handle: integer, reason: string, abnormal: boolean) nil: this service ends with it again. `reason` is one line
function link.trap(func)
	if func ~= nil and type(func) ~= "function" then
		error(string.format("link.trap takes a function or nil, not %s", tostring(func)), 2)
	end
	trap = func
end

--- The services that this one is linked to.
---@return integer[] handles sorted
function link.list()
	local handles = {}
	for handle, bond in pairs(bonds) do
		if bond.up and not bond.cut then
			handles[#handles + 1] = handle
		end
	end
	table.sort(handles)
	return handles
end

--- From now on this service ends when another one does, however that ends, and at once if it has ended already. The other one does
--- not end with this one.
---@param address integer|string
function link.follow(address)
	local handle = resolve(address) or error("nobody has the name " .. address, 2)
	if followed[handle] then
		return
	end
	followed[handle] = true
	skynet.fork(function()
		local answered, err
		repeat
			answered, err = pcall(skynet.timeout_call, nil, handle, "debug", "LINK")
			if answered then
				skynet.sleep(100) -- it answers whatever comes, and cannot be followed otherwise
			end
		until not answered
		local reason, abnormal = link.read_reason(handle, err)
		if abnormal then
			end_like(handle, reason)
		end
		skynet.error(string.format("ends with %s", skynet.address(handle)))
		skynet.exit()
	end)
end

return link
