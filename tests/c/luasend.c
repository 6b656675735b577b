/* A C module for Lua that acts as the service that has loaded it, by the context in the registry. */

#include <pthread.h>

#include "lua55.h"
#include "skynet.h"

static struct skynet_context *
context(lua_State *L) {
	lua_getfield(L, LUA_REGISTRYINDEX, "skynet_context");
	struct skynet_context *ctx = lua_touserdata(L, -1);
	lua_settop(L, -2);
	if (ctx == NULL) {
		luaL_error(L, "no skynet_context in the registry");
	}
	return ctx;
}

/* send(dest, type, text) -> session */
static int
send_text(lua_State *L) {
	size_t size;
	uint32_t dest = (uint32_t)luaL_checkinteger(L, 1);
	int type = (int)luaL_checkinteger(L, 2);
	const char *text = luaL_checklstring(L, 3, &size);
	int session = skynet_send(context(L), 0, dest, type | PTYPE_TAG_ALLOCSESSION, 0, (void *)text, size);
	lua_pushinteger(L, session);
	return 1;
}

/* sendname(name, type, text) -> result */
static int
send_name(lua_State *L) {
	size_t size;
	const char *name = luaL_checklstring(L, 1, NULL);
	int type = (int)luaL_checkinteger(L, 2);
	const char *text = luaL_checklstring(L, 3, &size);
	lua_pushinteger(L, skynet_sendname(context(L), 0, name, type, 0, (void *)text, size));
	return 1;
}

/* command(name, parameter?) -> text? */
static int
command(lua_State *L) {
	const char *name = luaL_checklstring(L, 1, NULL);
	const char *parameter = luaL_optlstring(L, 2, NULL, NULL);
	lua_pushstring(L, skynet_command(context(L), name, parameter));
	return 1;
}

/* log(text) */
static int
log_text(lua_State *L) {
	skynet_error(context(L), "%s", luaL_checklstring(L, 1, NULL));
	return 0;
}

struct job {
	struct skynet_context *ctx;
	uint32_t dest;
	int type;
	int session;
};

static void *
run(void *data) {
	struct job *job = data;
	job->session = skynet_send(job->ctx, 0, job->dest, job->type | PTYPE_TAG_ALLOCSESSION, 0, "from a thread", 13);
	return NULL;
}

/* thread(dest, type) -> session: sends on a thread of its own. */
static int
thread(lua_State *L) {
	struct job job = { context(L), (uint32_t)luaL_checkinteger(L, 1), (int)luaL_checkinteger(L, 2), -1 };
	pthread_t id;
	if (pthread_create(&id, NULL, run, &job) == 0) {
		pthread_join(id, NULL);
	}
	lua_pushinteger(L, job.session);
	return 1;
}

int
luaopen_luasend(lua_State *L) {
	static const struct {
		const char *name;
		lua_CFunction function;
	} FUNCTIONS[] = {
		{ "send", send_text },
		{ "sendname", send_name },
		{ "command", command },
		{ "log", log_text },
		{ "thread", thread },
	};
	luaL_checkversion_(L, LUA_VERSION_OF_MODULE, LUA_SIZES);
	/* Many modules ask for it as soon as they are loaded. */
	context(L);
	lua_createtable(L, 0, 0);
	for (size_t i = 0; i < sizeof(FUNCTIONS) / sizeof(FUNCTIONS[0]); i++) {
		lua_pushcclosure(L, FUNCTIONS[i].function, 0);
		lua_setfield(L, -2, FUNCTIONS[i].name);
	}
	return 1;
}
