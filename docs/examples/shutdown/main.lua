-- Tellers that take deposits, and a ledger that writes them down now and then. However it is ended by SIGTERM, Ctrl-C or
-- skynet.shutdown, no deposit is lost: docs/shutdown.md says why.
local skynet = require "skynet"

skynet.start(function()
	local ledger = skynet.newservice("ledger", skynet.getenv "ledger_file" or "ledger.txt")
	for number = 1, 3 do
		skynet.newservice("teller", number, ledger)
	end
	skynet.error "the bank is open"
end)
