---Hashes, DES, the key exchange and texts for bytes.
local skynet = require "skynet"
local crypt = require "skynet.crypt"
local check = require "check"

local case = check.cases()

local hex = crypt.hexencode

---Numbers from 0 to n - 1, the same in every run.
---@param seed integer
---@return fun(n: integer): integer
local function numbers(seed)
	return function(n)
		seed = (seed * 1103515245 + 12345) & 0x7fffffff
		return (seed >> 8) % n
	end
end

case["the module is there under both of its names"] = function()
	local client = require "client.crypt"
	for name, value in pairs(crypt) do
		check.eq(type(client[name]), type(value), name)
	end
	check.eq(client.hmac64("12345678", "abcdefgh"), crypt.hmac64("12345678", "abcdefgh"))
end

case["random keys have eight bytes, and differ"] = function()
	local seen = {}
	for _ = 1, 1000 do
		local key = crypt.randomkey()
		check.eq(#key, 8)
		check.ok(key ~= ("\0"):rep(8))
		check.ok(not seen[key])
		seen[key] = true
	end
end

case["hashes and codes are those that clients compute"] = function()
	local x, y = "12345678", "abcdefgh"
	check.eq(hex(crypt.hashkey "hello"), "9930920fcbef1867")
	check.eq(hex(crypt.hashkey ""), "05150000a7c6674e")
	check.eq(hex(crypt.hashkey(("\xff"):rep(20))), "b1e5ac8b1afefe6b")
	check.eq(hex(crypt.hmac64(x, y)), "ac9ffda9547a027a")
	check.eq(hex(crypt.hmac64(("\xff"):rep(8), ("\x80"):rep(8))), "8b801d1874e41439")
	check.eq(hex(crypt.hmac64_md5(x, y)), "c2a34748cf834af4")
	check.eq(hex(crypt.hmac_hash(x, "text")), "f28cb90c95aaf245")
	check.eq(hex(crypt.hmac_sha1("key", "text")), "369e2959eb49450338b212748f77d8ded74847bb")
	check.eq(hex(crypt.hmac_sha1(("k"):rep(65), "text")), "23cdc442dba98c8865255f4fce14aca27f4444ba")
	check.eq(hex(crypt.hmac_sha1("", "text")), "f3f276f5001644013dbd202f1854bd61f9123d0f")
	check.eq(hex(crypt.sha1 "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d")
end

case["the key exchange is powers of five modulo 2^64 - 59"] = function()
	check.eq(hex(crypt.dhexchange "12345678"), "a18e89af97222f0e")
	check.eq(hex(crypt.dhsecret("12345678", "abcdefgh")), "c28f6c29ade90908")
	local function number(value)
		return string.pack("<i8", value)
	end
	check.eq(hex(crypt.dhexchange(number(2))), "1900000000000000")
	check.eq(hex(crypt.dhexchange(number(-1))), "4e2ea6baf651b377")
	check.eq(hex(crypt.dhsecret(number(-1), number(-1))), "2c4f081c6ac8d444")
	check.eq(crypt.dhsecret(number(0xffffffffffffffc5), number(5)), number(0), "the modulus itself")
	for _ = 1, 20 do
		local a, b = crypt.randomkey(), crypt.randomkey()
		check.eq(crypt.dhsecret(crypt.dhexchange(a), b), crypt.dhsecret(crypt.dhexchange(b), a))
	end
end

case["keys of a wrong size are named"] = function()
	check.raises("^Invalid uint64 x$", crypt.hmac64, "x", "12345678")
	check.raises("^Invalid uint64 y$", crypt.hmac64, "12345678", "y")
	check.raises("^Invalid uint64 x$", crypt.hmac64_md5, "x", "12345678")
	check.raises("^Invalid uint64 y$", crypt.dhsecret, "12345678", "123456789")
	check.raises("^Invalid uint64 key$", crypt.hmac_hash, "", "text")
	check.raises("^Invalid dh uint64 key$", crypt.dhexchange, "1234567")
	local zero = ("\0"):rep(8)
	check.raises("^Can't be 0$", crypt.dhexchange, zero)
	check.raises("^Can't be 0$", crypt.dhsecret, zero, "12345678")
	check.raises("^Can't be 0$", crypt.dhsecret, "12345678", zero)
	check.raises("bad argument #1 .*string expected, got nil", crypt.hmac64, nil, "y")
	check.raises("bad argument #2 .*string expected, got no value", crypt.hmac64, "12345678")
end

case["DES fills the last block in two ways"] = function()
	check.eq(crypt.padding, { iso7816_4 = 0, pkcs7 = 1 })
	check.eq(hex(crypt.desencode("12345678", "hello")), "7e38177924357156")
	check.eq(hex(crypt.desencode("12345678", "")), "8d3d438a718b4510")
	check.eq(hex(crypt.desencode("12345678", "", 1)), "feb959b7d4642fcb")
	for len = 0, 100 do
		local text = ("x"):rep(len)
		for _, padding in pairs(crypt.padding) do
			local crypted = crypt.desencode("\0\1\2\3\xff\xfe\xfd\xfc", text, padding)
			check.eq(#crypted, (len // 8 + 1) * 8)
			check.eq(crypt.desdecode("\0\1\2\3\xff\xfe\xfd\xfc", crypted, padding), text)
		end
	end
end

case["DES refuses what it cannot work on"] = function()
	local key = "12345678"
	local function raw(block)
		return crypt.desencode(key, block):sub(1, #block)
	end
	check.raises("^Invalid key size 7, need 8 bytes$", crypt.desencode, "1234567", "x")
	check.raises("^Invalid key size 0, need 8 bytes$", crypt.desdecode, "", ("x"):rep(8))
	check.raises("^Invalid padding mode 2$", crypt.desencode, key, "x", 2)
	check.raises("^Invalid padding mode %-1$", crypt.desencode, key, "x", -1)
	for _, len in ipairs { 0, 1, 9 } do
		check.raises("^Invalid des crypt text length " .. len .. "$", crypt.desdecode, key, ("x"):rep(len), 2)
	end
	for _, block in ipairs { "aaaaaaaa", ("\0"):rep(8), "aaaaaaaa" .. ("\0"):rep(8), "a\x80\1\0\0\0\0\0" } do
		check.raises("^Invalid des crypt text$", crypt.desdecode, key, raw(block))
	end
	for _, block in ipairs { "aaaaaaa\0", "aaaaaaa\2", "aaaaaaa\9", "aaaaaaa\xff", "\1\8\8\8\8\8\8\8" } do
		check.raises("^Invalid des crypt text$", crypt.desdecode, key, raw(block), 1)
	end
	check.eq(crypt.desdecode(key, raw "a\x80\x80\0\0\0\0\0"), "a\x80")
end

case["base64 comes back, whatever the bytes"] = function()
	local number = numbers(1)
	for len = 0, 200 do
		local text = {}
		for i = 1, len do
			text[i] = string.char(number(256))
		end
		text = table.concat(text)
		check.eq(crypt.base64decode(crypt.base64encode(text)), text)
	end
	check.eq(crypt.base64encode "foobar!", "Zm9vYmFyIQ==")
	local long = ("0123456789"):rep(100000)
	check.eq(crypt.base64decode(crypt.base64encode(long)), long)
end

case["base64 is read leniently, up to the last group"] = function()
	local good = {
		[""] = "", ["AA"] = "00", ["AAA"] = "0000", ["AA="] = "00", ["A A\nA!A"] = "000000", ["\nAAAA"] = "000000",
		["AA==AA=="] = "0000", ["QUI=QUJD"] = "4142414243", ["QUJDQUI=QQ=="] = "414243414241", ["AA\n"] = "00",
		["AA=\n="] = "00", ["A\xffA=="] = "00", ["\0AA\0AA"] = "000000",
	}
	for text, expected in pairs(good) do
		check.eq(hex(crypt.base64decode(text)), expected, text)
	end
	local bad = {
		"A", "A===", "=", "====", "\n", "AAAA\n", "AAA=\n", "AB", "AAB", "AA=A", "AA===", "QUJD=", "QUJD====", "AA==B",
		"-_-_", "QUJDQUI==", "QUI==UI=", "A=AA", "QQ=QUJD",
	}
	for _, text in ipairs(bad) do
		check.raises("^Invalid base64 text$", crypt.base64decode, text)
	end
end

case["random texts mean the same to every base64 reader"] = function()
	-- A sum over what thousands of texts, most of them broken, decode to; the number is that of C skynet.
	local number = numbers(7)
	local alphabet = "AAABQUZg+/9==\n-"
	local sums, fine = {}, 0
	for i = 1, 20000 do
		local text = {}
		for j = 1, number(13) do
			local at = number(#alphabet) + 1
			text[j] = alphabet:sub(at, at)
		end
		local ok, decoded = pcall(crypt.base64decode, table.concat(text))
		sums[i] = ok and "<" .. decoded .. ">" or "-"
		fine = fine + (ok and 1 or 0)
	end
	check.eq({ hex(crypt.sha1(table.concat(sums))), fine }, { "d8de0f942cc480acf8786b7c94b482622558d7b3", 5212 })
end

case["hexadecimal digits are lower-case"] = function()
	check.eq(hex "\0\x7f\xff", "007fff")
	check.eq(crypt.hexdecode "007fff", "\0\x7f\xff")
	check.eq(crypt.hexdecode "", "")
	check.raises("^Invalid hex text size 3$", crypt.hexdecode, "abc")
	for _, text in ipairs { "0F", "  ", "0x", "0\xff" } do
		check.raises("^Invalid hex text$", crypt.hexdecode, text)
	end
	local long = ("\x12\xab"):rep(50000)
	check.eq(crypt.hexdecode(hex(long)), long)
end

case["letters next to the digits are no digits"] = check.ours(function()
	for _, text in ipairs { "0g", "0W", "`0", "_0" } do
		check.raises("^Invalid hex text$", crypt.hexdecode, text)
	end
end)

case["xor repeats the key"] = function()
	check.eq(hex(crypt.xor_str("hello world", "abc")), "09070f0d0d43160d110d06")
	check.eq(crypt.xor_str(crypt.xor_str("some text", "longer than the text"), "longer than the text"), "some text")
	check.eq(crypt.xor_str("", "a"), "")
	check.raises("^Can't xor empty string$", crypt.xor_str, "a", "")
end

case["numbers are taken as texts"] = function()
	check.eq(crypt.base64encode(255), "MjU1")
	check.eq(hex(crypt.hmac64(12345678, 12345678)), hex(crypt.hmac64("12345678", "12345678")))
end

case["a result that does not fit below the memory limit is an ordinary error"] = check.ours(function()
	local limited = skynet.newservice("limited", 1 << 20)
	local failed = skynet.call(limited, "lua", string.dump(function()
		local crypt = require "skynet.crypt"
		local text = ("x"):rep(300 << 10)
		local failures = {}
		for i = 1, 3 do
			local ok, err = pcall(function()
				local held = {}
				for j = 1, 10 do
					held[j] = i == 1 and crypt.base64encode(text) or i == 2 and crypt.desencode("12345678", text)
						or crypt.xor_str(text, "key")
				end
			end)
			failures[i] = not ok and err
			collectgarbage()
		end
		return failures
	end))
	check.eq(failed, { "not enough memory", "not enough memory", "not enough memory" })
end)

check.run(case)
