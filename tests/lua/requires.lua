---`require` in running threads: modules may suspend while they are loaded.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()

case["a module is loaded once and gets its name and file"] = function()
	local plain = require "req.plain"
	check.eq(plain[1], "req.plain")
	check.match(plain[2], "req/plain%.lua$")
	check.ok(require "req.plain" == plain)
	check.ok(package.loaded["req.plain"] == plain)
end

case["a module may suspend, its init functions run before require returns"] = function()
	check.eq(require "req.slow".steps, { "begin", "chunk", "init" })
end

case["threads that require a module at the same time wait for it"] = function()
	package.loaded["req.slow"] = nil
	local got, left = {}, 3
	for i = 1, 3 do
		check.fork(function()
			got[i] = require "req.slow"
			left = left - 1
		end)
	end
	check.eventually(function()
		return left == 0
	end)
	check.ok(got[1] == got[2] and got[2] == got[3])
	check.eq(got[1].steps, { "begin", "chunk", "init" })
end

case["a module without a result is true"] = function()
	check.eq(require "req.silent", true)
end

case["a module that fails raises, fails those who wait, and can be tried again"] = function()
	local waiter
	skynet.timeout(0, function()
		waiter = select(2, pcall(require, "req.failing"))
	end)
	local err = check.raises("the first attempt fails", require, "req.failing")
	check.match(err, "stack traceback")
	check.eventually(function()
		return waiter
	end)
	check.match(waiter, "require req%.failing failed")
	check.eq(package.loaded["req.failing"], nil)
	check.eq(require "req.failing", 2)
end

case["a module that requires itself is refused"] = function()
	check.raises("circular dependency", require, "req.circle")
end

case["a module that is not there is named"] = function()
	local err = check.raises("module 'req%.absent' not found", require, "req.absent")
	check.match(err, "absent")
end

case["modules of the system are found"] = function()
	for _, name in ipairs { "skynet.manager", "skynet.queue", "skynet.datacenter", "skynet.coroutine", "skynet.core" } do
		check.eq(type(require(name)), name == "skynet.queue" and "function" or "table", name)
	end
	check.ok(require "skynet" == skynet)
end

check.run(case)
