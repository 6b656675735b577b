-- What the tests of the control plane look at: a service that uses names and links, and logs what it learns. As the bootstrap
-- service it starts the least that it needs, and so gets along with a master that is no skynet.
local skynet = require "skynet"
require "skynet.manager"
local harbor = require "skynet.harbor"

---@param format string
---@param ... any
local function log(format, ...)
	skynet.error("subject: " .. string.format(format, ...))
end

local function boot()
	skynet.name(".launcher", assert(skynet.launch("snlua", "launcher")))
	local ok, slave = pcall(skynet.newservice, "cslave")
	if not ok then
		log("no cslave: %s", slave)
		skynet.abort()
		skynet.exit()
	end
	skynet.name(".cslave", slave)
end

--- Tells what happens to the link to a node.
---@param id integer
local function watch(id)
	while true do
		harbor.connect(id)
		log("linked %d", id)
		harbor.link(id)
		log("unlinked %d", id)
	end
end

skynet.start(function()
	if not skynet.localname ".launcher" then
		boot()
	end
	skynet.dispatch("lua", function(_, _, ...)
		skynet.retpack(...)
	end)
	skynet.register "SUBJECT"
	skynet.fork(watch, 2)
	skynet.fork(function()
		log("ANSWER is %s", skynet.address(harbor.queryname "ANSWER"))
	end)
	skynet.fork(function()
		harbor.linkmaster()
		log("the master is gone")
	end)
	log("ready")
end)
