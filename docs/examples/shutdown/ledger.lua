-- Keeps deposits in memory, and writes them to a file every few seconds, and when the node is shut down.
local skynet = require "skynet"
local shutdown = require "skynet.shutdown"

local path = ...
local waiting, total = {}, 0

local function write()
	local file <close> = assert(io.open(path, "a"))
	assert(file:write(table.concat(waiting)))
	assert(file:close()) -- a full disk may show only here
	total, waiting = total + #waiting, {}
end

skynet.start(function()
	skynet.dispatch("lua", function(_, _, line)
		waiting[#waiting + 1] = line .. "\n"
	end)
	shutdown.register {
		phase = "store",
		handler = function()
			write() -- an error is logged, and the exit status of the process tells of it
			skynet.error("the ledger has", total, "deposits")
		end,
	}
	skynet.fork(function()
		while true do
			skynet.sleep(500)
			write()
		end
	end)
end)
