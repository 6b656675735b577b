/* The least that a module has: the instance is (void *)-1 then. */

#include "check.h"

static int
on_message(
	struct skynet_context *ctx, void *data, int type, int session, uint32_t source, const void *msg, size_t sz) {
	(void)msg, (void)sz;
	if (type == PTYPE_TEXT && session > 0) {
		answer(ctx, source, session, data == (void *)-1 ? "ok" : "another instance");
	}
	return 0;
}

int
minimal_init(void *self, struct skynet_context *ctx, const char *args) {
	(void)args;
	skynet_callback(ctx, self, on_message);
	return 0;
}
