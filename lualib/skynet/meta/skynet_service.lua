---@meta _

-- The life of a service: start and end, starting others, names.

---@class skynet
local skynet = {}

--- Starts the service. Call it once, in the main chunk. A first thread runs what `init` registered, then `func`; then whoever
--- started the service gets its handle. If that raises, it is logged as `init service failed: ...`, the service ends and
--- whoever started it gets an error.
---@param func function
function skynet.start(func) end

--- Runs the body of `start`, for those who install a callback of their own.
---@param func function
function skynet.init_service(func) end

--- Registers a function to run before the start function; in a module loaded by a thread, after the module's chunk.
---@param func function
function skynet.init(func) end

--- Use instead of `start`. Messages of the types in `map` are dispatched as type `map[type]`, and are not freed: their
--- handlers own message and size and may pass them on.
---@param map table<integer, integer>
---@param start_func function
function skynet.forward_type(map, start_func) end

--- Use instead of `start`. What `filter` returns is dispatched in place of each message.
---@param filter fun(type: integer, msg: lightuserdata, size: integer, session: integer, source: integer): ...
---@param start_func function
function skynet.filter(filter, start_func) end

--- Orders a shutdown of this node: services that have something to do before (`skynet.shutdown` as a module) are asked, then all end.
---@param reason? string for the log
---@param options? { network?: boolean } `network`: all nodes of the harbor network that are of this kind
---@return boolean first false if one was ordered before
function skynet.shutdown(reason, options) end

--- Ends this service; does not return. What it had accepted and not answered is answered with an error.
---@param reason? string it ends abnormally, for this reason: services that are linked to it end, too. Not in C skynet
function skynet.exit(reason) end

--- Starts a Lua service and waits until its start function has ended. Raises `call failed` if it can't be loaded or its start
--- fails; the log names file and line.
---@param name string found along the config's luaservice
---@param ... string|number arguments of its main chunk. They arrive as strings, split at white space
---@return integer? handle nil if it called `skynet.exit` while starting
function skynet.newservice(name, ...) end

--- Starts a service of which there is one per node, or finds it. Raises what went wrong; a failure is remembered.
---@overload fun(global: true, name: string, ...): integer one in the whole harbor network
---@param name string
---@param ... string|number
---@return integer handle
function skynet.uniqueservice(name, ...) end

--- The service that somebody starts by `uniqueservice`; waits for it.
---@overload fun(global: true, name: string, ...): integer
---@param name string
---@param ... string
---@return integer handle
function skynet.queryservice(name, ...) end

--- This service's handle.
---@return integer handle
function skynet.self() end

--- The handle behind a local name.
---@param name string ".name"
---@return integer? handle
function skynet.localname(name) end

--- The text of an address: ":%08x" for a handle.
---@param addr any
---@return string
function skynet.address(addr) end

--- The harbor id of a handle.
---@param handle integer
---@return integer id
---@return boolean remote
function skynet.harbor(handle) end

--- Sets what the debug command INFO answers; without an argument gives it.
---@param func? fun(...): any
---@return (fun(...): any)?
function skynet.info_func(func) end

--- Limits the memory of this service; only in the main chunk. Beyond it an allocation raises `not enough memory`.
---@param bytes integer
function skynet.memlimit(bytes) end

--- Sets how long one message may take this service. Code that takes longer is interrupted by an error, `interrupted after <n> s in one
--- message`, and at every instruction if it still goes on a second later, until its thread has ended. Time in which threads are
--- suspended does not count. The limit holds some milliseconds more or less. C code and finalizers are not interrupted. Not in C skynet.
---@param seconds? number 0: no limit, which is the default unless the config sets `rs_runaway`; nil: nothing is set
---@return number # the limit until now
function skynet.runaway(seconds) end
