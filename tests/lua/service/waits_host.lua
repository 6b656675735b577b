-- Ties services together for the tests of the command `waits`, as its argument says; then starts a debug console.
local skynet = require "skynet"
require "skynet.manager"
local scenario = ...

local function knot()
	return skynet.newservice "waits_knot"
end

---@param ... knot.step the first one says who begins
local function begin(...)
	local steps = { ... }
	skynet.fork(pcall, skynet.call, steps[1].at, "lua", steps)
end

local scenarios = {}

function scenarios.two()
	local a, b = knot(), knot()
	begin({ at = a, how = "queue" }, { at = b, how = "free" }, { at = a, how = "queue" })
end

function scenarios.three()
	local a, b, c = knot(), knot(), knot()
	begin({ at = b, how = "queue" }, { at = c, how = "free" }, { at = a, how = "free" }, { at = b, how = "queue" })
end

function scenarios.self()
	local a = knot()
	begin({ at = a, how = "queue" }, { at = a, how = "queue" })
end

function scenarios.crossed()
	local a, b = knot(), knot()
	begin({ at = a, how = "queue", rest = 10 }, { at = b, how = "queue" })
	begin({ at = b, how = "queue", rest = 10 }, { at = a, how = "queue" })
end

function scenarios.launch()
	begin { at = knot(), how = "queue", child = true }
end

--- Each of these looks like a circle when only services are looked at.
function scenarios.none()
	local a, b = knot(), knot()
	local long = 100000
	-- The last handler only sleeps.
	begin({ at = a, how = "queue" }, { at = b, how = "free" }, { at = a, how = "free", rest = long })
	-- Two threads of each service, independent of one another.
	begin({ at = b, how = "queue" }, { at = a, how = "free", rest = long })
	-- A circle that a time limit will open.
	local c = knot()
	begin({ at = c, how = "queue", limit = long }, { at = c, how = "queue" })
	-- Somebody waits for a queue whose holder sleeps.
	local d = knot()
	begin { at = d, how = "queue", rest = long }
	begin({ at = a, how = "free" }, { at = d, how = "queue" })
	skynet.fork(pcall, skynet.call, d, "lua", "keep")
end

skynet.start(function()
	scenarios[scenario]()
	skynet.newservice("debug_console", 0)
end)
