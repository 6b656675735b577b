---@meta skynet.multicast.core

--- Packages of `skynet.multicast`: bytes that many services of a node read, and those who count them. For programs with a `multicastd`
--- of their own.
---@class skynet.multicast.core
local core = {}

--- Makes a package of a message, which is taken.
---@param msg lightuserdata
---@param size integer bytes, below 4 GiB
---@return lightuserdata cell a message with the address of the package in it
---@return integer size of the cell, 8
function core.pack(msg, size) end

--- The same; the message is copied and stays the caller's.
---@param msg lightuserdata
---@param size integer
---@return lightuserdata cell
---@return integer size
function core.packremote(msg, size) end

--- Looks into the message that a subscriber gets. Raises `Invalid multicast package size <n>` for others.
---@param cell lightuserdata
---@param size integer
---@return lightuserdata package to be closed
---@return lightuserdata msg its bytes
---@return integer size of the bytes
function core.unpack(cell, size) end

--- Says how many will close a package, once, and frees the cell.
---@param cell lightuserdata
---@param count integer above 0
---@return lightuserdata package
function core.bind(cell, count) end

--- One of them has done with it; the last one frees it.
---@param package lightuserdata
function core.close(package) end

--- The bytes of a package as a message for another node, which is the caller's; cell and package are gone.
---@param cell lightuserdata
---@return lightuserdata msg
---@return integer size
function core.remote(cell) end

--- The number of the next channel of a node.
---@param channel integer
---@return integer
function core.nextid(channel) end

return core
