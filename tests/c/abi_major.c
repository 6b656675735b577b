/* A module whose table is of a major version that no node has. */

#include "descriptor.h"

DESCRIPTOR("skynetrs", 7, 0, sizeof(struct table))
