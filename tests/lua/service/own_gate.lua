---A gate of its own on `snax.gateserver`: tells who launched it (by handle) everything, see `gateserver.lua`.
local skynet = require "skynet"
local gateserver = require "snax.gateserver"
local netpack = require "skynet.netpack"

local to = tonumber((...))
local wanted = true

local function tell(...)
	skynet.send(to, "lua", ...)
end

local commands = {}

function commands.wanted(yes)
	wanted = yes
end

commands.openclient = gateserver.openclient
commands.closeclient = gateserver.closeclient

function commands.fail()
	error "as the test wished"
end

gateserver.start {
	open = function(source, conf)
		return source == to, conf.address, conf.port, "more"
	end,
	connect = function(fd, addr)
		if wanted then
			gateserver.openclient(fd)
		end
		tell("connect", fd, addr)
	end,
	message = function(fd, msg, size)
		local text = netpack.tostring(msg, size)
		tell("message", fd, text)
		if text == "block" then
			skynet.sleep(5)
			tell("unblocked", fd)
		elseif text == "boom" then
			error "as the client wished"
		end
	end,
	disconnect = function(fd)
		tell("disconnect", fd)
	end,
	command = function(cmd, source, ...)
		assert(source == to)
		return (commands[cmd] or function(...)
			return cmd, ...
		end)(...)
	end,
}
