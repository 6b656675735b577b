/* Answers each request with its argument and the request. It says when it begins, gets a signal and ends. */

#include <stdio.h>
#include <string.h>

#include "skynet.h"

struct echo {
	struct skynet_context *ctx;
	char greeting[32];
};

void *
echo_create(void) {
	return calloc(1, sizeof(struct echo));
}

static int
on_message(
	struct skynet_context *ctx, void *data, int type, int session, uint32_t source, const void *msg, size_t sz) {
	struct echo *self = data;
	if (type == PTYPE_TEXT && session > 0) {
		size_t head = strlen(self->greeting);
		char *text = malloc(head + sz + 1);
		memcpy(text, self->greeting, head);
		memcpy(text + head, msg, sz);
		skynet_send(ctx, 0, source, PTYPE_RESPONSE | PTYPE_TAG_DONTCOPY, session, text, head + sz);
	}
	return 0;
}

int
echo_init(struct echo *self, struct skynet_context *ctx, const char *args) {
	self->ctx = ctx;
	snprintf(self->greeting, sizeof(self->greeting), "%s", args ? args : "(none)");
	skynet_callback(ctx, self, on_message);
	skynet_error(ctx, "echo begins with %s", self->greeting);
	return 0;
}

void
echo_signal(struct echo *self, int signal) {
	skynet_error(self->ctx, "echo got signal %d", signal);
}

void
echo_release(struct echo *self) {
	skynet_error(self->ctx, "echo ends");
	free(self);
}
