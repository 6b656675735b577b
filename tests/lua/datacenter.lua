---The data that all services of a network share.
local skynet = require "skynet"
local check = require "check"
local datacenter = require "skynet.datacenter"

local case = check.cases()

case["set returns the value before, get the value now"] = function()
	check.eq(datacenter.get "a", nil)
	check.eq(datacenter.set("a", 1), nil)
	check.eq(datacenter.get "a", 1)
	check.eq(datacenter.set("a", 2), 1)
	check.eq(datacenter.get "a", 2)
end

case["keys make a tree"] = function()
	check.eq(datacenter.set("tree", "branch", "leaf", "x"), nil)
	check.eq(datacenter.get("tree", "branch", "leaf"), "x")
	check.eq(datacenter.get "tree", { branch = { leaf = "x" } })
	check.eq(datacenter.get("tree", "absent"), nil)
	check.eq(datacenter.get("absent", "branch", "leaf"), nil)
end

case["a value can be removed"] = function()
	datacenter.set("gone", "x", 1)
	check.eq(datacenter.set("gone", "x", nil), 1)
	check.eq(datacenter.get("gone", "x"), nil)
end

case["values are of any type that can be sent"] = function()
	local value = { 1, "two", { three = 3.5 }, [10] = true }
	datacenter.set("value", value)
	check.eq(datacenter.get "value", value)
	check.eq(datacenter.get("value", 3, "three"), 3.5)
end

case["a path through a value that is no table fails"] = function()
	datacenter.set("number", 5)
	check.raises("call failed", datacenter.get, "number", "x", "y")
	check.raises("call failed", datacenter.set, "number", "x", 1)
	check.eq(datacenter.get "number", 5)
end

case["wait returns a value that is there"] = function()
	datacenter.set("there", "x", 1)
	check.eq(datacenter.wait("there", "x"), 1)
end

case["wait lasts until the value is set"] = function()
	local got = {}
	for i = 1, 2 do
		check.fork(function()
			got[i] = datacenter.wait("awaited", "x")
		end)
	end
	skynet.sleep(2)
	check.eq(got, {})
	datacenter.set("awaited", "other", 0)
	skynet.sleep(2)
	check.eq(got, {})
	datacenter.set("awaited", "x", "value")
	check.eventually(function()
		return got[1] and got[2]
	end)
	check.eq(got, { "value", "value" })
end

case["wait for a branch fails"] = function()
	datacenter.set("branch", "x", 1)
	local first = skynet.fork(function()
		pcall(datacenter.wait, "early", "x")
	end)
	skynet.yield()
	check.raises("call failed", datacenter.wait, "early")
	skynet.killthread(first)
end

case["waiters on a key that becomes a branch fail"] = function()
	local failed
	check.fork(function()
		check.raises("call failed", datacenter.wait, "becomes")
		failed = true
	end)
	skynet.sleep(2)
	datacenter.set("becomes", "x", 1)
	check.eventually(function()
		return failed
	end)
end

check.run(case)
