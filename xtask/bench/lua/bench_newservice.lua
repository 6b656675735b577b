-- 2,000 services, each started when the one before is up, and the memory that they take when idle.
local skynet = require "skynet"
local report = require "bench_report"

local SERVICES <const> = 2000
local PAGE_KIB <const> = 4
local SETTLE <const> = 50

---Resident memory of the process in KiB.
---@return integer
local function resident()
	local file = assert(io.open("/proc/self/statm"))
	local pages = file:read("a"):match "^%d+ (%d+)"
	file:close()
	return math.tointeger(pages) * PAGE_KIB
end

report.main(function()
	for _ = 1, 10 do
		skynet.newservice "bench_idle"
	end
	skynet.sleep(SETTLE)
	local before = resident()
	report.rate("newservice", SERVICES, function()
		for _ = 1, SERVICES do
			skynet.newservice "bench_idle"
		end
	end)
	skynet.sleep(SETTLE)
	report.value("memory", (resident() - before) / SERVICES, "KiB")
end)
