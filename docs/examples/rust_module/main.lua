-- Launches the service in Rust, gives points, and shows the list.
local skynet = require "skynet"
require "skynet.manager" -- skynet.launch

skynet.start(function()
	local scores = assert(skynet.launch("scores", "2"))
	for player, points in pairs { ann = 7, ben = 5, cat = 1 } do
		skynet.call(scores, "lua", "add", player, points)
	end
	for place, entry in ipairs(skynet.call(scores, "lua", "top")) do
		skynet.error(string.format("%d. %s with %d points", place, entry[1], entry[2]))
	end
	-- An error that the service answers with is an error here.
	skynet.error(select(2, pcall(skynet.call, scores, "lua", "win")))
	skynet.abort()
end)
