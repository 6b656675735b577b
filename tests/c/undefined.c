/* A module that needs a function which no Lua 5.5 and no node has, as one for another Lua does. */

extern void lua_function_of_another_lua(void *L);

int
luaopen_undefined(void *L) {
	lua_function_of_another_lua(L);
	return 0;
}

int
undefined_init(void *instance, void *ctx, const char *args) {
	(void)instance, (void)args;
	lua_function_of_another_lua(ctx);
	return 0;
}
