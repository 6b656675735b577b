/* A module without a table. */

#include <stddef.h>

const void *
skynet_rs_module(void) {
	return NULL;
}
