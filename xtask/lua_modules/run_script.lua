-- Runs one test script of a Lua module in a service, as the program `lua` would, and says how it ended. Its path is the config's
-- `test_script`.
local skynet = require "skynet"
require "skynet.manager"

local path = assert(skynet.getenv "test_script")

local exit = os.exit

---@param code? boolean|integer
local function ended(code)
	print("ENDED " .. tostring(code == nil or code == true or code == 0))
	io.stdout:flush()
end

---@param code? boolean|integer
---@diagnostic disable-next-line: duplicate-set-field
function os.exit(code)
	ended(code)
	exit(code)
end

skynet.start(function()
	skynet.fork(function()
		-- Some start themselves as a program of its own.
		arg = { [-1] = os.getenv "LUA" or "lua", [0] = path }
		local chunk, problem = loadfile(path)
		local ok = chunk ~= nil
		if chunk then
			ok, problem = xpcall(chunk, debug.traceback)
		end
		if not ok then
			print(problem)
		end
		ended(ok)
		exit(ok)
	end)
end)
