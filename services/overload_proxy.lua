-- Stands in front of a service that may get more than it can do: `newservice("overload_proxy", target, "key=value", ...)`. It
-- passes on as many messages as the target bears and holds the others back, a queue for each sender; the senders take turns, so
-- that one who asks too much waits longer, and nobody else does. What does not fit is refused at once.
local skynet = require "skynet"
local forward = require "skynet.proxy.forward"

local name = ...
local target = forward.target(name or "")
local options = forward.options({
	type = "lua",
	requests = 64, -- that the target works on at a time
	mqlen = 1000, -- messages in its mailbox, from whomever, above which it gets no more
	ping = 100, -- cs from one PING to the next
	patience = 100, -- cs that a PING may wait for its answer; afterwards the target gets no more until it has come
	held = 1024, -- messages of one sender that are held back
	total = 65536, -- of all senders
}, select(2, ...))

---@class overload.queue messages of one sender, first in first out
---@field first integer
---@field last integer
---@field [integer] proxy.item

---@type table<integer, overload.queue> those with messages, by sender
local queues = {}
---@type integer[] the same senders, in the order of their turns, from `turn_first` to `turn_last`
local turns = {}
local turn_first, turn_last = 1, 0

local held, open = 0, 0
local refused, dropped, gone = 0, 0, 0

-- The target's load.

---@type number? when the PING was sent that is not answered yet
local pinged
local pinging = false

local here = type(target) == "number" and not select(2, skynet.harbor(target))

--- Messages in the target's mailbox; 0 on another node, where only the PING tells.
---@return integer
local function queued()
	return here and skynet.mqlen(target) or 0
end

--- A PING that waits no longer, and is not answered all the same, says nothing: the target takes no debug messages.
---@return boolean
local function is_late()
	return pinged ~= nil and skynet.now() - pinged > options.patience and (not here or queued() > 0)
end

---@return boolean
local function has_room()
	return open < options.requests and queued() < options.mqlen and not is_late()
end

-- The queues.

---@param item proxy.item
local function push(item)
	local source = item.source
	local queue = queues[source]
	if not queue then
		queue = { first = 1, last = 0 }
		queues[source] = queue
		turn_last = turn_last + 1
		turns[turn_last] = source
	end
	queue.last = queue.last + 1
	queue[queue.last] = item
	held = held + 1
end

--- The first message of the sender whose turn it is; the next sender is another one.
---@return proxy.item?
local function pop()
	if turn_first > turn_last then
		return nil
	end
	local source = turns[turn_first]
	turns[turn_first] = nil
	turn_first = turn_first + 1
	local queue = queues[source]
	local item = queue[queue.first]
	queue[queue.first] = nil
	queue.first = queue.first + 1
	held = held - 1
	if queue.first > queue.last then
		queues[source] = nil
	else
		turn_last = turn_last + 1
		turns[turn_last] = source
	end
	return item
end

---@param source integer
---@return integer
local function held_of(source)
	local queue = queues[source]
	return queue and queue.last - queue.first + 1 or 0
end

local pump

---@param item proxy.item
local function deliver(item)
	forward.deliver(target, item)
	open = open - 1
	pump()
end

--- Passes on what is held back, as long as the target has room.
function pump()
	while held > 0 and has_room() do
		local item = pop()
		if not item then
			return
		elseif not item.answer then
			forward.send_item(target, item)
		elseif item.answer "TEST" then
			open = open + 1
			skynet.fork(deliver, item)
		else
			gone = gone + 1 -- who asked has exited: nobody wants the answer
		end
	end
end

--- Watches the target while there is something to do.
local function watch()
	while held > 0 or open > 0 do
		pinged = skynet.now()
		pcall(skynet.timeout_call, nil, target, "debug", "PING")
		pinged = nil
		pump()
		skynet.sleep(options.ping)
	end
	pinging = false
end

local pumping = false

--- Looks at the target's mailbox again and again, while messages are held back: nobody tells when it has become shorter.
local function poll()
	while held > 0 do
		skynet.sleep(1)
		pump()
	end
	pumping = false
end

local function keep_watching()
	if not pinging then
		pinging = true
		skynet.fork(watch)
	end
	if held > 0 and not pumping then
		pumping = true
		skynet.fork(poll)
	end
end

---@param session integer
---@param source integer
---@param msg lightuserdata
---@param size integer
local function hold_back(session, source, msg, size)
	local waiting = held_of(source)
	if waiting < options.held and held < options.total then
		push(forward.hold(session, source, msg, size))
		return
	end
	skynet.trash(msg, size)
	if session == 0 then
		dropped = dropped + 1
	else
		refused = refused + 1
		forward.refuse(string.format("service %s is overloaded: %d messages wait, %d of them of %s",
			skynet.address(target), held, waiting, skynet.address(source)))
	end
end

---@param session integer
---@param source integer
---@param msg lightuserdata
---@param size integer
local function on_message(session, source, msg, size)
	if held > 0 or not has_room() then
		hold_back(session, source, msg, size)
		keep_watching()
	elseif session == 0 then
		forward.send(target, source, msg, size)
	else
		open = open + 1
		keep_watching()
		forward.call(target, msg, size)
		open = open - 1
		pump()
	end
end

forward.start(options.type, on_message, function()
	skynet.info_func(function()
		return {
			target = name,
			open = open,
			held = held,
			senders = turn_last - turn_first + 1,
			refused = refused,
			dropped = dropped,
			gone = gone,
			mqlen = queued(),
			late = is_late(),
		}
	end)
end)
