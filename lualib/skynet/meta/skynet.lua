---@meta skynet

--- The framework of Lua services. This file: sending and answering; beside it `skynet_threads`, `skynet_service`, `skynet_info`.
--- Times are in centiseconds (cs, 1/100 s) unless a name or text says otherwise.
---
--- An **address** is a handle (integer), ":hex" (a handle as text), ".name" (a local name), or a global name. One with the
--- harbor byte of another node is accepted as it is; a global name is accepted too, and the message waits until the name is
--- known. A fractional float and 0 raise `Invalid service address`; nil, booleans, tables raise `dest address type (...) must be
--- a string or number.` A handle or local name that is not alive on this node is an *invalid address*.
---@class skynet
local skynet = {}

---@alias skynet.address integer|string

--- A thread's request is what `ret` answers. `session` is positive if an answer is wanted, 0 if not.
---@alias skynet.dispatch fun(session: integer, source: integer, ...)

skynet.PTYPE_TEXT = 0
skynet.PTYPE_RESPONSE = 1
skynet.PTYPE_MULTICAST = 2
skynet.PTYPE_CLIENT = 3
skynet.PTYPE_SYSTEM = 4
skynet.PTYPE_HARBOR = 5
skynet.PTYPE_SOCKET = 6
skynet.PTYPE_ERROR = 7
skynet.PTYPE_QUEUE = 8
skynet.PTYPE_DEBUG = 9
skynet.PTYPE_LUA = 10
skynet.PTYPE_SNAX = 11
skynet.PTYPE_TRACE = 12

--- A message protocol. The table is kept as it is: changes to it take effect.
---@class skynet.Protocol
---@field name string
---@field id integer 0..255
---@field pack? fun(...): string|lightuserdata, integer? gives a string, or a pointer and size that become the framework's
---@field unpack? fun(msg: lightuserdata, size: integer): ... the pointer is valid until the message has been handled
---@field dispatch? fun(session: integer, source: integer, ...)
---@field trace? boolean set by `traceproto`

--- The registered protocols, by name and by id.
---@type table<string|integer, skynet.Protocol>
skynet._proto = {}

--- Registers a protocol. Raises `assertion failed!` if its name or id is taken, or ill-typed, or the id is not in 0..255.
---@param class skynet.Protocol
function skynet.register_protocol(class) end

--- Sets the handler of a protocol. It runs in a thread of its own for each message, as `func(session, source, ...)`.
--- When it raises, the error is logged here and the caller's `call` fails.
---@param typename string|integer name or id. Raises for an unknown one, but gives nil if there is no `func`
---@param func? skynet.dispatch
---@return skynet.dispatch? # the handler until now
function skynet.dispatch(typename, func) end

--- Handles one message as the framework does. For `core.callback` wrappers.
---@param type integer
---@param msg lightuserdata
---@param size integer
---@param session integer
---@param source integer
function skynet.dispatch_message(type, msg, size, session, source) end

--- Sets the handler of messages without a registered protocol or handler that want no answer. The default one logs and raises.
---@param func fun(session: integer, source: integer, msg: lightuserdata, size: integer, type: integer|string)
---@return function previous
function skynet.dispatch_unknown_request(func) end

--- Sets the handler of answers that nobody waits for. The default one logs and raises.
---@param func fun(session: integer, source: integer, msg: lightuserdata, size: integer)
---@return function previous
function skynet.dispatch_unknown_response(func) end

--- Sends a message that wants no answer. Raises for an unknown protocol or one without `pack`.
---@param addr skynet.address
---@param typename string|integer
---@param ... any packed by the protocol
---@return integer|false|nil # 0; nil for an invalid address; false if it is too large
function skynet.send(addr, typename, ...) end

--- As `send`, for a message that is packed already.
---@param addr skynet.address
---@param typename string|integer
---@param msg string|lightuserdata a pointer becomes the framework's, sent or not
---@param size? integer bytes; needed with a pointer
---@return integer|false|nil
function skynet.rawsend(addr, typename, msg, size) end

--- Sends a request and waits for the answer. Raises `call to invalid address <addr>: <why>`, and `call failed` when the other side
--- raises, ends, or has ended already. The error says what happened: `call failed: service :0000000a (snlua agent) was killed`,
--- or what the handler raised, with its traceback.
---@param addr skynet.address
---@param typename string|integer
---@param ... any
---@return any ... the unpacked answer; nothing for an empty one
function skynet.call(addr, typename, ...) end

--- As `call`, but waits no longer than a time: then it raises `call failed: no answer from <addr> within <n> s`. The answer
--- is dropped when it comes, and counted in `skynet.stat "late"`. Not in C skynet.
---@param ti integer? cs; nil waits for ever, whatever `call_timeout` says
---@param addr skynet.address
---@param typename string|integer
---@param ... any
---@return any ... the unpacked answer
function skynet.timeout_call(ti, addr, typename, ...) end

--- Sets how long `call` and `rawcall` wait in this service, in its modules too; by default for ever. Starting and looking for
--- services (`newservice`, `uniqueservice`, `queryservice`) is not limited. Without an argument nothing is set. Not in C skynet.
---@param ti? integer cs; nil waits for ever
---@return integer? # what it was until now
function skynet.call_timeout(ti) end

--- Watches a service: from now on every call to it fails when it ends, however it does, and so do those that wait already. Other
--- calls than by the same handle, or by the same global name, are not meant. Watching again changes nothing. A service on
--- another node must answer the debug protocol, as Lua services do; a lost link to its node counts as its end, and it has to be
--- watched anew then. Suspends for one on another node. Not in C skynet.
---@param addr skynet.address
---@return boolean alive false if it has ended already
function skynet.watch(addr) end

--- As `call`, without packing and unpacking. The pointer is valid until the thread suspends or the message has been handled.
--- Raises `call to invalid address` and `call failed`.
---@param addr skynet.address
---@param typename string|integer
---@param msg string|lightuserdata
---@param size? integer
---@return lightuserdata msg
---@return integer size
function skynet.rawcall(addr, typename, msg, size) end

--- As `rawcall`, and the receiver's thread gets this trace tag.
---@param tag string
---@param addr skynet.address
---@param typename string|integer
---@param msg string|lightuserdata
---@param size? integer
---@return lightuserdata msg
---@return integer size
function skynet.tracecall(tag, addr, typename, msg, size) end

--- Sends a message in another service's name.
---@param dest skynet.address
---@param source integer handle; 0 is this service
---@param typename string|integer
---@param session? integer nil takes a new one
---@param msg string|lightuserdata
---@param size? integer
---@return integer|false|nil session as `send`
function skynet.redirect(dest, source, typename, session, msg, size) end

--- Answers the running thread's request, once. Raises `No session` if there is none, or it has been answered or given away.
---@param msg? string|lightuserdata default ""
---@param size? integer
---@return boolean # false if no answer was wanted, or the requester is gone, or the message is too large
function skynet.ret(msg, size) end

--- `skynet.ret(skynet.pack(...))`
---@param ... any
---@return boolean
function skynet.retpack(...) end

--- Takes the request away from the running thread, to be answered later, by any thread. Raises `no session` if there is none.
---
--- The answer: `r(true, ...)` answers, `r(false)` makes the caller's `call` fail, `r(nil, text)` too, with a text that its error
--- shows; each gives true if it was sent, false if the
--- requester is gone, and raises `Can't response more than once` the second time. `r "TEST"` tells whether it can still be
--- answered. If no answer is wanted, it does nothing. When the service ends, what is left open is answered with an error.
---@param pack? fun(...): string|lightuserdata, integer? default `skynet.pack`
---@return fun(ok?: boolean|"TEST", ...): boolean? answer
function skynet.response(pack) end

--- Sets whether requests that this service forgets are answered with an error as soon as that is noticed: those whose handlers
--- come back without an answer, and those whose `skynet.response` is collected. By default they are only logged, and answered when the
--- service ends. Without an argument nothing is set. Not in C skynet.
---@param on? boolean
---@return boolean # what it was until now
function skynet.answer_forgotten(on) end

--- Sets whether errors say more than those of C skynet: what the handlers of this service raise is told to their callers, and errors
--- of its own calls say what happened. By default they do, unless `rs_explain_errors` is false. Without an argument nothing is set. Not in C skynet.
---@param on? boolean
---@return boolean # what it was until now
function skynet.explain_errors(on) end

--- Forgets the running thread's request: no warning about a missing answer. A caller that waits hangs.
function skynet.ignoreret() end

--- The running thread's request. The session is nil once it has been answered; both are nil in timers and forks.
---@return integer? session
---@return integer? source
function skynet.context() end

--- Takes a new session number, different from all that are waited for.
---@return integer session
function skynet.genid() end

--- Packs values: nil, booleans, numbers, strings, light userdata, tables of those (`__pairs` is honoured). Raises
--- `Unsupport type <t> to serialize`, and on nesting too deep.
---@param ... any
---@return lightuserdata msg to be sent, or given to `trash`
---@return integer size
function skynet.pack(...) end

---@param ... any
---@return string
function skynet.packstring(...) end

--- Raises if the bytes are no packed values.
---@param msg string|lightuserdata?
---@param size? integer needed with a pointer
---@return any ...
function skynet.unpack(msg, size) end

---@param msg lightuserdata
---@param size integer
---@return string
function skynet.tostring(msg, size) end

--- Frees a packed message that was not sent; a string is left alone.
---@param msg string|lightuserdata
---@param size? integer
function skynet.trash(msg, size) end

--- Many requests at once: `for obj, answer in skynet.request { addr, "lua", ... } { ... } :select(timeout) do`. The answer is a
--- table with `n`; false if the call failed, and a third value says why; nil if the address was invalid.
---@param obj? table { addr, typename, args..., n = length? }; fields of other names are yours
---@return skynet.Request
function skynet.request(obj) end

---@class skynet.Request
---@field timeout? true the loop ended by the timeout
---@overload fun(obj: table): skynet.Request
local Request = {}

--- Adds a request. Raises after `select`.
---@param obj table
---@return skynet.Request self
function Request:add(obj) end

--- Sends all and iterates over the answers as they come. Once only. Leaving the loop drops the rest.
---@param timeout? integer cs
---@return fun(...): table?, table|false|nil, string?
---@return skynet.Request
---@return nil
---@return skynet.Request closing
function Request:select(timeout) end

return skynet
