/* skynet_error: a log line made as printf makes it. Everything else that modules call is Rust; there, a function cannot have a
 * variable number of arguments. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct skynet_context;

/* Defined in api/log.rs. */
void skynet_rs_log(struct skynet_context *ctx, const char *text, size_t size);

/* Lines up to this length need no block of their own. */
#define SHORT 256

static void
log_long(struct skynet_context *ctx, const char *format, va_list args, size_t size) {
	char *text = malloc(size + 1);
	if (text == NULL) {
		/* Better without its numbers than not at all. */
		skynet_rs_log(ctx, format, strlen(format));
		return;
	}
	vsnprintf(text, size + 1, format, args);
	skynet_rs_log(ctx, text, size);
	free(text);
}

void
skynet_error(struct skynet_context *ctx, const char *format, ...) {
	va_list args;
	if (strcmp(format, "%*s") == 0) {
		/* A length and a text that may have any bytes: no formatting. */
		va_start(args, format);
		int given = va_arg(args, int);
		const char *bytes = va_arg(args, const char *);
		va_end(args);
		skynet_rs_log(ctx, bytes, given > 0 ? (size_t)given : 0);
		return;
	}
	char line[SHORT];
	va_start(args, format);
	int size = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (size < 0) {
		skynet_rs_log(ctx, format, strlen(format));
	} else if ((size_t)size < sizeof(line)) {
		skynet_rs_log(ctx, line, (size_t)size);
	} else {
		va_start(args, format);
		log_long(ctx, format, args, (size_t)size);
		va_end(args);
	}
}
