/* For modules that check the node they run on: a request names a check, its answer is "ok" or what was wrong. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>

#include "skynet.h"

/* Leaves a check with the line and the condition that does not hold. */
#define CHECK(condition) \
	do { \
		if (!(condition)) return "line " CHECK_TEXT(__LINE__) ": " #condition; \
	} while (0)
#define CHECK_TEXT(line) CHECK_TEXT_OF(line)
#define CHECK_TEXT_OF(line) #line

/* Answers a request with a text. */
static inline void
answer(struct skynet_context *ctx, uint32_t dest, int session, const char *text) {
	skynet_send(ctx, 0, dest, PTYPE_RESPONSE, session, (void *)text, strlen(text));
}

/* Whether a message is this text. */
static inline int
is_text(const void *msg, size_t sz, const char *text) {
	return sz == strlen(text) && memcmp(msg, text, sz) == 0;
}

#endif
