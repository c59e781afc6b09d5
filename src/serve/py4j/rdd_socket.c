/* serve/py4j/rdd_socket.c -- one-time sockets: opened, shown to Python, served by a thread each, closed. */
#include "serve/py4j/rdd_socket.h"

#include "serve/py4j/throwable.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/files.h"
#include "sys/sockets.h"

typedef struct server_object {
    vonk__j_object head;
    vonk__j_channel *channel;
    vonk__j_context *context; /* keeps the engine's lock */
} server_object;

/* ---- life */

void vonk__j_channel_unref(vonk__j_channel *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1) return;
    vonk_error_reset(&c->error);
    vonk__j_unref(&c->result);
    vonk_free(c);
}

static void remove_path(vonk__j_channel *c)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    if (!c->path[0]) return;
    if (vonk_file_remove(vonk_str_of(c->path), NULL, &err) != VONK_OK)
        vonk_log(VONK_LOG_DEBUG, "rdd_socket", "%s", vonk_error_message(&err));
    c->path[0] = 0;
}

static vonk_status listen_there(vonk__j_channel *c, vonk_error *err)
{
    uint8_t bytes[32];
    if (c->engine->by_unix_sockets) {
        char name[37];
        vonk_random_uuid(name);
        vonk_format(c->path, sizeof c->path, "%s/.%s.sock", c->engine->socket_folder, name);
        return vonk_socket_listen_unix(vonk_str_of(c->path), &c->listener, err);
    }
    vonk_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) vonk_format(c->secret + 2 * i, 3, "%02x", bytes[i]);
    return vonk_socket_listen(VONK_STR("127.0.0.1"), 0, &c->listener, &c->port, err);
}

/* ---- the connection */

static bool same_text(const char *given, const char *secret, size_t n)
{
    unsigned differs = 0;
    for (size_t i = 0; i < n; i++) differs |= (unsigned)(given[i] ^ secret[i]);
    return !differs;
}

/* Framed secret, framed "ok". */
static vonk_status check_secret(vonk__j_channel *c, vonk_error *err)
{
    char text[sizeof c->secret];
    const int32_t want = (int32_t)strlen(c->secret);
    int32_t n = 0;
    if (c->path[0]) return VONK_OK;
    VONK_TRY(vonk__j_channel_read_i32(c, &n, err));
    if (n == want) VONK_TRY(vonk__j_channel_read(c, text, (size_t)n, err));
    const bool good = n == want && same_text(text, c->secret, (size_t)n);
    const vonk_str answer = good ? VONK_STR("\0\0\0\2ok") : VONK_STR("\0\0\0\3err");
    VONK_TRY(vonk__j_channel_write(c, answer, err));
    return good ? VONK_OK : VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a connection showed a wrong secret");
}

static vonk_status take_connection(vonk__j_channel *c, vonk_error *err)
{
    int fd = -1;
    const int64_t until = vonk_clock_mono_ns() + c->engine->socket_timeout_ns;
    while (fd < 0) {
        const int64_t left = until - vonk_clock_mono_ns();
        if (left <= 0 || !vonk_socket_wait_readable(c->listener, left))
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "Python did not connect to take the result");
        VONK_TRY(vonk_socket_accept(c->listener, &fd, NULL, err));
        VONK_LOCKED(&c->engine->lock);
        if (c->is_cut) {
            vonk_socket_close(fd);
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the SparkContext was stopped");
        }
        c->fd = fd;
    }
    return VONK_OK;
}

static vonk_status serve(vonk__j_channel *c, vonk_error *err)
{
    VONK_TRY(take_connection(c, err));
    VONK_TRY(check_secret(c, err));
    const vonk_status status = c->talk(c, c->arg, err);
    /* Python takes the end of a stream for the end of a result: what is not whole must not look like that. */
    if (status != VONK_OK) vonk_socket_break(c->fd);
    c->is_broken = status != VONK_OK;
    return status;
}

/* Python may not have read all of it: the end is said, and its own end waited for, a while. */
static void say_goodbye(const vonk__j_channel *c)
{
    char bytes[256];
    vonk_io io = VONK_IO_DONE;
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    if (c->fd < 0 || c->is_broken) return;
    vonk_socket_shutdown_send(c->fd);
    for (size_t n = 0; io == VONK_IO_DONE && vonk_socket_wait_readable(c->fd, 50 * VONK_NS_PER_MS);)
        if (vonk_socket_read(c->fd, bytes, sizeof bytes, &n, &io, &err) != VONK_OK) return;
}

static void run(void *self)
{
    vonk__j_channel *c = self;
    vonk__j_engine *e = c->engine;
    c->status = serve(c, &c->error);
    if (c->status != VONK_OK) { /* Python knows only that it broke off: here it is said why */
        const bool is_ours = c->is_broken && c->status != VONK_E_INTERNAL_ERROR_NETWORK;
        vonk_log(is_ours ? VONK_LOG_WARN : VONK_LOG_DEBUG, "rdd_socket", "%s", vonk_error_message(&c->error));
    }
    c->done(c->arg);
    say_goodbye(c);
    remove_path(c);
    VONK_LOCKED(&e->lock);
    vonk_socket_close(c->fd);
    vonk_socket_close(c->listener);
    c->fd = c->listener = -1;
    c->is_over = true;
    e->n_users--;
    vonk_cond_broadcast(&e->changed);
}

static vonk_status open_channel(vonk__j_engine *e, vonk__j_channel *c, vonk_error *err)
{
    VONK_TRY(listen_there(c, err));
    VONK_LOCKED(&e->lock);
    VONK_TRY(vonk_thread_start(e->machine->budget, "rdd socket", VONK_STACK_ENGINE, run, c, &c->thread, err));
    e->n_users++;
    c->next = e->channels;
    e->channels = c;
    atomic_fetch_add(&c->refs, 1);
    return VONK_OK;
}

vonk_status vonk__j_channel_open(vonk__j_engine *e,
                                 vonk_status (*talk)(vonk__j_channel *channel, void *arg, vonk_error *err),
                                 void (*done)(void *arg), void *take_arg, vonk__j_channel **ret, vonk_error *err)
{
    vonk__j_channel *c = NULL;
    vonk__j_channels_join(e, false);
    vonk_status status = VONK_NEW(e->machine->budget, &c, err);
    if (status != VONK_OK) {
        done(take_arg);
        return status;
    }
    atomic_store(&c->refs, 1);
    c->engine = e;
    c->listener = c->fd = -1;
    c->talk = talk;
    c->done = done;
    c->arg = take_arg;
    c->result = VONK__J_NOTHING;
    status = open_channel(e, c, err);
    if (status == VONK_OK) {
        *ret = c;
        return VONK_OK;
    }
    done(take_arg);
    remove_path(c);
    vonk_socket_close(c->listener);
    vonk__j_channel_unref(c);
    return status;
}

vonk_status vonk__j_channel_wait(vonk__j_channel *c, vonk_error *err)
{
    VONK_LOCKED(&c->engine->lock);
    while (!c->is_over) vonk_cond_wait(&c->engine->changed, &c->engine->lock);
    if (c->status != VONK_OK) vonk_error_copy(err, &c->error);
    return c->status;
}

void vonk__j_channels_cut(vonk__j_engine *e)
{
    VONK_LOCKED(&e->lock);
    for (vonk__j_channel *c = e->channels; c; c = c->next) {
        if (c->is_over || c->is_cut) continue;
        c->is_cut = true;
        vonk_socket_shutdown(c->fd >= 0 ? c->fd : c->listener);
    }
}

void vonk__j_channels_join(vonk__j_engine *e, bool all)
{
    vonk__j_channel *joined = NULL;
    vonk_mutex_lock(&e->lock);
    for (vonk__j_channel **at = &e->channels; *at;) {
        vonk__j_channel *c = *at;
        if (!all && !c->is_over) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = joined;
        joined = c;
    }
    vonk_mutex_unlock(&e->lock);
    while (joined) {
        vonk__j_channel *c = joined;
        joined = c->next;
        vonk_thread_join(c->thread);
        vonk__j_channel_unref(c);
    }
}

/* ---- talking */

vonk_status vonk__j_channel_write(vonk__j_channel *c, vonk_str bytes, vonk_error *err)
{
    return vonk_socket_write_all_wait(c->fd, bytes.data, bytes.len, -1, err);
}
vonk_status vonk__j_channel_write_i32(vonk__j_channel *c, int32_t x, vonk_error *err)
{
    char bytes[4];
    for (int i = 0; i < 4; i++) bytes[i] = (char)((uint32_t)x >> (24 - 8 * i));
    return vonk__j_channel_write(c, (vonk_str){bytes, sizeof bytes}, err);
}
vonk_status vonk__j_channel_read(vonk__j_channel *c, void *into, size_t bytes, vonk_error *err)
{
    return vonk_socket_read_exact_wait(c->fd, into, bytes, -1, err);
}
vonk_status vonk__j_channel_read_i32(vonk__j_channel *c, int32_t *ret, vonk_error *err)
{
    uint8_t bytes[4];
    VONK_TRY(vonk__j_channel_read(c, bytes, sizeof bytes, err));
    *ret = (int32_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3]);
    return VONK_OK;
}

/* ---- as objects */

vonk__j_channel *vonk__j_channel_of(vonk__j_object *object) { return ((server_object *)object)->channel; }

static void server_drop(vonk__j_object *self)
{
    vonk__j_channel *c = ((server_object *)self)->channel;
    ((server_object *)self)->channel = NULL;
    vonk__j_channel_unref(c);
    vonk__j_object_unref(VONK_STEAL(((server_object *)self)->context));
}

vonk_status vonk__j_channel_object(vonk__j_machine *machine, const char *fqn, vonk__j_channel *take_channel,
                                   vonk__j_value *ret, vonk_error *err)
{
    VONK_AUTO(vonk__j_channel_unref) vonk__j_channel *c = take_channel;
    server_object *made = NULL;
    VONK_TRY(vonk__j_object_new(machine, fqn, &made, err));
    made->context = (vonk__j_context *)vonk__j_object_ref(c->engine->context);
    made->channel = VONK_STEAL(c);
    *ret = vonk__j_of(&made->head);
    return VONK_OK;
}

vonk_status vonk__j_channel_address(vonk__j_machine *machine, const vonk__j_channel *c, vonk__j_value *ret_place,
                                    vonk__j_value *ret_secret, vonk_error *err)
{
    if (c->path[0]) return vonk__j_text_value(machine->budget, VONK__J_STRING, vonk_str_of(c->path), ret_place, err);
    *ret_place = vonk__j_i32(c->port);
    return vonk__j_text_value(machine->budget, VONK__J_STRING, vonk_str_of(c->secret), ret_secret, err);
}

vonk_status vonk__j_channel_array(vonk__j_machine *machine, vonk__j_channel *take_channel, vonk__j_value *ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk__j_channel_unref) vonk__j_channel *c = take_channel;
    VONK__J_AUTO vonk__j_array *array = NULL;
    VONK_TRY(vonk__j_array_new(machine, vonk__j_class_named(machine, "java.lang.Object"), 3, &array, err));
    VONK_TRY(vonk__j_channel_address(machine, c, &array->items[0], &array->items[1], err));
    VONK_TRY(vonk__j_channel_object(machine, "org.apache.spark.security.SocketFuncServer", VONK_STEAL(c),
                                    &array->items[2], err));
    *ret = vonk__j_of(&VONK_STEAL(array)->head);
    return VONK_OK;
}

/* Spark's getResult waits for ever, too. */
static vonk_status get_result(vonk__j_call *call, vonk_error *err)
{
    vonk__j_channel *c = vonk__j_channel_of(call->self);
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    if (vonk__j_channel_wait(c, &why) == VONK_OK) return vonk__j_return(call, vonk__j_ref(c->result));
    /* As from a thread's future: pyspark looks for the cause. */
    VONK__J_AUTO vonk__j_object *cause = NULL;
    VONK_TRY(vonk__j_throwable_of(call->machine, &why, &cause, err));
    const vonk_status status =
        vonk__j_throw(call->caller, "org.apache.spark.SparkException", err, "Exception thrown in awaitResult: ");
    if (call->caller->thrown) ((vonk__j_throwable *)call->caller->thrown)->cause = VONK_STEAL(cause);
    return status;
}
static vonk_status get_address(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_unref) vonk__j_value place = VONK__J_NOTHING, secret = VONK__J_NOTHING;
    VONK_TRY(vonk__j_channel_address(call->machine, vonk__j_channel_of(call->self), &place, &secret, err));
    return vonk__j_return(call, vonk__j_ref(call->member->tag ? secret : place));
}

static const vonk__j_member server_members[] = {
    {"getResult", "", "Object", get_result, VONK__J_METHOD, 0},
    {"connInfo", "", "Object", get_address, VONK__J_METHOD, 0},
    {"secret", "", "String", get_address, VONK__J_METHOD, 1},
};
static const vonk__j_row rows[] = {
    {.fqn = "org.apache.spark.security.SocketAuthServer",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(server_members),
     .size = sizeof(server_object),
     .drop = server_drop},
    {.fqn = "org.apache.spark.security.SocketFuncServer",
     .super = "org.apache.spark.security.SocketAuthServer",
     .flags = VONK__J_ABSTRACT},
};
const vonk__j_area vonk__j_area_rdd_socket = {rows, VONK_COUNTOF(rows)};

/* ---- what was gathered */

vonk_status vonk__j_gathered_new(vonk__j_engine *e, vonk__j_gathered **ret, vonk_error *err)
{
    VONK_AUTO(vonk__j_gathered_free) vonk__j_gathered *g = NULL;
    const vonk_storage_level level = {.memory = true, .disk = true, .replication = 1};
    VONK_TRY(VONK_NEW(e->machine->budget, &g, err));
    g->engine = vonk__j_engine_hold(e);
    g->id = (vonk_block_id){.kind = VONK_BLOCK_FRAME, .a = vonk_block_store_name(e->store)};
    VONK_TRY(vonk_block_writer_new(e->store, g->id, level, &g->writer, err));
    *ret = VONK_STEAL(g);
    return VONK_OK;
}

static vonk_status gather(void *self, uint32_t index, vonk_str bytes, vonk_error *err)
{
    (void)index;
    return vonk_block_write(((vonk__j_gathered *)self)->writer, bytes.data, bytes.len, err);
}
vonk_receiver vonk__j_gathered_receiver(vonk__j_gathered *g) { return (vonk_receiver){.self = g, .result = gather}; }

vonk_status vonk__j_gathered_end(vonk__j_gathered *g, vonk_error *err)
{
    bool kept = false;
    VONK_TRY(vonk_block_commit(VONK_STEAL(g->writer), 0, &kept, err));
    return kept ? VONK_OK : VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a result fits nowhere");
}

vonk_status vonk__j_gathered_send(vonk__j_gathered *g, vonk__j_channel *channel, vonk_error *err)
{
    VONK_AUTO(vonk_block_close) vonk_block_reader *r = NULL;
    VONK_TRY(vonk_block_open(g->engine->store, g->id, &r, err));
    if (!r) return VONK_FAIL(err, VONK_E_BLOCK_LOST, "block", "of a result");
    for (vonk_str piece;;) {
        VONK_TRY(vonk_block_read(r, &piece, err));
        if (!piece.len) return VONK_OK;
        VONK_TRY(vonk__j_channel_write(channel, piece, err));
    }
}

void vonk__j_gathered_free(vonk__j_gathered *g)
{
    if (!g) return;
    vonk__j_engine *e = g->engine;
    vonk_block_writer_free(g->writer);
    vonk_block_drop(e->store, g->id);
    vonk_free(g);
    vonk__j_engine_leave(e);
}

static vonk_status send_all(vonk__j_channel *channel, void *arg, vonk_error *err)
{
    return vonk__j_gathered_send(arg, channel, err);
}
static void send_done(void *arg) { vonk__j_gathered_free(arg); }

vonk_status vonk__j_serve_gathered(vonk__j_call *call, vonk__j_gathered *g, vonk_error *err)
{
    vonk__j_channel *channel = NULL;
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_hold(g->engine);
    VONK_TRY(vonk__j_channel_open(e, send_all, send_done, g, &channel, err));
    return vonk__j_channel_array(call->machine, channel, &call->result, err);
}
