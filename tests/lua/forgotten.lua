---Requests that are forgotten: what is logged of them, and when they are answered.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases(true)

---The beginning of the errors that a worker causes.
---@param peer check.worker
---@return string pattern
local function by(peer)
	return string.format("call failed: service :%08x %%(snlua worker%%)", peer.handle)
end

---@param peer check.worker
---@param f function
---@param ... any
---@return string err
local function failure(peer, f, ...)
	return check.raises("call failed", peer.ask, peer, f, ...)
end

---A call to a worker that makes a `skynet.response` at line 12 of "lost.lua", and loses it.
local function lose()
	local code = ("\n"):rep(11) .. "local r = ...; r()"
	assert(load(code, "@lost.lua"))(require "skynet".response)
end

---Collects in a worker, in a message of its own.
---@param peer check.worker
local function collect(peer)
	peer:call(function()
		collectgarbage()
	end)
end

case["a response that is collected is logged with its birthplace, once, and its caller waits on"] = function()
	local peer = check.worker()
	local err
	check.fork(function()
		err = failure(peer, lose)
	end)
	skynet.yield()
	collect(peer)
	local line = check.log(string.format("[^\n]*Maybe forgot response session %%d+ from :%08x : [^\n]*", skynet.self()))
	check.match(line, "the skynet%.response made at lost%.lua:12 was collected$")
	collect(peer)
	collect(peer)
	check.nolog("lost%.lua.*lost%.lua")
	check.eq(err, nil)
	skynet.kill(peer.handle)
	check.match(check.eventually(function()
		return err
	end), by(peer) .. " was killed$")
end

case["a response that is held is not, and can be answered after any collection"] = function()
	local peer = check.worker()
	local answer
	check.fork(function()
		answer = peer:ask(function()
			check.state.response = skynet.response()
		end)
	end)
	skynet.yield()
	for _ = 1, 5 do
		collect(peer)
	end
	check.nolog "Maybe forgot"
	check.eq(peer:call(function()
		return check.state.response "TEST", check.state.response(true, "at last")
	end), true)
	check.eventually(function()
		return answer == "at last"
	end)
	peer:call(function()
		check.state.response = nil
	end)
	collect(peer)
	collect(peer)
	check.nolog "Maybe forgot"
end

case["a finalizer may give the answer"] = function()
	local peer = check.worker()
	local answer
	check.fork(function()
		answer = peer:ask(function()
			local response = skynet.response()
			setmetatable({}, { __gc = function()
				response(true, "last words")
			end })
		end)
	end)
	skynet.yield()
	collect(peer)
	check.eventually(function()
		return answer == "last words"
	end)
	collect(peer)
	check.nolog "Maybe forgot"
end

case["responses are not lost by the end of their service"] = function()
	local peer = check.worker()
	local errors = 0
	for _ = 1, 3 do
		check.fork(function()
			failure(peer, function()
				check.state[#check.state + 1] = skynet.response()
			end)
			errors = errors + 1
		end)
	end
	skynet.yield()
	collect(peer)
	peer:send(function()
		skynet.exit()
	end)
	check.eventually(function()
		return errors == 3
	end)
	check.nolog "Maybe forgot"
end

case["a lost response of a requester that has ended is not worth a line"] = function()
	local peer, asker = check.worker(), check.worker()
	asker:send(function(to, code)
		skynet.call(to, "lua", "raw", code)
	end, peer.handle, string.dump(function()
		check.state.response = skynet.response()
	end))
	check.eventually(function()
		return peer:call(function()
			return check.state.response ~= nil
		end)
	end)
	skynet.kill(asker.handle)
	check.eventually(function()
		return not peer:call(function()
			return check.state.response "TEST"
		end)
	end)
	peer:call(function()
		check.state.response = nil
	end)
	collect(peer)
	collect(peer)
	check.nolog "Maybe forgot"
end

case["many responses are lost and others are not"] = function()
	local peer = check.worker()
	local answers, errors = 0, {}
	peer:call(function()
		skynet.answer_forgotten(true)
	end)
	for i = 1, 200 do
		check.fork(function()
			local ok, result = pcall(peer.ask, peer, function(n)
				local response = skynet.response()
				if n % 2 == 0 then
					check.state[n] = response
				end
			end, i)
			if ok then
				answers = answers + result
			else
				errors[#errors + 1] = result
			end
		end)
	end
	skynet.yield()
	collect(peer)
	check.eventually(function()
		return #errors == 100
	end)
	peer:call(function()
		for n = 2, 200, 2 do
			check.state[n](true, 1)
		end
	end)
	check.eventually(function()
		return answers == 100
	end)
	check.match(errors[100], by(peer) .. " forgot the request: the skynet%.response made at %S+forgotten%.lua:%d+ was collected$")
end

case["memory may run out while a response is made: the call ends in one way or the other"] = function()
	local made, failed = 0, 0
	for room = 300, 30000, 1100 do
		local ok, handle = pcall(skynet.newservice, "limited", room)
		if ok then
			for _ = 1, 3 do
				local answered, result = pcall(skynet.call, handle, "lua", string.dump(function()
					local held = {}
					for i = 1, 30 do
						held[i] = tostring(i) .. ("x"):rep(100)
					end
					skynet.response()(true, "made")
				end))
				if answered then
					check.eq(result, "made")
					made = made + 1
				else
					failed = failed + 1
				end
			end
			skynet.kill(handle)
		end
	end
	check.ok(made > 0 and failed > 0, made .. " and " .. failed)
end

case["forgotten requests are answered if the service wants that"] = function()
	local peer = check.worker()
	check.eq(peer:call(function()
		return skynet.answer_forgotten(true)
	end), false)
	check.match(failure(peer, function() end), by(peer) .. " forgot the request: its handler is at @%S+worker%.lua:16$")
	check.log "Maybe forgot response session %d+ from :%x+ : @%S+worker%.lua:16\n"
	check.fork(function()
		skynet.sleep(1)
		collect(peer)
	end)
	check.match(failure(peer, lose), by(peer) .. " forgot the request: the skynet%.response made at lost%.lua:12 was collected$")
	check.eq(peer:call(function()
		return skynet.answer_forgotten(false)
	end), true)
end

check.run(case)
