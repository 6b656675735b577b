---Starts the login example and runs its client twice, one after the other, in a process of its own.
local skynet = require "skynet"
require "skynet.manager"

---@param run integer
local function run_client(run)
	local folder = assert(skynet.getenv "compat_c")
	local name = "client_" .. run
	-- It ends when its standard input does, so that is a pipe of ours.
	local command = 'out="$PWD/%s"; cd "%s" && { 3rd/lua/lua examples/login/client.lua; echo "status $?"; } > "$out" 2>&1'
	local client = assert(io.popen(command:format(name, folder), "w"))
	local text
	for _ = 1, 500 do
		local file = io.open(name)
		text = file and file:read "a" or ""
		if file then
			file:close()
		end
		if text:find "status %d+\n$" then
			break
		end
		skynet.sleep(2)
	end
	client:close()
	for line in text:gmatch "[^\n]+" do
		print("client " .. run, line)
	end
end

skynet.start(function()
	skynet.newservice "main"
	skynet.fork(function()
		run_client(1)
		run_client(2)
		skynet.abort()
	end)
end)
