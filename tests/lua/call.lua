---Sending and answering: send, call, ret, response, redirect and what they return.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()
local w = check.worker

skynet.dispatch("lua", function(_, _, name, ...)
	check.state[name](...)
end)

case["send returns session 0 and does not wait"] = function()
	local peer = w()
	check.eq(skynet.send(peer.handle, "lua", "answer", string.dump(function() end)), 0)
end

case["an unknown protocol and one without pack raise"] = function()
	check.raises("attempt to index a nil value", skynet.send, skynet.self(), "no such protocol")
	check.raises("attempt to index a nil value", skynet.call, skynet.self(), "no such protocol")
	check.raises("attempt to call a nil value", skynet.send, skynet.self(), "response", 1)
end

case["call returns every value of the answer"] = function()
	local peer = w()
	local result = table.pack(peer:call(function(...)
		return ...
	end, nil, 1, "two", { 3 }, nil))
	check.eq(result, { n = 5, [2] = 1, [3] = "two", [4] = { 3 } })
end

case["an empty answer unpacks to no value"] = function()
	local peer = w()
	check.eq(select("#", peer:ask(function()
		skynet.ret()
	end)), 0)
	check.eq(select("#", peer:ask(function()
		skynet.ret ""
	end)), 0)
end

case["a service may call itself"] = function()
	check.state.double = function(n)
		skynet.retpack(n * 2)
	end
	check.eq(skynet.call(skynet.self(), "lua", "double", 21), 42)
end

case["answers find their callers in any order"] = function()
	local peer = w()
	local got, left = {}, 5
	local token = {}
	for i = 1, 5 do
		check.fork(function()
			got[i] = peer:call(function(n)
				skynet.sleep(6 - n)
				return n
			end, i)
			left = left - 1
			if left == 0 then
				skynet.wakeup(token)
			end
		end)
	end
	skynet.wait(token)
	check.eq(got, { 1, 2, 3, 4, 5 })
end

case["ret returns true, and a second one raises"] = function()
	local peer = w()
	peer:ask(function()
		check.state.first = skynet.ret()
		check.raises("No session", skynet.ret)
		check.state.second = true
	end)
	check.eq({ peer:call(function()
		return check.state.first, check.state.second
	end) }, { true, true })
end

case["ret of a send returns false"] = function()
	local peer = w()
	peer:send(function()
		check.state.returned = { skynet.ret() }
	end)
	check.eq(peer:call(function()
		return check.state.returned
	end), { false })
end

case["ret to a requester that is gone returns false"] = function()
	local server, client = w(), w()
	client:send(function(addr, code)
		skynet.timeout(2, skynet.exit)
		skynet.call(addr, "lua", "raw", code)
	end, server.handle, string.dump(function()
		skynet.sleep(20)
		check.state.returned = { skynet.ret() }
	end))
	check.eq(check.eventually(function()
		return server:call(function()
			return check.state.returned
		end)
	end), { false })
end

case["without a request ret and response raise"] = function()
	check.raises("No session", skynet.ret)
	check.raises("No session", skynet.retpack, 1)
	check.raises("no session", skynet.response)
	local peer = w()
	check.eq(peer:call(function()
		local token = {}
		local err
		skynet.fork(function()
			err = select(2, pcall(skynet.ret))
			skynet.wakeup(token)
		end)
		skynet.wait(token)
		return err:match "No session"
	end), "No session")
end

case["context tells session and source until the request is answered"] = function()
	check.eq({ skynet.context() }, {})
	local peer = w()
	peer:ask(function()
		local session, source = skynet.context()
		skynet.ret()
		check.state.seen = { session, source, table.pack(skynet.context()) }
	end)
	local seen = peer:call(function()
		return check.state.seen
	end)
	check.ok(seen[1] > 0)
	check.eq(seen[2], skynet.self())
	check.eq(seen[3], { n = 2, [2] = skynet.self() })
end

case["response answers later and from another thread"] = function()
	local peer = w()
	check.eq({ peer:ask(function()
		local response = skynet.response()
		skynet.fork(function()
			skynet.sleep(1)
			check.state.returned = response(true, 1, nil, "x")
		end)
	end) }, { 1, nil, "x" })
	check.eq(peer:call(function()
		return check.state.returned
	end), true)
end

case["response takes the request away from ret"] = function()
	local peer = w()
	check.eq(peer:ask(function()
		local response = skynet.response()
		local ok, err = pcall(skynet.ret)
		response(true, not ok and err:match "No session")
	end), "No session")
end

case["response accepts a pack function"] = function()
	local peer = w()
	check.eq(peer:ask(function()
		skynet.response(function(...)
			return skynet.packstring("packed", ...)
		end)(true, 5)
	end), "packed")
end

case["response with false fails the call"] = function()
	local peer = w()
	check.raises("call failed", function()
		peer:ask(function()
			skynet.response()(false, "this text is not sent")
		end)
	end)
end

case["response answers once and TEST tells whether it still can"] = function()
	local peer = w()
	peer:ask(function()
		local response = skynet.response()
		local before = response "TEST"
		local sent = response(true)
		check.state.seen = { before, sent, response "TEST", select(2, pcall(response, true)) }
	end)
	local seen = peer:call(function()
		return check.state.seen
	end)
	check.eq({ seen[1], seen[2], seen[3] }, { true, true, false })
	check.match(seen[4], "Can't response more than once")
end

case["response of a send does nothing"] = function()
	local peer = w()
	peer:send(function()
		local response = skynet.response()
		check.state.seen = { select("#", response "TEST"), select("#", response(true, 1)), select("#", response(true)) }
	end)
	check.eq(peer:call(function()
		return check.state.seen
	end), { 0, 0, 0 })
end

case["response learns that its requester is gone"] = function()
	local server, client = w(), w()
	server:call(function()
		check.state.keep = function()
			check.state.response = skynet.response()
		end
	end)
	client:send(function(addr, code)
		skynet.timeout(2, skynet.exit)
		skynet.call(addr, "lua", "raw", code)
	end, server.handle, string.dump(function()
		check.state.keep()
	end))
	check.eventually(function()
		return server:call(function()
			return check.state.response and not check.state.response "TEST"
		end)
	end)
	check.eq({ server:call(function()
		local response = check.state.response
		return response(true), select(2, pcall(response, true)):match "Can't response more than once"
	end) }, { false, "Can't response more than once" })
end

case["ignoreret forgets the request"] = function()
	local peer = w()
	check.fork(function()
		pcall(peer.ask, peer, function()
			skynet.ignoreret()
			check.state.err = select(2, pcall(skynet.ret))
		end)
	end)
	skynet.yield()
	check.match(peer:call(function()
		return check.state.err
	end), "No session")
	check.nolog "Maybe forgot response"
	skynet.kill(peer.handle)
end

case["genid gives new sessions"] = function()
	local first = skynet.genid()
	check.ok(first > 0)
	check.eq(skynet.genid(), first + 1)
end

case["rawcall passes bytes through both ways"] = function()
	local peer = w()
	local message = skynet.packstring("answer", string.dump(function(...)
		return ...
	end), 1, 2)
	check.eq({ skynet.unpack(skynet.rawcall(peer.handle, "lua", message)) }, { 1, 2 })
	check.eq({ skynet.unpack(skynet.rawcall(peer.handle, "lua", skynet.pack(skynet.unpack(message)))) }, { 1, 2 })
end

case["rawsend sends a string or a packed block"] = function()
	check.state.add = function(n)
		check.state.sum = (check.state.sum or 0) + n
	end
	check.eq(skynet.rawsend(skynet.self(), "lua", skynet.packstring("add", 1)), 0)
	check.eq(skynet.rawsend(skynet.self(), "lua", skynet.pack("add", 2)), 0)
	check.eq(skynet.rawsend(0xfffff0, "lua", skynet.pack "add"), nil)
	skynet.yield()
	check.eq(check.state.sum, 3)
end

case["redirect sends with any source and session"] = function()
	local peer = w()
	peer:call(function()
		check.state.whence = function()
			local session, source = skynet.context()
			check.state.seen = { session, source }
			skynet.ignoreret()
		end
	end)
	local message = skynet.packstring("raw", string.dump(function()
		check.state.whence()
	end))
	local function seen()
		return peer:call(function()
			return check.state.seen
		end)
	end
	check.eq(skynet.redirect(peer.handle, 0x1234, "lua", 99, message), 99)
	check.eq(seen(), { 99, 0x1234 })
	check.eq(skynet.redirect(peer.handle, 0, "lua", 98, message), 98)
	check.eq(seen(), { 98, skynet.self() })
	local session = skynet.redirect(peer.handle, 0x1234, "lua", nil, message)
	check.eq(session, skynet.genid() - 1)
	check.eq(seen(), { session, 0x1234 })
	check.eq(skynet.redirect(0xfffff0, 0, "lua", 1, message), nil)
end

case["redirect can hand a request on, the answer goes to the first sender"] = function()
	local front, back = w(), w()
	check.eq(front:ask(function(addr, code)
		local session, source = skynet.context()
		skynet.redirect(addr, source, "lua", session, skynet.pack("answer", code))
		skynet.ignoreret()
	end, back.handle, string.dump(function()
		return "from the back"
	end)), "from the back")
end

case["messages of one sender arrive in order"] = function()
	local peer = w()
	for i = 1, 500 do
		peer:send(function(n)
			check.state.list = check.state.list or {}
			table.insert(check.state.list, n)
		end, i)
	end
	local list = peer:call(function()
		return check.state.list
	end)
	check.eq(#list, 500)
	for i = 1, 500 do
		check.eq(list[i], i)
	end
end

case["large answers arrive whole"] = function()
	local peer = w()
	local text = string.rep("0123456789abcdef", 1 << 16)
	check.ok(peer:call(function(...)
		return ...
	end, text) == text)
end

case["pack, unpack, tostring and trash handle blocks"] = function()
	check.eq({ skynet.unpack(skynet.pack(1, "a", nil, true)) }, { 1, "a", nil, true })
	check.eq(skynet.tostring(skynet.pack "x"), skynet.packstring "x")
	local block, size = skynet.pack "x"
	check.eq({ type(block), size }, { "userdata", 2 })
	skynet.trash(block, size)
	skynet.trash "a string is left alone"
end

check.run(case)
