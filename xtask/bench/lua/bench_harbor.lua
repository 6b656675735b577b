-- The near node: calls and sends to a service of another node. The config key `test` says which of them.
local skynet = require "skynet"
local harbor = require "skynet.harbor"
local report = require "bench_report"

local name <const> = skynet.getenv "test"

-- Calls with `what`, a number of coroutines at once, and checks the answers.
local function calls(sink, coroutines, each, what, expected)
	report.together(coroutines, function()
		for _ = 1, each do
			assert(skynet.call(sink, "lua", what) == expected, "a wrong answer")
		end
	end)
end

local function calling(coroutines, each, what)
	local expected = type(what) == "string" and #what or what
	return function(sink)
		calls(sink, coroutines, each // 10 + 1, what, expected)
		report.rate(name, coroutines * each, function()
			calls(sink, coroutines, each, what, expected)
		end)
	end
end

local function burst(sink, count, body)
	for _ = 1, count do
		skynet.send(sink, "lua", body)
	end
	-- It is behind all of them.
	assert(skynet.call(sink, "lua", "seen") == count, "messages were lost")
end

local tests = {
	call = calling(1, 20000, 1),
	call100 = calling(100, 1000, 1),
	body64k = calling(1, 3000, ("x"):rep(64 << 10)),
	body64k_8 = calling(8, 500, ("x"):rep(64 << 10)),
	body1m = calling(1, 200, ("x"):rep(1 << 20)),
	body1m_8 = calling(8, 30, ("x"):rep(1 << 20)),
	send = function(sink)
		local body <const>, count <const> = ("x"):rep(64), 300000
		burst(sink, count // 10, body)
		report.rate(name, count, function()
			burst(sink, count, body)
		end)
	end,
}

report.main(function()
	tests[name](harbor.queryname "BENCH")
end)
