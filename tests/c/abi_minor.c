/* A module whose table is of a minor version that no node has. */

#include "descriptor.h"

DESCRIPTOR("skynetrs", 1, 9, sizeof(struct table))
