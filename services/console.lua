-- Reads lines from the standard input. Each names a service to be started, with its arguments; `snax NAME` starts a snax
-- service.
local skynet = require "skynet"
local socket = require "skynet.socket"

---@param line string
local function run(line)
	local words = {}
	for word in line:gmatch "%S+" do
		words[#words + 1] = word
	end
	if words[1] == "snax" then
		local snax = require "skynet.snax"
		snax.newservice(table.unpack(words, 2))
	elseif words[1] then
		skynet.newservice(line)
	end
end

skynet.start(function()
	local stdin = socket.stdin()
	skynet.fork(function()
		local line, rest = socket.readline(stdin, "\n")
		while line do
			pcall(run, line)
			line, rest = socket.readline(stdin, "\n")
		end
		pcall(run, rest or "")
		skynet.error "The standard input has ended"
		skynet.exit()
	end)
end)
