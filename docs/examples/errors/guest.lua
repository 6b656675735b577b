-- Calls that fail, and what their errors say.
local skynet = require "skynet"
require "skynet.manager"

--- Logs the first line of the error of a call; the others are the traceback of the callee.
---@param what string
---@param ... any arguments of `skynet.call`
local function try(what, ...)
	local ok, result = pcall(skynet.call, ...)
	skynet.error(what .. ": " .. (ok and result or result:match "[^\n]*"))
end

skynet.start(function()
	local kitchen = skynet.newservice "kitchen"
	try("soup", kitchen, "lua", "cook", "soup")
	try("cake", kitchen, "lua", "cook", "cake")
	try("tea", kitchen, "lua", "tea")

	skynet.fork(try, "a lost order", kitchen, "lua", "forget")
	skynet.fork(function()
		skynet.call(kitchen, "lua", "clean_up")
		skynet.fork(try, "the end", kitchen, "lua", "wait_for_closing")
		skynet.yield()
		try("closing", kitchen, "lua", "close")
		while skynet.watch(kitchen) do -- callers are told just before it is gone
			skynet.yield()
		end
		try("too late", kitchen, "lua", "cook", "soup")
		try("far away", 0x05000001, "lua", "cook", "soup")
		skynet.error "That is all."
		skynet.abort()
	end)
end)
