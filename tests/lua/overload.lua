---Overloaded services: what the log says, bounds of mailboxes, debug commands that do not wait in the queue.
local skynet = require "skynet"
local check = require "check"
local overloaded = require "overloaded"

local case = check.cases()

skynet.register_protocol { name = "text", id = skynet.PTYPE_TEXT, pack = tostring, unpack = skynet.tostring }

local gate, block, stat = overloaded.gate, overloaded.block, overloaded.stat

---A worker that notes texts, and how many.
---@return check.worker
local function listener()
	local peer = check.worker()
	peer:call(function()
		check.state.texts = {}
		skynet.register_protocol {
			id = skynet.PTYPE_TEXT,
			name = "text",
			unpack = skynet.tostring,
			dispatch = function(_, _, text)
				table.insert(check.state.texts, text)
			end,
		}
	end)
	return peer
end

---@param peer check.worker
---@return string texts what has come, joined by spaces
local function texts(peer)
	return peer:call(function()
		return table.concat(check.state.texts, " ")
	end)
end

---@param peer check.worker
---@param from integer
---@param to integer
local function send_texts(peer, from, to)
	for i = from, to do
		skynet.send(peer.handle, "text", i)
	end
end

---@param peer check.worker
---@param limit? integer
---@param policy? string
local function bound(peer, limit, policy)
	peer:call(function(limit, policy)
		skynet.bound_mailbox(limit, policy)
	end, limit, policy)
end

---Calls in a thread of its own.
---@param peer check.worker
---@return fun(): string wait for the error
local function call(peer)
	local result
	check.fork(function()
		local ok, err = pcall(skynet.call, peer.handle, "lua", "answer", string.dump(function() end))
		result = ok and "answered" or err
	end)
	return function()
		return check.eventually(function()
			return result
		end)
	end
end

case["a queue is reported when more than 1024 messages wait, and anew when it was empty"] = function()
	local peer = listener()
	-- Behind the texts is the request, and before the first is handled one of all has been taken.
	local open = block(peer)
	send_texts(peer, 1, 1024)
	open()
	peer:call(function() end)
	check.nolog "May overload"
	local line = string.format("%%[:%08x%%] error: May overload, message queue length = ", peer.handle)
	open = block(peer)
	send_texts(peer, 1, 1500)
	open()
	check.log(line .. "1499\n")
	-- Between two rounds the service finds its queue empty at some time.
	check.eventually(function()
		peer:call(function() end)
		open = block(peer)
		send_texts(peer, 1, 1600)
		open()
		skynet.sleep(1)
		return check.whole_log():match(line .. "1599\n")
	end)
end

case["a queue that grows is reported again while the service works on it"] = function()
	local peer = listener()
	local open = block(peer)
	send_texts(peer, 1, 5)
	local enter, open_next = gate(peer)
	send_texts(peer, 1, 2000)
	open()
	check.log "length = 2005"
	enter()
	send_texts(peer, 1, 3000)
	open_next()
	check.log "length = 4999"
end

case["debug commands are answered before a million messages, and PING after them"] = check.ours(function()
	local count <const> = 1000000
	local peer = check.worker()
	peer:call(function()
		check.state.count = 0
		skynet.register_protocol {
			id = skynet.PTYPE_TEXT,
			name = "text",
			unpack = function() end,
			dispatch = function()
				check.state.count = check.state.count + 1
			end,
		}
	end)
	local open = block(peer)
	for _ = 1, count do
		skynet.rawsend(peer.handle, "text", "x")
	end
	local pinged, figures
	check.fork(function()
		skynet.call(peer.handle, "debug", "PING")
		pinged = true
	end)
	check.fork(function()
		figures = stat(peer)
	end)
	skynet.yield()
	open()
	check.eventually(function()
		return figures
	end)
	-- The PING is the last of those that wait.
	check.eq(figures.mqlen, count + 1)
	check.ok(not pinged)
	check.eventually(function()
		return pinged
	end)
	check.eq(peer:call(function()
		return check.state.count
	end), count)
end)

case["every debug command but PING goes before what waits"] = check.ours(function()
	local peer = listener()
	for _, command in ipairs {
		{ "STAT" }, { "MEM" }, { "INFO" }, { "TASK" }, { "UNIQTASK" }, { "SUPPORT", "lua" }, { "RUN", "print 'hello'", "=run" },
	} do
		local open = block(peer)
		-- Few wait their turn with the rest.
		send_texts(peer, 1, 100)
		-- Whatever comes after this in the queue waits until the end.
		local enter, open_next = gate(peer)
		local answered
		check.fork(function()
			answered = table.pack(skynet.call(peer.handle, "debug", table.unpack(command)))
		end)
		skynet.yield()
		open()
		check.eventually(function()
			return answered
		end, command[1])
		enter()
		open_next()
	end
end)

case["a full mailbox refuses requests, and their callers are told"] = check.ours(function()
	local peer = listener()
	bound(peer, 3)
	local open = block(peer)
	send_texts(peer, 1, 2)
	local first, second = call(peer), call(peer)
	check.match(second(), string.format("call failed: service :%08x %%(snlua worker%%) is overloaded: 3 messages wait",
		peer.handle))
	open()
	check.eq(first(), "answered")
	check.eq(texts(peer), "1 2")
	local figures = stat(peer)
	check.eq({ figures.limit, figures.rejected, figures.dropped, figures.paused }, { 3, 1 })
	bound(peer)
	check.eq(stat(peer).limit, nil)
	check.eq(peer:call(function()
		return { skynet.stat "limit", skynet.stat "rejected", skynet.stat "dropped", skynet.stat "paused" }
	end), { 0, 1, 0, 0 })
end)

case["one-way messages have twice the room where requests are refused"] = check.ours(function()
	local peer = listener()
	bound(peer, 5, "reject")
	local open = block(peer)
	send_texts(peer, 1, 12)
	check.ok(skynet.send(peer.handle, "text", "no error"))
	open()
	check.eventually(function()
		return stat(peer).mqlen == 0
	end)
	check.eq(texts(peer), "1 2 3 4 5 6 7 8 9 10")
	check.eq(stat(peer).dropped, 3)
end)

case["a request in the name of another service is refused to that one"] = check.ours(function()
	local peer, asker = listener(), check.worker()
	bound(peer, 1)
	local open = block(peer)
	send_texts(peer, 1, 1)
	-- This service passes the request on to the peer.
	local ok, err = asker:call(function(main, target)
		return pcall(skynet.call, main, "lua", "forward", target)
	end, skynet.self(), peer.handle)
	check.eq(ok, false)
	check.match(err, string.format("call failed: service :%08x .* is overloaded: 1 messages wait", peer.handle))
	open()
end)

case["the oldest one-way message makes room"] = check.ours(function()
	local peer = listener()
	bound(peer, 4, "drop")
	local open = block(peer)
	local asked = call(peer)
	skynet.yield()
	send_texts(peer, 1, 9)
	open()
	check.eq(asked(), "answered")
	check.eventually(function()
		return stat(peer).mqlen == 0
	end)
	check.eq(texts(peer), "7 8 9")
	check.eq(stat(peer).dropped, 6)
end)

case["answers and timers get in however full the mailbox is"] = check.ours(function()
	for _, policy in ipairs { "reject", "drop" } do
		local peer = check.worker()
		local answer = peer:call(function(policy, main)
			skynet.bound_mailbox(1, policy)
			local answer
			skynet.fork(function()
				answer = skynet.call(main, "lua", "echo", "hello")
			end)
			skynet.fork(function()
				-- In the same message as the call: its answer comes, or a timer, while these wait.
				for _ = 1, 5 do
					skynet.send(skynet.self(), "debug", "MEM")
				end
				while skynet.mqlen() < 6 do end
			end)
			while not answer do
				skynet.sleep(1)
			end
			return answer
		end, policy, skynet.self())
		check.eq(answer, "hello")
	end
end)

case["a bound that makes no sense is refused"] = check.ours(function()
	check.raises("bad argument #1 to '.*bound_mailbox' %(the limit is a number of messages, 1 at least%)",
		skynet.bound_mailbox, 0)
	check.raises("bad argument #1", skynet.bound_mailbox, "many")
	check.raises("bad argument #2 to '.*bound_mailbox' %(the policy is \"reject\", \"drop\" or \"pause\"%)",
		skynet.bound_mailbox, 1, "wait")
	check.raises("bad argument #2", skynet.bound_mailbox, 1, {})
	check.eq(skynet.stat "limit", 0)
end)

skynet.dispatch("lua", function(session, source, what, value)
	if what == "echo" then
		skynet.retpack(value)
	elseif what == "forward" then
		skynet.ignoreret()
		skynet.redirect(value, source, "lua", session, skynet.pack("answer", string.dump(function() end)))
	end
end)

check.run(case)
