-- Asks as often as it is told, without waiting for answers in between, and says how long all of it took.
local skynet = require "skynet"

local name, clerk, questions = ...

skynet.start(function()
	local left, refused, start = tonumber(questions), 0, skynet.now()
	for i = 1, left do
		skynet.fork(function()
			local ok, err = pcall(skynet.call, clerk, "lua", name .. " " .. i)
			if not ok then
				refused = refused + 1
				if refused == 1 then
					skynet.error(err)
				end
			end
			left = left - 1
			if left == 0 then
				local text = "%s: %d questions, %d refused, %.1f s"
				skynet.error(text:format(name, questions, refused, (skynet.now() - start) / 100))
			end
		end)
	end
end)
