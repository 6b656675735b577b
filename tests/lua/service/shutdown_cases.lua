-- What a node does before it ends, in the cases of the tests of shutdown: the key `case` names one.
local skynet = require "skynet"
local shutdown = require "skynet.shutdown"
require "skynet.manager"

local role, argument = ...
local cases = {}

-- Each phase says that it runs. One of them is a number.
function cases.order()
	for _, phase in ipairs { "last", "store", 35, "clients", "logic", "accept" } do
		shutdown.register { phase = phase, handler = function()
			skynet.sleep(1)
			skynet.error("in phase", phase)
		end }
	end
	local taken_back = shutdown.register { phase = "logic", handler = function()
		skynet.error "this step was taken back"
	end }
	taken_back:cancel()
end

function cases.hangs()
	shutdown.register { phase = "logic", timeout = 20, handler = function()
		skynet.wait {}
	end }
	shutdown.register { phase = "store", handler = function()
		skynet.error "stored"
	end }
end

function cases.fails()
	shutdown.register { phase = "logic", handler = function()
		error "no disk"
	end }
	shutdown.register { phase = "store", handler = function()
		skynet.error "stored"
	end }
end

-- One that ends in its phase, one that ends before.
function cases.ends()
	skynet.newservice("shutdown_cases", "leaver")
	local early = skynet.newservice("shutdown_cases", "leaver")
	skynet.kill(early)
end

-- A phase that never ends within the limits.
function cases.patient()
	shutdown.register { phase = "logic", timeout = 6000, handler = function()
		skynet.error "in the phase"
		skynet.wait {}
	end }
end

function cases.aborts()
	shutdown.register { phase = "logic", handler = skynet.abort }
	shutdown.register { phase = "store", handler = function()
		skynet.error "stored"
	end }
end

function cases.kills()
	shutdown.register { phase = "logic", handler = function()
		skynet.kill ".shutdown"
	end }
end

-- Every worker is in a loop.
function cases.loops()
	shutdown.register { phase = "logic", handler = function() end }
	for _ = 1, 2 do
		skynet.newservice("shutdown_cases", "looper")
	end
end

-- One service is in a C function that takes ages.
function cases.stuck()
	skynet.newservice("shutdown_cases", "stuck")
end

-- Every worker is.
function cases.all_stuck()
	for _ = 1, 2 do
		skynet.newservice("shutdown_cases", "stuck")
	end
end

function cases.many()
	for _ = 1, 10000 do
		shutdown.register { phase = "logic", handler = function() end }
	end
end

function cases.name()
	skynet.register ".shutdown"
	shutdown.register { phase = "logic", handler = function() end }
end

-- The request to begin comes while the service does something that ends with taking the step back.
function cases.taken_back()
	skynet.send(skynet.newservice("shutdown_cases", "wavering"), "lua")
end

function cases.orders()
	shutdown.register { phase = "store", handler = function()
		skynet.error "stored"
	end }
	skynet.fork(function()
		skynet.error("first order:", skynet.shutdown "maintenance\nat noon", "second:", skynet.shutdown "again")
	end)
end

-- A thousand messages wait when the order comes; the writer is slow.
function cases.queue()
	local slow = skynet.newservice("shutdown_cases", "slow")
	for _ = 1, 1000 do
		skynet.send(slow, "lua")
	end
	skynet.shutdown()
end

-- The start function does not return.
function cases.starting()
	skynet.error "it starts"
	skynet.wait {}
end

function cases.supervised()
	local supervisor = require "skynet.supervisor"
	local function child(id)
		return { id = id, start = { "shutdown_cases", "child", id } }
	end
	supervisor.start { children = { child "a", child "b", child "c" } }
end

-- The native gate. Its watchdog lets clients in.
---@param opened? fun(fd: integer)
function cases.native(opened)
	local socket = require "skynet.socket"
	skynet.register_protocol {
		id = skynet.PTYPE_TEXT,
		name = "text",
		unpack = skynet.tostring,
		dispatch = function(_, source, text)
			local fd, event = text:match "^(%d+) (%a+)"
			skynet.error("the watchdog hears", event)
			if event == "open" then
				skynet.send(source, "text", "start " .. fd)
				if opened then
					opened(math.tointeger(fd))
				end
			end
		end,
		pack = function(text)
			return text
		end,
	}
	-- What was sent to it before is handled by then.
	shutdown.register { phase = "store", handler = function() end }
	skynet.launch("gate", "S", skynet.address(skynet.self()), "127.0.0.1:0", "0", "8")
	for _, info in ipairs(socket.netstat()) do
		if info.type == "LISTEN" then
			skynet.error("gate at port " .. info.sock:match ":(%d+)$")
		end
	end
end

-- A gate with a last word.
function cases.gate()
	skynet.call(skynet.newservice("shutdown_cases", "gate"), "lua", "open", { address = "127.0.0.1", port = 0 })
end

-- Clients get more than the system takes for one that does not read.
function cases.long_gate()
	skynet.call(skynet.newservice("shutdown_cases", "long_gate"), "lua", "open", { address = "127.0.0.1", port = 0 })
end

---@param fd integer
local function write_much(fd)
	local driver = require "skynet.socketdriver"
	for _ = 1, 8 do
		driver.send(fd, string.rep("x", 1000000))
	end
	skynet.error "all is written"
end

function cases.long_native()
	local socket = require "skynet.socket"
	---@param fd integer
	local function is_started(fd)
		for _, info in ipairs(socket.netstat()) do
			if info.id == fd then
				return info.reading
			end
		end
	end
	cases.native(function(fd)
		-- What is written before the gate has started it is lost.
		repeat
			skynet.sleep(1)
		until is_started(fd)
		write_much(fd)
	end)
end

local roles = {}

function roles.gate()
	local gateserver = require "snax.gateserver"
	local driver = require "skynet.socketdriver"
	local here = {}
	gateserver.start {
		embed = true,
		open = function(_, conf)
			skynet.error("gate at port " .. conf.port)
		end,
		connect = function(fd)
			here[fd] = true
			gateserver.openclient(fd)
			skynet.error(fd, "has come")
		end,
		message = function() end,
		disconnect = function(fd)
			skynet.error(fd, "has gone")
			gateserver.closeclient(fd)
		end,
		shutdown = function()
			for fd in pairs(here) do
				driver.send(fd, "bye\n")
			end
		end,
	}
end

function roles.long_gate()
	local gateserver = require "snax.gateserver"
	gateserver.start {
		embed = true,
		open = function(_, conf)
			skynet.error("gate at port " .. conf.port)
		end,
		connect = function(fd)
			gateserver.openclient(fd)
			write_much(fd)
		end,
		message = function() end,
	}
end

function roles.stuck()
	skynet.fork(function()
		local file <close> = assert(io.open("loops", "a"))
		file:write "it is stuck\n"
		file:flush()
		string.find(string.rep("a", 60), string.rep("a?", 60) .. string.rep("a", 60) .. "b")
	end)
end

function roles.wavering()
	local step = shutdown.register { phase = "accept", handler = function()
		skynet.error "it runs all the same"
	end }
	skynet.dispatch("lua", function()
		skynet.shutdown()
		local till = skynet.hpc() + 300000000
		repeat until skynet.hpc() > till
		step:cancel()
		skynet.error "taken back"
	end)
end

function roles.leaver()
	shutdown.register { phase = "logic", handler = function()
		skynet.error "it leaves"
		skynet.exit()
	end }
end

function roles.looper()
	skynet.fork(function()
		-- Into a file: soon nobody is left to write the log.
		local file <close> = assert(io.open("loops", "a"))
		file:write "it loops\n"
		file:flush()
		while true do end
	end)
end

function roles.slow()
	local count = 0
	skynet.dispatch("lua", function()
		local till = skynet.hpc() + 100000
		repeat until skynet.hpc() > till
		count = count + 1
	end)
	-- Longer than a busy machine takes for them.
	shutdown.register { phase = "accept", timeout = 2500, handler = function()
		skynet.error(count, "were handled")
	end }
end

-- Its part is to end, which its supervisor must not mend.
function roles.child(id)
	if id == "b" then
		shutdown.register { phase = "store", handler = function()
			skynet.error "b has stored"
			skynet.exit()
		end }
	end
end

skynet.start(function()
	if role then
		roles[role](argument)
	else
		cases[skynet.getenv "case"]()
		skynet.error "ready for signals"
	end
end)
