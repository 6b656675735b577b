-- What the proxies that ship cannot be made of.
local skynet = require "skynet"
local proxy = require "skynet.proxy"
local check = require "check"

local case = check.cases(true)

case["bad arguments are named"] = function()
	check.raises("", proxy.timeout, check.worker().handle, 0)
	check.log "a time limit of at least 1 cs"
	check.raises("", skynet.newservice, "balance_proxy", "random", "lua")
	check.log "expected round_robin or least_queued, not random"
	check.raises("", skynet.newservice, "overload_proxy", ":1", "requests=0")
	check.log "requests=0: a whole number above 0 is expected"
	check.raises("", skynet.newservice, "overload_proxy", ":1", "request=7")
	check.raises("", proxy.timeout, ".nobody", 10)
	check.log "no service has the name .nobody"
end

case["what no proxy can be made of is refused, at the place of the call"] = function()
	local target = check.worker().handle
	local function refused(text, f, ...)
		local arguments = table.pack(...)
		check.raises("^[^:]*proxy_arguments.lua:%d+: " .. text, function()
			local front = f(table.unpack(arguments, 1, arguments.n))
			return front
		end)
	end
	refused("a service is named by its handle, :address, .name or a global name, not nil", proxy.timeout, nil, 10)
	refused("a service is named by .*, not nil", proxy.overload)
	refused("a service is named by .*, not nil", proxy.add, target)
	refused("the policy is round_robin or least_queued, not random", proxy.balance, "random", {})
	refused("the targets are a list of addresses, not " .. target, proxy.balance, "round_robin", target)
	refused("there is no setting \"request\", but held, mqlen,", proxy.overload, target, { request = 3 })
	refused("requests is a whole number above 0, not 0", proxy.overload, target, { requests = 0 })
	refused("the settings are a table, not 5", proxy.overload, target, 5)
	refused("call failed: timeout_proxy: .*a time limit of at least 1 cs", proxy.timeout, target, 0)
end

check.run(case)
