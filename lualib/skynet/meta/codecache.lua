---@meta skynet.codecache

--- The node's cache of compiled Lua files, by file name. Also `skynet.cache`.
---@class skynet.codecache
local codecache = {}

--- Empties the cache: files are read anew when they are loaded next. Running code keeps working.
function codecache.clear() end

--- Sets how this service loads files. "ON" uses the cache and adds to it, "EXIST" only uses it, "OFF" always reads the file.
--- Raises `invalid option`.
---@param mode? "ON"|"EXIST"|"OFF" default: leave it
---@return "ON"|"EXIST"|"OFF"? mode the current one, if none was given
function codecache.mode(mode) end

--- The standard `loadfile`, through the cache.
---@param filename string
---@param mode? "b"|"t"|"bt"
---@param env? table
---@return function? chunk
---@return string? message
function codecache.loadfile(filename, mode, env) end

return codecache
