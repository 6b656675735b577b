---What a destination may be: handles, `:hex`, local names, global names.
local skynet = require "skynet"
local check = require "check"

local case = check.cases()
local self = skynet.self()

local function invalid(addr)
	check.eq(skynet.send(addr, "lua", "nobody"), nil, "send")
	check.raises("call to invalid address", skynet.call, addr, "lua", "nobody")
end

local function arrives(addr)
	check.state.got = nil
	check.eq(skynet.send(addr, "lua", "mark", "seen"), 0)
	skynet.yield()
	check.eq(check.state.got, "seen")
	check.eq(skynet.call(addr, "lua", "echo", 7), 7)
end

skynet.dispatch("lua", function(_, _, command, value)
	if command == "echo" then
		skynet.retpack(value)
	else
		check.state.got = value
	end
end)

case["an integer is a handle"] = function()
	arrives(self)
end

case["an integer is cut to 32 bits"] = function()
	arrives((1 << 32) + self)
	arrives(self - (1 << 32))
end

case["a float without a fraction is a handle"] = function()
	arrives(self + 0.0)
end

case["a decimal string is a handle"] = function()
	arrives(tostring(self))
end

case["zero and a float with a fraction are refused"] = function()
	for _, addr in ipairs { 0, 0.5, self + 0.5, 1 << 32 } do
		check.raises("Invalid service address 0", skynet.send, addr, "lua")
		check.raises("Invalid service address 0", skynet.call, addr, "lua")
	end
end

case["a string with a colon is a handle in hexadecimal"] = function()
	arrives(string.format(":%08x", self))
	arrives(string.format(":%x", self))
	arrives(string.format(":%X", self))
	arrives(string.format(":%xzz", self))
end

case["handle zero in text is logged and is an invalid address"] = function()
	check.eq(skynet.send(":0", "lua", "x"), nil)
	check.log "error: Destination address can't be 0"
	invalid ":0"
end

case["a local name is looked up"] = function()
	skynet.register ".address_test"
	arrives ".address_test"
	invalid ".nobody_has_this"
end

case["a handle that is not in use is an invalid address"] = function()
	invalid(0xfffff0)
	check.raises("call to invalid address :00fffff0", skynet.call, 0xfffff0, "lua")
	check.raises("call to invalid address :fffff0", skynet.call, ":fffff0", "lua")
	check.raises("call to invalid address %.nobody_has_this", skynet.call, ".nobody_has_this", "lua")
end

case["rawcall and tracecall refuse an invalid address, too"] = function()
	check.raises("call to invalid address", skynet.rawcall, 0xfffff0, "lua", "")
	check.raises("call to invalid address", skynet.tracecall, "tag", 0xfffff0, "lua", "")
end

case["a global name is accepted before anyone has it"] = function()
	check.eq(skynet.send("NOSUCHNAME", "lua", "x"), 0)
	check.eq(skynet.send("ANAMELONGERTHANSIXTEENBYTES", "lua", "x"), 0)
end

case["other types are refused by name"] = function()
	check.raises("dest address type %(nil%) must be a string or number%.", skynet.send, nil, "lua")
	check.raises("dest address type %(boolean%) must be a string or number%.", skynet.send, true, "lua")
	check.raises("dest address type %(table%) must be a string or number%.", skynet.call, {}, "lua")
end

case["a raw message is a string or a pointer with its size"] = function()
	check.raises("invalid param table", skynet.rawsend, self, "lua", {})
	check.raises("invalid param nil", skynet.rawsend, self, "lua", nil)
end

case["address prints a handle, and any other value as it is"] = function()
	check.eq(skynet.address(0x1f), ":0000001f")
	check.eq(skynet.address ".name", ".name")
	check.eq(skynet.address(nil), "nil")
end

case["harbor splits a handle"] = function()
	check.eq({ skynet.harbor(self) }, { 0, false })
	check.eq({ skynet.harbor(0x05000001) }, { 5, true })
end

check.run(case)
