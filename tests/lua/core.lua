---The functions of skynet.core and the text commands.
local skynet = require "skynet"
local check = require "check"
local core = require "skynet.core"

local case = check.cases()

local got = {}
skynet.dispatch("lua", function(session, source, ...)
	got = table.pack(session, source, ...)
	skynet.ignoreret()
end)

case["send takes a session, or allocates one for nil"] = function()
	check.eq(core.send(skynet.self(), 10, 0, skynet.packstring "a"), 0)
	skynet.yield()
	check.eq(got, table.pack(0, skynet.self(), "a"))
	check.eq(core.send(skynet.self(), 10, 77, skynet.pack "b"), 77)
	skynet.yield()
	check.eq(got, table.pack(77, skynet.self(), "b"))
	local session = core.send(skynet.self(), 10, nil, skynet.packstring "c")
	check.eq(session, core.genid() - 1)
	skynet.yield()
	check.eq(got, table.pack(session, skynet.self(), "c"))
end

case["send to an invalid address returns nothing"] = function()
	check.eq(select("#", core.send(0xfffff0, 10, 0, "")), 0)
	check.eq(select("#", core.send(0xfffff0, 10, 0, skynet.pack "freed all the same")), 0)
	check.eq(select("#", core.send(".nobody", 10, 0, "")), 0)
end

case["redirect sets the source"] = function()
	check.eq(core.redirect(skynet.self(), 0x55, 10, 3, skynet.packstring "r"), 3)
	skynet.yield()
	check.eq(got, table.pack(3, 0x55, "r"))
end

case["a message of a wrong type is refused by name"] = function()
	check.raises("invalid param no value", core.send, skynet.self(), 10, 0)
	check.raises("invalid param nil", core.send, skynet.self(), 10, 0, nil)
	check.raises("invalid param boolean", core.send, skynet.self(), 10, 0, true)
	check.raises("invalid param table", core.redirect, skynet.self(), 1, 10, 0, {})
end

case["command gives text, intcommand numbers, addresscommand handles"] = function()
	check.eq(core.command "STARTTIME", tostring(skynet.starttime()))
	check.eq(core.intcommand "STARTTIME", skynet.starttime())
	check.eq(core.command("GETENV", "harbor"), "0")
	check.eq(core.intcommand("GETENV", "thread"), 2)
	check.eq(core.addresscommand "REG", skynet.self())
	check.eq(core.command "REG", string.format(":%x", skynet.self()))
	check.eq(core.addresscommand("QUERY", ".launcher"), 3)
	check.eq(core.intcommand("STAT", "mqlen"), 0)
	check.eq(math.type(core.intcommand("STAT", "cpu")), "float")
end

case["an unknown command and an empty result give nothing"] = function()
	check.eq(select("#", core.command "NONSENSE"), 0)
	check.eq(select("#", core.command "now"), 0)
	check.eq(select("#", core.intcommand "NONSENSE"), 0)
	check.eq(select("#", core.addresscommand "NONSENSE"), 0)
	check.eq(core.command("STAT", "nonsense"), "")
	check.eq(core.intcommand("STAT", "nonsense"), 0)
	check.eq(select("#", core.addresscommand("GETENV", "harbor")), 0)
end

case["intcommand raises for a text that is no number"] = function()
	check.raises("Invalid result " .. SERVICE_NAME, core.intcommand, "GETENV", "start")
end

case["REG and NAME give names, the first one wins"] = function()
	check.eq(core.command("REG", ".core_a"), "core_a")
	check.eq(core.command("REG", ".core_a"), nil)
	check.eq(core.command("NAME", ".core_b " .. skynet.address(skynet.self())), "core_b")
	check.eq(core.command("NAME", ".core_b :3"), nil)
	check.eq(core.command("NAME", ".core_c :0"), nil)
	check.eq(core.command("NAME", ".core_c zz"), nil)
	check.eq(core.addresscommand("QUERY", ".core_b"), skynet.self())
	check.eq(core.command("QUERY", "core_b"), nil)
	core.command("REG", "CORE_GLOBAL")
	check.log "error: Can't register global name CORE_GLOBAL in C"
	core.command("NAME", "CORE_GLOBAL :3")
	check.log "error: Can't set global name CORE_GLOBAL in C"
end

case["KILL explains what it cannot read"] = function()
	core.command("KILL", "what?")
	check.log "error: Can't convert what%? to handle"
	core.command("KILL", ".core_nobody")
	check.nolog "KILL"
end

case["LAUNCH answers with a handle in capitals"] = function()
	local text = core.command("LAUNCH", "snlua worker")
	check.match(text, "^:[%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d][%u%d]$")
	local handle = tonumber(text:sub(2), 16)
	check.eq(check.alive(handle), true)
	core.command("KILL", text)
	check.log(string.format("KILL :%x\n", handle))
	check.eq(check.alive(handle), false)
	check.eq(core.command("LAUNCH", "no_such_module x"), nil)
end

case["TIMEOUT gives a session that is answered from nowhere"] = function()
	local before = skynet.dispatch_unknown_response(function(session, source, _, sz)
		got = { session, source, sz }
	end)
	local session = core.intcommand("TIMEOUT", 0)
	skynet.sleep(1)
	skynet.dispatch_unknown_response(before)
	check.eq(got, { session, 0, 0 })
	check.eq(math.type(session), "integer")
	check.raises("", core.intcommand, "TIMEOUT", 0.5)
end

case["LOGON writes the messages of a service to a file, LOGOFF ends it"] = function()
	local peer = check.worker()
	local address = skynet.address(peer.handle)
	core.command("LOGON", address)
	local path = check.log(string.format("Open log file ([^\n]*%08x%%.log)", peer.handle))
	peer:call(function() end)
	core.command("LOGOFF", address)
	check.log("Close log file " .. address)
	local file = assert(io.open(path))
	local text = file:read "a"
	file:close()
	check.match(text, "^open time: %d+ ")
	check.match(text, string.format("\n%s 10 %%d+ %%d+ %%x+\n", skynet.address(skynet.self())))
	check.match(text, "close time: %d+\n$")
end

case["SIGNAL 0 raises in the Lua code that runs"] = function()
	local peer = check.worker()
	core.command("SIGNAL", skynet.address(peer.handle) .. " 1")
	check.log "recv a signal 1"
	check.log "Current Memory %d+%.%d+K"
	peer:send(function()
		skynet.name(".core_spinning", skynet.self())
		while true do end
	end)
	check.eventually(function()
		return skynet.localname ".core_spinning"
	end)
	core.command("SIGNAL", skynet.address(peer.handle))
	check.log "recv a signal 0"
	check.log "signal 0"
	check.eq(peer:call(function()
		return "alive"
	end), "alive")
end

case["SIGNAL 0 reaches coroutines too"] = function()
	local peer = check.worker()
	check.fork(function()
		local name = check.eventually(function()
			return skynet.localname ".core_coroutine"
		end)
		core.command("SIGNAL", skynet.address(name) .. " 0")
	end)
	local ok, err = peer:call(function()
		return pcall(coroutine.wrap(function()
			skynet.name(".core_coroutine", skynet.self())
			while true do end
		end))
	end)
	check.eq(ok, false)
	check.match(err, "signal 0")
end

case["tostring copies a block, trash frees it"] = function()
	local pointer, size = core.pack "text"
	check.eq(core.tostring(pointer, size), core.packstring "text")
	core.trash(pointer, size)
	check.eq(select("#", core.tostring(nil)), 0)
	core.trash "text"
	check.raises("skynet.trash invalid param table", core.trash, {})
end

case["callback replaces the dispatcher"] = function()
	local peer = check.launch(function()
		local c = require "skynet.core"
		skynet.start(function()
			c.callback(function(kind, msg, sz, session, source)
				if session > 0 then
					c.send(source, skynet.PTYPE_RESPONSE, session,
						skynet.packstring("raw", kind, c.tostring(msg, sz) or ""))
				end
			end)
		end)
	end)
	check.eq({ skynet.unpack(skynet.rawcall(peer, "lua", "payload")) }, { "raw", 10, "payload" })
end

case["harbor, now and hpc"] = function()
	check.eq({ core.harbor(0x01000008) }, { 1, true })
	check.eq({ core.harbor(skynet.self()) }, { 0, false })
	check.ok(math.abs(core.now() - skynet.now()) < 100)
	check.eq(math.type(core.hpc()), "integer")
end

check.run(case)
