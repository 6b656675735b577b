/* Sends from a thread of its own: `<address> <count>` says to whom and how often. With `<address> 0 results` the thread tells whether the
 * result of a command of its own is still there after the service has run one. */

#include <pthread.h>
#include <semaphore.h>

#include "check.h"

struct thread {
	struct skynet_context *ctx;
	pthread_t id;
	uint32_t dest;
	int count;
	/* The service has run a command. */
	sem_t commanded;
};

static void *
run_results(void *data) {
	struct thread *self = data;
	struct skynet_context *ctx = self->ctx;
	char expected[32];
	const char *own = skynet_command(ctx, "REG", NULL);
	snprintf(expected, sizeof(expected), "%s", own);
	skynet_sendname(ctx, 0, own, PTYPE_CLIENT, 0, NULL, 0);
	while (sem_wait(&self->commanded) != 0) {
	}
	const char *text = strcmp(own, expected) == 0 ? "kept" : "lost";
	skynet_send(ctx, 0, self->dest, PTYPE_TEXT, 0, (void *)text, 4);
	return NULL;
}

static void *
run(void *data) {
	struct thread *self = data;
	struct skynet_context *ctx = self->ctx;
	for (int i = 0; i < self->count; i++) {
		char text[32];
		int size = snprintf(text, sizeof(text), "%d", i);
		if (skynet_send(ctx, 0, self->dest, PTYPE_TEXT, 0, text, (size_t)size) != 0) {
			skynet_error(ctx, "not sent: %d", i);
		}
	}
	char name[] = ".thread_test";
	const char *own = skynet_command(ctx, "REG", name);
	skynet_sendname(ctx, 0, own && skynet_queryname(ctx, name) ? ".receiver" : ".nobody", PTYPE_TEXT, 0, "named", 5);
	skynet_error(ctx, "from the thread of its own, in service %x", skynet_current_handle());
	/* The answer of a timer comes to the service. */
	skynet_command(ctx, "TIMEOUT", "1");
	return NULL;
}

static int
on_message(
	struct skynet_context *ctx, void *data, int type, int session, uint32_t source, const void *msg, size_t sz) {
	struct thread *self = data;
	(void)session, (void)source, (void)msg, (void)sz;
	if (type == PTYPE_CLIENT) {
		skynet_command(ctx, "STAT", "message");
		sem_post(&self->commanded);
	}
	if (type == PTYPE_RESPONSE) {
		skynet_send(ctx, 0, self->dest, PTYPE_TEXT, 0, "done", 4);
	}
	return 0;
}

void *
thread_create(void) {
	return calloc(1, sizeof(struct thread));
}

int
thread_init(struct thread *self, struct skynet_context *ctx, const char *args) {
	self->ctx = ctx;
	char what[16] = "";
	if (args == NULL || sscanf(args, "%u %d %15s", &self->dest, &self->count, what) < 2) {
		return 1;
	}
	sem_init(&self->commanded, 0, 0);
	skynet_callback(ctx, self, on_message);
	return pthread_create(&self->id, NULL, strcmp(what, "results") == 0 ? run_results : run, self);
}

void
thread_release(struct thread *self) {
	if (self->id) {
		pthread_join(self->id, NULL);
	}
	free(self);
}
