/* serve/py4j/rdd_encrypt.c -- what Python does not write to a disk itself: with spark.io.encryption.enabled lists and
 * broadcast values come and go over sockets. Lists become blocks, which are encrypted on disk; broadcast values stay in
 * memory, where workers read them. */
#include "serve/py4j/rdd_classes.h"
#include "serve/py4j/rdd_socket.h"

#define PYTHON "org.apache.spark.api.python."

/* Chunks with their lengths, until -1. */
static vonk_status receive(vonk__j_channel *channel, vonk_file *file, vonk_error *err)
{
    enum { MOST_CHUNK = 64 << 20 };
    VONK_AUTO(vonk_buf_done) vonk_buf chunk = {0};
    vonk_buf_init(&chunk, channel->engine->machine->budget, MOST_CHUNK);
    for (int32_t n = 0;;) {
        char *to = NULL;
        VONK_TRY(vonk__j_channel_read_i32(channel, &n, err));
        if (n == -1) return VONK_OK;
        if (n < 0) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a chunk has no such length");
        vonk_buf_reset(&chunk);
        VONK_TRY(vonk_buf_extend(&chunk, (size_t)n, &to, err));
        if (!n) continue;
        VONK_TRY(vonk__j_channel_read(channel, to, (size_t)n, err));
        VONK_TRY(vonk_file_write(file, to, (size_t)n, err));
    }
}

/* ---- PythonParallelizeServer */

typedef struct incoming {
    vonk__j_context *context; /* referenced */
    vonk_file *file;
    uint32_t n_partitions;
} incoming;

static void incoming_done(void *arg)
{
    incoming *in = arg;
    vonk_file_free(in->file);
    vonk__j_object_unref(in->context);
    vonk_free(in);
}
static vonk_status take_list(vonk__j_channel *channel, void *arg, vonk_error *err)
{
    incoming *in = arg;
    vonk_rdd *rdd = NULL;
    VONK_TRY(receive(channel, in->file, err));
    VONK_TRY(vonk_rdd_parallelize_file(channel->engine->rdds, vonk_file_path(in->file), in->n_partitions, &rdd, err));
    return vonk__j_rdd_object(in->context, rdd, &channel->result, err);
}
static vonk_status parallelize_new(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    vonk__j_channel *channel = NULL;
    incoming *in = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    if (call->args[1].i <= 0)
        return vonk__j_throw(call->caller, "java.lang.IllegalArgumentException", err,
                             "Positive number of partitions required");
    vonk__j_context *context = vonk__j_context_of(call->args[0].object);
    VONK_TRY(vonk__j_engine_use(call->caller, context, &e, err));
    VONK_TRY(VONK_NEW(call->machine->budget, &in, err));
    in->context = (vonk__j_context *)vonk__j_object_ref(context);
    in->n_partitions = (uint32_t)call->args[1].i;
    const vonk_status status = vonk_file_open_memory(call->machine->budget, &in->file, err);
    if (status != VONK_OK) {
        incoming_done(in);
        return status;
    }
    VONK_TRY(vonk__j_channel_open(e, take_list, incoming_done, in, &channel, err));
    return vonk__j_channel_object(call->machine, call->cls->row.fqn, channel, &call->result, err);
}

/* ---- PythonBroadcast */

static void broadcast_drop(vonk__j_object *self)
{
    vonk__j_python_broadcast *b = (vonk__j_python_broadcast *)self;
    vonk__j_unref(&b->path);
    vonk__j_channel_unref(VONK_STEAL(b->channel));
    vonk_file_free(VONK_STEAL(b->file));
    vonk__j_object_unref(VONK_STEAL(b->context));
}
static vonk_status setup(vonk__j_call *call, vonk_error *err)
{
    vonk__j_python_broadcast *made = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_object_new(call->machine, PYTHON "PythonBroadcast", &made, err));
    made->path = vonk__j_ref(call->args[0]);
    return vonk__j_return(call, vonk__j_of(&made->head));
}

static void let_go(void *arg) { vonk__j_object_unref(arg); }
static vonk_status take_value(vonk__j_channel *channel, void *arg, vonk_error *err)
{
    return receive(channel, ((vonk__j_python_broadcast *)arg)->file, err);
}
static vonk_status send_value(vonk__j_channel *channel, void *arg, vonk_error *err)
{
    enum { PIECE = 1 << 20 };
    vonk_file *file = ((vonk__j_python_broadcast *)arg)->file;
    VONK_AUTO(vonk_buf_done) vonk_buf piece = {0};
    char *to = NULL;
    size_t got = 1;
    vonk_buf_init(&piece, channel->engine->machine->budget, PIECE);
    VONK_TRY(vonk_buf_extend(&piece, PIECE, &to, err));
    for (int64_t at = 0; got; at += (int64_t)got) {
        VONK_TRY(vonk_file_read_at(file, at, to, PIECE, &got, err));
        if (got) VONK_TRY(vonk__j_channel_write(channel, (vonk_str){to, got}, err));
    }
    return VONK_OK;
}

/* [port or path, secret]; what was said before is over by now. */
static vonk_status open_server(vonk__j_call *call, vonk_error *err)
{
    vonk__j_python_broadcast *b = (vonk__j_python_broadcast *)call->self;
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    VONK__J_AUTO vonk__j_array *array = NULL;
    const bool is_sending = call->member->tag;
    if (!b->context) b->context = vonk__j_active_context(call->machine);
    if (!b->context || is_sending != (b->file != NULL))
        return vonk__j_throw(call->caller, "java.lang.IllegalStateException", err,
                             "no SparkContext, or no value to send");
    VONK_TRY(vonk__j_engine_use(call->caller, b->context, &e, err));
    if (!b->file) VONK_TRY(vonk_file_open_memory(call->machine->budget, &b->file, err));
    vonk__j_channel_unref(VONK_STEAL(b->channel));
    VONK_TRY(
        vonk__j_channel_open(e, is_sending ? send_value : take_value, let_go, vonk__j_object_ref(b), &b->channel, err));
    VONK_TRY(vonk__j_array_new(call->machine, vonk__j_class_named(call->machine, "java.lang.Object"), 2, &array, err));
    VONK_TRY(vonk__j_channel_address(call->machine, b->channel, &array->items[0], &array->items[1], err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(array)->head));
}

/* Received: all of it is here. Sent: Python reads it after this, so there is nothing to wait for. */
static vonk_status await_server(vonk__j_call *call, vonk_error *err)
{
    const vonk__j_python_broadcast *b = (vonk__j_python_broadcast *)call->self;
    return b->channel && !call->member->tag ? vonk__j_channel_wait(b->channel, err) : VONK_OK;
}

/* ---- rows */

#define METHOD(name, args, result, function, tag) {name, args, result, function, VONK__J_METHOD, tag}
static const vonk__j_member parallelize_members[] = {
    {"new", "org.apache.spark.SparkContext, int", "", parallelize_new, VONK__J_CONSTRUCTOR, 0},
};
static const vonk__j_member broadcast_members[] = {
    METHOD("setupEncryptionServer", "", "Object[]", open_server, 0),
    METHOD("setupDecryptionServer", "", "Object[]", open_server, 1),
    METHOD("waitTillDataReceived", "", "void", await_server, 0),
    METHOD("waitTillBroadcastDataSent", "", "void", await_server, 1),
};
static const vonk__j_member statics[] = {
    {"setupBroadcast", "String", PYTHON "PythonBroadcast", setup, VONK__J_STATIC, 0},
};
static const vonk__j_row rows[] = {
    {.fqn = PYTHON "PythonParallelizeServer",
     .super = "org.apache.spark.security.SocketAuthServer",
     VONK__J_MEMBERS(parallelize_members)},
    {.fqn = PYTHON "PythonBroadcast",
     .interfaces = "java.io.Serializable",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(broadcast_members),
     .size = sizeof(vonk__j_python_broadcast),
     .drop = broadcast_drop},
    {.fqn = PYTHON "PythonRDD$Broadcasts", .flags = VONK__J_INTERFACE, VONK__J_MEMBERS(statics)},
};
const vonk__j_area vonk__j_area_rdd_encrypt = {rows, VONK_COUNTOF(rows)};
