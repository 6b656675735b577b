---Fails after a suspension as often as the environment of the service says.
local skynet = require "skynet"

skynet.sleep(1)
local attempts = require "check".state
attempts.failing = (attempts.failing or 0) + 1
if attempts.failing == 1 then
	error "the first attempt fails"
end

return attempts.failing
