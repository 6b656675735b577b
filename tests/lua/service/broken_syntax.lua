local this is no Lua
