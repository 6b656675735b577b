/* Checks who owns which block, what the functions return, and what they are told. */

#include "check.h"

struct rules {
	/* A message that was kept. */
	void *kept;
	size_t kept_size;
	/* Who waits for the timer with this session. */
	int timer;
	uint32_t waiter;
	int waiter_session;
};

#define DEAD 0xfffff0

void *
rules_create(void) {
	return calloc(1, sizeof(struct rules));
}

void
rules_release(struct rules *self) {
	free(self->kept);
	free(self);
}

static char *
copy_of(const char *text) {
	char *block = malloc(strlen(text) + 1);
	strcpy(block, text);
	return block;
}

static const char *
check_codes(struct skynet_context *ctx, uint32_t self) {
	char text[] = "text";
	CHECK(skynet_send(ctx, 0, self, PTYPE_CLIENT, 5, text, 4) == 5);
	CHECK(skynet_send(ctx, 0, self, PTYPE_CLIENT, 0, text, 4) == 0);
	CHECK(skynet_send(ctx, 0, 0, PTYPE_CLIENT, 6, NULL, 0) == 6);
	CHECK(skynet_send(ctx, 0, 0, PTYPE_CLIENT, 6, text, 4) == -1);
	CHECK(skynet_sendname(ctx, 0, ".nobody", PTYPE_CLIENT, 0, text, 4) == -1);
	CHECK(skynet_sendname(ctx, 0, ".rules", PTYPE_CLIENT, 7, text, 4) == 7);
	char own[16];
	snprintf(own, sizeof(own), ":%x", self);
	CHECK(skynet_sendname(ctx, 0, own, PTYPE_CLIENT, 8, text, 4) == 8);
	CHECK(skynet_sendname(ctx, 0, ":0", PTYPE_CLIENT, 9, NULL, 0) == 9);
	CHECK(skynet_sendname(ctx, 0, ":nobody", PTYPE_CLIENT, 9, NULL, 0) == 9);
	CHECK(skynet_sendname(ctx, 0, ":0", PTYPE_CLIENT, 9, text, 4) == -1);
	CHECK(skynet_send(ctx, 0, self, PTYPE_CLIENT, 0, text, (size_t)1 << 56) == -2);
	return NULL;
}

/* Each block that the node gets is freed once, whatever becomes of it. Valgrind counts. */
static const char *
check_blocks(struct skynet_context *ctx, uint32_t self) {
	for (int i = 0; i < 100; i++) {
		int give = PTYPE_CLIENT | PTYPE_TAG_DONTCOPY;
		CHECK(skynet_send(ctx, 0, self, give, 0, copy_of("given"), 5) == 0);
		CHECK(skynet_send(ctx, 0, DEAD, give, 0, copy_of("to nobody"), 9) == -1);
		CHECK(skynet_send(ctx, 0, DEAD, PTYPE_CLIENT, 0, "to nobody", 9) == -1);
		CHECK(skynet_sendname(ctx, 0, ".nobody", give, 0, copy_of("to nobody"), 9) == -1);
	}
	CHECK(skynet_send(ctx, 0, self, PTYPE_CLIENT | PTYPE_TAG_DONTCOPY, 0, copy_of("too large"), (size_t)1 << 56) == -2);
	return NULL;
}

static const char *
check_sessions(struct skynet_context *ctx, uint32_t self) {
	int first = skynet_send(ctx, 0, self, PTYPE_CLIENT | PTYPE_TAG_ALLOCSESSION, 0, NULL, 0);
	CHECK(first > 0);
	CHECK(skynet_send(ctx, 0, 0, PTYPE_CLIENT | PTYPE_TAG_ALLOCSESSION, 0, NULL, 0) == first + 1);
	CHECK(skynet_sendname(ctx, 0, ".rules", PTYPE_CLIENT | PTYPE_TAG_ALLOCSESSION, 0, NULL, 0) == first + 2);
	/* Timers count with the others. */
	CHECK(atoi(skynet_command(ctx, "TIMEOUT", "1000")) == first + 3);
	return NULL;
}

static const char *
check_info(struct skynet_context *ctx, uint32_t self) {
	int harbor = -1;
	CHECK(skynet_isremote(ctx, self, &harbor) == 0);
	CHECK(harbor == 0);
	CHECK(skynet_isremote(ctx, 0x05000001, &harbor) != 0);
	CHECK(harbor == 5);
	CHECK(skynet_isremote(ctx, 0x05000001, NULL) != 0);
	CHECK(skynet_queryname(ctx, ".rules") == self);
	CHECK(skynet_queryname(ctx, ":1f") == 0x1f);
	CHECK(skynet_queryname(ctx, ".nobody") == 0);
	CHECK(skynet_queryname(ctx, "GLOBAL") == 0);
	CHECK(skynet_handle_findname("rules") == self);
	CHECK(skynet_handle_findname("nobody") == 0);
	CHECK(skynet_current_handle() == self);
	CHECK(skynet_now() > 0 && skynet_now() < 1000000);
	CHECK(skynet_starttime() > 1500000000);
	const char *value = skynet_getenv("start");
	CHECK(value != NULL && strcmp(value, "cservice") == 0);
	CHECK(skynet_getenv("no_such_key") == NULL);
	skynet_setenv("rules_key", "a value");
	CHECK(strcmp(skynet_getenv("rules_key"), "a value") == 0);
	CHECK(strcmp(skynet_command(ctx, "GETENV", "rules_key"), "a value") == 0);
	CHECK(strcmp(value, "cservice") == 0);
	return NULL;
}

static const char *
check_commands(struct skynet_context *ctx, uint32_t self) {
	char own[16];
	snprintf(own, sizeof(own), ":%x", self);
	CHECK(strcmp(skynet_command(ctx, "REG", NULL), own) == 0);
	CHECK(strcmp(skynet_command(ctx, "REG", ""), own) == 0);
	CHECK(strcmp(skynet_command(ctx, "QUERY", ".rules"), own) == 0);
	CHECK(skynet_command(ctx, "REG", ".rules") == NULL);
	CHECK(skynet_command(ctx, "QUERY", ".nobody") == NULL);
	CHECK(skynet_command(ctx, "NOSUCH", NULL) == NULL);
	CHECK(skynet_command(ctx, "LAUNCH", "no_such_module args") == NULL);
	CHECK(strcmp(skynet_command(ctx, "STAT", "unknown"), "") == 0);
	CHECK(atoi(skynet_command(ctx, "STAT", "message")) > 0);
	/* The value of a variable is good for ever, unlike other results. */
	const char *value = skynet_command(ctx, "GETENV", "start");
	CHECK(strcmp(skynet_command(ctx, "GETENV", "thread"), "2") == 0);
	CHECK(strcmp(skynet_command(ctx, "REG", NULL), own) == 0);
	CHECK(strcmp(value, "cservice") == 0);
	CHECK(skynet_command(ctx, "GETENV", "no_such_key") == NULL);
	return NULL;
}

static const char *
check_log(struct skynet_context *ctx) {
	char text[600];
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	skynet_error(ctx, "number %d, text %s, %5.1f", 42, "forty", 1.25);
	skynet_error(ctx, "long %s end", text);
	skynet_error(ctx, "%*s", 7, "cut off here");
	skynet_error(NULL, "of the node");
	return NULL;
}

static int
on_message(
	struct skynet_context *ctx, void *data, int type, int session, uint32_t source, const void *msg, size_t sz) {
	struct rules *self = data;
	uint32_t handle = skynet_current_handle();
	const char *wrong = NULL;
	if (type == PTYPE_RESPONSE && source == 0) {
		if (session == self->timer) {
			answer(ctx, self->waiter, self->waiter_session, msg == NULL && sz == 0 ? "ok" : "a timer has no content");
		}
		return 0;
	}
	if (type != PTYPE_TEXT || session == 0) {
		return 0;
	}
	if (is_text(msg, sz, "keep")) {
		self->kept = (void *)msg;
		self->kept_size = sz;
		answer(ctx, source, session, "ok");
		return 1;
	}
	if (is_text(msg, sz, "give back")) {
		skynet_send(
			ctx, 0, source, PTYPE_RESPONSE | PTYPE_TAG_DONTCOPY, session, self->kept, self->kept_size);
		self->kept = NULL;
		return 0;
	}
	if (is_text(msg, sz, "timer")) {
		self->timer = atoi(skynet_command(ctx, "TIMEOUT", "1"));
		self->waiter = source;
		self->waiter_session = session;
		return 0;
	}
	if (is_text(msg, sz, "exit")) {
		answer(ctx, source, session, "ok");
		skynet_command(ctx, "EXIT", NULL);
		return 0;
	}
	if (is_text(msg, sz, "in your name")) {
		/* The message seems to come from its receiver. */
		skynet_send(ctx, source, source, PTYPE_TEXT, 0, "from yourself", 13);
	} else if (is_text(msg, sz, "codes")) {
		wrong = check_codes(ctx, handle);
	} else if (is_text(msg, sz, "blocks")) {
		wrong = check_blocks(ctx, handle);
	} else if (is_text(msg, sz, "sessions")) {
		wrong = check_sessions(ctx, handle);
	} else if (is_text(msg, sz, "info")) {
		wrong = check_info(ctx, handle);
	} else if (is_text(msg, sz, "commands")) {
		wrong = check_commands(ctx, handle);
	} else if (is_text(msg, sz, "log")) {
		wrong = check_log(ctx);
	} else {
		wrong = "no such check";
	}
	answer(ctx, source, session, wrong ? wrong : "ok");
	return 0;
}

int
rules_init(struct rules *self, struct skynet_context *ctx, const char *args) {
	skynet_callback(ctx, self, on_message);
	return args == NULL && skynet_command(ctx, "REG", ".rules") != NULL ? 0 : 1;
}
