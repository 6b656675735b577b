/* No module: it lacks the function that starts a service. */

#include <stddef.h>

void *
noinit_create(void) {
	return NULL;
}
