---The cache of compiled chunks that all services share.
local skynet = require "skynet"
local check = require "check"
local cache = require "skynet.codecache"

local case = check.cases()

---@param text string
---@param path string
local function write(path, text)
	local file = assert(io.open(path, "w"))
	file:write(text)
	file:close()
end

---Runs `f` with the name of a file that exists only meanwhile.
---@param f fun(path: string)
---@return function
local function with_file(f)
	return function()
		local path = os.tmpname()
		local ok, err = pcall(f, path)
		os.remove(path)
		cache.clear()
		cache.mode "ON"
		if not ok then
			error(err, 0)
		end
	end
end

case["the mode is ON at first, and is set per service"] = function()
	check.eq(cache.mode(), "ON")
	cache.mode "OFF"
	check.eq(cache.mode(), "OFF")
	check.eq(check.worker():call(function()
		return require "skynet.codecache".mode()
	end), "ON")
	cache.mode "EXIST"
	check.eq(cache.mode(), "EXIST")
	cache.mode "ON"
	check.raises("invalid option", cache.mode, "SOMETIMES")
end

case["ON: a file is read once until clear"] = with_file(function(path)
	write(path, "return 1")
	check.eq(dofile(path), 1)
	write(path, "return 2")
	check.eq(dofile(path), 1)
	check.eq(loadfile(path)(), 1)
	check.eq(check.worker():call(function(name)
		return dofile(name)
	end, path), 1)
	cache.clear()
	check.eq(dofile(path), 2)
end)

case["OFF: a file is read each time"] = with_file(function(path)
	cache.mode "OFF"
	write(path, "return 1")
	check.eq(dofile(path), 1)
	write(path, "return 2")
	check.eq(dofile(path), 2)
end)

case["EXIST: what is there is used, and nothing is added"] = with_file(function(path)
	cache.mode "EXIST"
	write(path, "return 1")
	check.eq(dofile(path), 1)
	write(path, "return 2")
	check.eq(dofile(path), 2)
	cache.mode "ON"
	check.eq(dofile(path), 2)
	cache.mode "EXIST"
	write(path, "return 3")
	check.eq(dofile(path), 2)
end)

case["code that runs goes on after clear"] = with_file(function(path)
	write(path, "local n = 0 return function() n = n + 1 return 'a string longer than forty bytes, to be shared' .. n end")
	local f = dofile(path)
	check.match(f(), "shared1$")
	cache.clear()
	collectgarbage()
	check.match(f(), "shared2$")
end)

case["services do not share the state of a chunk"] = with_file(function(path)
	write(path, "local n = 0 return function() n = n + 1 return n end")
	local f = dofile(path)
	f()
	check.eq(check.worker():call(function(name)
		return dofile(name)()
	end, path), 1)
	check.eq(dofile(path)(), 1)
	check.eq(f(), 2)
end)

case["a failing file is not kept"] = with_file(function(path)
	write(path, "this is no Lua")
	check.eq(loadfile(path), nil)
	check.match(select(2, loadfile(path)), ":1: ")
	write(path, "return 'mended'")
	check.eq(dofile(path), "mended")
end)

check.run(case)
