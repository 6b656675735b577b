---Services by name: launcher, service manager, local and global names.
local skynet = require "skynet"
local check = require "check"
local harbor = require "skynet.harbor"
require "skynet.manager"

local case = check.cases()

case["uniqueservice starts a service once"] = function()
	local handle = skynet.uniqueservice "worker"
	check.eq(skynet.uniqueservice "worker", handle)
	check.eq(skynet.queryservice "worker", handle)
end

case["callers at the same time get the same service"] = function()
	local got, left = {}, 10
	for i = 1, left do
		check.fork(function()
			got[i] = skynet.uniqueservice("arguments", "first", i)
			left = left - 1
		end)
	end
	check.eventually(function()
		return left == 0
	end)
	for i = 2, 10 do
		check.eq(got[i], got[1])
	end
	check.eq(skynet.call(got[1], "lua")[1], "first")
end

case["queryservice waits until the service is started"] = function()
	local handle
	check.fork(function()
		handle = skynet.queryservice "unique_late"
	end)
	skynet.sleep(2)
	check.eq(handle, nil)
	local made = skynet.uniqueservice "unique_late"
	check.eventually(function()
		return handle
	end)
	check.eq(handle, made)
end

case["a failure is raised with its reason and remembered"] = function()
	check.raises("call failed", skynet.uniqueservice, "broken_init")
	check.log "the start function fails"
	check.raises("call failed", skynet.uniqueservice, "broken_init")
	check.raises("call failed", skynet.queryservice, "broken_init")
	check.nolog "LAUNCH snlua broken_init.*LAUNCH snlua broken_init"
end

case["unique over the network has a key of its own"] = function()
	local handle = skynet.uniqueservice(true, "worker")
	check.ok(handle ~= skynet.queryservice "worker")
	check.eq(skynet.uniqueservice(true, "worker"), handle)
	check.eq(skynet.queryservice(true, "worker"), handle)
end

case["the service manager lists what it has"] = function()
	local list = skynet.call(".service", "lua", "LIST")
	check.eq(list.worker, skynet.address(skynet.queryservice "worker"))
	check.eq(list["@worker"], skynet.address(skynet.queryservice(true, "worker")))
	check.match(list.broken_init, "^Error: ")
	check.eq({ skynet.call(".service", "lua", "NONSENSE") }, { nil, "Invalid command NONSENSE" })
end

case["the service manager shows who waits for what"] = function()
	local co = skynet.fork(skynet.queryservice, "unique_never")
	skynet.yield()
	local text = skynet.call(".service", "lua", "LIST").unique_never
	check.match(text, "Querying:")
	check.match(text, skynet.address(skynet.self()))
	skynet.killthread(co)
end

case["the launcher lists its services with their arguments"] = function()
	local handle = skynet.newservice("arguments", "x", 1)
	local list = skynet.call(".launcher", "lua", "LIST")
	check.eq(list[skynet.address(handle)], "snlua arguments x 1")
	check.eq(list[skynet.address(skynet.self())], "snlua unique")
	check.eq(list[":00000001"], nil)
	check.eq(list[":00000003"], nil)
	skynet.kill(handle)
	check.eq(skynet.call(".launcher", "lua", "LIST")[skynet.address(handle)], nil)
end

case["the launcher forgets a service that exits"] = function()
	local peer = check.worker()
	peer:send(function()
		skynet.exit()
	end)
	check.eventually(function()
		return not skynet.call(".launcher", "lua", "LIST")[skynet.address(peer.handle)]
	end)
end

case["the launcher kills, and tells what it killed"] = function()
	local peer = check.worker()
	local address = skynet.address(peer.handle)
	check.eq(skynet.call(".launcher", "lua", "KILL", peer.handle), { [address] = "snlua worker" })
	check.eq(check.alive(peer.handle), false)
end

case["the launcher gathers STAT, MEM and GC"] = function()
	local address = skynet.address(skynet.self())
	local stat = skynet.call(".launcher", "lua", "STAT")
	check.eq(type(stat[address].task), "number")
	check.eq(type(stat[address].message), "number")
	check.match(skynet.call(".launcher", "lua", "MEM")[address], "^%d+%.%d%d Kb %(snlua unique%)$")
	check.match(skynet.call(".launcher", "lua", "GC")[address], "^%d+%.%d%d Kb %(snlua unique%)$")
end

case["the launcher names a service that does not answer in time"] = function()
	local peer = check.worker()
	peer:send(function()
		local till = skynet.hpc() + 400000000
		while skynet.hpc() < till do end
	end)
	local list = skynet.call(".launcher", "lua", "MEM", 5)
	check.eq(list[skynet.address(peer.handle)], "TIMEOUT (snlua worker)")
	skynet.kill(peer.handle)
end

case["the launcher answers an unknown command, in any case of letters"] = function()
	check.eq(skynet.call(".launcher", "lua", "NONSENSE"), { "Unknown command" })
	check.eq(type(skynet.call(".launcher", "lua", "list")), "table")
end

case["a launch with a message log"] = function()
	local handle = skynet.call(".launcher", "lua", "LOGLAUNCH", "snlua", "worker")
	check.log(string.format("Open log file [^\n]*%08x.log", handle))
	skynet.kill(handle)
end

case["local names: the first registration wins, a handle may have several"] = function()
	local one, two = check.worker(), check.worker()
	skynet.name(".unique_a", one.handle)
	skynet.name(".unique_a", two.handle)
	skynet.name(".unique_b", one.handle)
	check.eq(skynet.localname ".unique_a", one.handle)
	check.eq(skynet.localname ".unique_b", one.handle)
	skynet.kill(one.handle)
	check.eq(skynet.localname ".unique_a", nil)
	check.eq(skynet.localname ".unique_b", nil)
	skynet.name(".unique_a", two.handle)
	check.eq(skynet.localname ".unique_a", two.handle)
end

case["localname wants a leading dot"] = function()
	check.eq(select("#", skynet.localname "worker"), 0)
	check.eq(skynet.localname ".unique_nobody", nil)
	check.eq(skynet.localname ".launcher", 3)
	check.eq(skynet.localname ".service", 7)
	check.eq(skynet.localname ".logger", 1)
	check.eq(skynet.localname ".cslave", 4)
end

case["names that cannot be global are refused"] = function()
	check.raises("", skynet.register, "a_name_of_sixteen")
	check.raises("", skynet.register, "12")
	check.raises("", skynet.register, ":12")
end

-- In C this waits for ever.
case["nobody waits for a name that nobody can have"] = check.ours(function()
	check.raises("call failed", harbor.queryname, "a_name_of_sixteen")
	check.log "the global name \"a_name_of_sixteen\" can't be: it has 1 to 15 bytes"
	check.raises("call failed", harbor.queryname, "")
end)

case["a global name reaches its service, also for messages sent before"] = function()
	local peer = check.worker()
	check.eq(skynet.send("UNIQUE_G", "lua", "raw", string.dump(function()
		check.state.early = true
	end)), 0)
	peer:call(function()
		skynet.register "UNIQUE_G"
	end)
	check.eq(harbor.queryname "UNIQUE_G", peer.handle)
	check.eventually(function()
		return peer:call(function()
			return check.state.early
		end)
	end)
	check.eq(skynet.call("UNIQUE_G", "lua", "answer", string.dump(function()
		return "by global name"
	end)), "by global name")
end

case["a global name given to another service"] = function()
	local peer = check.worker()
	skynet.name("UNIQUE_H", peer.handle)
	check.eq(harbor.queryname "UNIQUE_H", peer.handle)
end

case["queryname waits for the name"] = function()
	local handle
	check.fork(function()
		handle = harbor.queryname "UNIQUE_W"
	end)
	skynet.sleep(2)
	check.eq(handle, nil)
	skynet.register "UNIQUE_W"
	check.eventually(function()
		return handle
	end)
	check.eq(handle, skynet.self())
end

check.run(case)
