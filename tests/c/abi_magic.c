/* A module whose table does not begin as a table does. */

#include "descriptor.h"

DESCRIPTOR("skynetc ", 1, 0, sizeof(struct table))
