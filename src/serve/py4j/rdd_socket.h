/* serve/py4j/rdd_socket.h -- one-time sockets over which bytes go between Python and the engine: what was collected, what
 * is iterated over, what is sent here. Each has a thread of its own, takes one connection, and wants its secret first
 * (a Unix socket in a folder of this user needs none). */
#ifndef VONK_SERVE_PY4J_RDD_SOCKET_H
#define VONK_SERVE_PY4J_RDD_SOCKET_H

#include "serve/py4j/rdd_engine.h"

struct vonk__j_channel {
    vonk__j_channel *next;
    _Atomic uint32_t refs;
    vonk__j_engine *engine;
    vonk_thread *thread;
    int listener, fd; /* under the engine's lock once the thread runs, as are `is_cut` and `is_over` */
    uint16_t port;
    char secret[65];
    char path[108]; /* of a Unix socket; empty: TCP */
    bool is_cut, is_over;
    bool is_broken; /* its own thread's: the talk did not come to its end */
    /* What is said once Python is connected; then, whatever happened, `done` of what that needs. Both on the thread. */
    vonk_status (*talk)(vonk__j_channel *channel, void *arg, vonk_error *err);
    void (*done)(void *arg);
    void *arg;
    vonk_error error; /* after is_over */
    vonk_status status;
    vonk__j_value result; /* of getResult; may be set by talk */
};

/* Listens, and starts its thread; the caller holds the engine. arg is taken, also on failure. */
vonk_status vonk__j_channel_open(vonk__j_engine *engine,
                                 vonk_status (*talk)(vonk__j_channel *channel, void *arg, vonk_error *err),
                                 void (*done)(void *arg), void *take_arg, vonk__j_channel **ret, vonk_error *err);
void vonk__j_channel_unref(vonk__j_channel *channel);
VONK_DEFINE_AUTO(vonk__j_channel, vonk__j_channel_unref)
/* Until it is over; raises what its thread raised. */
vonk_status vonk__j_channel_wait(vonk__j_channel *channel, vonk_error *err);
/* [port or path, secret or null, server], as pyspark reads it. The channel is taken. */
vonk_status vonk__j_channel_array(vonk__j_machine *machine, vonk__j_channel *take_channel, vonk__j_value *ret,
                                  vonk_error *err);
vonk_status vonk__j_channel_object(vonk__j_machine *machine, const char *fqn, vonk__j_channel *take_channel,
                                   vonk__j_value *ret, vonk_error *err);
vonk__j_channel *vonk__j_channel_of(vonk__j_object *object); /* borrowed */
vonk_status vonk__j_channel_address(vonk__j_machine *machine, const vonk__j_channel *channel, vonk__j_value *ret_place,
                                    vonk__j_value *ret_secret, vonk_error *err);

/* For talk: all of it, as long as it takes. */
vonk_status vonk__j_channel_write(vonk__j_channel *channel, vonk_str bytes, vonk_error *err);
vonk_status vonk__j_channel_write_i32(vonk__j_channel *channel, int32_t x, vonk_error *err);
vonk_status vonk__j_channel_read(vonk__j_channel *channel, void *into, size_t bytes, vonk_error *err);
vonk_status vonk__j_channel_read_i32(vonk__j_channel *channel, int32_t *ret, vonk_error *err);

/* What jobs give, as a block that may go to disk. */
typedef struct vonk__j_gathered {
    vonk__j_engine *engine; /* held */
    vonk_block_id id;
    vonk_block_writer *writer;
} vonk__j_gathered;
vonk_status vonk__j_gathered_new(vonk__j_engine *engine, vonk__j_gathered **ret, vonk_error *err);
vonk_receiver vonk__j_gathered_receiver(vonk__j_gathered *g);
vonk_status vonk__j_gathered_end(vonk__j_gathered *g, vonk_error *err); /* no more comes: it can be sent */
vonk_status vonk__j_gathered_send(vonk__j_gathered *g, vonk__j_channel *channel, vonk_error *err);
void vonk__j_gathered_free(vonk__j_gathered *g);
VONK_DEFINE_AUTO(vonk__j_gathered, vonk__j_gathered_free)
/* Answers the call with a channel that sends it; taken, also on failure. */
vonk_status vonk__j_serve_gathered(vonk__j_call *call, vonk__j_gathered *take_gathered, vonk_error *err);

/* Stopping: all are closed, so that their threads end; then joined. */
void vonk__j_channels_cut(vonk__j_engine *engine);
void vonk__j_channels_join(vonk__j_engine *engine, bool all);

#endif
