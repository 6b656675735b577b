/* Sockets for services written in C.
 *
 * A socket has an id and an owner: the service that opened it, or the last one that called skynet_socket_start. What happens to it comes
 * to the owner as PTYPE_SOCKET messages that begin with a struct skynet_socket_message. Whoever knows the id may send and close.
 *
 * Functions that open a socket return its id, or -1; the log says why there is none. */

#ifndef SKYNET_SOCKET_H
#define SKYNET_SOCKET_H

#include "skynet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of socket messages. */
#define SKYNET_SOCKET_TYPE_DATA 1    /* `ud` bytes were read, and are in `buffer` */
#define SKYNET_SOCKET_TYPE_CONNECT 2 /* the socket is ready; the text says what it is, `ud` is the port of a new listener */
#define SKYNET_SOCKET_TYPE_CLOSE 3   /* it is closed, or its peer sends no more; comes once */
#define SKYNET_SOCKET_TYPE_ACCEPT 4  /* a listener took a connection: `ud` is its id, the text its address */
#define SKYNET_SOCKET_TYPE_ERROR 5   /* something failed; the text says what */
#define SKYNET_SOCKET_TYPE_UDP 6     /* a datagram of `ud` bytes is in `buffer`, the sender's address behind it */
#define SKYNET_SOCKET_TYPE_WARNING 7 /* `ud` KiB wait to be sent; 0 when nothing does any more */

/* The content of a PTYPE_SOCKET message. The service frees `buffer`. In kinds with a text `buffer` is NULL, and the text is what follows
 * the structure, up to the size of the message. */
struct skynet_socket_message {
	int type;
	int id;
	int ud;
	char *buffer;
};

/* How the bytes of a socket_sendbuffer are given. */
#define SOCKET_BUFFER_MEMORY 0     /* a block of malloc, the node's from now on, also if sending fails */
#define SOCKET_BUFFER_OBJECT 1     /* an object of the program: this node has none, and refuses it */
#define SOCKET_BUFFER_RAWPOINTER 2 /* borrowed; copied if it cannot be sent at once */

/* What is to be sent on a socket. */
struct socket_sendbuffer {
	int id;
	int type;
	const void *buffer;
	size_t sz;
};

/* Listens. `host` is an address, a name, or "" for all; with port 0 the system chooses. The owner gets CONNECT with the real port; connections
 * are taken after skynet_socket_start. `backlog` connections may wait to be taken. */
int skynet_socket_listen(struct skynet_context *ctx, const char *host, int port, int backlog);

/* Connects. The owner gets CONNECT, or ERROR; until then, what is sent waits. */
int skynet_socket_connect(struct skynet_context *ctx, const char *host, int port);

/* Reads from and writes to a copy of a file descriptor. The original stays open; both do not block from now on. */
int skynet_socket_bind(struct skynet_context *ctx, int fd);

/* Lets a listener take connections, a connection read; the calling service owns the socket from now on. Also goes on after a pause. */
void skynet_socket_start(struct skynet_context *ctx, int id);

/* Stops reading until the next start. What was read already may still come. */
void skynet_socket_pause(struct skynet_context *ctx, int id);

/* Closes a socket when all that waits is sent. */
void skynet_socket_close(struct skynet_context *ctx, int id);

/* Closes a socket at once. */
void skynet_socket_shutdown(struct skynet_context *ctx, int id);

/* Sends small pieces at once instead of gathering them. */
void skynet_socket_nodelay(struct skynet_context *ctx, int id);

/* Sends; what the system does not take at once waits. Returns 0, or -1 if there is no such socket. */
int skynet_socket_sendbuffer(struct skynet_context *ctx, struct socket_sendbuffer *buffer);

/* The same; what has to wait goes out when nothing else waits. */
int skynet_socket_sendbuffer_lowpriority(struct skynet_context *ctx, struct socket_sendbuffer *buffer);

/* Opens a UDP socket that receives at an address; with NULL and 0 on any free port. */
int skynet_socket_udp(struct skynet_context *ctx, const char *addr, int port);

/* The same. */
int skynet_socket_udp_listen(struct skynet_context *ctx, const char *addr, int port);

/* Opens a UDP socket whose skynet_socket_sendbuffer goes to an address. */
int skynet_socket_udp_dial(struct skynet_context *ctx, const char *addr, int port);

/* From now on skynet_socket_sendbuffer on this UDP socket goes to this address. Returns 0 or -1. */
int skynet_socket_udp_connect(struct skynet_context *ctx, int id, const char *addr, int port);

/* Sends a datagram to an address as skynet_socket_udp_address gives it: a byte 1 (IPv4) or 2 (IPv6), the port in network order, 4 or 16 bytes.
 * Returns 0 or -1. */
int skynet_socket_udp_sendbuffer(struct skynet_context *ctx, const char *address, struct socket_sendbuffer *buffer);

/* Where the datagram in a message came from, and how many bytes (7 or 19) that address has. It is part of the message's buffer. NULL if it is no
 * datagram. */
const char *skynet_socket_udp_address(struct skynet_socket_message *msg, int *addrsz);

/* Kinds of sockets in a socket_info. */
enum {
	SOCKET_INFO_UNKNOWN = 0,
	SOCKET_INFO_LISTEN = 1,
	SOCKET_INFO_TCP = 2,
	SOCKET_INFO_UDP = 3,
	SOCKET_INFO_BIND = 4,
	SOCKET_INFO_CLOSING = 5,
};

/* Figures of one socket. */
struct socket_info {
	int id;
	int type;
	uint64_t opaque; /* its owner */
	uint64_t read;   /* bytes; of a listener, connections */
	uint64_t write;  /* bytes */
	uint64_t rtime;  /* when something was read last, in the time of skynet_now; 0 for never */
	uint64_t wtime;  /* when something was sent last */
	int64_t wbuffer; /* bytes that wait to be sent */
	uint8_t reading;
	uint8_t writing;
	char name[128]; /* the other side; of listeners and UDP sockets the own one */
	struct socket_info *next;
};

/* The figures of all sockets, in the order of their ids; NULL if there are none. Give the list back with socket_info_release. */
struct socket_info *skynet_socket_info(void);

/* Frees a list. */
void socket_info_release(struct socket_info *list);

/* What the functions below send: bytes of this type, or, if sz is below 0, an object of the program. */
static inline struct socket_sendbuffer
skynet_socket_fill(int id, int type, const void *buffer, int sz) {
	struct socket_sendbuffer b;
	b.id = id;
	b.type = sz < 0 ? SOCKET_BUFFER_OBJECT : type;
	b.buffer = buffer;
	b.sz = (size_t)sz;
	return b;
}

/* Sends a block of malloc, which is the node's from now on. */
static inline int
skynet_socket_send(struct skynet_context *ctx, int id, void *buffer, int sz) {
	struct socket_sendbuffer b = skynet_socket_fill(id, SOCKET_BUFFER_MEMORY, buffer, sz);
	return skynet_socket_sendbuffer(ctx, &b);
}

/* The same; what has to wait goes out when nothing else waits. */
static inline int
skynet_socket_send_lowpriority(struct skynet_context *ctx, int id, void *buffer, int sz) {
	struct socket_sendbuffer b = skynet_socket_fill(id, SOCKET_BUFFER_MEMORY, buffer, sz);
	return skynet_socket_sendbuffer_lowpriority(ctx, &b);
}

/* Sends a borrowed datagram to an address. */
static inline int
skynet_socket_udp_send(struct skynet_context *ctx, int id, const char *address, const void *buffer, int sz) {
	struct socket_sendbuffer b = skynet_socket_fill(id, SOCKET_BUFFER_RAWPOINTER, buffer, sz);
	return skynet_socket_udp_sendbuffer(ctx, address, &b);
}

#ifdef __cplusplus
}
#endif

#endif
