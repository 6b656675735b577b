---C modules for Lua, built by the tests: they act as the service by the context that is in the registry, and what is wrong with one is
---an error that names it.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()

---What came as text: session, source, text.
---@type table[]
local texts = {}

skynet.register_protocol {
	name = "text",
	id = skynet.PTYPE_TEXT,
	pack = function(text)
		return text
	end,
	unpack = skynet.tostring,
	dispatch = function(session, source, text)
		skynet.ignoreret()
		texts[#texts + 1] = { session, source, text }
	end,
}

---@return integer session
---@return integer source
---@return string text
local function take()
	local text = check.eventually(function()
		return table.remove(texts, 1)
	end, "a text")
	return table.unpack(text)
end

local luasend

case["a module finds the context as it is loaded"] = function()
	luasend = require "luasend"
	check.ok(luasend.send)
end

case["a module sends as the service, with sessions of the service"] = function()
	local self = skynet.self()
	local before = skynet.genid()
	local session = luasend.send(self, skynet.PTYPE_TEXT, "hello")
	check.eq({ take() }, { session, self, "hello" })
	check.ok(session > before, session)
	local after = skynet.genid()
	check.ok(after > session, after)
	check.eq(luasend.sendname(skynet.address(self), skynet.PTYPE_TEXT, "by name"), 0)
	check.eq({ take() }, { 0, self, "by name" })
	check.eq(luasend.send(0x123456, skynet.PTYPE_TEXT, "nobody"), -1)
end

case["a module commands and logs as the service"] = function()
	check.eq(luasend.command "REG", (":%x"):format(skynet.self()))
	check.eq(luasend.command("GETENV", "thread"), "2")
	check.eq(luasend.command "NOSUCH", nil)
	luasend.log "from the module"
	check.log(("%%[:%08x%%] from the module"):format(skynet.self()))
end

case["a thread of a module sends as the service"] = function()
	local session = luasend.thread(skynet.self(), skynet.PTYPE_TEXT)
	check.ok(session > 0, session)
	check.eq({ take() }, { session, skynet.self(), "from a thread" })
end

case["a library that is opened by hand finds it, too"] = function()
	local worker = check.worker()
	local path = assert(package.searchpath("luasend", package.cpath))
	local address, own = worker:call(function(file)
		local skynet = require "skynet"
		local open = assert(package.loadlib(file, "luaopen_luasend"))
		return open().command "REG", (":%x"):format(skynet.self())
	end, path)
	check.eq(address, own)
end

case["a module for another Lua is refused with both versions"] = function()
	check.raises("version mismatch: app. needs 504.*, Lua core provides 505", require, "oldlua")
end

case["a module that fails in its init is named with its path"] = check.ours(function()
	check.raises("error loading module 'oldlua' from file '/.*/oldlua%.so':\n\tversion mismatch", require, "oldlua")
end)

case["a library that is cut off is refused, and the node goes on"] = check.ours(function()
	local reason = "/cut_off%.so':\n\tthe file is cut off: parts that it promises are missing"
	check.raises("error loading module 'cut_off' from file '/.*" .. reason, require, "cut_off")
	check.raises("error loading module 'cut_off%.inner' from file '/.*" .. reason, require, "cut_off.inner")
	local path = check.ok(package.searchpath("cut_off", package.cpath))
	local open, message, where = package.loadlib(path, "luaopen_cut_off")
	check.eq({ open, where }, { nil, "open" })
	check.match(message, "/cut_off%.so: the file is cut off")
end)

case["a module that lacks a function is refused with its path and the name of that"] = function()
	local message = check.raises("undefined symbol: lua_function_of_another_lua", require, "undefined")
	check.match(message, "/undefined%.so")
	check.raises("module 'no%.such%.module' not found", require, "no.such.module")
	check.match(check.raises("undefined symbol: luaopen_minimal", require, "minimal"), "/minimal%.so")
end

check.run(case)
