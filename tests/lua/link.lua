---Links: who ends with whom, and what is known of the reason.
local skynet = require "skynet"
local check = require "check"
local link = skynet.getenv "rs_version" and require "skynet.link"
require "skynet.manager"

local case = check.cases(true)

---Two workers, the first of which has linked itself to the second.
---@param n? integer so many, in a chain
---@return check.worker[]
local function chain(n)
	local peers = {}
	for i = 1, n or 2 do
		peers[i] = check.worker()
		if i > 1 then
			check.eq(peers[i]:call(function(handle)
				return require "skynet.link".to(handle)
			end, peers[i - 1].handle), true)
		end
	end
	return peers
end

---@param peer check.worker
local function ends(peer)
	check.eventually(function()
		return not check.alive(peer.handle)
	end, "the end of " .. skynet.address(peer.handle))
end

---@param peer check.worker
---@return integer[]
local function links_of(peer)
	return peer:call(function()
		return require "skynet.link".list()
	end)
end

---@param peer check.worker
local function be_gone(peer)
	skynet.kill(peer.handle)
end

case["both know of the link"] = function()
	local peers = chain()
	check.eq(links_of(peers[1]), { peers[2].handle })
	check.eq(links_of(peers[2]), { peers[1].handle })
	be_gone(peers[1])
	ends(peers[2])
end

case["it holds in either direction, and along a chain, with the first reason"] = function()
	for first = 1, 5, 2 do
		local peers = chain(5)
		be_gone(peers[first])
		for _, peer in ipairs(peers) do
			ends(peer)
		end
		local root = string.format("service :%08x %%(snlua worker%%) was killed", peers[first].handle)
		for i, peer in ipairs(peers) do
			if math.abs(i - first) == 2 then
				check.log(string.format("%%[:%08x%%] error: ends with :%%x+: service :%%x+ %%(snlua worker%%) ended: linked %s\n",
					peer.handle, root))
			end
		end
	end
end

case["an end by exit is no concern of the other, and the link is gone"] = function()
	local peers = chain()
	peers[1]:send(function()
		skynet.exit()
	end)
	ends(peers[1])
	check.eventually(function()
		return #links_of(peers[2]) == 0
	end)
	check.eq(check.alive(peers[2].handle), true)
	be_gone(peers[2])
end

case["so it is where errors are not explained"] = function()
	local peers = chain(3)
	for i = 2, 3 do
		peers[i]:call(function()
			skynet.explain_errors(false)
		end)
	end
	peers[1]:send(function()
		skynet.exit()
	end)
	check.eventually(function()
		return #links_of(peers[2]) == 1
	end)
	be_gone(peers[2])
	ends(peers[3])
	check.log "error: ends with :%x+: service :%x+ %(snlua worker%) was killed"
end

case["an exit with a reason is, and callers hear the reason"] = function()
	local peers = chain()
	local err = check.raises("call failed", peers[1].ask, peers[1], function()
		skynet.exit "the disk is full"
	end)
	check.match(err, "service :%x+ %(snlua worker%) ended: the disk is full$")
	ends(peers[2])
end

case["so are a memory limit"] = function()
	local ok, handle = pcall(skynet.newservice, "limited", 1024 * 1024)
	check.ok(ok)
	local peer = check.worker()
	check.eq(peer:call(function(addr)
		return require "skynet.link".to(addr)
	end, handle), true)
	check.raises("call failed", skynet.call, handle, "lua", string.dump(function()
		hoard = {}
		while true do
			hoard[#hoard + 1] = { #hoard }
		end
	end))
	ends(peer)
	check.log(string.format("error: ends with :%08x: service :%08x %%(snlua limited %%d+%%) ended at its memory limit", handle, handle))
end

case["and a start that fails"] = function()
	local peer = check.worker()
	check.fork(function()
		check.raises("call failed", check.launch, function()
			skynet.start(function()
				skynet.register ".link_starting"
				skynet.wait "go"
				error "no start"
			end)
		end)
	end)
	local handle = check.eventually(function()
		return skynet.localname ".link_starting"
	end)
	check.eq(peer:call(function(addr)
		return require "skynet.link".to(addr)
	end, handle), true)
	skynet.call(handle, "debug", "RUN", "local skynet = require 'skynet' skynet.wakeup 'go'")
	ends(peer)
	check.log(string.format("error: ends with :%08x: service :%08x %%(snlua chunk [^\n]* failed to start", handle, handle))
end

case["a link that is cut holds no more, whoever cuts it, and can be made again"] = function()
	for cutter = 1, 2 do
		local peers = chain()
		local me, other = peers[cutter], peers[3 - cutter]
		me:call(function(addr)
			require "skynet.link".cut(addr)
		end, other.handle)
		check.eq(links_of(me), {})
		check.eventually(function()
			return #links_of(other) == 0
		end)
		for _ = 1, 20 do
			check.eq(me:call(function(addr)
				local l = require "skynet.link"
				local ok = l.to(addr)
				l.cut(addr)
				return ok
			end, other.handle), true)
		end
		check.eq(me:call(function(addr)
			return require "skynet.link".to(addr)
		end, other.handle), true)
		check.eq(links_of(other), { me.handle })
		me:call(function(addr)
			require "skynet.link".cut(addr)
		end, other.handle)
		be_gone(me)
		skynet.sleep(2)
		check.eq(check.alive(other.handle), true)
		be_gone(other)
	end
end

case["two that link to one another at once have one link"] = function()
	for _ = 1, 20 do
		local a, b = check.worker(), check.worker()
		local done = 0
		for _, pair in ipairs { { a, b }, { b, a }, { a, b } } do
			check.fork(function()
				check.eq(pair[1]:call(function(addr)
					return require "skynet.link".to(addr)
				end, pair[2].handle), true)
				done = done + 1
			end)
		end
		check.eventually(function()
			return done == 3
		end)
		check.eq(links_of(a), { b.handle })
		check.eq(links_of(b), { a.handle })
		be_gone(a)
		ends(b)
	end
end

case["a trap hears of every end instead"] = function()
	local heard = {}
	link.trap(function(handle, reason, abnormal)
		heard[#heard + 1] = { handle, reason, abnormal }
	end)
	local one, two = check.worker(), check.worker()
	check.eq(link.to(one.handle), true)
	check.eq(link.to(skynet.address(two.handle)), true)
	check.eq(link.list(), { one.handle, two.handle })
	be_gone(one)
	check.eventually(function()
		return #heard == 1
	end)
	two:send(function()
		skynet.exit()
	end)
	check.eventually(function()
		return #heard == 2
	end)
	check.eq(heard[1], { one.handle, string.format("service %s (snlua worker) was killed", skynet.address(one.handle)), true })
	check.eq(heard[2], { two.handle, string.format("service %s (snlua worker) has ended", skynet.address(two.handle)), false })
	check.eq(link.list(), {})
end

case["an error in the trap is logged and ends nobody"] = function()
	link.trap(function()
		error "a trap that fails"
	end)
	local peer = check.worker()
	check.eq(link.to(peer.handle), true)
	be_gone(peer)
	check.log "error: the trap of links: [^\n]*a trap that fails"
	link.trap(function() end)
end

case["who is dead already cannot be linked to, and who knows no links is an error"] = function()
	local peer = check.worker()
	be_gone(peer)
	check.eq(link.to(peer.handle), false)
	check.eq(link.to ".link_nobody", false)
	check.eq(link.to(skynet.self()), true)
	check.eq(link.list(), {})
	local stranger = check.worker()
	stranger:call(function()
		skynet.dispatch("debug", function()
			error "what is that?"
		end)
	end)
	check.raises("cannot be linked to: .*call failed", link.to, stranger.handle)
	check.eq(link.list(), {})
	be_gone(stranger)
end

case["what is no address is refused, and so is a trap that is no function"] = function()
	check.raises("a service is named by its handle, :address, .name or a global name, not nil", link.to)
	check.raises("a service is named by .*, not nil", link.cut)
	check.raises("a service is named by .*, not nil", link.follow)
	check.raises("link.trap takes a function or nil, not 5", link.trap, 5)
	check.eq(link.is_normal(nil), false)
	check.eq(link.list(), {})
end

case["who does not answer is an error after a time, and no link when it answers later"] = function()
	local silent = assert(skynet.launch("logger", "/dev/null"))
	check.raises(":%x+ cannot be linked to: no answer within 0.05 s", link.to, silent, 5)
	check.raises("no answer within 0.05 s", link.to, silent, 5)
	skynet.kill(silent)
	local late = check.worker()
	late:send(function()
		local stop = skynet.hpc() + 200000000
		while skynet.hpc() < stop do
		end
	end)
	check.raises("no answer within 0.05 s", link.to, late.handle, 5)
	late:call(function() end)
	check.eventually(function()
		return #links_of(late) == 0
	end)
	check.eq(link.list(), {})
	check.eq(link.to(late.handle), true)
	link.cut(late.handle)
	be_gone(late)
end

case["who dies while the link is made is no link"] = function()
	local handle
	check.fork(function()
		check.raises("call failed", check.launch, function()
			skynet.start(function()
				skynet.register ".link_dying"
				while not skynet.getenv "link_may_die" do -- what comes meanwhile is not answered
				end
				error "it dies"
			end)
		end)
	end)
	handle = check.eventually(function()
		return skynet.localname ".link_dying"
	end)
	skynet.fork(function()
		skynet.yield() -- the link's request is on its way
		skynet.setenv("link_may_die", "yes")
	end)
	check.eq(link.to(handle), false)
	check.eq(link.list(), {})
end

case["who follows ends with the other one, and not the other way about"] = function()
	for _, how in ipairs { "exit", "kill" } do
		local leader, follower, other = check.worker(), check.worker(), check.worker()
		for _, peer in ipairs { follower, other } do
			peer:call(function(addr)
				local l = require "skynet.link"
				l.follow(addr)
				l.follow(addr)
			end, leader.handle)
		end
		be_gone(other)
		ends(other)
		check.eq(check.alive(leader.handle), true)
		if how == "kill" then
			be_gone(leader)
		else
			leader:send(function()
				skynet.exit()
			end)
		end
		ends(follower)
		check.log(string.format("%%[:%08x%%] [error: ]*ends with %s", follower.handle, skynet.address(leader.handle)))
	end
end

case["requests LINK and watches of services that come and go leave nothing behind"] = function()
	local target = check.worker()
	local function kept()
		return target:call(function()
			return require "skynet.link.held".count()
		end)
	end
	local waits = 0
	for _ = 1, 10 do
		local peers = {}
		for i = 1, 30 do
			peers[i] = check.worker()
			peers[i]:call(function(addr)
				skynet.watch(addr)
				skynet.fork(pcall, skynet.call, addr, "debug", "LINK")
			end, target.handle)
			waits = waits + 1
		end
		for _, peer in ipairs(peers) do
			peer:call(function() end)
			skynet.kill(peer.handle)
		end
	end
	check.ok(kept() <= 150, "so many of " .. waits .. " are kept: " .. kept())
	be_gone(target)
end

case["a LINK survives full collections"] = function()
	local target = check.worker()
	local failed
	check.fork(function()
		check.raises("call failed: service", skynet.call, target.handle, "debug", "LINK")
		failed = true
	end)
	skynet.yield()
	for _ = 1, 3 do
		target:call(function()
			collectgarbage()
		end)
	end
	check.eq(failed, nil)
	be_gone(target)
	check.eventually(function()
		return failed
	end)
end

check.run(case)
