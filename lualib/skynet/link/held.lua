--- Requests that are never answered, so that their askers wait for the end of this service. Those of askers that are gone are
--- forgotten from time to time.
local skynet = require "skynet"

local held = {}

--- So many are kept without a look.
local FEW <const> = 64
--- Centiseconds that an asker on another node has to show that it lives.
local PROBE <const> = 500

---@class link.held
---@field answer fun(ok: boolean|"TEST", ...): boolean?
---@field source integer

---@type link.held[]
local list = {}
local look_at = FEW
local looking = false

--- The askers on other nodes that are gone: if their nodes were lost nobody has said so.
---@param sources table<integer, boolean>
---@return table<integer, boolean> gone
local function lost(sources)
	local gone, questions = {}, skynet.request()
	for source in pairs(sources) do
		questions:add { source, "debug", "PING", source = source }
	end
	for question, answer in questions:select(PROBE) do
		gone[question.source] = not answer or nil
	end
	return gone
end

local function look()
	local old = list
	list = {}
	local elsewhere = {}
	for _, entry in ipairs(old) do
		if entry.answer "TEST" and select(2, skynet.harbor(entry.source)) then
			elsewhere[entry.source] = true
		end
	end
	local gone = next(elsewhere) and lost(elsewhere) or {}
	for _, entry in ipairs(old) do
		if entry.answer "TEST" and not gone[entry.source] then
			list[#list + 1] = entry
		else
			entry.answer(false)
		end
	end
	look_at = math.max(FEW, 2 * #list)
	looking = false
end

--- Keeps the running request.
function held.keep()
	local _, source = skynet.context()
	list[#list + 1] = { answer = skynet.response(), source = source }
	if #list >= look_at and not looking then
		looking = true
		skynet.fork(look)
	end
end

---@return integer count those that are kept
function held.count()
	return #list
end

return held
