-- The start service: keeps the scores and a match running, and shows what happens when a part of that dies.
local skynet = require "skynet"
local supervisor = require "skynet.supervisor"
require "skynet.manager"

--- Waits for the next life of a child.
---@param sup supervisor
---@param id string
---@param old? integer
---@return integer handle
local function next_life(sup, id, old)
	local handle
	repeat
		skynet.sleep(1)
		handle = sup:handle(id)
	until handle and handle ~= old
	return handle
end

skynet.start(function()
	skynet.monitor "obituaries" -- hears of every end on this node
	local sup = supervisor.start {
		strategy = "rest_for_one", -- a match without its scores is worth nothing
		children = {
			{ id = "scores", start = { "scores" }, name = ".scores" },
			{ id = "match", start = { "match" }, start_limit = 500 },
		},
	}

	-- A request that is never answered fails with its service, since that is watched.
	local scores = sup:handle "scores"
	assert(skynet.watch(scores))
	skynet.fork(function()
		local _, err = pcall(skynet.call, scores, "lua", "ignored")
		skynet.error("lobby: " .. err)
	end)
	skynet.yield()

	-- The match is linked to its referee: it ends with that, and the supervisor starts it anew, with another referee.
	local match = sup:handle "match"
	skynet.kill(skynet.call(match, "lua", "referee"))
	match = next_life(sup, "match", match)
	skynet.error "lobby: there is another match"

	-- Without the scores both are started anew.
	skynet.kill(scores)
	next_life(sup, "match", match)
	skynet.error(string.format("lobby: .scores is %s now", skynet.address(skynet.localname ".scores")))

	sup:stop() -- the match first, then the scores
	skynet.abort()
end)
