-- The proxies that ship: time-out, balance, overload.
local skynet = require "skynet"
local proxy = require "skynet.proxy"
local check = require "check"

local case = check.cases(true)

local echo = string.dump(function(...)
	return ...
end)

--- Answers when the test lets it.
local wait = string.dump(function(key)
	local state = check.state
	state.waiting = (state.waiting or 0) + 1
	state.order = state.order or {}
	table.insert(state.order, key)
	state.tokens = state.tokens or {}
	local token = {}
	table.insert(state.tokens, token)
	skynet.wait(token)
	return key
end)

--- Lets it answer the oldest of those requests, or all.
---@param target check.worker
---@param count? integer
local function release(target, count)
	target:call(function(count)
		for _ = 1, count or #check.state.tokens do
			skynet.wakeup(table.remove(check.state.tokens, 1))
		end
	end, count)
end

case["a time-out proxy passes requests and one-way messages on, and answers back"] = function()
	local target = check.worker()
	local front = proxy.timeout(target.handle, 500)
	check.eq({ skynet.call(front, "lua", "answer", echo, 1, nil, "x") }, { 1, nil, "x" })
	skynet.send(front, "lua", "raw", string.dump(function()
		check.state.heard = true
	end))
	check.eventually(function()
		return target:call(function()
			return check.state.heard
		end)
	end)
	check.eq(proxy.info(front).limit, 500)
	skynet.kill(front)
end

case["a request that is not answered in time fails, and the proxy goes on"] = function()
	local target = check.worker()
	local front = proxy.timeout(target.handle, 5)
	check.raises("call failed: no answer from :%x+ within 0.05 s", skynet.call, front, "lua", "answer", wait, 1)
	check.eq(skynet.call(front, "lua", "answer", echo, 2), 2)
	release(target)
	check.eventually(function()
		return proxy.info(front).late == 1
	end)
	skynet.kill(target.handle)
	check.raises("call failed: ", skynet.call, front, "lua", "answer", echo, 3)
	skynet.kill(front)
end

case["other types go through a proxy that is told so"] = function()
	local target = check.launch(function()
		skynet.register_protocol {
			id = skynet.PTYPE_TEXT,
			name = "text",
			unpack = skynet.tostring,
			dispatch = function(_, _, text)
				skynet.ret(text .. "!")
			end,
		}
		skynet.start(function() end)
	end)
	local front = proxy.timeout(target, 500, "text")
	skynet.register_protocol {
		id = skynet.PTYPE_TEXT,
		name = "text",
		pack = function(text)
			return text
		end,
		unpack = skynet.tostring,
	}
	check.eq(skynet.call(front, "text", "hello"), "hello!")
	check.raises("", proxy.timeout, target, 500, "response")
	check.log "messages of type response cannot be passed on"
	check.raises("", proxy.timeout, target, 500, "nonsense")
	check.log "there is no message type nonsense"
end

---@param count integer
---@return check.worker[] targets
---@return integer[] handles
local function several(count)
	local targets, handles = {}, {}
	for index = 1, count do
		targets[index] = check.worker()
		handles[index] = targets[index].handle
	end
	return targets, handles
end

local whoami = string.dump(function()
	return skynet.self()
end)

---@param front integer
---@param count integer
---@return integer[] who answered
local function ask(front, count)
	local who = {}
	for index = 1, count do
		who[index] = skynet.call(front, "lua", "answer", whoami)
	end
	return who
end

case["round robin: one after the other"] = function()
	local _, handles = several(3)
	local front = proxy.balance("round_robin", handles)
	check.eq(ask(front, 6), { handles[1], handles[2], handles[3], handles[1], handles[2], handles[3] })
	skynet.kill(front)
end

case["a target that has ended is left out, and the last one is missed"] = function()
	local _, handles = several(3)
	local front = proxy.balance("round_robin", handles)
	ask(front, 1)
	skynet.kill(handles[2])
	check.eq(ask(front, 3), { handles[3], handles[1], handles[3] })
	skynet.kill(handles[1])
	skynet.kill(handles[3])
	check.raises("call failed: no target is left", ask, front, 1)
	local new = check.worker().handle
	proxy.add(front, new)
	check.eq(ask(front, 2), { new, new })
	check.eq(proxy.remove(front, new), true)
	check.eq(proxy.remove(front, new), false)
	check.raises("no target is left", ask, front, 1)
	skynet.kill(front)
end

case["the open requests of a target that ends fail"] = function()
	for _, policy in ipairs { "round_robin", "least_queued" } do
		local targets, handles = several(1)
		local front = proxy.balance(policy, handles)
		local failure
		check.fork(function()
			failure = check.raises("call failed: service :%x+ .* was killed", skynet.call, front, "lua", "answer", wait, 1)
		end)
		check.eventually(function()
			return targets[1]:call(function()
				return check.state.waiting
			end)
		end)
		skynet.kill(handles[1])
		check.eventually(function()
			return failure
		end)
		skynet.kill(front)
	end
end

case["least queued: whoever has the fewest open requests"] = function()
	local targets, handles = several(3)
	local front = proxy.balance("least_queued", handles)
	for index = 1, 5 do
		check.fork(skynet.call, front, "lua", "answer", wait, index)
	end
	check.eventually(function()
		local open = 0
		for _, target in ipairs(proxy.info(front)) do
			open = open + target.open
		end
		return open == 5
	end)
	local open = {}
	for index, target in ipairs(proxy.info(front)) do
		open[index] = target.open
	end
	check.eq(open, { 2, 2, 1 })
	check.eq(skynet.call(front, "lua", "answer", whoami), handles[3])
	release(targets[1])
	check.eventually(function()
		return proxy.info(front)[1].open == 0
	end)
	check.eq(skynet.call(front, "lua", "answer", whoami), handles[1])
	release(targets[2])
	release(targets[3])
	skynet.kill(front)
end

case["an overload proxy lets so many requests through, and the senders take turns"] = function()
	local target = check.worker()
	local front = proxy.overload(target.handle, { requests = 1 })
	local greedy, modest = check.worker(), check.worker()
	local function flood(client, name, count)
		client:call(function(front, wait, name, count)
			for index = 1, count do
				skynet.fork(skynet.call, front, "lua", "answer", wait, name .. index)
				skynet.yield()
			end
		end, front, wait, name, count)
	end
	flood(greedy, "g", 5)
	check.eventually(function()
		return proxy.info(front).held == 4
	end)
	flood(modest, "m", 2)
	check.eventually(function()
		return proxy.info(front).held == 6
	end)
	check.eq(proxy.info(front).senders, 2)
	for done = 1, 7 do
		check.eventually(function()
			return target:call(function()
				return check.state.waiting
			end) == done
		end)
		release(target, 1)
	end
	local order = target:call(function()
		return check.state.order
	end)
	check.eq(order, { "g1", "g2", "m1", "g3", "m2", "g4", "g5" })
	check.eventually(function()
		local info = proxy.info(front)
		return info.open == 0 and info.held == 0
	end)
	skynet.kill(front)
end

case["what does not fit is refused, of that sender alone"] = function()
	local target = check.worker()
	local front = proxy.overload(target.handle, { requests = 1, held = 2 })
	for index = 1, 3 do
		check.fork(skynet.call, front, "lua", "answer", wait, index)
	end
	check.eventually(function()
		return proxy.info(front).held == 2
	end)
	check.raises("call failed: service :%x+ is overloaded: 2 messages wait, 2 of them of :%x+",
		skynet.call, front, "lua", "answer", echo, 4)
	skynet.send(front, "lua", "answer", echo, 5)
	check.eventually(function()
		local info = proxy.info(front)
		return info.refused == 1 and info.dropped == 1
	end)
	local other = check.worker()
	other:call(function(front, echo)
		skynet.fork(function()
			check.state.got = skynet.call(front, "lua", "answer", echo, 6)
		end)
	end, front, echo)
	check.eventually(function()
		return proxy.info(front).held == 3
	end)
	for done = 1, 3 do
		check.eventually(function()
			return target:call(function()
				return check.state.waiting
			end) == done
		end)
		release(target, 1)
	end
	check.eventually(function()
		return other:call(function()
			return check.state.got
		end) == 6
	end)
	skynet.kill(front)
end

case["what a sender asked that has exited is not passed on"] = function()
	local target = check.worker()
	local front = proxy.overload(target.handle, { requests = 1 })
	check.fork(skynet.call, front, "lua", "answer", wait, "first")
	check.eventually(function()
		return proxy.info(front).open == 1
	end)
	local doomed = check.worker()
	doomed:call(function(front, wait)
		skynet.fork(skynet.call, front, "lua", "answer", wait, "of the dead")
	end, front, wait)
	check.eventually(function()
		return proxy.info(front).held == 1
	end)
	skynet.kill(doomed.handle)
	check.fork(skynet.call, front, "lua", "answer", wait, "last")
	check.eventually(function()
		return proxy.info(front).held == 2
	end)
	release(target, 1)
	check.eventually(function()
		return target:call(function()
			return check.state.waiting
		end) == 2
	end)
	check.eq(target:call(function()
		return check.state.order
	end), { "first", "last" })
	check.eq(proxy.info(front).gone, 1)
	release(target, 1)
	skynet.kill(front)
end

case["a long mailbox of the target holds messages back"] = function()
	local target = check.worker()
	local front = proxy.overload(target.handle, { mqlen = 10 })
	-- It does not look at its mailbox until the test says so.
	target:send(function()
		while not skynet.getenv "proxies_go" do end
	end)
	for _ = 1, 50 do
		skynet.send(front, "lua", "answer", echo)
	end
	check.eventually(function()
		return proxy.info(front).held > 0
	end)
	check.ok(skynet.mqlen(target.handle) <= 12)
	skynet.setenv("proxies_go", "1")
	check.eventually(function()
		return proxy.info(front).held == 0
	end)
	skynet.kill(front)
end

case["a PING that stays without an answer holds messages back"] = function()
	local target = check.worker()
	local front = proxy.overload(target.handle, { ping = 1, patience = 1 })
	target:send(function()
		while not skynet.getenv "proxies_on" do end
	end)
	local answered = 0
	for _ = 1, 3 do
		check.fork(function()
			skynet.call(front, "lua", "answer", echo)
			answered = answered + 1
		end)
	end
	check.eventually(function()
		return proxy.info(front).late
	end)
	check.fork(function()
		skynet.call(front, "lua", "answer", echo)
		answered = answered + 1
	end)
	check.eventually(function()
		return proxy.info(front).held == 1
	end)
	skynet.setenv("proxies_on", "1")
	check.eventually(function()
		return answered == 4 and proxy.info(front).held == 0
	end)
	skynet.kill(front)
end

case["a target that takes no debug messages is not taken for late"] = function()
	local target = check.launch(function()
		local skynet = require "skynet"
		local core = require "skynet.core"
		core.callback(function(kind, _, _, session, source)
			if kind == skynet.PTYPE_LUA then
				core.send(source, skynet.PTYPE_RESPONSE, session, skynet.pack "here")
			end
		end)
		skynet.send(".launcher", "lua", "LAUNCHOK")
	end)
	local front = proxy.overload(target, { requests = 1, patience = 1, ping = 1 })
	for _ = 1, 10 do
		check.eq(skynet.timeout_call(500, front, "lua", "anybody?"), "here")
		skynet.sleep(1)
	end
	skynet.kill(front)
end

case["requests that are held back fail when the proxy is killed"] = function()
	local target = check.worker()
	local front = proxy.overload(target.handle, { requests = 1 })
	local failed = 0
	for index = 1, 3 do
		check.fork(function()
			check.raises("call failed", skynet.call, front, "lua", "answer", wait, index)
			failed = failed + 1
		end)
	end
	check.eventually(function()
		return proxy.info(front).held == 2
	end)
	skynet.kill(front)
	check.eventually(function()
		return failed == 3
	end)
	release(target)
end

check.run(case)
