---Services written in C (the modules in `tests/c`): who owns which block, what the functions return, how they start and end.
local skynet = require "skynet"
require "skynet.manager"
local check = require "check"
local socket = require "skynet.socket"

local case = check.cases()

---What came as text, in order.
---@type string[]
local texts = {}

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	pack = function(text)
		return text
	end,
	unpack = skynet.tostring,
	dispatch = function(session, source, text)
		if session == 0 then
			skynet.ignoreret()
			texts[#texts + 1] = text .. (source == skynet.self() and " from myself" or "")
		end
	end,
}

---@param handle integer
---@param request string
---@return string
local function ask(handle, request)
	return skynet.tostring(skynet.rawcall(handle, "text", request))
end

---@param text string
---@return fun(): boolean
local function came(text)
	return function()
		return texts[#texts] == text
	end
end

case["a request is answered by the callback, with the arguments of the launch"] = function()
	local echo = check.ok(skynet.launch("echo", "hello,", "you "), "an echo")
	check.eq(ask(echo, "there"), "hello, you there")
	check.log "echo begins with hello, you"
	check.eq(ask(echo, ("x"):rep(100000)), "hello, you " .. ("x"):rep(100000))
	local silent = check.ok(skynet.launch "echo", "another")
	check.eq(ask(silent, "!"), "(none)!")
	skynet.kill(echo)
	check.log(string.format("%%[:%08x%%] echo ends", echo))
	skynet.kill(silent)
end

case["a signal comes to the module"] = function()
	local echo = check.ok(skynet.launch "echo")
	local core = require "skynet.core"
	core.command("SIGNAL", skynet.address(echo) .. " 5")
	check.log(string.format("%%[:%08x%%] echo got signal 5", echo))
	core.command("SIGNAL", skynet.address(echo))
	check.log(string.format("%%[:%08x%%] echo got signal 0", echo))
	skynet.kill(echo)
end

case["a module needs no more than its init"] = function()
	local minimal = check.ok(skynet.launch "minimal")
	check.eq(ask(minimal, "?"), "ok")
	skynet.kill(minimal)
end

local rules

case["the functions of the header keep their word"] = function()
	rules = check.ok(skynet.launch "rules")
	for _, name in ipairs { "codes", "blocks", "sessions", "info", "commands" } do
		check.eq(ask(rules, name), "ok", name)
	end
	check.log "Don't support query global name GLOBAL"
	check.log "Destination address can't be 0"
	check.log(string.format("%%[:%08x%%] error: The message to %x is too large", rules, rules))
end

case["log lines are formatted as by printf"] = function()
	check.eq(ask(rules, "log"), "ok")
	check.log(string.format("%%[:%08x%%] number 42, text forty,   1%%.[23]\n", rules))
	check.log("long " .. ("x"):rep(599) .. " end\n")
	check.log(string.format("%%[:%08x%%] cut off\n", rules))
	check.log "%[:00000000%] of the node\n"
end

case["a message that is kept stays, and is given away as it is"] = function()
	check.eq(ask(rules, "keep"), "ok")
	check.eq(ask(rules, "codes"), "ok")
	check.eq(ask(rules, "give back"), "keep")
end

case["a timer comes as an empty response"] = function()
	check.eq(ask(rules, "timer"), "ok")
end

case["a message can have another's name on it"] = function()
	check.eq(ask(rules, "in your name"), "ok")
	check.eventually(came "from yourself from myself")
end

case["a service that exits in its callback is gone afterwards"] = function()
	check.eq(ask(rules, "exit"), "ok")
	check.log(string.format("%%[:%08x%%] KILL self", rules))
	-- The first may still find it in its callback.
	check.raises("call", function()
		for _ = 1, 100 do
			ask(rules, "sessions")
		end
	end)
end

case["a thread of the module's own sends, names, logs and arms timers"] = function()
	skynet.name(".receiver", skynet.self())
	texts = {}
	local count = 1000
	local thread = check.ok(skynet.launch("thread", skynet.self(), count))
	check.eventually(came "done")
	for i = 1, count do
		check.eq(texts[i], tostring(i - 1))
	end
	check.eq(texts[count + 1], "named")
	check.eq(skynet.localname ".thread_test", thread)
	check.log(string.format("%%[:%08x%%] from the thread of its own, in service 0", thread))
	skynet.kill(thread)
end

case["a thread of the module's own has results of its own"] = check.ours(function()
	texts = {}
	local thread = check.ok(skynet.launch("thread", skynet.self(), 0, "results"))
	check.eventually(came "kept")
	skynet.kill(thread)
end)

case["a module that refuses to start is told with its path and code"] = function()
	check.eq(skynet.launch "refuse", nil)
	check.log "refuse was asked"
	check.log "%[:%x+%] error: launch refuse FAILED"
	check.log "refuse was released: 1"
	check.raises("", skynet.call, ".launcher", "lua", "LAUNCH", "refuse")
end

case["what is wrong with a module is in the log"] = check.ours(function()
	check.raises("the service refuse could not be launched; the log says why", function()
		assert(skynet.launch "refuse")
	end)
	check.raises("call failed: the service refuse .*could not be launched; the log says why", skynet.call, ".launcher", "lua", "LAUNCH", "refuse", "a")
	check.log "error: refuse did not start: /.*/refuse%.so: refuse_init returned 7"
	check.eq(skynet.launch "noinit", nil)
	check.log "/noinit%.so: no function noinit_init %(a C service exports noinit_init"
	check.eq(skynet.launch "noinstance", nil)
	check.log "/noinstance%.so: noinstance_create gave no instance"
	check.eq(skynet.launch "undefined", nil)
	check.log "/undefined%.so: undefined symbol: lua_function_of_another_lua"
	check.eq(skynet.launch "no_library", nil)
	check.log "/no_library%.so: invalid ELF header"
	check.eq(skynet.launch "cut_off", nil)
	check.log "/cut_off%.so: the file is cut off"
	check.eq(skynet.launch "no_dependency", nil)
	check.log "/no_dependency%.so: libgone%.so: cannot open shared object file"
	check.eq(skynet.launch "no.such_module", nil)
	check.log "try open no%.such_module failed : .*/no%.such_module%.so: cannot open shared object file"
end)

case["a launcher's caller gets an error, and the node goes on"] = function()
	for _, name in ipairs { "noinit", "noinstance", "nowhere", "undefined", "no_library", "no_dependency" } do
		check.raises("", skynet.call, ".launcher", "lua", "LAUNCH", name)
	end
	local echo = check.ok(skynet.launch "echo")
	check.eq(ask(echo, "?"), "(none)?")
	skynet.kill(echo)
end

---The ports of the service `sockets`. C's figures of a new socket come late.
---@param server integer
---@return integer tcp
---@return integer udp
local function ports(server)
	local tcp, udp
	check.eventually(function()
		tcp, udp = ask(server, "ports"):match "^([1-9]%d*) ([1-9]%d*)$"
		return tcp
	end, "ports")
	return math.tointeger(tcp), math.tointeger(udp)
end

case["sockets listen, receive and send"] = function()
	local server = check.ok(skynet.launch "sockets")
	local tcp = ports(server)
	local id = check.ok(socket.open("127.0.0.1", tcp), "a connection")
	for _, size in ipairs { 1, 1000, 300000 } do
		local data = ("d"):rep(size)
		socket.write(id, data)
		check.eq(socket.read(id, size), data)
	end
	socket.close(id)
	skynet.kill(server)
end

case["an object of the program cannot be sent"] = check.ours(function()
	local server = check.ok(skynet.launch "sockets")
	check.eq(ask(server, "object"), "refused")
	check.log(string.format("%%[:%08x%%] error: a socket cannot send a user object", server))
	skynet.kill(server)
end)

-- Not asked of C, where none came to a port of the system's choice.
case["datagrams come with their sender's address"] = check.ours(function()
	local server = check.ok(skynet.launch "sockets")
	local _, udp = ports(server)
	local got
	local datagrams = socket.udp_dial("127.0.0.1", udp, function(data)
		got = data
	end)
	socket.write(datagrams, "datagram")
	check.eventually(function()
		return got == "datagram"
	end)
	socket.close(datagrams)
	skynet.kill(server)
end)

check.run(case)
