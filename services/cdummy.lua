-- `.cslave` of a single node (harbor = 0): keeps the global names, and says that there are no other nodes.
local skynet = require "skynet"
require "skynet.manager"
local valid = require "skynet.harbor.valid"

---@type integer the native harbor service
local harbor
---@type table<string, integer>
local handles = {}
---@type table<string, function[]> name → answers to those who asked for it before it was registered
local asking = {}
-- Requests that only the end of this service answers.
local unanswerable = {}

--- Binds a name in the harbor service. It takes the message's source for the handle.
---@param name string
---@param handle integer
local function tell_harbor(name, handle)
	skynet.redirect(harbor, handle, "harbor", 0, "N " .. name)
end

local command = {}

function command.REGISTER(name, handle)
	if not valid.name(name) then
		error(valid.no_name(name), 0)
	end
	-- A name whose service has ended is free. The watch tells, and costs one entry while it lives.
	assert(handles[name] == nil or not skynet.watch(handles[name]), "global name is taken")
	handles[name] = handle
	tell_harbor(name, handle)
	local answers = asking[name]
	asking[name] = nil
	for _, answer in ipairs(answers or {}) do
		answer(true, handle)
	end
end

function command.QUERYNAME(name)
	if name:sub(1, 1) == "." then
		skynet.retpack(skynet.localname(name))
	elseif handles[name] then
		skynet.retpack(handles[name])
	elseif not valid.name(name) then
		error(valid.no_name(name), 0)
	else
		local answers = asking[name] or {}
		answers[#answers + 1] = skynet.response()
		asking[name] = answers
	end
end

function command.LINK()
	skynet.ret()
end

function command.CONNECT()
	skynet.error "Can't connect to other harbor in single node mode"
	unanswerable[#unanswerable + 1] = skynet.response()
end

-- Commands to the native service are plain text.
skynet.register_protocol { id = skynet.PTYPE_HARBOR, name = "harbor", pack = function(text) return text end }

skynet.register_protocol {
	id = skynet.PTYPE_TEXT,
	name = "text",
	unpack = skynet.tostring,
	-- "Q name": a message waits there for a name. "D id", a lost node, can't happen here.
	dispatch = function(_, _, text)
		local name = text:match "^Q (.+)$"
		local handle = name and handles[name]
		if handle then
			tell_harbor(name, handle)
		end
	end,
}

skynet.dispatch("lua", function(_, _, name, ...)
	local run = assert(command[name], "unknown command")
	run(...)
end)

skynet.start(function()
	harbor = assert(skynet.launch("harbor", 0, skynet.self()), "can't create the harbor service")
end)
