---Services made from a function: skynet.service.
local skynet = require "skynet"
local check = require "check"
local service = require "skynet.service"

local case = check.cases()

local function counter(first)
	local skynet = require "skynet"
	local n = first
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, add)
			n = n + add
			skynet.retpack(n)
		end)
	end)
end

case["new starts a function as a service, once for a name"] = function()
	local handle = service.new("counter", counter, 10)
	check.eq(math.type(handle), "integer")
	check.eq(skynet.call(handle, "lua", 5), 15)
	check.eq(service.new("counter", counter, 100), handle)
	check.eq(skynet.call(handle, "lua", 0), 15)
	check.eq(service.query "counter", handle)
end

case["other services find it by its name"] = function()
	check.eq(check.worker():call(function()
		return require "skynet.service".query "counter"
	end), service.query "counter")
end

case["callers at the same time get the same service"] = function()
	local got, left = {}, 5
	for i = 1, 5 do
		check.fork(function()
			got[i] = service.new("slow", function()
				local skynet = require "skynet"
				skynet.sleep(3)
				skynet.dispatch("lua", function() end)
			end)
			left = left - 1
		end)
	end
	check.eventually(function()
		return left == 0
	end)
	for i = 2, 5 do
		check.eq(got[i], got[1])
	end
end

case["query waits for the name"] = function()
	local handle
	check.fork(function()
		handle = service.query "late"
	end)
	skynet.sleep(2)
	check.eq(handle, nil)
	local made = service.new("late", counter, 0)
	check.eventually(function()
		return handle
	end)
	check.eq(handle, made)
end

case["a function that fails fails new, now and later"] = function()
	local function broken()
		error "the function fails"
	end
	check.raises("call failed", service.new, "broken", broken)
	check.raises("call failed", service.new, "broken", broken)
end

case["close ends the service and forgets its name"] = function()
	local handle = service.new("closing", counter, 1)
	check.eq(service.close "closing", true)
	check.eq(check.alive(handle), false)
	check.eq(service.close "closing", false)
	local again = service.new("closing", counter, 2)
	check.ok(again ~= handle)
	check.eq(skynet.call(again, "lua", 0), 2)
end

case["a function with upvalues is refused"] = function()
	local value = 1
	check.raises("", service.new, "upvalue", function()
		return value
	end)
	check.raises("", service.new, "native", print)
	check.raises("", service.new, "constant", function() end)
end

case["the provider tells the state of a name"] = function()
	local provider = skynet.uniqueservice "service_provider"
	check.eq(skynet.call(provider, "lua", "test", "nobody has this name"), nil)
	local handle = service.new("tested", counter, 1)
	check.eq(skynet.call(provider, "lua", "test", "tested"), handle)
	check.eq(skynet.call(provider, "lua", "query", "tested"), handle)
end

case["the provider describes its services, also when one has failed"] = check.ours(function()
	local provider = skynet.uniqueservice "service_provider"
	local info = skynet.call(provider, "debug", "INFO")
	check.eq(info[skynet.address(service.query "tested")].name, "tested")
end)

case["a cell refuses requests before its code takes them"] = function()
	local handle = service.new("mute", function()
		assert(true)
	end)
	check.raises("call failed", skynet.call, handle, "lua", "anything")
	check.log "No dispatch function"
end

check.run(case)
