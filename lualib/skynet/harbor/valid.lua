--- What ids, names and handles of a harbor network look like.
local valid = {}

--- Whether this is the harbor id of a node of a network.
---@param id any
---@return boolean
function valid.id(id)
	return math.type(id) == "integer" and id >= 1 and id <= 255
end

--- Whether this can be a global name.
---@param name any
---@return boolean
function valid.name(name)
	return type(name) == "string" and #name >= 1 and #name <= 15 and not name:find("\0", 1, true)
end

--- What to say of a text that can be none.
---@param name any
---@return string
function valid.no_name(name)
	return string.format("the global name %q can't be: it has 1 to 15 bytes, none of them NUL", tostring(name))
end

--- Whether this can be the handle of a service of a network.
---@param handle any
---@return boolean
function valid.handle(handle)
	return math.type(handle) == "integer" and handle > 0xffffff and handle <= 0xffffffff
end

return valid
