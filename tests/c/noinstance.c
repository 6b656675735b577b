/* Gives no instance. */

#include "skynet.h"

void *
noinstance_create(void) {
	return NULL;
}

int
noinstance_init(void *self, struct skynet_context *ctx, const char *args) {
	(void)self, (void)ctx, (void)args;
	return 0;
}
