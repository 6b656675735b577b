---Critical sections (skynet.queue) and the service that serves one message at a time (skynet.mqueue).
local skynet = require "skynet"
local check = require "check"
local queue = require "skynet.queue"

local case = check.cases()

case["a section runs one thread at a time, in order"] = function()
	local cs = queue()
	local list, left = {}, 5
	for i = 1, 5 do
		check.fork(function()
			cs(function()
				list[#list + 1] = "begin" .. i
				skynet.sleep(1)
				list[#list + 1] = "end" .. i
			end)
			left = left - 1
		end)
	end
	check.eventually(function()
		return left == 0
	end)
	check.eq(list, { "begin1", "end1", "begin2", "end2", "begin3", "end3", "begin4", "end4", "begin5", "end5" })
end

case["a section passes arguments and results"] = function()
	check.eq(table.pack(queue()(function(...)
		return ...
	end, 1, nil, 3)), table.pack(1, nil, 3))
end

case["the same thread may enter again"] = function()
	local cs = queue()
	check.eq(cs(function()
		return cs(function()
			skynet.sleep(1)
			return "inner"
		end)
	end), "inner")
end

case["an error leaves the section and is raised"] = function()
	local cs = queue()
	check.raises("inside the section", cs, function()
		error "inside the section"
	end)
	check.eq(cs(function()
		return "free"
	end), "free")
end

case["an error inside a nested section leaves only that one"] = function()
	local cs = queue()
	local entered
	cs(function()
		check.raises("inner", cs, function()
			error "inner"
		end)
		check.fork(function()
			cs(function()
				entered = true
			end)
		end)
		skynet.sleep(2)
		check.eq(entered, nil)
	end)
	check.eventually(function()
		return entered
	end)
end

case["sections are independent"] = function()
	local one, two = queue(), queue()
	one(function()
		local ran
		check.fork(two, function()
			ran = true
		end)
		skynet.yield()
		check.eq(ran, true)
	end)
end

case["skynet.queue is set by the module"] = function()
	check.ok(skynet.queue == queue)
end

case["mqueue serves one message at a time and answers with the results"] = function()
	local peer = check.launch(function()
		local mqueue = require "skynet.mqueue"
		local inside = 0
		skynet.start(function()
			mqueue.register(function(what, n)
				if what == "fail" then
					error "from the queue"
				end
				check.eq(inside, 0)
				inside = inside + 1
				skynet.sleep(1)
				inside = inside - 1
				return what, n
			end)
		end)
	end)
	local mqueue = require "skynet.mqueue"
	local got, left = {}, 5
	for i = 1, 5 do
		check.fork(function()
			got[i] = { mqueue.call(peer, "echo", i) }
			left = left - 1
		end)
	end
	mqueue.send(peer, "echo", 0)
	check.eventually(function()
		return left == 0
	end)
	check.eq(got, { { "echo", 1 }, { "echo", 2 }, { "echo", 3 }, { "echo", 4 }, { "echo", 5 } })
	check.raises("from the queue", mqueue.call, peer, "fail")
	check.eq({ mqueue.call(peer, "echo", 6) }, { "echo", 6 })
	check.eq(mqueue.size(), 0)
end

check.run(case)
