/* Services written in C.
 *
 * A service module is a shared library that `cpath` leads to. For the module `echo` it exports
 *
 *     int   echo_init(void *instance, struct skynet_context *ctx, const char *args);   required
 *     void *echo_create(void);                                                         optional
 *     void  echo_release(void *instance);                                              optional
 *     void  echo_signal(void *instance, int signal);                                   optional
 *
 * and calls the functions of this header, which it finds in the program that loads it. Compile it with
 *
 *     cc -shared -fPIC -I<this folder> -o echo.so echo.c
 *
 * and launch it by the command LAUNCH, or from Lua by skynet.launch("echo", "args"). Of a module name with dots, such as `my.echo`,
 * the functions begin with what follows the last dot.
 *
 * create   makes an instance, one for each service; NULL refuses the launch. Without it the instance is (void *)-1.
 * init     starts the service; other than 0 refuses the launch. `args` is NULL if there are none, and valid until init returns.
 *          Here the service names its callback.
 * release  ends the instance, on any thread, after the last message, also after an init that failed. `ctx` is still good.
 * signal   is called by the command SIGNAL, on the thread that gives it, while the service may be running.
 *
 * One thread at a time runs a service, but not always the same one. A module is loaded once, with RTLD_NOW | RTLD_GLOBAL, and never
 * unloaded; its static variables are shared by all of its services.
 *
 * Memory: every block that goes from one side to the other is a plain block of malloc and free. The program may bring another
 * allocator under these names; a module that uses the names uses it, too.
 *
 * Threads of your own: skynet_send, skynet_sendname, skynet_command, skynet_error, the functions about the node and those of sockets
 * may be called on any thread, with the `ctx` of a service that lives. End such threads in release.
 *
 * Nothing guards the process from a module: one that crashes takes the node with it. */

#ifndef SKYNET_H
#define SKYNET_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The names that C skynet gives to the functions of the C library. */
#define skynet_free free
#define skynet_malloc malloc
#define skynet_realloc realloc
#define skynet_calloc calloc
#define skynet_aligned_alloc aligned_alloc
#define skynet_posix_memalign posix_memalign
#define skynet_memalign memalign

/* Kinds of messages. Others, up to 255, are for services to agree on. */
enum {
	PTYPE_TEXT = 0, /* text */
	PTYPE_RESPONSE = 1, /* an answer */
	PTYPE_MULTICAST = 2, /* of channels */
	PTYPE_CLIENT = 3, /* packages of clients */
	PTYPE_SYSTEM = 4, /* of the node itself */
	PTYPE_HARBOR = 5, /* orders to the harbor service */
	PTYPE_SOCKET = 6, /* what happens to sockets */
	PTYPE_ERROR = 7, /* a request that failed */
	PTYPE_RESERVED_QUEUE = 8, /* of skynet.mqueue */
	PTYPE_RESERVED_DEBUG = 9, /* of the debug console */
	PTYPE_RESERVED_LUA = 10, /* values of Lua */
	PTYPE_RESERVED_SNAX = 11, /* of snax services */
};

/* Added to the kind of a message that is sent. */
#define PTYPE_TAG_DONTCOPY 0x10000
#define PTYPE_TAG_ALLOCSESSION 0x20000

/* One service. It belongs to the node, from init until release has returned. */
struct skynet_context;

/* Gets the messages of a service, one at a time.
 *
 * data     what was given to skynet_callback.
 * type     the kind of the message, 0 to 255.
 * session  above 0 if the sender waits for an answer: a PTYPE_RESPONSE, or a PTYPE_ERROR, with this number. In an answer, the number of
 *          the request.
 * source   who sent it; 0 for timers (a PTYPE_RESPONSE of no bytes) and for sockets.
 * msg, sz  its content: NULL if there is no block. A block that a sending function has copied has a NUL behind its last byte.
 *
 * Returns 0 if the node is to free `msg`, other than 0 if the service keeps it and frees it itself. What a structure in `msg` points
 * to (the buffer of a skynet_socket_message, the message of a remote_message) is the service's to free in both cases. */
typedef int (*skynet_cb)(
	struct skynet_context *ctx, void *data, int type, int session, uint32_t source, const void *msg, size_t sz);

/* Names the function that gets the messages from now on, and what it gets with each. With NULL, messages are dropped, and nobody who
 * waits for an answer is told. May be called again at any time by the thread that runs the service. */
void skynet_callback(struct skynet_context *ctx, void *data, skynet_cb cb);

/* Sends a message.
 *
 * source   in whose name; 0 is the service itself.
 * dest     whose; an address of another node is passed to the harbor service.
 * type     the kind, and perhaps
 *            PTYPE_TAG_DONTCOPY      `msg` is a block of malloc, and the node's from now on, also if this fails. Otherwise the node copies
 *                                    `sz` bytes and puts a NUL behind them.
 *            PTYPE_TAG_ALLOCSESSION  it gets a new session; `session` is 0.
 * session  above 0 to wait for an answer; 0 not to; that of a request in its answer.
 * msg, sz  its content; NULL and 0 for none.
 *
 * Returns the session of the message, 0 or more. -1 if there is no such receiver, or dest is 0 and there is a block; -2 if `sz` is
 * 2^56 or more. With dest 0 and no block nothing is sent: with PTYPE_TAG_ALLOCSESSION this makes a session. */
int skynet_send(
	struct skynet_context *ctx, uint32_t source, uint32_t dest, int type, int session, void *msg, size_t sz);

/* Sends a message to a name: `:hex` is an address, `.name` a name on this node, anything else a global name of the harbor network
 * (its first 16 bytes count). Everything else as in skynet_send. */
int skynet_sendname(
	struct skynet_context *ctx, uint32_t source, const char *dest, int type, int session, void *msg, size_t sz);

/* Runs a text command. `param` may be NULL. Returns NULL, or a text that is good until the next command of this service; on a thread of
 * the module's own, until the next one of that thread. A value that GETENV gives is good for ever.
 *
 *   TIMEOUT n         after n hundredths of a second a PTYPE_RESPONSE comes with the session that this returns
 *   REG               own address as `:hex`
 *   REG .name         names the service; returns the name, NULL if it is taken
 *   QUERY .name       the address as `:hex`, or NULL
 *   NAME .name :hex   names another service
 *   LAUNCH m args     starts a service of a module; its address as `:hex`, or NULL (the log says why)
 *   EXIT              ends this service when its callback has returned
 *   KILL :hex|.name   ends another one
 *   GETENV key        a variable of the node, or NULL
 *   SETENV key value  sets one that has no value yet
 *   STARTTIME         when the node started, in seconds since 1970
 *   MONITOR [addr]    the service that is told of deaths; names it
 *   STAT what         mqlen, message, cpu, time, endless; on a thread of the module's own NULL
 *   SIGNAL addr n     calls the signal function of a service
 *   LOGON addr        writes the messages of a service to a file; LOGOFF ends that
 *   ABORT             ends all services */
const char *skynet_command(struct skynet_context *ctx, const char *cmd, const char *param);

/* The address behind `:hex` or `.name`; 0 if there is none. Global names are not looked up: those are for skynet_sendname. */
uint32_t skynet_queryname(struct skynet_context *ctx, const char *name);

/* Writes a line to the log, formatted as by printf. `ctx` may be NULL: then the line is the node's own. The format "%*s" alone takes an
 * int and a pointer, and writes so many bytes, whatever they are. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void skynet_error(struct skynet_context *ctx, const char *format, ...);

/* Whether an address belongs to another node: 1 or 0. Unless `harbor` is NULL it gets the harbor id in the address. */
int skynet_isremote(struct skynet_context *ctx, uint32_t handle, int *harbor);

/* The service that the calling thread runs; 0 if it runs none. */
uint32_t skynet_current_handle(void);

/* The time of the node, in hundredths of a second. */
uint64_t skynet_now(void);

/* Writes `info` and the current service to the standard error. Memory is not counted by service. */
void skynet_debug_memory(const char *info);

/* When the node started, in seconds since 1970. */
uint32_t skynet_starttime(void);

/* A variable of the node; NULL if it is not set. The text is good for ever: variables do not change. */
const char *skynet_getenv(const char *key);

/* Sets a variable that has no value yet. For one that has, nothing happens but a line in the log. */
void skynet_setenv(const char *key, const char *value);

/* The service with a local name, written without its dot; 0 if there is none. */
uint32_t skynet_handle_findname(const char *name);

/* Makes a service the harbor service: what is for other nodes and for global names comes to it, as PTYPE_SYSTEM, with the sender's
 * session and source. It does not count as alive: the node ends without it. */
void skynet_harbor_start(struct skynet_context *ctx);

/* What the harbor service gets. It frees `message`. */
struct remote_name {
	/* A global name, filled up with NULs; none of them if it has 16 bytes. */
	char name[16];
	/* The address; 0 if it is the name that counts. */
	uint32_t handle;
};

struct remote_message {
	struct remote_name destination;
	/* The content. */
	const void *message;
	size_t sz;
	/* The kind of the message inside. */
	int type;
};

/* The allocator for Lua states: size 0 frees, NULL makes a new block. */
void *skynet_lalloc(void *ptr, size_t osize, size_t nsize);

#ifdef __cplusplus
}
#endif

#endif
