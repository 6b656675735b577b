/* A TCP and a UDP echo. The request `ports` is answered with their ports. */

#include "check.h"
#include "skynet_socket.h"

/* What modules count on that were compiled with the headers of C skynet, on a machine of 64 bits. */
#define AT(structure, field, place) \
	_Static_assert(sizeof(void *) != 8 || offsetof(struct structure, field) == (place), #structure "." #field)
AT(socket_info, id, 0);
AT(socket_info, type, 4);
AT(socket_info, opaque, 8);
AT(socket_info, read, 16);
AT(socket_info, write, 24);
AT(socket_info, rtime, 32);
AT(socket_info, wtime, 40);
AT(socket_info, wbuffer, 48);
AT(socket_info, reading, 56);
AT(socket_info, writing, 57);
AT(socket_info, name, 58);
AT(socket_info, next, 192);
AT(socket_sendbuffer, id, 0);
AT(socket_sendbuffer, type, 4);
AT(socket_sendbuffer, buffer, 8);
AT(socket_sendbuffer, sz, 16);
AT(skynet_socket_message, type, 0);
AT(skynet_socket_message, id, 4);
AT(skynet_socket_message, ud, 8);
AT(skynet_socket_message, buffer, 16);

struct sockets {
	int listener;
	int udp;
};

/* The port at the end of the name of a socket; the kind must be right, too. */
static int
port_of(struct skynet_context *ctx, int id, int type) {
	int port = 0;
	uint32_t self = skynet_current_handle();
	struct socket_info *list = skynet_socket_info();
	for (struct socket_info *info = list; info; info = info->next) {
		const char *colon = strrchr(info->name, ':');
		if (info->id == id && info->type == type && info->opaque == self && colon) {
			port = atoi(colon + 1);
		}
	}
	socket_info_release(list);
	if (port == 0) {
		skynet_error(ctx, "socket %d has no port", id);
	}
	return port;
}

static void
on_socket(struct skynet_context *ctx, struct sockets *self, const struct skynet_socket_message *message) {
	int size;
	switch (message->type) {
	case SKYNET_SOCKET_TYPE_ACCEPT:
		skynet_socket_nodelay(ctx, message->ud);
		skynet_socket_start(ctx, message->ud);
		break;
	case SKYNET_SOCKET_TYPE_DATA:
		/* The buffer goes from the message to the socket as it is. */
		if (skynet_socket_send(ctx, message->id, message->buffer, message->ud) != 0) {
			skynet_error(ctx, "not sent");
		}
		break;
	case SKYNET_SOCKET_TYPE_UDP: {
		const char *from = skynet_socket_udp_address((struct skynet_socket_message *)message, &size);
		if (from == NULL || size != 7 || message->id != self->udp) {
			skynet_error(ctx, "a datagram from nowhere");
		} else {
			skynet_socket_udp_send(ctx, message->id, from, message->buffer, message->ud);
		}
		free(message->buffer);
		break;
	}
	case SKYNET_SOCKET_TYPE_CLOSE:
		skynet_socket_close(ctx, message->id);
		break;
	}
}

static int
on_message(
	struct skynet_context *ctx, void *data, int type, int session, uint32_t source, const void *msg, size_t sz) {
	struct sockets *self = data;
	if (type == PTYPE_SOCKET && sz >= sizeof(struct skynet_socket_message)) {
		on_socket(ctx, self, msg);
	} else if (type == PTYPE_TEXT && is_text(msg, sz, "ports")) {
		char text[32];
		snprintf(
			text, sizeof(text), "%d %d", port_of(ctx, self->listener, SOCKET_INFO_LISTEN),
			port_of(ctx, self->udp, SOCKET_INFO_UDP));
		answer(ctx, source, session, text);
	} else if (type == PTYPE_TEXT && is_text(msg, sz, "object")) {
		struct socket_sendbuffer object = { .id = self->listener, .type = SOCKET_BUFFER_OBJECT, .buffer = self, .sz = 1 };
		answer(ctx, source, session, skynet_socket_sendbuffer(ctx, &object) == -1 ? "refused" : "sent");
	}
	return 0;
}

void *
sockets_create(void) {
	return calloc(1, sizeof(struct sockets));
}

int
sockets_init(struct sockets *self, struct skynet_context *ctx, const char *args) {
	(void)args;
	skynet_callback(ctx, self, on_message);
	self->listener = skynet_socket_listen(ctx, "127.0.0.1", 0, 32);
	self->udp = skynet_socket_udp(ctx, "127.0.0.1", 0);
	if (self->listener < 0 || self->udp < 0) {
		return 1;
	}
	skynet_socket_start(ctx, self->listener);
	return 0;
}

void
sockets_release(struct sockets *self) {
	free(self);
}
