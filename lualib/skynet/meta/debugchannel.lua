---@meta skynet.debugchannel

--- What a debugger needs that sits in another service: a queue of texts between the two, and hooks that suspend.
---@class skynet.debugchannel
local debugchannel = {}

--- One end of a queue. Both ends read and write the same queue, so what is written may also be read at the same end.
---@class skynet.debugchannel.channel
local channel = {}

--- Takes the oldest text. While it waits, the service does nothing else.
---@param time? number how long to wait for a text, in 1/10 s; default 0, for ever if negative
---@return string? text nothing if there was none in time
function channel:read(time) end

---@param text string
function channel:write(text) end

--- Makes a queue.
---@return skynet.debugchannel.channel channel the first end
---@return lightuserdata pointer leads to the second end, in any service of this node
function debugchannel.create() end

--- The second end. Raises `Invalid channel pointer`, or `new channel failed` if it has been taken already.
---@param pointer lightuserdata
---@return skynet.debugchannel.channel
function debugchannel.connect(pointer) end

--- Lets go of an end, which is empty from then on. Otherwise that is done when it is collected.
---@param channel skynet.debugchannel.channel
function debugchannel.release(channel) end

--- As `debug.sethook`. If the function returns true for a line or a count, the coroutine yields, unless C code is on its stack.
--- Without a function the hook is taken away.
---@param co? thread default the running one
---@param func? fun(event: "call"|"tail call"|"return"|"line"|"count", line: integer?): boolean?
---@param mask? string of the letters c, r and l
---@param count? integer also after so many instructions
function debugchannel.sethook(co, func, mask, count) end

return debugchannel
