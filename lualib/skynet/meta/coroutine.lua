---@meta skynet.coroutine

--- Coroutines inside services. `skynet.call`, `sleep` and the like suspend the whole thread of the framework and go on where they
--- were, instead of yielding to the coroutine's resumer.
---@class skynet.coroutine
local skynet_coroutine = {}

skynet_coroutine.create = coroutine.create
skynet_coroutine.running = coroutine.running
skynet_coroutine.isyieldable = coroutine.isyieldable

--- Runs a coroutine until it ends or calls `skynet.coroutine.yield`. Errors: `cannot resume a skynet coroutine suspend by skynet
--- framework` while it is blocked in another thread, `cannot resume none skynet coroutine` for one not made here.
---@param co thread
---@param ... any
---@return boolean ok
---@return any ... values of yield or return, or the error
function skynet_coroutine.resume(co, ...) end

--- Returns to the resumer.
---@param ... any
---@return any ... arguments of the next resume
function skynet_coroutine.yield(...) end

---@param func function
---@return fun(...): ... # raises what the coroutine raises
function skynet_coroutine.wrap(func) end

---@param co thread
---@return "running"|"suspended"|"normal"|"dead"|"blocked" # blocked: suspended by the framework
function skynet_coroutine.status(co) end

---@param co thread
---@return boolean ok
---@return any error
function skynet_coroutine.close(co) end

--- The framework's thread that a coroutine runs in.
---@param co? thread default the running one
---@return thread
---@return boolean same whether it is that thread itself
function skynet_coroutine.thread(co) end

return skynet_coroutine
