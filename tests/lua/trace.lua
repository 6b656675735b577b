---Trace lines and how a trace follows calls.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()

---A thread of its own, since a trace stays with its thread.
---@param f function
local function traced(f)
	local token = {}
	local ended
	check.fork(function()
		f()
		ended = true
		skynet.wakeup(token)
	end)
	if not ended then
		skynet.wait(token)
	end
end

case["a trace begins with a tag of the service and a line in the log"] = function()
	traced(function()
		check.eq(skynet.tracetag(), nil)
		skynet.trace "begin here"
		check.match(skynet.tracetag(), "^:%x%x%x%x%x%x%x%x%-%d+$")
		check.match(skynet.tracetag(), "^" .. skynet.address(skynet.self()))
	end)
	check.log "TRACE nil"
	check.log "<TRACE :%x+%-%d+> %d+ trace begin here"
	check.log "<TRACE :%x+%-%d+> %d+ end"
end

case["a trace without a text"] = function()
	traced(function()
		skynet.trace()
	end)
	check.log "<TRACE :%x+%-%d+> %d+ trace\n"
end

case["tags are counted"] = function()
	local tags = {}
	for i = 1, 2 do
		traced(function()
			skynet.trace()
			tags[i] = tonumber(skynet.tracetag():match "%-(%d+)$")
		end)
	end
	check.eq(tags[2], tags[1] + 1)
end

case["the trace follows a call into the other service"] = function()
	local peer = check.worker()
	local tag, inner
	traced(function()
		skynet.trace()
		tag = skynet.tracetag()
		inner = peer:call(function()
			return skynet.tracetag()
		end)
	end)
	check.eq(inner, tag)
	local line = "<TRACE " .. tag:gsub("%-", "%%-") .. "> %d+ "
	check.log(line .. "call : ")
	check.log(line .. "request")
	check.log(line .. "response")
	check.log(line .. "resume")
	check.log(line .. "end")
end

case["a trace tells of sleep and of errors"] = function()
	local peer = check.worker()
	local tag
	traced(function()
		skynet.trace()
		tag = skynet.tracetag():gsub("%-", "%%-")
		skynet.sleep(1)
		pcall(peer.call, peer, function()
			error "inside the trace"
		end)
	end)
	check.log("<TRACE " .. tag .. "> %d+ sleep")
	check.log("<TRACE " .. tag .. "> %d+ error")
end

case["send does not carry the trace"] = function()
	local peer = check.worker()
	traced(function()
		skynet.trace()
		peer:send(function()
			check.state.tag = skynet.tracetag() or "none"
		end)
	end)
	check.eq(peer:call(function()
		return check.state.tag
	end), "none")
end

case["forked threads and later messages are not traced"] = function()
	local peer = check.worker()
	local seen
	traced(function()
		skynet.trace()
		skynet.fork(function()
			seen = skynet.tracetag() or "none"
		end)
		peer:call(function() end)
	end)
	check.eq(seen, "none")
	check.eq(peer:call(function()
		return skynet.tracetag()
	end), nil)
end

case["traceproto traces every message of a protocol, or none"] = function()
	local peer = check.worker()
	local function tag()
		return peer:call(function()
			return skynet.tracetag()
		end)
	end
	peer:call(function()
		skynet.traceproto("lua", true)
	end)
	check.match(tag(), "^" .. skynet.address(peer.handle))
	peer:call(function()
		skynet.traceproto("lua", false)
	end)
	traced(function()
		skynet.trace()
		check.eq(tag(), false)
	end)
	peer:call(function()
		skynet.traceproto("lua", nil)
	end)
	check.eq(tag(), nil)
	check.raises("assertion failed!", skynet.traceproto, "unknown protocol", true)
end

case["tracecall carries a tag of the caller's choice"] = function()
	local peer = check.worker()
	local msg, sz = skynet.tracecall("my-tag", peer.handle, "lua", skynet.pack("answer", string.dump(function()
		return skynet.tracetag()
	end)))
	check.eq(skynet.unpack(msg, sz), "my-tag")
	check.log "<TRACE my%-tag> %d+ tracecall begin"
	check.log "<TRACE my%-tag> %d+ tracecall end"
end

case["tracelog writes a line"] = function()
	skynet.tracelog("any-tag", "any text")
	check.log "<TRACE any%-tag> %d+ any text\n"
	skynet.tracelog("any-tag", "with a place", 1)
	check.log "<TRACE any%-tag> %d+ with a place : [^\n]*trace%.lua:%d+"
end

check.run(case)
