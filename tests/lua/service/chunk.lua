---A service whose main chunk is the function given in hexadecimal, see `check.launch`.
local check = require "check"

local code = (...):gsub("%x%x", function(byte)
	return string.char(tonumber(byte, 16))
end)

check.undump(code)()
