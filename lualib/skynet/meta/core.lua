---@meta skynet.core

--- The low-level functions that `skynet` stands on, for frameworks. Each raises `Init skynet context first` outside of a service.
---@class skynet.core
local core = {}

--- Sends a message. Raises `invalid param <type>` for a `msg` of another type.
---@param addr skynet.address
---@param type integer PTYPE_*
---@param session? integer nil takes a new one
---@param msg string|lightuserdata a string is copied, a pointer is taken over even if sending fails
---@param size? integer bytes; needed with a pointer
---@return integer|false|nil session nothing for an invalid address, false if it is too large
function core.send(addr, type, session, msg, size) end

--- Sends a message in another service's name.
---@param addr skynet.address
---@param source integer
---@param type integer
---@param session? integer
---@param msg string|lightuserdata
---@param size? integer
---@return integer|false|nil session
function core.redirect(addr, source, type, session, msg, size) end

---@return integer session a new one
function core.genid() end

--- Runs a text command of the node.
---@param cmd string unknown ones give nothing
---@param param? string
---@return string?
function core.command(cmd, param) end

--- Runs a text command whose result is a number. Raises `Invalid result <text>`.
---@param cmd string
---@param param? string|integer
---@return number?
function core.intcommand(cmd, param) end

--- Runs a text command whose result is an address, ":hex".
---@param cmd string
---@param param? string
---@return integer? handle
function core.addresscommand(cmd, param) end

--- Writes a log line.
---@param ... any
function core.error(...) end

---@param handle integer
---@return integer id harbor id
---@return boolean remote
function core.harbor(handle) end

--- Installs the message callback, from the next message on.
---@param func fun(type: integer, msg: lightuserdata, size: integer, session: integer, source: integer)
---@param forward? boolean messages are left to the callback instead of being freed
function core.callback(func, forward) end

--- Writes a trace line.
---@param tag string
---@param text string
---@param thread? thread
---@param level? integer
function core.trace(tag, text, thread, level) end

---@param msg lightuserdata?
---@param size integer
---@return string? # nothing for a null pointer
function core.tostring(msg, size) end

---@param ... any
---@return lightuserdata msg
---@return integer size
function core.pack(...) end

---@param ... any
---@return string
function core.packstring(...) end

---@param msg string|lightuserdata?
---@param size? integer
---@return any ...
function core.unpack(msg, size) end

--- Frees a message that was not sent; a string is left alone. Others raise `skynet.trash invalid param <type>`.
---@param msg string|lightuserdata
---@param size? integer
function core.trash(msg, size) end

---@return integer cs see `skynet.now`
function core.now() end

---@return integer nanoseconds see `skynet.hpc`
function core.hpc() end

return core
