/* C service to C service. `bench_c send`, `bench_c call` and so on measure, report and end the node; they start `bench_c sink` and
 * `bench_c echo` for it. Messages are numbered: in the body, which skynet_send copies, or, without one, by the session. */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "skynet.h"

enum { MESSAGES = 4000000, ROUNDS = 4000000, PAIRS = 64 };

/* Kinds of messages. */
enum { START = 100, MORE, LAST, BACK };

/* The body of a message. */
struct note {
	uint64_t number;
	uint64_t complement;
};

struct bench {
	enum { SINK, ECHO, SEND, CALL } role;
	int bare; /* messages have no body */
	const char *row; /* what is reported */
	uint32_t peers[PAIRS];
	uint64_t next[PAIRS]; /* of each peer; a sink has one */
	int count; /* peers */
	int running; /* peers that are not done yet */
	uint64_t target; /* where the numbers of a peer end */
	int warm; /* what is measured has begun */
	struct timespec begin;
};

static void
post(struct skynet_context *ctx, uint32_t to, int type, uint64_t number, int bare) {
	struct note note = { number, ~number };
	if (bare) {
		skynet_send(ctx, 0, to, type, (int)number, NULL, 0);
	} else {
		skynet_send(ctx, 0, to, type, 0, &note, sizeof(note));
	}
}

static void
end(struct skynet_context *ctx) {
	fflush(stdout);
	skynet_command(ctx, "ABORT", NULL);
}

static void
fail(struct skynet_context *ctx, const char *why) {
	printf("BENCH-ERROR %s\n", why);
	end(ctx);
}

/* Begins the warm-up, and after it what is measured. */
static void
begin(struct bench *self, struct skynet_context *ctx) {
	uint64_t all = self->role == SEND ? MESSAGES : ROUNDS;
	self->target = (self->warm ? all : all / 10) / self->count;
	self->running = self->count;
	memset(self->next, 0, sizeof(self->next));
	clock_gettime(CLOCK_MONOTONIC, &self->begin);
	if (self->role == SEND) {
		for (uint64_t i = 0; i < self->target; i++) {
			post(ctx, self->peers[0], i + 1 < self->target ? MORE : LAST, i, self->bare);
		}
		return;
	}
	for (int i = 0; i < self->count; i++) {
		post(ctx, self->peers[i], MORE, 0, self->bare);
	}
}

static void
done(struct bench *self, struct skynet_context *ctx) {
	struct timespec now;
	if (!self->warm) {
		self->warm = 1;
		begin(self, ctx);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	double seconds = (double)(now.tv_sec - self->begin.tv_sec) + (double)(now.tv_nsec - self->begin.tv_nsec) / 1e9;
	printf("BENCH %s %.0f /s\n", self->row, (double)(self->target * self->count) / seconds);
	end(ctx);
}

static int
which(struct bench *self, uint32_t peer) {
	int i = 0;
	while (i < self->count && self->peers[i] != peer) {
		i++;
	}
	return i;
}

/* What comes back to the one that measures. */
static void
returned(struct bench *self, struct skynet_context *ctx, uint32_t source, uint64_t number) {
	int peer = which(self, source);
	if (peer == self->count) {
		fail(ctx, "a message from somebody else");
	} else if (self->role == SEND) {
		if (number == self->target) {
			done(self, ctx);
		} else {
			fail(ctx, "messages were lost, or came in another order");
		}
	} else if (number != self->next[peer]) {
		fail(ctx, "another answer was expected");
	} else if (++self->next[peer] < self->target) {
		post(ctx, source, MORE, self->next[peer], self->bare);
	} else if (--self->running == 0) {
		done(self, ctx);
	}
}

static int
on_message(
	struct skynet_context *ctx, void *data, int type, int session, uint32_t source, const void *msg, size_t sz) {
	struct bench *self = data;
	struct note note = { (uint64_t)session, ~(uint64_t)session };
	if (type == START) {
		begin(self, ctx);
		return 0;
	}
	if (sz == sizeof(note)) {
		memcpy(&note, msg, sz);
	}
	if ((sz > 0 && sz != sizeof(note)) || note.complement != ~note.number) {
		fail(ctx, "a message with another body");
		return 0;
	}
	switch (self->role) {
	case SINK:
		self->next[0] += note.number == self->next[0];
		if (type == LAST) {
			post(ctx, source, BACK, self->next[0], sz == 0);
			self->next[0] = 0;
		}
		break;
	case ECHO:
		post(ctx, source, BACK, note.number, sz == 0);
		break;
	default:
		returned(self, ctx, source, note.number);
	}
	return 0;
}

static int
launch(struct bench *self, struct skynet_context *ctx, const char *role, int count) {
	char text[32];
	snprintf(text, sizeof(text), "bench_c %s", role);
	self->count = count;
	for (int i = 0; i < count; i++) {
		const char *address = skynet_command(ctx, "LAUNCH", text);
		if (address == NULL || sscanf(address, ":%x", &self->peers[i]) != 1) {
			return 1;
		}
	}
	/* The first message of its own begins it, when the node runs. */
	char own[32];
	snprintf(own, sizeof(own), "%s", skynet_command(ctx, "REG", NULL));
	skynet_sendname(ctx, 0, own, START, 0, NULL, 0);
	return 0;
}

void *
bench_c_create(void) {
	return calloc(1, sizeof(struct bench));
}

int
bench_c_init(struct bench *self, struct skynet_context *ctx, const char *args) {
	static const struct {
		const char *name;
		int role;
		int bare;
		const char *peer;
		int peers;
	} ROLES[] = {
		{ "sink", SINK, 0, NULL, 0 },
		{ "echo", ECHO, 0, NULL, 0 },
		{ "send", SEND, 0, "sink", 1 },
		{ "call", CALL, 0, "echo", 1 },
		{ "pairs", CALL, 0, "echo", PAIRS },
		{ "send_bare", SEND, 1, "sink", 1 },
		{ "call_bare", CALL, 1, "echo", 1 },
	};
	skynet_callback(ctx, self, on_message);
	for (size_t i = 0; args && i < sizeof(ROLES) / sizeof(ROLES[0]); i++) {
		if (strcmp(args, ROLES[i].name) == 0) {
			self->role = ROLES[i].role;
			self->bare = ROLES[i].bare;
			self->row = ROLES[i].name;
			return ROLES[i].peer ? launch(self, ctx, ROLES[i].peer, ROLES[i].peers) : 0;
		}
	}
	return 1;
}

void
bench_c_release(struct bench *self) {
	free(self);
}
