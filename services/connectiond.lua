-- Owns sockets for others: whatever is read from one goes on to a service, undivided and without being copied, as a
-- message whose session is the socket's id. An empty message is the end. `skynet.connection` is the way to use it.
local skynet = require "skynet"
local core = require "skynet.core"
local driver = require "skynet.socketdriver"

---@class connection.link
---@field dest integer the service that gets the data
---@field kind integer as messages of this type
---@field answer? fun(ok: boolean, ...) to the request for it, until the socket is open

---@type table<integer, connection.link> by id of the socket
local links = {}

--- Forgets a socket that has ended.
---@param id integer
---@param reason? string
local function ended(id, reason)
	local link = links[id]
	links[id] = nil
	if not link then
		return
	elseif link.answer then
		link.answer(true, nil, reason or "the socket is closed")
	else
		core.redirect(link.dest, 0, link.kind, id, "")
	end
end

--- What happens to sockets, by the kinds of messages.
---@type table<integer, fun(id: integer, ud: integer, data: any)>
local events = {}

-- Data.
events[1] = function(id, size, data)
	local link = links[id]
	if not link then
		driver.drop(data, size)
	elseif not core.redirect(link.dest, 0, link.kind, id, data, size) then
		links[id] = nil -- nobody is there to read
		driver.close(id)
	end
end

-- Open.
events[2] = function(id)
	local link = links[id]
	if link and link.answer then
		link.answer(true, true)
		link.answer = nil
	end
end

-- Closed.
events[3] = function(id)
	ended(id)
	driver.close(id)
end

-- Failed.
events[5] = function(id, _, reason)
	ended(id, reason)
	driver.close(id)
end

local command = {}

--- From now on a socket's data goes to this service. The answer is true, or nil and a reason.
---@param id integer
---@param dest integer
---@param kind integer
function command.forward(id, dest, kind)
	local link = links[id]
	if link then
		link.dest, link.kind = dest, kind
		return skynet.retpack(true)
	end
	links[id] = { dest = dest, kind = kind, answer = skynet.response() }
	driver.start(id)
end

-- The others want no answer.

function command.pause(id)
	if links[id] then
		driver.pause(id)
	end
end

function command.resume(id)
	if links[id] then
		driver.start(id)
	end
end

function command.close(id)
	if links[id] then
		links[id] = nil
		driver.close(id)
	end
end

skynet.register_protocol {
	id = skynet.PTYPE_SOCKET,
	name = "socket",
	unpack = driver.unpack,
	dispatch = function(_, _, event, ...)
		local handle = events[event]
		if handle then
			handle(...)
		end
	end,
}

skynet.start(function()
	skynet.dispatch("lua", function(_, _, name, ...)
		command[name](...)
	end)
	skynet.info_func(function()
		local report = {}
		for id, link in pairs(links) do
			report[id] = skynet.address(link.dest)
		end
		return report
	end)
end)
