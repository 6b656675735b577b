/* A C module for a Lua of another version. */

#include "lua55.h"

int
luaopen_oldlua(lua_State *L) {
	luaL_checkversion_(L, 504, LUA_SIZES);
	lua_createtable(L, 0, 0);
	return 1;
}
