-- Sends deposits to the ledger, until the node is shut down.
local skynet = require "skynet"
local shutdown = require "skynet.shutdown"

local number, ledger = ...
ledger = tonumber(ledger)

local open, count = true, 0

skynet.start(function()
	-- Tellers are before the ledger: what they have sent by then is in its mailbox before its own phase begins.
	shutdown.register {
		phase = "logic",
		timeout = 200,
		handler = function()
			open = false
			skynet.error("teller", number, "closes after", count, "deposits")
		end,
	}
	skynet.fork(function()
		while open do
			count = count + 1
			skynet.send(ledger, "lua", string.format("teller %s deposit %d", number, count))
			skynet.sleep(1)
		end
	end)
end)
