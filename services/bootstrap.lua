-- The first Lua service of a node: starts the system services in their fixed order, then the user's `start` service.
local skynet = require "skynet"
require "skynet.manager"

--- Says why this node is of no use, and ends it.
---@param reason string
local function give_up(reason)
	skynet.error("bootstrap: " .. reason)
	skynet.abort()
	skynet.exit()
end

--- Starts one of the services without which a node is of no use; a failure ends the node.
---@param name string service to start
---@param public_name? string name to give it, `.local` or global
---@return integer handle
local function system_service(name, public_name)
	local ok, handle = pcall(skynet.newservice, name)
	if not (ok and handle) then
		give_up(string.format("can't start %s: %s", name, ok and "it ended while starting" or tostring(handle)))
	end
	if public_name then
		skynet.name(public_name, handle)
	end
	return handle
end

--- Why the config can't be followed, if so.
---@param id integer harbor id
---@return string?
local function contradiction(id)
	if id == 0 then
		return skynet.getenv "standalone"
			and "harbor = 0 is a node that is alone, but standalone is set: remove one of the two from the config"
	end
	for _, key in ipairs { "address", "master" } do
		if not skynet.getenv(key) then
			return string.format("harbor = %d needs the key %s; set it, or harbor = 0 for a node that is alone", id, key)
		end
	end
end

--- Joins the harbor network, or sets up the stand-in for it.
local function start_harbor()
	local id = tonumber(skynet.getenv "harbor") or 0
	local reason = contradiction(id)
	if reason then
		give_up(reason)
	elseif id == 0 then
		skynet.setenv("standalone", "true")
		system_service("cdummy", ".cslave")
	else
		if skynet.getenv "standalone" then
			system_service("cmaster", ".cmaster")
		end
		system_service("cslave", ".cslave")
	end
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
