-- One caller of bench_pairs: makes the calls that it is asked for to an echo service of its own.
local skynet = require "skynet"

skynet.start(function()
	local echo = skynet.newservice "bench_echo"
	skynet.dispatch("lua", function(_, _, calls)
		for i = 1, calls do
			skynet.call(echo, "lua", i)
		end
		skynet.ret()
	end)
end)
