/* A module whose table says that it is shorter than its version asks. */

#include "descriptor.h"

DESCRIPTOR("skynetrs", 1, 0, 40)
