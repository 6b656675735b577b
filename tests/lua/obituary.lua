---What the error of a call says about a callee that has ended.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases(true)

---@param peer check.worker
---@param how string
---@return string pattern the whole error
local function about(peer, how)
	return string.format("call failed: service :%08x %%(snlua worker%%) %s$", peer.handle, how)
end

---Calls a worker from a thread of its own.
---@param peer check.worker
---@param f function
---@param ... any
---@return fun(): string error waits for it
local function failing(peer, f, ...)
	local err
	check.fork(function(...)
		err = check.raises("call failed", peer.ask, peer, f, ...)
	end, ...)
	return function()
		return check.eventually(function()
			return err
		end)
	end
end

local function wait()
	skynet.wait()
end

case["a service that works on the request is killed"] = function()
	local peer = check.worker()
	local failure = failing(peer, wait)
	skynet.yield()
	peer:call(function() end)
	skynet.kill(peer.handle)
	check.match(failure(), about(peer, "was killed"))
end

case["a service that holds a response is killed"] = function()
	local peer = check.worker()
	local failure = failing(peer, function()
		check.state.response = skynet.response()
	end)
	skynet.yield()
	peer:call(function() end)
	skynet.kill(peer.handle)
	check.match(failure(), about(peer, "was killed"))
end

case["a request waits in the mailbox of a service that is killed"] = function()
	local peer = check.worker()
	local failures = {}
	-- The worker is busy, so that the others wait behind.
	failures[1] = failing(peer, function()
		local began = skynet.hpc()
		while skynet.hpc() - began < 100000000 do
		end
		skynet.wait()
	end)
	failures[2] = failing(peer, wait)
	failures[3] = failing(peer, wait)
	skynet.yield()
	skynet.kill(peer.handle)
	for _, failure in ipairs(failures) do
		check.match(failure(), about(peer, "was killed"))
	end
end

case["a service exits"] = function()
	local peer = check.worker()
	local failures = { failing(peer, wait), failing(peer, function()
		check.state.response = skynet.response()
	end), failing(peer, function()
		skynet.exit()
	end) }
	for _, failure in ipairs(failures) do
		check.match(failure(), about(peer, "has ended"))
	end
end

--- A request that its service gives up fails when that is killed.
---@param peer check.worker who is watched
local function fails_with_its_end(peer)
	local failure = failing(peer, function()
		skynet.ignoreret()
	end)
	skynet.yield()
	peer:call(function() end)
	skynet.kill(peer.handle)
	check.match(failure(), about(peer, "was killed"))
end

case["the request of a watched service that was given up"] = function()
	local peer = check.worker()
	check.ok(skynet.watch(peer.handle))
	fails_with_its_end(peer)
end

case["a service that was calling its caller"] = function()
	local peer = check.worker()
	check.ok(skynet.watch(peer.handle))
	peer:send(function(handle)
		skynet.call(handle, "debug", "LINK")
	end, skynet.self())
	fails_with_its_end(peer)
end

case["an exit with a reason"] = function()
	local peer = check.worker()
	local failures = { failing(peer, wait), failing(peer, function()
		skynet.exit "of old age\nand more"
	end) }
	for _, failure in ipairs(failures) do
		check.match(failure(), about(peer, "ended: of old age"))
	end
end

case["a service is at its memory limit"] = function()
	local limited = check.ok(skynet.newservice("limited", 1 << 20))
	local failure = failing({ handle = limited, ask = function(_, f)
		return skynet.call(limited, "lua", string.dump(f))
	end }, wait)
	skynet.yield()
	check.match(check.raises("call failed", skynet.call, limited, "lua", string.dump(function()
		hoard = {}
		while true do
			hoard[#hoard + 1] = { #hoard }
		end
	end)), string.format("call failed: service :%08x %%(snlua limited 1048576%%): not enough memory\n", limited))
	check.match(failure(), string.format("call failed: service :%08x %%(snlua limited 1048576%%) ended at its memory limit$",
		limited))
end

case["a service that waited for the one that calls it, and ends"] = function()
	local peer = check.worker()
	local failure = failing(peer, function(to)
		skynet.ignoreret()
		skynet.send(to, "lua", "nothing that this service handles")
		skynet.fork(function()
			skynet.sleep(1)
			skynet.exit()
		end)
		skynet.call(to, "debug", "LINK")
	end, skynet.self())
	check.match(failure(), about(peer, "has ended"))
end

check.run(case)
