-- Work: it keeps the service busy, so that nothing else is handled meanwhile.
local skynet = require "skynet"

---@param ms integer
return function(ms)
	local done = skynet.hpc() + ms * 1000000
	repeat until skynet.hpc() > done
end
