-- A lobby: players join a group, and what is said in the lobby reaches all of them with one payload. Start it as the start service;
-- `player.lua` is beside it.
local skynet = require "skynet"
local group = require "skynet.group"
local multicast = require "skynet.multicast"

skynet.start(function()
	local players = group.new "lobby"
	-- The same by name for all nodes of a network; here there is one.
	local everywhere = group.global "announcements"
	local scores = multicast.new()

	for _, name in ipairs { "anna", "ben", "cleo" } do
		local player = skynet.newservice("player", name, scores.channel)
		players:join(player)
		everywhere:join(player)
	end
	skynet.error("players in the lobby: " .. players:count())

	-- Any message that a player understands, to the handle of the group.
	skynet.send(players.handle, "lua", "say", "welcome")
	everywhere:send("lua", "say", "the server ends at ten")
	scores:publish("anna", 3)

	-- Who ends has left. What goes by the group keeps its order; a message straight to ben might overtake the welcome.
	players:send("lua", "part", "ben")
	while players:count() > 2 do
		skynet.sleep(1)
	end
	skynet.error("players in the lobby: " .. players:count())

	-- A tunnel leads all that is sent to it elsewhere; calls work, too.
	local tunnel = group.tunnel(skynet.localname ".cleo")
	skynet.error("through the tunnel: " .. skynet.call(tunnel, "lua", "name"))
end)
