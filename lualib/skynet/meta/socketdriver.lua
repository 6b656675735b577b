---@meta skynet.socketdriver

--- The sockets of the node as they are, for libraries that register the protocol "socket" (PTYPE_SOCKET) themselves. What happens to
--- a socket comes to its owner as a message; `unpack` reads it.
---@class skynet.socketdriver
local driver = {}

--- Opens a connection. The id is good at once; the message that it is ready, or has failed, comes later. Raises
--- `Invalid address <text>.`, `Invalid port in address <text>.`, `Invalid port`.
---@param addr string "host:port", "[v6]:port", or a host
---@param port? integer
---@return integer id -1 if there can be no more sockets
---@return string? err with -1
function driver.connect(addr, port) end

--- Opens a listener, which takes connections when it is started. Raises `Listen error`; the log says why.
---@param addr string as in `connect`; an empty host is every IPv4 address
---@param port? integer 0: the system chooses one
---@param backlog? integer connections that may wait to be taken; 32 by default
---@return integer id
function driver.listen(addr, port, backlog) end

--- Adopts a copy of a file descriptor.
---@param fd integer
---@return integer id -1 if it cannot be
---@return string? err with -1
function driver.bind(fd) end

--- Lets a socket read, or a listener take connections, for this service, which owns it from now on.
---@param id integer
function driver.start(id) end

--- Stops reading until the next `start`.
---@param id integer
function driver.pause(id) end

--- Closes a socket when all that waits is sent.
---@param id integer
function driver.close(id) end

--- Closes a socket at once; what waits is lost.
---@param id integer
function driver.shutdown(id) end

--- Sends small pieces at once instead of gathering them (TCP_NODELAY).
---@param id integer
function driver.nodelay(id) end

--- Sends. A table is sent as its strings in a row, up to the first nil; a pointer is given away.
---@param id integer
---@param data string|string[]|userdata|lightuserdata
---@param size? integer bytes; needed with a pointer
---@return boolean sent false if the id is unknown or closed
function driver.send(id, data, size) end

--- As `send`; what has to wait goes out when nothing else does.
---@param id integer
---@param data string|string[]|userdata|lightuserdata
---@param size? integer
---@return boolean sent
function driver.lsend(id, data, size) end

--- Opens a UDP socket: with an address it receives there, else on any port. Raises `udp init failed`.
---@param addr? string
---@param port? integer
---@return integer id
function driver.udp(addr, port) end

--- Opens a UDP socket that receives at an address. Raises `udp listen host failed`.
---@param addr string
---@param port? integer
---@return integer id
function driver.udp_listen(addr, port) end

--- Opens a UDP socket whose `send` goes to an address. Raises `udp dial host failed`.
---@param addr string
---@param port? integer
---@return integer id
function driver.udp_dial(addr, port) end

--- Sets where `send` on a UDP socket goes. Raises `udp connect failed`.
---@param id integer
---@param addr string
---@param port? integer
function driver.udp_connect(id, addr, port) end

--- Sends a datagram.
---@param id integer
---@param address string as it came with a datagram
---@param data string|string[]|userdata|lightuserdata
---@param size? integer
---@return boolean sent
function driver.udp_send(id, address, data, size) end

--- Reads the address that came with a datagram. Raises `Invalid udp address`.
---@param address string
---@return string ip
---@return integer port
function driver.udp_address(address) end

--- Reads a message of a socket. Kinds: 1 data, 2 ready, 3 closed, 4 accepted (ud is the new id), 5 failed, 6 datagram,
--- 7 warning (ud is KiB that wait).
---@param msg lightuserdata
---@param size integer
---@return integer kind
---@return integer id
---@return integer ud with data and datagrams the number of bytes
---@return string|lightuserdata data a pointer with data and datagrams: it is the caller's, to `push` or `drop`
---@return string? address of a datagram's sender
function driver.unpack(msg, size) end

--- Figures of all sockets of the node.
---@return table[] infos id, address (the owner), type, read, write, wbuffer, rtime, wtime, reading, writing, peer; of listeners accept, rtime, sock
function driver.info() end

--- Looks a host name up; the whole service waits. Raises the resolver's words.
---@param host string
---@return string[] addresses
function driver.resolve(host) end

--- Reads a number of 1 to 4 bytes, the most significant first. Raises `Invalid read <text>`.
---@param bytes string
---@return integer
function driver.header(bytes) end

--- Copies a string to a block of its own.
---@param text string
---@return lightuserdata block
---@return integer size
function driver.str2p(text) end

--- Frees a block.
---@param block lightuserdata
---@param size integer
function driver.drop(block, size) end

--- Makes a receive buffer.
---@return userdata buffer
function driver.buffer() end

--- Appends a block, which belongs to the buffer from now on.
---@param buffer userdata
---@param pool table not used; C skynet keeps spare nodes there
---@param block lightuserdata
---@param size integer
---@return integer total bytes in the buffer
function driver.push(buffer, pool, block, size) end

--- Takes bytes out.
---@param buffer userdata
---@param pool table
---@param size integer
---@return string? bytes nil if there are fewer, and for 0
---@return integer total bytes that are left
function driver.pop(buffer, pool, size) end

--- Takes everything out.
---@param buffer userdata
---@param pool table
---@return string
function driver.readall(buffer, pool) end

--- Takes a line out.
---@param buffer userdata
---@param pool table? nil: only looks whether there is one
---@param separator string
---@return string|true|nil line without its separator
function driver.readline(buffer, pool, separator) end

--- Empties a buffer.
---@param buffer userdata?
---@param pool? table
function driver.clear(buffer, pool) end

return driver
