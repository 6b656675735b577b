-- What every benchmark script shares: a clock, the line that the runner reads, and the end of the node.
local skynet = require "skynet"
require "skynet.manager"

local report = {}

---Prints one result, in the form that the runner parses.
---@param name string key of the row
---@param value number
---@param unit string
function report.value(name, value, unit)
	print(string.format("BENCH %s %.3f %s", name, value, unit))
	io.stdout:flush()
end

---Runs `body` and reports how many operations a second it made.
---@param name string key of the row
---@param count integer operations that `body` makes
---@param body fun()
function report.rate(name, count, body)
	local start = skynet.hpc()
	body()
	local nanoseconds = skynet.hpc() - start
	report.value(name, count * 1e9 / nanoseconds, "/s")
end

---Runs `body` in a service's start and ends the node after it, also when it fails.
---@param body fun()
function report.main(body)
	skynet.start(function()
		skynet.fork(function()
			local ok, message = xpcall(body, debug.traceback)
			if not ok then
				print("BENCH-ERROR " .. tostring(message))
				io.stdout:flush()
			end
			skynet.abort()
		end)
	end)
end

---A service that answers every "lua" request with its arguments.
function report.echo()
	skynet.start(function()
		skynet.dispatch("lua", function(_, _, ...)
			skynet.ret(skynet.pack(...))
		end)
	end)
end

---Runs `count` coroutines at once and waits until all of them are through.
---@param count integer
---@param body fun(index: integer)
function report.together(count, body)
	local waiter = coroutine.running()
	local left = count
	for index = 1, count do
		skynet.fork(function()
			body(index)
			left = left - 1
			if left == 0 then
				skynet.wakeup(waiter)
			end
		end)
	end
	skynet.wait(waiter)
end

return report
