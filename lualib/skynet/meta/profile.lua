---@meta skynet.profile

--- CPU time of single coroutines.
---@class skynet.profile
local profile = {}

--- Starts measuring. Raises `Thread 0x... start profile more than once`.
---@param thread? thread default the running one
function profile.start(thread) end

--- Stops measuring. Raises `Call profile.start() before profile.stop()`.
---@param thread? thread default the running one
---@return number seconds CPU time of the thread in between, without the time it was suspended
function profile.stop(thread) end

--- The `coroutine.resume` of services.
---@param co thread
---@param ... any
---@return boolean ok
---@return any ...
function profile.resume(co, ...) end

--- The `coroutine.wrap` of services.
---@param func function
---@return fun(...): ...
function profile.wrap(func) end

return profile
