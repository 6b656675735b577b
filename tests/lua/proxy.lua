-- The proxy that users write: messages of other types go through as raw pointers, neither unpacked nor copied.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()

--- Passes everything on to the service `.proxied`.
local function classic()
	skynet.register_protocol {
		id = skynet.PTYPE_SYSTEM,
		name = "system",
		unpack = function(...)
			return ...
		end,
	}
	local map = { [skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM, [skynet.PTYPE_RESPONSE] = skynet.PTYPE_RESPONSE }
	skynet.forward_type(map, function()
		skynet.dispatch("system", function(session, source, msg, sz)
			local real = skynet.localname ".proxied"
			if session == 0 then
				skynet.redirect(real, source, "lua", 0, msg, sz)
			else
				skynet.ret(skynet.rawcall(real, "lua", msg, sz))
			end
		end)
	end)
end

local proxied

---@return integer proxy
---@return check.worker target
local function pair()
	if not proxied then
		proxied = check.worker()
		skynet.name(".proxied", proxied.handle)
	end
	return check.launch(classic), proxied
end

--- Resident memory of the process.
---@return integer KiB
local function resident()
	local file = assert(io.open "/proc/self/statm")
	local _, pages = file:read("n", "n")
	file:close()
	return pages * 4
end

---@param most integer KiB
---@param f fun(count: integer)
---@param count integer
local function stays_flat(most, f, count)
	f(count // 5)
	local before = resident()
	f(count)
	local grown = resident() - before
	check.ok(grown < most, string.format("memory that grew by %d KiB", grown))
end

case["requests and one-way messages go through"] = function()
	local front, target = pair()
	local echo = string.dump(function(...)
		return ...
	end)
	check.eq({ skynet.call(front, "lua", "answer", echo, 1, nil, "x") }, { 1, nil, "x" })
	skynet.send(front, "lua", "raw", string.dump(function()
		check.state.heard = true
	end))
	check.eventually(function()
		return target:call(function()
			return check.state.heard
		end)
	end)
	skynet.kill(front)
end

case["what went through leaves no memory behind"] = function()
	local front = pair()
	local echo = string.dump(function(text)
		return text
	end)
	local text = ("x"):rep(2000)
	-- 20 MB each way, if it stayed.
	stays_flat(10 * 1024, function(count)
		for _ = 1, count do
			check.eq(skynet.call(front, "lua", "answer", echo, text) == text, true)
		end
	end, 10000)
	skynet.kill(front)
end

case["what is not passed on is given to trash"] = function()
	local front = check.launch(function()
		skynet.register_protocol {
			id = skynet.PTYPE_SYSTEM,
			name = "system",
			unpack = function(...)
				return ...
			end,
		}
		skynet.forward_type({ [skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM }, function()
			skynet.dispatch("system", function(session, _, msg, sz)
				skynet.trash(msg, sz)
				if session ~= 0 then
					skynet.retpack(sz)
				end
			end)
		end)
	end)
	local text = ("y"):rep(4000)
	stays_flat(10 * 1024, function(count)
		for number = 1, count do
			skynet.send(front, "lua", text)
			if number % 100 == 0 then
				check.ok(skynet.call(front, "lua", text) > 4000)
			end
		end
	end, 10000)
	skynet.kill(front)
end

-- C skynet lets them leak: it cannot know that nobody keeps them.
case["calls that the proxy makes for itself leave no memory behind"] = check.ours(function()
	local target = check.worker()
	skynet.name(".calls_of_proxy", target.handle)
	local front = check.launch(function()
		skynet.register_protocol {
			id = skynet.PTYPE_SYSTEM,
			name = "system",
			unpack = function(...)
				return ...
			end,
		}
		skynet.forward_type({ [skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM, [skynet.PTYPE_RESPONSE] = skynet.PTYPE_RESPONSE }, function()
			skynet.dispatch("system", function(_, _, msg, sz)
				skynet.trash(msg, sz)
				local size = 0
				for _ = 1, 100 do
					size = size + #skynet.call(skynet.localname ".calls_of_proxy", "lua", "answer", string.dump(function()
						return ("z"):rep(4000)
					end))
				end
				skynet.retpack(size)
			end)
		end)
	end)
	stays_flat(10 * 1024, function(count)
		for _ = 1, count do
			check.eq(skynet.call(front, "lua"), 400000)
		end
	end, 100)
	skynet.kill(front)
end)

check.run(case)
