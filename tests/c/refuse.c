/* Does not start. */

#include "skynet.h"

static int instance;

void *
refuse_create(void) {
	return &instance;
}

int
refuse_init(void *self, struct skynet_context *ctx, const char *args) {
	(void)args;
	skynet_error(ctx, "refuse was asked");
	return self == &instance ? 7 : 8;
}

void
refuse_release(void *self) {
	skynet_error(NULL, "refuse was released: %d", self == &instance);
}
