---Requires itself.
return require "req.circle"
