/* session/embed.c -- include/vonk/vonk.h: a session behind plain C calls and an Arrow stream. */
#include "session/embed.h"

#include <errno.h>
#include <stdatomic.h>

#include "column/arrow.h"
#include "session/session.h"

struct vonk_context {
    vonk_engine *engine;
    vonk_session *session;
    vonk_error error; /* of the last call */
};

/* Arrays may outlive the stream that they came from: their memory is the query's, so each holds the stream. */
typedef struct stream {
    _Atomic int64_t refs;
    vonk_query *query;
    vonk_arrow_options options;
    char time_zone[128];
    vonk_error error;
} stream;

static int failed(const vonk_error *err, vonk_failure *ret)
{
    if (ret) *ret = (vonk_failure){vonk_error_condition(err), vonk_error_sqlstate(err), vonk_error_message(err)};
    return -1;
}

/* ---- context */
static vonk_status open_context(const vonk_context_options *o, vonk_context *context, vonk_error *err)
{
    const vonk_engine_options options = {.memory_bytes = o->memory_bytes,
                                         .n_threads = o->n_threads,
                                         .spill_dir = vonk_str_of(o->spill_dir),
                                         .warehouse_dir = vonk_str_of(o->warehouse_dir)};

    VONK_TRY(vonk_engine_new(&options, &context->engine, err));
    return vonk_session_new(context->engine, VONK_STR("embedded"), &context->session, err);
}

VONK_EXPORT int vonk_context_open(const vonk_context_options *options, vonk_context **ret, vonk_failure *ret_failure)
{
    static _Thread_local vonk_error kept; /* a context that was not made cannot hold its error */
    static const vonk_context_options none = {0};
    vonk_context *context = NULL;

    vonk_error_reset(&kept);
    if (VONK_NEW(vonk_budget_root(), &context, &kept) != VONK_OK) return failed(&kept, ret_failure);
    if (open_context(options ? options : &none, context, &kept) != VONK_OK) {
        vonk_context_close(context);
        return failed(&kept, ret_failure);
    }
    *ret = context;
    return 0;
}

VONK_EXPORT void vonk_context_close(vonk_context *context)
{
    if (!context) return;
    vonk_session_unref(context->session);
    vonk_engine_free(context->engine);
    vonk_error_reset(&context->error);
    vonk_free(context);
}

VONK_EXPORT int vonk_context_set(vonk_context *context, const char *key, const char *value, vonk_failure *ret_failure)
{
    vonk_error_reset(&context->error);
    return vonk_session_set(context->session, vonk_str_of(key), vonk_str_of(value), &context->error) == VONK_OK
               ? 0
               : failed(&context->error, ret_failure);
}

/* ---- stream */
static int stream_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    stream *own = s->private_data;

    vonk_error_reset(&own->error);
    return vonk_arrow_export_schema(vonk_query_schema(own->query), &own->options, out, &own->error) == VONK_OK ? 0
                                                                                                               : EIO;
}

static int stream_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    stream *own = s->private_data;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;

    vonk_error_reset(&own->error);
    *out = (struct ArrowArray){0};
    if (vonk_query_next(own->query, &batch, &own->error) != VONK_OK) return EIO;
    if (!batch) return 0; /* a released array ends the stream */
    return vonk_arrow_export_batch(batch, vonk_query_schema(own->query), &own->options, out, &own->error) == VONK_OK
               ? 0
               : EIO;
}

static const char *stream_error(struct ArrowArrayStream *s)
{
    const stream *own = s->private_data;

    return own->error.cls == VONK_OK ? NULL : vonk_error_message(&own->error);
}

static void hold(void *owner) { atomic_fetch_add_explicit(&((stream *)owner)->refs, 1, memory_order_relaxed); }

static void drop(void *owner)
{
    stream *own = owner;

    if (atomic_fetch_sub_explicit(&own->refs, 1, memory_order_acq_rel) != 1) return;
    vonk_query_free(own->query);
    vonk_error_reset(&own->error);
    vonk_free(own);
}

static void stream_release(struct ArrowArrayStream *s)
{
    stream *own = s->private_data;

    vonk_query_cancel(own->query);
    s->release = NULL;
    drop(own);
}

static vonk_status start(vonk_context *context, vonk_str sql, stream *own, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk_conf_unref) const vonk_conf *conf = NULL;

    VONK_TRY(vonk_session_parse(context->session, sql, &plan, err));
    VONK_TRY(vonk_session_execute(context->session, plan, &own->query, err));
    conf = vonk_session_conf(context->session);
    const vonk_str zone = vonk_conf_get(conf, "spark.sql.session.timeZone");
    vonk_format(own->time_zone, sizeof own->time_zone, "%.*s", VONK_STR_ARGS(zone));
    own->options =
        (vonk_arrow_options){.timezone = vonk_str_of(own->time_zone), .hold = hold, .drop = drop, .owner = own};
    own->refs = 1;
    return VONK_OK;
}

VONK_EXPORT int vonk_context_sql(vonk_context *context, const char *sql, struct ArrowArrayStream *ret_stream,
                                 vonk_failure *ret_failure)
{
    stream *own = NULL;

    vonk_error_reset(&context->error);
    if (VONK_NEW(vonk_budget_root(), &own, &context->error) != VONK_OK) return failed(&context->error, ret_failure);
    if (start(context, vonk_str_of(sql), own, &context->error) != VONK_OK) {
        vonk_free(own);
        return failed(&context->error, ret_failure);
    }
    *ret_stream = (struct ArrowArrayStream){.get_schema = stream_schema,
                                            .get_next = stream_next,
                                            .get_last_error = stream_error,
                                            .release = stream_release,
                                            .private_data = own};
    return 0;
}
