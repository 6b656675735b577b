---@meta skynet.netpack

--- Packages with a length of two bytes, most significant first, before them: for gates written in Lua.
---@class skynet.netpack
local netpack = {}

--- What a queue holds: beginnings of packages, packages that wait for `pop`, limits, routes.
---@class skynet.netpack.queue: userdata

--- Reads a message of a socket and takes the bytes out of it. To be called by the `unpack` of a protocol with the id
--- `PTYPE_SOCKET`. Nothing follows the queue while a package is incomplete; else the kind of event and what belongs to it:
--- `"data"` fd, pointer, size (one package, which is the caller's); `"more"` (several wait for `pop`); `"open"` fd, address;
--- `"close"` fd; `"error"` fd, text; `"warning"` fd, KB; `"init"` id, text, number.
---@param queue skynet.netpack.queue? nil makes one
---@param msg lightuserdata
---@param size integer
---@return skynet.netpack.queue queue to be passed the next time
---@return string? event
---@return any ...
function netpack.filter(queue, msg, size) end

--- The next package, which is the caller's; nothing if none waits.
---@param queue skynet.netpack.queue?
---@return integer? fd
---@return lightuserdata? msg
---@return integer? size
function netpack.pop(queue) end

--- Forgets packages, whole or begun.
---@param queue skynet.netpack.queue?
function netpack.clear(queue) end

--- A package with its header before it. Raises `Invalid size (too long) of data : <n>` above 65,535 bytes.
---@param data string|lightuserdata|userdata
---@param size? integer bytes; needed if it is no string
---@return lightuserdata msg to be sent by `socketdriver.send`, or freed by `skynet.trash`
---@return integer size
function netpack.pack(data, size) end

--- The bytes of a package, which is freed.
---@param msg lightuserdata
---@param size integer
---@return string
function netpack.tostring(msg, size) end

--- What each client may do. Who does more loses its connection: a log line says why, and the event `"close"` follows. It holds
--- for connections that are taken from then on. Not in C.
---@param queue skynet.netpack.queue? nil makes one
---@param limits { package?: integer, idle?: integer, buffer?: integer, rate?: integer } bytes of a package; cs to the next whole package, see `sweep`; bytes that wait to be sent; packages within a second
---@return skynet.netpack.queue
function netpack.limit(queue, limits) end

--- Closes those clients that have been idle for too long. Not in C.
---@param queue skynet.netpack.queue?
---@return integer? cs when to call it again; nothing if there is no client, or no such limit
function netpack.sweep(queue) end

--- Sends the packages of a connection to a service, without Lua: messages of the kind `PTYPE_CLIENT` with the fd as their session.
--- Those that wait for `pop` are the first. It ends with the connection. Not in C.
---@param queue skynet.netpack.queue? nil makes one
---@param fd integer
---@param agent integer a handle
---@param client? integer in whose name; 0 or nil: this service's
---@return skynet.netpack.queue
function netpack.route(queue, fd, agent, client) end

--- The packages of a connection come to `filter` again.
---@param queue skynet.netpack.queue?
---@param fd integer
function netpack.unroute(queue, fd) end

return netpack
