-- Packs the table of 100 records and unpacks it again, without a message.
local skynet = require "skynet"
local report = require "bench_report"
local records = require "bench_records"

local ROUNDS <const> = 30000

report.main(function()
	local function round(count)
		for _ = 1, count do
			local block, size = skynet.pack(records)
			assert(#skynet.unpack(block, size) == #records)
			skynet.trash(block, size)
		end
	end
	round(500)
	report.rate("pack", ROUNDS, function() round(ROUNDS) end)
end)
