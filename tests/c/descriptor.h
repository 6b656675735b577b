/* A table as modules in Rust give it, to be doctored. */

#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H

#include <stddef.h>
#include <stdint.h>

struct header {
	char magic[8];
	uint16_t major;
	uint16_t minor;
	uint32_t size;
	const char *name;
	size_t name_length;
};

struct table {
	struct header header;
	void *functions[7];
};

/* The exported function, with a table that has no functions: it must be refused before one is called. */
#define DESCRIPTOR(magic, major, minor, size) \
	const void *skynet_rs_module(void) { \
		static const struct table table = { { magic, major, minor, size, "doctored", 8 }, { NULL } }; \
		return &table; \
	}

#endif
