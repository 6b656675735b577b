---@meta _

-- Threads of a service: sleeping, waiting, forking.

---@class skynet
local skynet = {}

--- Suspends the running thread. Raises `number has no integer representation` for a fractional time.
---@param ti integer|string cs; 0 or less lets the messages that are queued already go first
---@param token? any what `wakeup` names it by; default the running coroutine. Raises `token duplicative` if it is in use
---@return "BREAK"? # if woken by `wakeup`
function skynet.sleep(ti, token) end

--- `skynet.sleep(0)`
---@return "BREAK"?
function skynet.yield() end

--- Suspends the running thread until `wakeup(token)`.
---@param token? any default the running coroutine
function skynet.wait(token) end

--- Wakes the thread that sleeps on a token. It runs when the current one suspends or ends, in the order of the wake-ups,
--- before forked threads and new messages.
---@param token any
---@return true? # nil if none sleeps on it
function skynet.wakeup(token) end

--- Runs a function in a new thread after a time.
---@param ti integer|string cs
---@param func function
---@return thread
function skynet.timeout(ti, func) end

--- Runs a function in a new thread at the end of the current message, in the order of the forks.
---@param func function
---@param ... any its arguments
---@return thread
function skynet.fork(func, ...) end

--- Closes a suspended thread; its to-be-closed variables run. A request that it was serving is answered with an error.
---@param thread thread|string thread, or a pattern for `tostring` of it
---@return thread? # nil if there is none
function skynet.killthread(thread) end

--- Without an argument the number of suspended threads; with "init" the traceback of the start thread; with a table fills it
--- with "<thread> session: <n>" → traceback; with a number the traceback of the thread waiting for that session, or
--- `No session`; with a thread its session.
---@param what? "init"|table|integer|thread
---@return integer|string|nil
function skynet.task(what) end

--- Suspended threads grouped by equal tracebacks.
---@return table<string, string> # "<count>\tsessions:[...]\n" → traceback
function skynet.uniqtask() end

--- Remembers for each timer who made it, for `task`.
---@param on boolean
function skynet.trace_timeout(on) end

--- Starts tracing in the running thread. Its calls carry the tag on to other services.
---@param info? any added to the log line
function skynet.trace(info) end

--- The running thread's trace tag; false if tracing is switched off for it.
---@return string|false|nil
function skynet.tracetag() end

--- Writes a trace line: `<TRACE tag> nanoseconds text`.
---@param tag string
---@param text string
---@param thread? thread
---@param level? integer adds up to 3 source lines from this level on
function skynet.tracelog(tag, text, thread, level) end

--- true: each message of the protocol starts a trace; false: none does, and tags are dropped; nil: only when asked for.
--- Raises `assertion failed!` for an unknown protocol.
---@param proto string|integer
---@param flag? boolean
function skynet.traceproto(proto, flag) end

--- Behaves as if `addr` had ended: calls that wait for it fail.
---@param addr skynet.address compared as it was given to `call`
function skynet.term(addr) end
