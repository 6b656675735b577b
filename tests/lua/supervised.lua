---Supervision: kinds of children, those that come and go, starts that hang, names, and the end of the supervisor itself.
local skynet = require "skynet"
local check = require "check"
local supervisor = skynet.getenv "rs_version" and require "skynet.supervisor"
require "skynet.manager"

local case = check.cases(true)

---@param handle integer
local function gone(handle) -- a supervisor hears a moment earlier that it ends
	return check.eventually(function()
		return not check.alive(handle)
	end, "the end of " .. skynet.address(handle))
end

---@param sup supervisor
---@param id string
---@param old? integer
---@return integer handle of its next life
local function next_life(sup, id, old)
	return check.eventually(function()
		local handle = sup:handle(id)
		return handle ~= old and handle
	end, id .. " again")
end

---@param handle integer
local function exit(handle)
	skynet.send(handle, "debug", "EXIT")
end

---A host of a supervisor: a worker that calls `supervisor.start` with three workers.
---@return check.worker host
---@return integer[] children
local function host()
	local peer = check.worker()
	return peer, peer:call(function()
		check.state.notes = {}
		local children = {}
		for i = 1, 3 do
			children[i] = { id = "c" .. i, start = { "worker" }, stop = function(handle)
				skynet.error("host stops c" .. i)
				skynet.send(handle, "debug", "EXIT")
			end }
		end
		local sup = require "skynet.supervisor".start { children = children }
		check.state.sup = sup
		return { sup:handle "c1", sup:handle "c2", sup:handle "c3" }
	end)
end

case["a transient child is started again unless it has exited"] = function()
	local sup = supervisor.start { children = { { id = "t", start = { "worker" }, restart = "transient" } } }
	local first = sup:handle "t"
	skynet.kill(first)
	local second = next_life(sup, "t", first)
	skynet.send(second, "lua", "raw", string.dump(function()
		skynet.exit "not as it should"
	end))
	local third = next_life(sup, "t", second)
	exit(third)
	check.eventually(function()
		return not sup:handle "t"
	end)
	skynet.sleep(2)
	local view = sup:which_children()[1]
	check.eq(view, { id = "t", restart = "transient", starts = 3, reason = string.format("service %s (snlua worker) has ended", skynet.address(third)) })
	sup:stop()
end

case["a transient child that was stopped with others is started with them"] = function()
	local sup = supervisor.start { strategy = "one_for_all", children = {
		{ id = "t", start = { "worker" }, restart = "transient" }, { id = "x", start = { "worker" } },
	} }
	local t, x = sup:handle "t", sup:handle "x"
	skynet.kill(x)
	next_life(sup, "x", x)
	check.ok(sup:handle "t" and sup:handle "t" ~= t)
	sup:stop()
end

case["a transient or temporary child may be done when its start is"] = function()
	local sup = supervisor.start { children = {
		{ id = "once", start = { "quitter" }, restart = "transient" }, { id = "other", start = { "quitter" }, restart = "temporary" },
	} }
	check.eq(sup:handle "once", nil)
	skynet.sleep(2)
	check.eq(sup:which_children()[1].starts, 1)
	sup:stop()
end

case["children that come and go leave nothing behind"] = function()
	local sup = supervisor.start {}
	local handles = {}
	for i = 1, 60 do
		handles[i] = sup:start_child { id = "agent" .. i, start = { "worker" }, restart = i % 2 == 0 and "temporary" or "transient" }
		check.eq(sup:handle("agent" .. i), handles[i])
	end
	check.eq(#sup:which_children(), 60)
	check.raises("an id of its own", sup.start_child, sup, { id = "agent1", start = { "worker" } })
	for i = 1, 50 do
		exit(handles[i])
	end
	check.eventually(function()
		return #sup:which_children() == 10
	end)
	check.raises("no child agent1", sup.handle, sup, "agent1")
	sup:stop_child "agent55"
	gone(handles[55])
	check.eq(#sup:which_children(), 9)
	check.raises("no child agent55", sup.stop_child, sup, "agent55")
	local old = handles[51] -- a transient one
	skynet.kill(old)
	next_life(sup, "agent51", old)
	sup:stop()
	gone(handles[60])
	check.raises("the supervisor is stopped", sup.start_child, sup, { id = "late", start = { "worker" } })
	check.eq(skynet.task(), 1, "threads") -- the clock of the cases
end

case["a child that was added and does not start is not there"] = function()
	local sup = supervisor.start {}
	check.raises("b: it did not start: .*the start function fails", sup.start_child, sup, { id = "b", start = { "broken_init" } })
	check.eq(sup:which_children(), {})
	sup:stop()
end

---@param name string
---@return fun() start
local function hanging(name)
	return load(string.format([[
		local skynet = require "skynet"
		require "skynet.manager"
		skynet.start(function()
			skynet.register %q
			skynet.wait()
		end)]], name))
end

---@param f function
---@return string[] start
local function chunk(f)
	local hex = string.dump(f):gsub(".", function(c)
		return string.format("%02x", c:byte())
	end)
	return { "chunk", hex }
end

case["a start that takes too long is ended and counts as one that failed"] = function()
	check.raises("h: it did not start: it has not started within 0.05 s", supervisor.start, {
		children = { { id = "h", start = chunk(hanging ".sup_hanging"), start_limit = 5 } },
	})
	check.eventually(function()
		return not skynet.localname ".sup_hanging"
	end)
	check.raises("it has not started within 0.05 s", supervisor.start, {
		children = { { id = "h", start_limit = 5, start = function()
			return skynet.newservice(table.unpack(chunk(hanging ".sup_hanging")))
		end } },
	})
	check.eventually(function()
		return not skynet.localname ".sup_hanging"
	end)
	check.raises("it has not started within 0.05 s", supervisor.start, {
		children = { { id = "h", start_limit = 5, start = function()
			skynet.wait()
		end } },
	})
	check.eq(skynet.task(), 1, "threads")
end

case["a start that hangs does not keep the supervisor from being stopped"] = function()
	local hang = false
	local sup = supervisor.start { children = { { id = "a", start_limit = false, start = function()
		return hang and skynet.wait() or skynet.newservice "worker"
	end } } }
	hang = true
	skynet.kill(sup:handle "a")
	check.log "supervisor: restart 1 of 3"
	sup:stop()
	check.eq(skynet.task(), 1, "threads")
end

case["a child keeps its global name, which finds its next life"] = function()
	local harbor = require "skynet.harbor"
	local sup = supervisor.start { children = { { id = "g", start = { "worker" }, name = "SUPERVISED" } } }
	local old = sup:handle "g"
	check.eq(harbor.queryname "SUPERVISED", old)
	check.eq(skynet.call("SUPERVISED", "lua", "answer", string.dump(function() return skynet.self() end)), old)
	skynet.kill(old)
	local new = next_life(sup, "g", old)
	check.eq(harbor.queryname "SUPERVISED", new)
	check.eq(skynet.call("SUPERVISED", "lua", "answer", string.dump(function() return skynet.self() end)), new)
	check.raises("its name SUPERVISED is taken", supervisor.start, { children = { { id = "x", start = { "worker" }, name = "SUPERVISED" } } })
	check.eq(harbor.queryname "SUPERVISED", new)
	sup:stop()
end

case["children end with the service of their supervisor, however that ends"] = function()
	for _, how in ipairs { "kill", "exit", "error" } do
		local peer, children = host()
		if how == "kill" then
			skynet.kill(peer.handle)
		elseif how == "exit" then
			peer:send(function()
				skynet.exit()
			end)
		else
			peer:send(function()
				skynet.exit "something went wrong"
			end)
		end
		for _, handle in ipairs(children) do
			gone(handle)
		end
	end
	check.nolog "host stops"
end

case["a child that is still starting when the supervisor ends does not stay"] = function()
	local peer = check.worker()
	peer:send(function(words)
		require "skynet.supervisor".start { children = { { id = "slow", start = words } } }
	end, chunk(function()
		local skynet = require "skynet"
		require "skynet.manager"
		skynet.start(function()
			skynet.register ".sup_slow"
			skynet.wait()
		end)
	end))
	check.eventually(function()
		return skynet.localname ".sup_slow"
	end)
	check.eventually(function()
		local threads = skynet.call(".sup_slow", "debug", "TASK")
		return table.concat(check.values(threads), "\n"):find("link.lua", 1, true)
	end, "the child follows its supervisor")
	skynet.kill(peer.handle)
	check.eventually(function()
		return not skynet.localname ".sup_slow"
	end)
end

case["a child with follow = false does not"] = function()
	local peer = check.worker()
	local handle = peer:call(function()
		return require "skynet.supervisor".start { children = { { id = "a", start = { "worker" }, follow = false } } }:handle "a"
	end)
	skynet.kill(peer.handle)
	skynet.sleep(2)
	check.eq(check.alive(handle), true)
	skynet.kill(handle)
end

case["a supervisor may be a child: it stops its children in order when it is asked to end"] = function()
	local inner
	local sup = supervisor.start { children = { { id = "inner", start = function()
		local peer, children = host()
		inner = children
		return peer.handle
	end } } }
	local before = inner
	skynet.kill(sup:handle "inner")
	for _, handle in ipairs(before) do
		gone(handle)
	end
	check.eventually(function()
		return inner ~= before and sup:handle "inner"
	end)
	check.nolog "host stops"
	sup:stop()
	check.log "host stops c3.*host stops c2.*host stops c1"
	for _, handle in ipairs(inner) do
		gone(handle)
	end
end

case["a native service can be a child"] = function()
	local sup = supervisor.start { children = { { id = "n", name = ".sup_native", shutdown = 2, start = function()
		return skynet.launch("logger", "supervised.log")
	end } } }
	local old = sup:handle "n"
	skynet.kill(old)
	local new = next_life(sup, "n", old)
	check.eq(skynet.localname ".sup_native", new)
	sup:stop()
	gone(new)
	os.remove "supervised.log"
end

check.run(case)
