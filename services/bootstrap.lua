-- The first Lua service of a node: starts the system services in their fixed order, then the user's `start` service.
local skynet = require "skynet"
require "skynet.manager"

--- Starts one of the services without which a node is of no use; a failure ends the node.
---@param name string service to start
---@param public_name? string name to give it, `.local` or global
---@return integer handle
local function system_service(name, public_name)
	local ok, handle = pcall(skynet.newservice, name)
	if not (ok and handle) then
		local reason = ok and "it ended while starting" or tostring(handle)
		skynet.error(string.format("bootstrap: can't start %s: %s", name, reason))
		skynet.abort()
		skynet.exit()
	end
	if public_name then
		skynet.name(public_name, handle)
	end
	return handle
end

--- Sets up the stand-in for the harbor network.
local function stay_alone()
	if not skynet.getenv "standalone" then
		skynet.setenv("standalone", "true")
	end
	system_service("cdummy", ".cslave")
end

--- Joins the harbor network, or stays alone.
local function start_harbor()
	local id = tonumber(skynet.getenv "harbor") or 0
	if id == 0 then
		assert(not skynet.getenv "standalone", "harbor = 0 is a single node: remove standalone from the config")
		return stay_alone()
	end
	if not pcall(require, "skynet.socketdriver") then
		skynet.error(string.format(
			"bootstrap: harbor = %d, but this build has no sockets (skynet.socketdriver): cmaster and cslave are not started, "
				.. "and the node goes on alone",
			id
		))
		return stay_alone()
	end
	if skynet.getenv "standalone" then
		system_service "cmaster"
	end
	system_service("cslave", ".cslave")
end

-- Keeps the TLS library initialised for the whole life of the process. Dumped and run in a service of its own.
local function hold_ltls()
	local ltls = require "ltls.init.c"
	ltls.constructor()
end

skynet.start(function()
	local launcher = assert(skynet.launch("snlua", "launcher"), "can't create the launcher")
	skynet.name(".launcher", launcher)

	start_harbor()
	if skynet.getenv "standalone" then
		system_service("datacenterd", "DATACENTER")
	end
	system_service "service_mgr"
	if skynet.getenv "enablessl" == "true" then
		require "skynet.service".new("ltls_holder", hold_ltls)
	end

	-- What goes wrong in the user's service has been logged by it; the node stays up.
	pcall(skynet.newservice, skynet.getenv "start" or "main")
	skynet.exit()
end)
