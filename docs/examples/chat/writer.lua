-- Collects what is said in the rooms, and writes it to a file from time to time: one write for many messages.

local skynet = require "skynet"
local shutdown = require "skynet.shutdown"

-- Messages that are kept while the file cannot be written.
local MAX_WAITING = 10000

local path
local waiting, lost = {}, 0

-- Writes what has been collected. The file is opened each time, so it may be moved away or removed.
local function flush()
	if #waiting == 0 then
		return
	end
	local file, reason = io.open(path, "a")
	local ok = file
	if file then
		ok, reason = file:write(table.concat(waiting))
		ok = file:close() and ok
	end
	if not ok then
		skynet.error("cannot write", path, reason)
		return
	end
	if lost > 0 then
		skynet.error(lost, "messages were lost")
	end
	waiting, lost = {}, 0
end

local command = {}

-- The answer is true, or false and a reason.
function command.open(name, seconds)
	local file, reason = io.open(name, "a")
	if not file then
		return false, reason
	end
	file:close()
	path = name
	skynet.fork(function()
		while true do
			skynet.sleep(seconds * 100)
			flush()
		end
	end)
	return true
end

function command.write(room, text)
	if #waiting >= MAX_WAITING then
		lost = lost + 1
		return
	end
	waiting[#waiting + 1] = os.date "%Y-%m-%d %H:%M:%S" .. " #" .. room .. " " .. text .. "\n"
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, name, ...)
		if session == 0 then
			command[name](...)
		else
			skynet.retpack(command[name](...))
		end
	end)
	-- Those who write are asked before: see docs/shutdown.md.
	shutdown.register { phase = "store", handler = flush }
	skynet.info_func(function()
		return { waiting = #waiting, lost = lost }
	end)
end)
