--- Threads that wait for something that another thread of the service holds: a critical section, a module being loaded. Those who
--- suspend a thread for such a reason note it here meanwhile, so that deadlocks can be found.

---@type table<thread, fun(): thread?> waiting thread → who holds at present what it waits for
return setmetatable({}, { __mode = "k" })
