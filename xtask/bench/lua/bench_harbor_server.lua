-- The far node of bench_harbor: has the receiver under a global name, and says so on its standard output.
local skynet = require "skynet"
require "skynet.manager"

skynet.start(function()
	local sink = skynet.newservice "bench_harbor_sink"
	skynet.name("BENCH", sink)
	print "LISTENING node"
	io.stdout:flush()
end)
