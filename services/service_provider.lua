-- Keeps the services made by `skynet.service`: one per name on the node, each running in a service_cell.
local skynet = require "skynet"

--- What is known of a name.
---@class Provided
---@field state "wanted"|"booting"|"ready"|"failed"
---@field address? integer when ready
---@field failure? string when failed; remembered until the name is closed
---@field waiting function[] answers to those who asked before it was ready
---@field init? string the arguments it was started with
---@field time? number when it became ready, UNIX seconds

---@type table<string, Provided>
local provided = {}

---@param name string
---@return Provided
local function named(name)
	local entry = provided[name]
	if not entry then
		entry = { state = "wanted", waiting = {} }
		provided[name] = entry
	end
	return entry
end

--- Answers the running request by what is known, or keeps it until more is.
---@param entry Provided
local function answer_or_wait(entry)
	if entry.state == "ready" then
		skynet.retpack(entry.address)
	elseif entry.state == "failed" then
		error(entry.failure, 0)
	else
		table.insert(entry.waiting, skynet.response())
	end
end

---@return string? text the arguments, separated by commas; nil if there are none
local function arguments_text(...)
	local texts = table.pack(...)
	for i = 1, texts.n do
		texts[i] = tostring(texts[i])
	end
	return texts.n > 0 and table.concat(texts, ",") or nil
end

--- Creates a cell and runs the code in it.
---@return integer address
local function boot(name, code, ...)
	local cell = assert(skynet.newservice("service_cell", name), "service_cell ended while starting")
	local ok, reason = pcall(skynet.call, cell, "lua", "init", code, ...)
	if not ok then
		skynet.send(cell, "debug", "EXIT")
		error(reason, 0)
	end
	return cell
end

local command = {}

function command.test(name)
	local entry = provided[name]
	if not entry or entry.state == "wanted" then
		skynet.ret()
	elseif entry.state == "booting" then
		skynet.retpack(nil, true)
	else
		answer_or_wait(entry)
	end
end

function command.query(name)
	answer_or_wait(named(name))
end

function command.launch(name, code, ...)
	local entry = named(name)
	if entry.state == "booting" or entry.state == "ready" then
		return answer_or_wait(entry)
	end
	entry.state = "booting"
	table.insert(entry.waiting, 1, skynet.response())
	local ok, result = pcall(boot, name, code, ...)
	if ok then
		entry.state, entry.address = "ready", result
		entry.init, entry.time = arguments_text(...), skynet.time()
	else
		entry.state, entry.failure = "failed", tostring(result)
		skynet.error(string.format("service %s failed: %s", name, entry.failure))
	end
	local waiting = entry.waiting
	entry.waiting = {}
	for _, answer in ipairs(waiting) do
		answer(ok or nil, entry.address or entry.failure)
	end
end

function command.close(name)
	local entry = provided[name]
	local forget = entry and (entry.state == "ready" or entry.state == "failed")
	if forget then
		provided[name] = nil
	end
	skynet.retpack(forget and entry.address or nil)
end

---@return table<string, table> by address, or by name where there is no address
local function info()
	local result = {}
	for name, entry in pairs(provided) do
		local status
		if entry.state ~= "ready" then
			status = #entry.waiting > 0 and string.format("%s(%d)", entry.state, #entry.waiting) or entry.state
		end
		result[skynet.address(entry.address or name)] = {
			init = entry.init,
			name = name,
			time = entry.time and os.date("%Y %b %d %T", math.floor(entry.time)),
			status = status,
		}
	end
	return result
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		local run = assert(command[name], "unknown command")
		run(...)
	end)
	skynet.info_func(info)
end)
