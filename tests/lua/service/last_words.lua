-- Ends the process in the middle of its turn, right after it has written.
local skynet = require "skynet"
local socket = require "skynet.socket"

skynet.start(function()
	local id = assert(socket.open("127.0.0.1", tonumber(skynet.getenv "last_words_port")))
	socket.write(id, "last ")
	socket.write(id, "words\n")
	os.exit(0)
end)
