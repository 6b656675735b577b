-- Calls that carry a table of 100 records there and back.
local skynet = require "skynet"
local report = require "bench_report"
local records = require "bench_records"

local CALLS <const> = 12000

report.main(function()
	local echo = skynet.newservice "bench_echo"
	local function call(count)
		for _ = 1, count do
			assert(#skynet.call(echo, "lua", records) == #records)
		end
	end
	call(500)
	report.rate("table", CALLS, function() call(CALLS) end)
end)
