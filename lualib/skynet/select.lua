--- `skynet.request`: many requests at once, their answers in the order in which they come. Built by
--- `require "skynet.select"(prim)` over what a node offers:

---@class SelectPrimitives
---@field send fun(obj: table): integer? packs and sends { address, protocol, args... }; the session, nil for an invalid address
---@field watch fun(session: integer, address: integer|string) keeps the answer for `next` of the running thread
---@field timer fun(cs: integer): integer starts a timer, which counts as a session
--- Waits for a watched session or that timer: its session, whether it was answered, the results or the error. What has completed
--- already is kept in its order until it is asked for.
---@field next fun(timer: integer?): integer, boolean, ...
---@field cancel fun(session: integer) forgets a session or timer: what comes late is dropped silently

---@param prim SelectPrimitives
---@return fun(obj?: table): Request request `skynet.request`
return function(prim)
	---@class Request
	---@field timeout? true the loop ended by the timeout
	---@field package pending? table<integer, table> what was sent and not produced yet, by session
	---@field package refused? table[] what could not be sent
	---@field package ready? table[] completed while an inner loop of the same thread was waiting
	---@field package timer? integer
	local Request = {}
	Request.__index = Request

	---@type table<integer, Request> loops in loops wait in one thread: whose session is it
	local owners = {}

	--- Adds { address, protocol, args..., n = length? }. Fields with other names are the caller's.
	---@param obj table
	---@return Request self
	function Request:add(obj)
		assert(type(obj) == "table" and not self.pending)
		self[#self + 1] = obj
		return self
	end
	Request.__call = Request.add

	---@param request Request
	local function send_all(request)
		for _, obj in ipairs(request) do
			local session = prim.send(obj)
			if session then
				prim.watch(session, obj[1])
				request.pending[session] = obj
				owners[session] = request
			else
				table.insert(request.refused, obj)
			end
		end
	end

	--- Forgets what is outstanding. Leaving the loop does it.
	function Request:close()
		for session in pairs(self.pending or {}) do
			owners[session] = nil
			prim.cancel(session)
		end
		self.pending, self.refused, self.ready = {}, {}, {}
		if self.timer then
			owners[self.timer] = nil
			prim.cancel(self.timer)
			self.timer = nil
		end
	end
	Request.__close = Request.close

	--- Notes a completed session with the request it belongs to.
	---@param session integer
	---@param ok boolean
	local function complete(session, ok, ...)
		local request = owners[session]
		if not request then
			return
		end
		owners[session] = nil
		if session == request.timer then
			request.timer, request.timeout = nil, true
		else
			local obj = request.pending[session]
			request.pending[session] = nil
			table.insert(request.ready, { obj, ok and table.pack(...) or false, not ok and ... or nil })
		end
	end

	--- Produces the next completed request.
	---@param request Request
	---@return table? obj
	---@return table|false|nil results with n; false for a failed call, nil for an invalid address
	---@return string? reason why a call failed
	local function step(request)
		local refused = table.remove(request.refused)
		if refused then
			return refused
		end
		while not request.ready[1] do
			if request.timeout or not next(request.pending) then
				return nil
			end
			complete(prim.next(request.timer))
		end
		local done = table.remove(request.ready, 1)
		return done[1], done[2], done[3]
	end

	--- Sends all requests and gives an iterator over (obj, results, why it failed). Once per request.
	---@param timeout? integer centiseconds
	---@return fun(request: Request): table?, table|false|nil, string? iterator
	---@return Request request
	---@return nil
	---@return Request closing
	function Request:select(timeout)
		assert(not self.pending)
		self.pending, self.refused, self.ready = {}, {}, {}
		local ok, reason = pcall(send_all, self)
		if not ok then
			self:close()
			error(reason, 0)
		end
		if timeout and next(self.pending) then
			self.timer = prim.timer(timeout)
			owners[self.timer] = self
		end
		return step, self, nil, self
	end

	return function(obj)
		local request = setmetatable({}, Request)
		return obj and request:add(obj) or request
	end
end
