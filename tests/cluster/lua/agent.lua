---The start service of a node in a cluster test: does what the test says.
---
---It connects to the test (config key `control`) and says `hello <harbor id> <life> <echo handle>`. Then
---the test sends pieces of Lua code, each as a line `<number> <bytes>` and the bytes; each runs in a coroutine of its own,
---and what it returns goes back as `<number> ok <bytes>` or `<number> err <bytes>` and the bytes. The node ends when the
---connection does, so that none outlives its test.
local skynet = require "skynet"
local socket = require "skynet.socket"
local harbor = require "skynet.harbor"
local datacenter = require "skynet.datacenter"
require "skynet.manager"

---What the code of the test sees beside the globals.
---@type table<string, any>
local scope = setmetatable({ skynet = skynet, harbor = harbor, datacenter = datacenter }, { __index = _G })

local counted = 0

---@return integer number one more than last time, as the echo services want it
function scope.count()
	counted = counted + 1
	return counted
end

---@param ... any
---@return string text the values, separated by spaces
local function text_of(...)
	local words = table.pack(...)
	for i = 1, words.n do
		words[i] = tostring(words[i])
	end
	return table.concat(words, " ")
end

---@param fd integer
---@param number string
---@param code string
local function run(fd, number, code)
	local word, text = "err", nil
	local chunk, problem = load(code, "=test", "t", scope)
	if chunk then
		local results = table.pack(pcall(chunk))
		if results[1] then
			word, text = "ok", text_of(table.unpack(results, 2, results.n))
		else
			text = tostring(results[2])
		end
	else
		text = tostring(problem)
	end
	socket.write(fd, ("%s %s %d\n%s"):format(number, word, #text, text))
end

---@param fd integer
local function serve(fd)
	local line = socket.readline(fd)
	while line do
		local number, bytes = line:match "^(%d+) (%d+)$"
		local code = bytes and socket.read(fd, tonumber(bytes))
		if not code then
			break
		end
		skynet.fork(run, fd, number, code)
		line = socket.readline(fd)
	end
	skynet.abort()
end

skynet.start(function()
	scope.echo = skynet.newservice "echo"
	scope.storm = skynet.newservice "storm"
	local host, port = skynet.getenv("control"):match "^(.+):(%d+)$"
	local fd = assert(socket.open(host, tonumber(port)))
	local id, life = skynet.getenv "harbor", skynet.getenv "life"
	socket.write(fd, ("hello %s %s %d\n"):format(id, life, scope.echo))
	skynet.fork(serve, fd)
end)
