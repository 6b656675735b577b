---Protocols and dispatch: registration, unknown messages, forward_type and filter.
local skynet = require "skynet"
local check = require "check"
require "skynet.manager"

local case = check.cases()

---Starts a service with its own start, and calls `f` of it afterwards.
---@param f function
---@return integer
local function start(f)
	return check.ok(check.launch(f))
end

case["the ids of the protocols are fixed"] = function()
	for id, name in pairs { [0] = "TEXT", "RESPONSE", "MULTICAST", "CLIENT", "SYSTEM", "HARBOR", "SOCKET", "ERROR",
		"QUEUE", "DEBUG", "LUA", "SNAX", "TRACE" } do
		check.eq(skynet["PTYPE_" .. name], id, name)
	end
end

case["response, error, debug and lua are registered under name and id"] = function()
	for name, id in pairs { response = 1, error = 7, debug = 9, lua = 10 } do
		check.eq(skynet._proto[name].id, id)
		check.ok(skynet._proto[name] == skynet._proto[id])
	end
	check.ok(skynet._proto.lua.pack == skynet.pack)
	check.ok(skynet._proto.lua.unpack == skynet.unpack)
end

case["a protocol is kept by reference"] = function()
	local class = { name = "kept", id = 200 }
	skynet.register_protocol(class)
	check.ok(skynet._proto.kept == class)
	check.ok(skynet._proto[200] == class)
	class.pack = function(...)
		return table.concat({ ... }, ",")
	end
	class.unpack = skynet.tostring
	class.dispatch = function(_, _, text)
		skynet.ret("<" .. text .. ">")
	end
	check.eq(skynet.call(skynet.self(), "kept", 1, 2), "<1,2>")
	check.eq(skynet.call(skynet.self(), 200, 3), "<3>")
end

case["a taken name or id, a wrong name or id are refused"] = function()
	local function refused(class)
		check.raises("assertion failed!", skynet.register_protocol, class)
	end
	refused { name = "lua", id = 201 }
	refused { name = "lua2", id = 10 }
	refused { name = 5, id = 202 }
	refused { name = "big", id = 256 }
	refused { name = "negative", id = -1 }
	refused { name = "text", id = "7" }
end

case["dispatch sets a function and returns the one before"] = function()
	skynet.register_protocol { name = "plain", id = 203 }
	local function one() end
	local function two() end
	check.eq(skynet.dispatch "plain", nil)
	check.eq(skynet.dispatch("plain", one), nil)
	check.ok(skynet.dispatch "plain" == one)
	check.ok(skynet.dispatch("plain", two) == one)
	check.ok(skynet.dispatch(203) == two)
	check.eq(skynet.dispatch "unknown protocol", nil)
	check.raises("nil value", skynet.dispatch, "unknown protocol", one)
end

case["a handler gets session, source and the unpacked values"] = function()
	local got
	skynet.dispatch("lua", function(...)
		got = table.pack(...)
		if got[1] > 0 then
			skynet.ret()
		end
	end)
	skynet.send(skynet.self(), "lua", 1, nil)
	skynet.yield()
	check.eq(got, { n = 4, 0, skynet.self(), 1 })
	skynet.call(skynet.self(), "lua")
	check.eq(got.n, 2)
	check.ok(got[1] > 0)
end

case["a text protocol carries strings as they are"] = function()
	local peer = start(function()
		skynet.register_protocol { name = "text", id = skynet.PTYPE_TEXT, pack = tostring, unpack = skynet.tostring }
		skynet.start(function()
			skynet.dispatch("text", function(_, _, text)
				skynet.ret(text:upper())
			end)
		end)
	end)
	skynet.register_protocol { name = "text", id = skynet.PTYPE_TEXT, pack = tostring, unpack = skynet.tostring }
	check.eq(skynet.call(peer, "text", "a\0b"), "A\0B")
end

case["an unknown protocol without a session goes to the handler of unknown requests"] = function()
	local peer = start(function()
		skynet.start(function()
			skynet.dispatch_unknown_request(function(session, source, msg, sz, kind)
				skynet.error("unknown", session, skynet.address(source), skynet.tostring(msg, sz), kind)
			end)
		end)
	end)
	skynet.register_protocol { name = "unknown", id = 210, pack = tostring, unpack = skynet.tostring }
	skynet.send(peer, "unknown", "hello")
	check.log(string.format("unknown 0 %s hello 210", skynet.address(skynet.self())))
	check.raises("call failed", skynet.call, peer, "unknown", "x")
end

case["the default handler of unknown requests logs the payload and raises"] = function()
	local peer = check.worker()
	skynet.send(peer.handle, "unknown", "hello")
	check.log "Unknown request %(210%): hello"
	check.log(string.format("Unknown session : 0 from %x", skynet.self()))
end

case["a protocol without dispatch is unknown by its name"] = function()
	local peer = check.worker()
	peer:call(function()
		skynet.register_protocol { name = "undispatched", id = 210, unpack = skynet.tostring }
	end)
	skynet.send(peer.handle, "unknown", "hello")
	check.log "Unknown request %(undispatched%): hello"
end

case["the handlers of unknown messages are exchanged"] = function()
	local function mine() end
	local before = skynet.dispatch_unknown_request(mine)
	check.eq(type(before), "function")
	check.ok(skynet.dispatch_unknown_request(before) == mine)
	before = skynet.dispatch_unknown_response(mine)
	check.eq(type(before), "function")
	check.ok(skynet.dispatch_unknown_response(before) == mine)
end

case["an answer that nobody waits for goes to the handler of unknown responses"] = function()
	local got
	local before = skynet.dispatch_unknown_response(function(session, source, msg, sz)
		got = { session, source, skynet.tostring(msg, sz) }
	end)
	skynet.redirect(skynet.self(), 0x99, "response", 0x7ffffff0, "stray")
	skynet.yield()
	check.eq(got, { 0x7ffffff0, 0x99, "stray" })
	skynet.dispatch_unknown_response(before)
	skynet.redirect(skynet.self(), 0x99, "response", 0x7ffffff1, "stray")
	check.log "Response message : stray"
	check.log "Unknown session : 2147483633 from 99"
end

case["forward_type hands messages over without freeing them"] = function()
	local target = check.worker()
	local front = start(function()
		skynet.register_protocol {
			name = "system",
			id = skynet.PTYPE_SYSTEM,
			unpack = function(...)
				return ...
			end,
		}
		skynet.forward_type({ [skynet.PTYPE_LUA] = skynet.PTYPE_SYSTEM }, function()
			skynet.dispatch("system", function(session, source, msg, sz)
				skynet.redirect(skynet.localname ".protocol_target", source, "lua", session, msg, sz)
				skynet.ignoreret()
			end)
		end)
	end)
	skynet.name(".protocol_target", target.handle)
	check.eq(skynet.call(front, "lua", "answer", string.dump(function(...)
		return "through", ...
	end), 1), "through")
	check.eq({ skynet.call(front, "lua", "answer", string.dump(function(...)
		return ...
	end), "x", nil, 3) }, { "x", nil, 3 })
	check.eq(skynet.call(front, "debug", "PING"), nil)
end

case["filter rewrites messages before their dispatch"] = function()
	local peer = start(function()
		skynet.filter(function(kind, msg, sz, session, source)
			if kind == 211 then
				return skynet.PTYPE_LUA, msg, sz, session, source
			end
			return kind, msg, sz, session, source
		end, function()
			skynet.dispatch("lua", function(_, _, ...)
				skynet.retpack("filtered", ...)
			end)
		end)
	end)
	skynet.register_protocol { name = "disguised", id = 211, pack = skynet.pack, unpack = skynet.unpack }
	check.eq({ skynet.call(peer, "disguised", 1) }, { "filtered", 1 })
	check.eq({ skynet.call(peer, "lua", 2) }, { "filtered", 2 })
end

case["pack of a protocol may fail, and nothing is sent"] = function()
	check.raises("Unsupport type function to serialize", skynet.send, skynet.self(), "lua", print)
	check.raises("Unsupport type function to serialize", skynet.call, skynet.self(), "lua", print)
end

case["dispatch_message runs a message by hand"] = function()
	local got
	skynet.dispatch("lua", function(session, source, ...)
		got = { session, source, ... }
	end)
	local msg, sz = skynet.pack("by", "hand")
	skynet.fork(skynet.dispatch_message, skynet.PTYPE_LUA, msg, sz, 0, 0x77)
	skynet.yield()
	skynet.trash(msg, sz)
	check.eq(got, { 0, 0x77, "by", "hand" })
end

check.run(case)
