---@meta client.socket

--- Plain TCP for test clients that are written as scripts. Its functions wait where they stand, and with them the whole service and
--- a worker: use `skynet.socket` in servers.
---@class client.socket
local client_socket = {}

--- Raises `Connect <host> <port> failed`.
---@param host string address or name
---@param port integer
---@return integer fd
function client_socket.connect(host, port) end

--- Waits until all of it is with the system. Raises `socket error: ...`.
---@param fd integer
---@param text string
function client_socket.send(fd, text) end

--- What has arrived, at most 4 KB of it; does not wait. Raises `socket error: ...`.
---@param fd integer
---@return string? text `""` when the other side has closed, nothing if there is nothing yet
function client_socket.recv(fd) end

--- Raises `Invalid mode x`, `mode should be r or/and w`.
---@param fd integer
---@param mode "r"|"w"|"rw" no more reading, no more writing, neither
function client_socket.shutdown(fd, mode) end

---@param fd integer
function client_socket.close(fd) end

---@param microseconds number
function client_socket.usleep(microseconds) end

--- The next line of the standard input, if there is one yet.
---@return string? line without its end
function client_socket.readstdin() end

return client_socket
