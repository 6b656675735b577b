---Lua modules in C, built for C skynet: they load and work. Without such modules there is nothing to do here.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()

---A case for a node that has those modules.
---@param f function
---@return function|false
local function built(f)
	return package.searchpath("lpeg", package.cpath) and f
end

case["lpeg parses"] = built(function()
	local lpeg = require "lpeg"
	local number = lpeg.R "09" ^ 1 / tonumber
	local list = lpeg.Ct(number * (lpeg.P "," * number) ^ 0) * -1
	check.eq(list:match "1,22,333", { 1, 22, 333 })
	check.eq(list:match "1,,2", nil)
end)

case["md5 sums"] = built(function()
	local sum = require("md5.core").sum ""
	local hex = sum:gsub(".", function(byte)
		return ("%02x"):format(byte:byte())
	end)
	check.eq(hex, "d41d8cd98f00b204e9800998ecf8427e")
end)

case["bson goes out and comes back"] = built(function()
	local bson = require "bson"
	local document = { text = "text", number = 1.5, integer = 1 << 40, list = { 1, 2, 3 }, nested = { yes = true } }
	check.eq(bson.encode(document):decode(), document)
end)

case["sproto goes out and comes back"] = built(function()
	local sproto = require "sproto"
	local scheme = sproto.parse [[
		.Person {
			name 0 : string
			id 1 : integer
			friends 2 : *Person
		}
	]]
	local person = { name = "one", id = 1 << 40, friends = { { name = "two", id = 2 } } }
	check.eq(scheme:decode("Person", scheme:encode("Person", person)), person)
	check.eq(sproto.unpack(sproto.pack "\0\0\0\0\0\0\0\1"), "\0\0\0\0\0\0\0\1")
end)

case["the crypt of clients works"] = built(function()
	local crypt = require "client.crypt"
	check.eq(crypt.hexencode "az", "617a")
	check.eq(crypt.base64decode(crypt.base64encode "bytes"), "bytes")
end)

check.run(case)
