-- Three services that get more than they can do, each with another answer to that.
local skynet = require "skynet"
local socket = require "skynet.socket"

-- More requests at once than the resizer lets wait: some are answered, the others fail at once.
local function resize()
	local resizer = skynet.newservice "resizer"
	local left = 12
	for i = 1, left do
		skynet.fork(function()
			local ok, result = pcall(skynet.call, resizer, "lua", "picture " .. i)
			skynet.error(ok and result or "refused: " .. result)
			left = left - 1
		end)
	end
	while left > 0 do
		skynet.sleep(1)
	end
	local stat = skynet.call(resizer, "debug", "STAT")
	skynet.error(string.format("resizer: limit %d, %d rejected", stat.limit, stat.rejected))
end

-- More prices than the screen can show: the last ones count.
local function show_prices()
	local prices = skynet.newservice "prices"
	for price = 1, 1000 do
		skynet.send(prices, "lua", price)
	end
end

-- More bytes than the storage can write: the client waits.
local function upload()
	local storage = skynet.newservice "storage"
	local port = skynet.call(storage, "lua")
	local fd = assert(socket.open("127.0.0.1", port))
	socket.write(fd, ("x"):rep(4 * 1024 * 1024))
	socket.close(fd)
end

skynet.start(function()
	resize()
	show_prices()
	upload()
end)
