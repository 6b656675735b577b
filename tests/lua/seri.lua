---The pack format from Lua.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()

---@param ... any
---@return string
local function hex(...)
	return (skynet.packstring(...):gsub(".", function(c)
		return string.format("%02x", c:byte())
	end))
end

---@param text string
---@return string
local function bytes(text)
	return (text:gsub("%x%x", function(byte)
		return string.char(tonumber(byte, 16))
	end))
end

---@param ... any
local function round(...)
	check.eq(table.pack(skynet.unpack(skynet.packstring(...))), table.pack(...))
	check.eq(table.pack(skynet.unpack(skynet.pack(...))), table.pack(...))
end

case["values have these bytes"] = function()
	check.eq(hex(), "")
	check.eq(hex(nil), "00")
	check.eq(hex(false), "01")
	check.eq(hex(true), "09")
	check.eq(hex(0), "02")
	check.eq(hex(1), "0a01")
	check.eq(hex(255), "0aff")
	check.eq(hex(256), "120001")
	check.eq(hex(65536), "2200000100")
	check.eq(hex(-1), "22ffffffff")
	check.eq(hex(0x7fffffff), "22ffffff7f")
	check.eq(hex(0x80000000), "320000008000000000")
	check.eq(hex(math.mininteger), "320000000000000080")
	check.eq(hex(1.0), "42000000000000f03f")
	check.eq(hex(0.0), "420000000000000000")
	check.eq(hex(1, "a", nil, true), "0a010c610009")
end

case["strings have these bytes"] = function()
	check.eq(hex "", "04")
	check.eq(hex "a", "0c61")
	check.eq(hex(("a"):rep(31)), "fc" .. ("61"):rep(31))
	check.eq(hex(("a"):rep(32)), "152000" .. ("61"):rep(32))
	check.eq(hex(("a"):rep(65535)):sub(1, 6), "15ffff")
	check.eq(hex(("a"):rep(65536)):sub(1, 10), "2500000100")
end

case["tables have these bytes"] = function()
	check.eq(hex {}, "0600")
	check.eq(hex { 1, 2 }, "160a010a0200")
	check.eq(hex { a = 1 }, "060c610a0100")
	local zeros = table.move({ 0 }, 1, 1, 1, {})
	for i = 1, 31 do
		zeros[i] = 0
	end
	check.eq(hex(zeros), "fe0a1f" .. ("02"):rep(31) .. "00")
	for i = 1, 300 do
		zeros[i] = 0
	end
	check.eq(hex(zeros), "fe122c01" .. ("02"):rep(300) .. "00")
	check.eq(hex { { {} } }, "0e0e06000000")
end

case["any value comes back as it was"] = function()
	round()
	round(nil)
	round(nil, nil, 1, nil)
	round(true, false, 0, -1, 255, 65535, 1 << 31, 1 << 40, math.maxinteger, math.mininteger)
	round(0.0, -0.5, 1e300, math.huge, -math.huge)
	round("", "a", ("b"):rep(31), ("c"):rep(32), ("d"):rep(65535), ("e"):rep(65536), "zero\0inside")
	round({}, { 1, 2, 3 }, { a = { b = { c = 1 } } }, { 1, nil, 3 }, { [1.5] = "x", [true] = "y", [-1] = "z" })
	local nan = skynet.unpack(skynet.packstring(0 / 0))
	check.ok(nan ~= nan)
end

case["integers of any width are read"] = function()
	check.eq({ skynet.unpack(bytes "0a05" .. bytes "120500" .. bytes "2205000000" .. bytes "320500000000000000") },
		{ 5, 5, 5, 5 })
end

case["__pairs gives the pairs of a table"] = function()
	local t = setmetatable({ 1, 2, 3 }, { __pairs = function()
		return next, { x = 1 }
	end })
	check.eq(hex(t), hex { x = 1 })
	check.eq(getmetatable(skynet.unpack(skynet.packstring(t))), nil)
end

case["an error in __pairs is raised as it is"] = function()
	check.eq({ pcall(skynet.packstring, setmetatable({}, { __pairs = function()
		error("from pairs", 0)
	end })) }, { false, "from pairs" })
	check.eq({ pcall(skynet.pack, { setmetatable({}, { __pairs = function()
		return function()
			error("from the iterator", 0)
		end
	end }) }) }, { false, "from the iterator" })
end

case["light userdata are passed as pointers"] = function()
	local pointer, size = skynet.pack "x"
	check.eq(skynet.unpack(skynet.packstring(pointer)), pointer)
	skynet.trash(pointer, size)
end

case["other types are refused by name"] = function()
	check.raises("Unsupport type function to serialize", skynet.pack, print)
	check.raises("Unsupport type thread to serialize", skynet.pack, { coroutine.running() })
	check.raises("Unsupport type userdata to serialize", skynet.packstring, io.stdout)
	check.raises("Unsupport type function to serialize", skynet.packstring, { [print] = 1 })
end

case["tables nest to a depth of 32"] = function()
	local function nest(n)
		local t = {}
		for _ = 2, n do
			t = { t }
		end
		return t
	end
	check.eq(skynet.unpack(skynet.packstring(nest(32))), nest(32))
	check.eq(skynet.unpack(skynet.packstring(nest(33))), nest(33))
	check.raises("serialize can't pack too depth table", skynet.packstring, nest(40))
	local circle = {}
	circle[1] = circle
	check.raises("serialize can't pack too depth table", skynet.pack, circle)
end

case["a block goes on working after an error"] = function()
	for _ = 1, 1000 do
		pcall(skynet.pack, ("x"):rep(1000), print)
	end
	round(1)
end

case["nothing unpacks to nothing"] = function()
	check.eq(select("#", skynet.unpack ""), 0)
	check.eq(select("#", skynet.unpack(nil)), 0)
	check.eq(select("#", skynet.unpack()), 0)
end

case["a broken stream is refused"] = function()
	for _, text in ipairs { "0a", "12ff", "22000000", "32", "42", "0c", "fc61", "152000", "1520", "25ff", "0e", "fe",
		"fe00", "06", "060c61", "07", "ff" } do
		check.raises("Invalid serialize stream %d+ %(line:%d+%)", skynet.unpack, bytes(text))
	end
	check.raises("Invalid serialize stream", skynet.unpack, bytes "fe42000000000000f03f")
end

case["a string longer than the stream is refused"] = function()
	check.raises("Invalid serialize stream", skynet.unpack, bytes "2500000040" .. "x")
end

case["a length of two gibibytes is refused too"] = check.ours(function()
	check.raises("Invalid serialize stream", skynet.unpack, bytes "2500000080" .. "x")
end)

case["an array longer than the stream is refused before memory is taken for it"] = check.ours(function()
	check.raises("Invalid serialize stream", skynet.unpack, bytes "fe22ffffff0f")
	check.raises("Invalid serialize stream", skynet.unpack, bytes "fe32ffffffffffffff7f")
end)

check.run(case)
