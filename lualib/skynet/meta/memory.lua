---@meta skynet.memory

--- What is known about memory. C skynet counts the blocks of its allocator per service, without Lua's; here the memory of each
--- service's VM is counted, and what native code allocates belongs to nobody.
---@class skynet.memory
local memory = {}

--- The memory of all VMs.
---@return integer bytes
function memory.total() end

--- Blocks are not counted.
---@return integer count 0
function memory.block() end

--- The memory of each Lua service after its last message.
---@return table<integer, integer> bytes by handle
function memory.info() end

--- The memory of this service.
---@return integer bytes
function memory.current() end

--- Logs the figures of `info` and `total`.
function memory.dump() end

--- Logs that there is no jemalloc.
---@param options? string
function memory.dumpinfo(options) end

--- Of jemalloc's figures the one that each process has: what is in physical memory.
---@return { ["stats.resident"]: integer? } bytes
function memory.jestat() end

--- Logs that there is no jemalloc.
---@param name string
---@return integer zero
function memory.mallctl(name) end

--- Logs that there is no jemalloc.
function memory.dumpheap() end

--- The state of the heap profiler, which is not there; to turn it on is refused in the log.
---@param on? boolean
---@return boolean active false
function memory.profactive(on) end

return memory
