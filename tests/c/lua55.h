/* The part of Lua 5.5's C API that the modules here use, so that the tests need no headers of Lua's. */

#ifndef LUA55_H
#define LUA55_H

#include <limits.h>
#include <stddef.h>

typedef struct lua_State lua_State;
typedef long long lua_Integer;
typedef double lua_Number;
typedef int (*lua_CFunction)(lua_State *L);

#define LUA_REGISTRYINDEX (-(INT_MAX / 2 + 1000))
#define LUA_VERSION_OF_MODULE 505
#define LUA_SIZES (sizeof(lua_Integer) * 16 + sizeof(lua_Number))

void luaL_checkversion_(lua_State *L, lua_Number version, size_t sizes);
int luaL_error(lua_State *L, const char *format, ...);
lua_Integer luaL_checkinteger(lua_State *L, int arg);
const char *luaL_checklstring(lua_State *L, int arg, size_t *size);
const char *luaL_optlstring(lua_State *L, int arg, const char *other, size_t *size);
int lua_getfield(lua_State *L, int index, const char *name);
void lua_setfield(lua_State *L, int index, const char *name);
void *lua_touserdata(lua_State *L, int index);
void lua_settop(lua_State *L, int top);
void lua_pushinteger(lua_State *L, lua_Integer number);
const char *lua_pushstring(lua_State *L, const char *text);
void lua_pushcclosure(lua_State *L, lua_CFunction function, int upvalues);
void lua_createtable(lua_State *L, int list, int fields);

#endif
