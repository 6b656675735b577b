---@meta _

-- Time, environment, log, figures.

---@class skynet
local skynet = {}

--- Time since the second in which the node started; monotonic.
---@return integer cs
function skynet.now() end

--- When the node started.
---@return integer seconds UNIX time
function skynet.starttime() end

--- The current time, in steps of 10 ms.
---@return number seconds UNIX time
function skynet.time() end

--- A monotonic clock for measuring.
---@return integer nanoseconds
function skynet.hpc() end

--- A value of the config or set by `setenv`.
---@param key string
---@return string?
function skynet.getenv(key) end

--- Sets a value for the whole node, once. Raises `Can't setenv exist key : <key>`.
---@param key string without a space
---@param value string|number|boolean
function skynet.setenv(key, value) end

--- Writes a log line: the values' texts, joined with spaces.
---@param ... any
function skynet.error(...) end

--- Whether the node found this service in an endless loop. Asking clears it.
---@return boolean
function skynet.endless() end

--- Number of messages waiting for this service, or, which is ours alone, for another one of this node.
---@param handle? integer
---@return integer? count nil: that service is not alive, or lives on another node
function skynet.mqlen(handle) end

--- Bounds the messages that wait for this service, or lifts the bound. At the bound "reject" (without `policy`) refuses requests, whose
--- callers get an error, and drops one-way messages when twice as many wait; "drop" drops the oldest one-way message for each new
--- one; "pause" stops reading from the sockets of this service until half as many wait. Answers, timers, events of sockets and
--- debug messages always get in.
---@param limit? integer messages, 1 at least; nil lifts the bound
---@param policy? "reject"|"drop"|"pause"
function skynet.bound_mailbox(limit, policy) end

--- Figures of this service. "cpu" and "time" are seconds of CPU, in all and in the current message; "message" is the number of
--- messages handled; "late" the number of answers that came when no call and no loop of `request` waited for them any more; "endless" is 0 or 1. "limit" is the bound of its mailbox (0:
--- none), "rejected", "dropped" and "paused" are what that has cost: requests, one-way messages, and how often sockets had to pause.
---@param what "mqlen"|"endless"|"cpu"|"time"|"message"|"late"|"limit"|"rejected"|"dropped"|"paused"
---@return number
function skynet.stat(what) end

--- The standard `pcall`.
skynet.pcall = pcall

---@module "skynet.codecache"
skynet.cache = nil

--- Name of the running service's script, without arguments.
---@type string
SERVICE_NAME = ""

--- Folder of the running service's script.
---@type string
SERVICE_PATH = ""
