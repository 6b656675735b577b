---What global groups stand on is killed. There is one of each in the life of a node.
local skynet = require "skynet"
local check = require "check"
local group = skynet.getenv "rs_version" and require "skynet.group"
require "skynet.manager"

local case = check.cases(true)

local early
case["without the directory nobody enters, and leaving works"] = function()
	early = group.global "early"
	local left = group.global "left"
	early:join()
	local directory
	for address, name in pairs(skynet.call(".launcher", "lua", "LIST")) do
		directory = name:find "datacenterd" and address or directory
	end
	skynet.kill(directory)
	for _ = 1, 2 do
		check.raises("call", group.global, "late")
	end
	local labels = {}
	for _, info in pairs(group.list()) do
		labels[info.label] = true
	end
	check.eq(labels, { early = true, ["early (members)"] = true, left = true, ["left (members)"] = true })
	check.raises("call", left.delete, left)
	check.eq(left:count(), nil)
	check.eq(early:count(), 1)
end

case["without groupd groups work on"] = function()
	skynet.kill(skynet.uniqueservice "groupd")
	check.raises("call", group.global, "late")
	local got
	skynet.dispatch("lua", function(_, _, what)
		got = what
	end)
	early:send("lua", "news")
	check.eventually(function()
		return got == "news"
	end)
end

check.run(case)
