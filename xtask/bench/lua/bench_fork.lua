-- Forks a million empty functions; the clock stops when all of them have run.
local skynet = require "skynet"
local report = require "bench_report"

local FORKS <const> = 1000000

report.main(function()
	local ran = 0
	local function body()
		ran = ran + 1
	end
	report.rate("fork", FORKS, function()
		for _ = 1, FORKS do
			skynet.fork(body)
		end
		while ran < FORKS do
			skynet.yield()
		end
	end)
end)
