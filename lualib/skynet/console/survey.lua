--- Asks all Lua services of a node what their threads wait for.
local skynet = require "skynet"
local list_own = require "skynet.waits"

local survey = {}

--- What is known of the node.
---@class survey.result
---@field names table<integer, string> services by handle
---@field waits table<integer, skynet.wait[]> of those who have answered
---@field held table<string, true> requests that a `skynet.response` function has to answer: `handle/source/session`
---@field handled table<string, true> requests that a waiting thread has to answer, written in the same way
---@field silent table<integer, true> who has not answered in time
---@field starting integer[] handle, source, session of services that start
---@field launcher? integer

---@param handle integer
---@param source integer
---@param session integer
---@return string
local function request_key(handle, source, session)
	return string.format("%d/%d/%d", handle, source, session)
end

---@param result survey.result
---@param handle integer
---@param waits skynet.wait[]
---@param held integer[]
local function note(result, handle, waits, held)
	result.waits[handle] = waits
	for i = 1, #held, 2 do
		result.held[request_key(handle, held[i], held[i + 1])] = true
	end
	for _, wait in ipairs(waits) do
		if wait.request then
			result.handled[request_key(handle, wait.source, wait.request)] = true
		end
	end
end

--- Asks the launcher for what it knows.
---@param result survey.result
---@param timeout? integer
local function ask_launcher(result, timeout)
	for address, name in pairs(skynet.timeout_call(timeout, ".launcher", "lua", "LIST")) do
		result.names[tonumber(address:sub(2), 16)] = name
	end
	result.launcher = skynet.localname ".launcher"
	if result.launcher then
		result.names[result.launcher] = "launcher"
	end
	local starting = skynet.timeout_call(timeout, ".launcher", "lua", "STARTING")
	result.starting = math.type(starting[1]) == "integer" and starting or {}
end

--- Asks all services.
---@param timeout? integer centiseconds for each question; nil: none
---@return survey.result result raises if the launcher does not answer
function survey.take(timeout)
	local result = { names = {}, waits = {}, held = {}, handled = {}, silent = {}, starting = {} }
	-- Before anything is asked: this thread is not to be found among those who wait.
	note(result, skynet.self(), list_own())
	ask_launcher(result, timeout)
	local asked = skynet.request()
	for handle in pairs(result.names) do
		if handle ~= skynet.self() then
			asked:add { handle, "debug", "WAITS", handle = handle }
			result.silent[handle] = true
		end
	end
	if next(result.silent) then
		for question, answer in asked:select(timeout) do
			-- Who refuses, or ends just now, has nothing to tell.
			result.silent[question.handle] = nil
			if answer then
				note(result, question.handle, answer[1], answer[2])
			end
		end
	end
	return result
end

--- What became of a request of which no waiting thread is known that handles it.
---@param result survey.result
---@param source integer
---@param wait skynet.wait
---@return string? text nil: nothing can be said
function survey.fate(result, source, wait)
	local to = wait.to
	if math.type(to) ~= "integer" then
		return nil
	elseif result.silent[to] then
		return "that does not answer"
	elseif not result.waits[to] then
		return nil
	end
	local request = request_key(to, source, wait.session)
	if result.held[request] then
		return to == result.launcher and "it starts a service" or "a skynet.response has it there"
	end
	return not result.handled[request] and "no thread that waits has it there" or nil
end

return survey
