---Services in Rust from shared libraries (the module in `tests/module`): how they answer, fail, end and are refused.
local skynet = require "skynet"
require "skynet.manager"
local check = require "check"

local case = check.cases(true)

---What came as text without a question.
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
		else
			skynet.ret(text .. " here")
		end
	end,
}

---@param args? string
---@return integer handle
local function probe(args)
	return check.ok(skynet.launch("probe", args or ""), "a probe")
end

---@param handle integer
---@param request string
---@return string answer
local function ask(handle, request)
	return skynet.call(handle, "text", request)
end

---Asks in a thread of its own. The result is what became of it, once something has.
---@param handle integer
---@param request string
---@return fun(): string?
local function ask_later(handle, request)
	local result
	skynet.fork(function()
		local ok, answer = pcall(ask, handle, request)
		result = ok and "answer: " .. answer or "error: " .. tostring(answer)
	end)
	return function()
		return result
	end
end

case["a request is answered, also with its own block"] = function()
	local service = probe()
	check.eq(ask(service, "whole message"), "whole message")
	local long = "whole " .. ("x"):rep(300000)
	check.eq(ask(service, long), long)
	check.eq(ask(service, "nosuch"), "no check nosuch")
	skynet.kill(service)
	check.log(string.format("%%[%s%%] probe ends and owes 0", skynet.address(service)))
end

case["a request may be kept, and is answered when the service likes"] = function()
	local service = probe()
	local first, second = ask_later(service, "keep"), ask_later(service, "keep")
	skynet.yield()
	check.eq(ask(service, "release"), "ok")
	check.eq(check.eventually(first), "answer: released")
	check.eq(check.eventually(second), "answer: released")
	skynet.kill(service)
end

case["a refused and a dropped request are errors"] = function()
	local service = probe()
	check.raises("call failed.*because", ask, service, "refuse")
	check.raises("call failed", ask, service, "drop")
	check.eq(ask(service, "whole life"), "whole life")
	skynet.kill(service)
end

case["the functions of the context keep their word"] = function()
	local service = probe()
	check.eq(ask(service, "info"), "ok")
	check.eq(ask(service, "unsent"), "ok")
	check.eq(ask(service, "timer"), "the timer came")
	skynet.kill(service)
end

case["a service asks in turn, and passes the answer on"] = function()
	local service, other = probe(), probe()
	check.eq(ask(service, "ask " .. skynet.address(other)), "whole question")
	check.eq(ask(service, "ask " .. skynet.address(skynet.self())), "whole question here")
	skynet.kill(other)
	check.raises("call failed.*no such service is alive", ask, service, "ask " .. skynet.address(other))
	skynet.kill(service)
end

case["a message is passed on with its sender, and answered by its receiver"] = function()
	local service, other = probe(), probe()
	local dest = skynet.address(skynet.self())
	check.eq(ask(service, "redirect " .. dest), "redirect " .. dest .. " here")
	check.raises("call failed.*no such service", ask, service, "redirect :fffff0")
	-- The answer is no longer owed by the one who passed it on.
	check.eq(ask(other, "redirect-and-panic " .. dest), "redirect-and-panic " .. dest .. " here")
	check.log "panicked: after a redirect"
	skynet.kill(service)
end

case["a thread of the module's own sends, logs and answers"] = function()
	texts = {}
	local service = probe()
	check.eq(ask(service, "thread"), "ok")
	check.eq(texts, { "named", "in your name from myself" })
	check.log(string.format("%%[%s%%] from a thread", skynet.address(service)))
	skynet.kill(service)
end

case["a signal comes to its handler, whose panic is logged"] = function()
	local service = probe()
	local core = require "skynet.core"
	core.command("SIGNAL", skynet.address(service) .. " 5")
	check.log(string.format("%%[%s%%] probe got signal 5", skynet.address(service)))
	core.command("SIGNAL", skynet.address(service) .. " 13")
	check.log("error: the signal handler of " .. skynet.address(service) .. " panicked: an unlucky number")
	check.eq(ask(service, "whole life"), "whole life")
	skynet.kill(service)
end

case["a panic ends the one service, and all that it owes is answered"] = function()
	for _, how in ipairs { "panic", "accept-and-panic" } do
		local service, other = probe(), probe()
		local kept = ask_later(service, "keep")
		skynet.yield()
		check.raises("call failed", ask, service, how)
		check.match(check.eventually(kept), "^error: .*call failed")
		check.log(string.format("error: service %s panicked: ", skynet.address(service)))
		check.log(string.format("%%[%s%%] probe ends and owes 1", skynet.address(service)))
		check.eq(check.alive(service), false)
		check.eq(ask(other, "whole life"), "whole life")
		skynet.kill(other)
	end
end

case["a service that is killed answers what it owes"] = function()
	local service = probe()
	local kept = { ask_later(service, "keep"), ask_later(service, "keep") }
	skynet.yield()
	check.eq(ask(service, "whole life"), "whole life")
	skynet.kill(service)
	for _, result in ipairs(kept) do
		check.match(check.eventually(result), "^error: .*call failed")
	end
	check.log "probe ends and owes 2"
end

case["a service that exits is gone afterwards"] = function()
	local service = probe()
	check.eq(ask(service, "exit"), "ok")
	check.log "probe ends and owes 0"
	check.raises("call to invalid address", ask, service, "whole life")
end

case["panics at the end are logged, and end nothing else"] = function()
	for how, text in pairs { ["bad exit"] = "told to panic at exit", ["bad drop"] = "told to panic when dropped" } do
		local service = probe(how)
		local kept = ask_later(service, "keep")
		skynet.yield()
		check.eq(ask(service, "whole life"), "whole life")
		skynet.kill(service)
		check.log("error: service " .. skynet.address(service) .. " panicked: " .. text)
		check.match(check.eventually(kept), "^error: .*call failed")
	end
	local other = probe()
	check.eq(ask(other, "whole life"), "whole life")
	skynet.kill(other)
end

case["several modules are on one node, each with services of its own"] = function()
	local service, scores, more = probe(), check.ok(skynet.launch("scores", "1")), check.ok(skynet.launch("scores", "1"))
	check.eq(skynet.call(scores, "lua", "add", "ann", 3), 3)
	check.eq(skynet.call(more, "lua", "add", "ben", 5), 5)
	check.eq(skynet.call(scores, "lua", "top"), { { "ann", 3 } })
	check.raises("call failed.*no command win", skynet.call, scores, "lua", "win")
	check.eq(ask(service, "whole life"), "whole life")
	for _, handle in ipairs { service, scores, more } do
		skynet.kill(handle)
	end
end

case["an init that fails is told with path and reason, to the launcher's caller as well"] = function()
	check.eq(skynet.launch("probe", "refuse"), nil)
	check.log "error: probe did not start: /.*/libprobe%.so: it was told to refuse"
	check.eq(skynet.launch("probe", "panic"), nil)
	check.log "error: probe did not start: /.*/libprobe%.so: its init panicked: told to panic at once"
	check.eq(skynet.launch("probe", "bad signals"), nil)
	check.log "error: probe did not start: /.*/libprobe%.so: its signal_handler panicked: told to panic when asked"
	for _, args in ipairs { "refuse", "panic", "bad signals" } do
		check.raises("", skynet.call, ".launcher", "lua", "LAUNCH", "probe", args)
	end
	skynet.kill(probe())
end

case["a module with another interface is refused, with what was found and expected"] = function()
	local reasons = {
		abi_null = "/abi_null%.so: skynet_rs_module gave no table",
		abi_magic = "/abi_magic%.so: skynet_rs_module gave no table of a module: it begins with 0x%x+, not 0x%x+",
		abi_major = "/abi_major%.so: built for the module interface 7%.0, this node has 1%.0",
		abi_minor = "/abi_minor%.so: built for the module interface 1%.9, this node has 1%.0 %(it takes no newer",
		abi_size = "/abi_size%.so: its table has 40 bytes, one of the module interface 1%.0 has 88",
	}
	for name, reason in pairs(reasons) do
		check.eq(skynet.launch(name), nil)
		check.log("error: .*" .. name .. ".*: /.*" .. reason)
		check.raises("", skynet.call, ".launcher", "lua", "LAUNCH", name)
	end
	skynet.kill(probe())
end

check.run(case)
