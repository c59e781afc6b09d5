/* serve/py4j/sql_scan.c -- an RDD of pickled rows as a table (createDataFrame, toDF): a scan's partitions are the
 * RDD's, computed by a job that begins when the first of them is read, and ends with the last scan that reads.
 *
 * Readers run on threads of queries, which must not wait: one whose partition is not there yet is woken when it is.
 * What was computed stays in blocks, which spill, as long as the table; partitions that nobody has waited for are
 * computed when somebody does. */
#include "serve/py4j/rdd_classes.h"
#include "serve/py4j/sql.h"
#include "sys/thread.h"

typedef struct rdd_table rdd_table;

typedef struct rdd_reader {
    vonk_reader base;
    vonk_scan *scan; /* referenced */
    vonk_budget *budget;
    uint32_t partition, piece, batch_rows;
    /* of the batch that is made */
    vonk_builder builder;
    vonk_arena *arena; /* of a pickle */
    uint32_t n_rows;
    vonk_error why; /* its partition has failed */
    /* under the table's lock: who is to be woken */
    void (*wake)(void *arg);
    void *wake_arg;
    struct rdd_reader *next;
} rdd_reader;

struct rdd_table {
    vonk_table base;
    vonk__j_context *context; /* referenced */
    vonk_budget *budget;
    vonk_rdd *tap;
    int64_t list_bytes;  /* of a list that createDataFrame has cut; -1: of something else */
    vonk_mutex lock;     /* of what follows */
    vonk_thread *thread; /* waits for the job; NULL: none was started yet */
    vonk_job_run *job;   /* NULL: none runs now */
    bool is_running, is_unwanted;
    bool one_by_one; /* a job over all has failed: whose fault it was shows when each runs alone */
    uint32_t n_scans;
    vonk_error why; /* of why_partition; kept until nobody scans */
    uint32_t why_partition;
    rdd_reader *waiting;
};

typedef struct rdd_scan {
    vonk_scan base;
    uint32_t *columns, n_columns;
} rdd_scan;

static rdd_table *table_of(const rdd_reader *r) { return (rdd_table *)r->scan->table; }

/* ---- the job */

/* Lock held. Are the reader's rows there, or known to fail? */
static bool is_decided(const rdd_table *t, rdd_reader *r)
{
    if (vonk_rdd_tap_has(t->tap, r->partition) || r->why.cls != VONK_OK) return true;
    if (t->why.cls == VONK_OK || t->why_partition != r->partition) return false;
    vonk_error_copy(&r->why, &t->why);
    return true;
}

/* Lock held. *ret: the lowest partition that somebody still waits for; UINT32_MAX: none. */
static void wake_decided(rdd_table *t, uint32_t *ret)
{
    *ret = UINT32_MAX;
    for (rdd_reader **link = &t->waiting; *link;) {
        rdd_reader *r = *link;
        if (!is_decided(t, r)) {
            if (r->partition < *ret) *ret = r->partition;
            link = &r->next;
            continue;
        }
        *link = r->next;
        r->next = NULL;
        void (*wake)(void *) = r->wake;
        r->wake = NULL;
        wake(r->wake_arg);
    }
}

static vonk_status on_partition(void *self, uint32_t index, vonk_str bytes, vonk_error *err)
{
    rdd_table *t = self;
    uint32_t next;
    (void)index;
    (void)bytes;
    (void)err;
    VONK_LOCKED(&t->lock);
    wake_decided(t, &next);
    return VONK_OK;
}

static vonk_status stopped(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the SparkContext of this RDD has been stopped");
}

/* Of one partition, or (NULL) of all. */
static vonk_status run_job(rdd_table *t, const uint32_t *partition, vonk_error *err)
{
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_try(t->context);
    vonk_job_run *job = NULL;
    bool ended = false;
    if (!e) return stopped(err);
    VONK_TRY(vonk_rdd_tap_start(t->tap, partition, 1, (vonk_receiver){.self = t, .result = on_partition}, &job, err));
    vonk_mutex_lock(&t->lock);
    t->job = job;
    if (t->is_unwanted) vonk_job_cancel(job, VONK_STR("nobody reads its rows any more"));
    vonk_mutex_unlock(&t->lock);
    const vonk_status st = vonk_job_wait(job, -1, &ended, err);
    vonk_mutex_lock(&t->lock);
    t->job = NULL;
    vonk_mutex_unlock(&t->lock);
    vonk_job_free(job);
    return st;
}

static void run(void *self)
{
    rdd_table *t = self;
    uint32_t next;
    vonk_mutex_lock(&t->lock);
    for (wake_decided(t, &next); next != UINT32_MAX; wake_decided(t, &next)) {
        VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
        const bool one = t->one_by_one;
        t->is_unwanted = false;
        vonk_mutex_unlock(&t->lock);
        const vonk_status st = run_job(t, one ? &next : NULL, &err);
        vonk_mutex_lock(&t->lock);
        if (st == VONK_OK || t->is_unwanted) continue;
        t->one_by_one = true;
        if (!one) continue;
        vonk_error_reset(&t->why);
        vonk_error_move(&t->why, &err);
        t->why_partition = next;
    }
    t->is_running = false;
    vonk_mutex_unlock(&t->lock);
}

/* Lock held. */
static vonk_status start_job(rdd_table *t, vonk_error *err)
{
    if (t->is_running) return VONK_OK;
    vonk_thread_join(VONK_STEAL(t->thread)); /* it is at its end */
    VONK_TRY(vonk_thread_start(t->budget, "vonk-rows", VONK_STACK_ENGINE, run, t, &t->thread, err));
    t->is_running = true;
    return VONK_OK;
}

/* ---- rows out of pickles */

static vonk_status append_pickle(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    rdd_reader *r = self;
    const rdd_table *t = table_of(r);
    const vonk_pickle_options options = {.internal = true};
    const vonk_pickle_value *value = NULL;
    size_t n = 0;
    (void)ret_enough;
    if (record.len < 4 || record.data[0] < 0)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a null in place of rows");
    vonk_arena_reset(r->arena);
    VONK_TRY(vonk_pickle_read(vonk_str_sub(record, 4, record.len), r->arena, &value, &n, err));
    if (value->kind != VONK_PICKLE_LIST) { /* one row, not several */
        r->n_rows++;
        return vonk_pickle_append(value, t->base.schema, &options, &r->builder, err);
    }
    r->n_rows += value->n_items;
    for (uint32_t i = 0; i < value->n_items; i++)
        VONK_TRY(vonk_pickle_append(value->items[i], t->base.schema, &options, &r->builder, err));
    return VONK_OK;
}

/* The wanted fields of the struct column become the batch's columns. */
static vonk_status finish_batch(rdd_reader *r, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    const rdd_scan *s = (const rdd_scan *)r->scan;
    vonk_column **columns = NULL;
    VONK_TRY(vonk_builder_finish(&r->builder, &column, err));
    VONK_TRY(vonk_alloc_array(r->budget, s->n_columns + 1, sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < s->n_columns; i++) columns[i] = column->children[s->columns[i]];
    const vonk_status st = vonk_batch_new(r->budget, r->n_rows, columns, s->n_columns, ret, err);
    vonk_free(columns);
    return st;
}

/* As many pieces as make a batch. */
static vonk_status append_pieces(rdd_reader *r, vonk_error *err)
{
    rdd_table *t = table_of(r);
    vonk_rdd_sink sink = {.self = r, .put = append_pickle};
    while (!r->base.is_over && r->n_rows < r->batch_rows && vonk_rdd_tap_has(t->tap, r->partition)) {
        bool more = true;
        VONK_TRY(vonk_rdd_tap_read(t->tap, r->partition, r->piece++, r->budget, &sink, &more, err));
        r->base.is_over = !more;
    }
    return VONK_OK;
}

/* *ret NULL: the end, or the partition is not there yet. */
static vonk_status reader_next(vonk_reader *reader, vonk_batch **ret, vonk_error *err)
{
    rdd_reader *r = (rdd_reader *)reader;
    rdd_table *t = table_of(r);
    *ret = NULL;
    if (r->base.is_over) return VONK_OK;
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = vonk__j_engine_try(t->context);
    if (!e) return stopped(err);
    r->n_rows = 0;
    VONK_TRY(vonk_builder_init(&r->builder, r->budget, t->base.schema, 0, err));
    vonk_status st = append_pieces(r, err);
    if (st == VONK_OK && r->n_rows) st = finish_batch(r, ret, err);
    vonk_builder_done(&r->builder);
    if (st != VONK_OK || *ret || r->base.is_over) return st;
    VONK_LOCKED(&t->lock);
    if (!is_decided(t, r) || r->why.cls == VONK_OK) return VONK_OK;
    vonk_error_copy(err, &r->why);
    return r->why.cls;
}

/* ---- waiting */

static bool reader_ready(vonk_reader *reader)
{
    rdd_reader *r = (rdd_reader *)reader;
    rdd_table *t = table_of(r);
    if (r->base.is_over) return true;
    VONK_LOCKED(&t->lock);
    return is_decided(t, r);
}

static vonk_status reader_watch(vonk_reader *reader, void (*wake)(void *), void *arg, vonk_error *err)
{
    rdd_reader *r = (rdd_reader *)reader;
    rdd_table *t = table_of(r);
    VONK_LOCKED(&t->lock);
    if (is_decided(t, r)) {
        wake(arg);
        return VONK_OK;
    }
    VONK_TRY(start_job(t, err)); /* it looks at those who wait when we have let go of the lock */
    r->wake = wake;
    r->wake_arg = arg;
    r->next = t->waiting;
    t->waiting = r;
    return VONK_OK;
}

static void reader_free(vonk_reader *reader)
{
    rdd_reader *r = (rdd_reader *)reader;
    rdd_table *t = table_of(r);
    vonk_mutex_lock(&t->lock);
    for (rdd_reader **link = &t->waiting; r->wake && *link; link = &(*link)->next)
        if (*link == r) {
            *link = r->next;
            r->wake(r->wake_arg);
            break;
        }
    vonk_mutex_unlock(&t->lock);
    vonk_error_reset(&r->why);
    vonk_arena_free(r->arena);
    vonk_scan_unref(r->scan);
    vonk_free(r);
}

/* ---- scans */

static vonk_status scan_open(vonk_scan *scan, uint32_t partition, uint32_t morsel, uint32_t batch_rows,
                             vonk_budget *budget, vonk_reader **ret, vonk_error *err)
{
    rdd_reader *r = NULL;
    (void)morsel;
    VONK_TRY(VONK_NEW(budget, &r, err));
    const vonk_status st = vonk_arena_new(budget, &r->arena, err);
    if (st != VONK_OK) {
        vonk_free(r);
        return st;
    }
    r->base = (vonk_reader){.next = reader_next, .free = reader_free, .is_ready = reader_ready, .watch = reader_watch};
    r->scan = vonk_scan_ref(scan);
    r->budget = budget;
    r->partition = partition;
    r->batch_rows = batch_rows;
    *ret = &r->base;
    return VONK_OK;
}

static uint32_t scan_morsels(vonk_scan *scan, uint32_t partition)
{
    (void)scan;
    (void)partition;
    return 1;
}

static void scan_free(vonk_scan *scan)
{
    rdd_table *t = (rdd_table *)scan->table;
    vonk_mutex_lock(&t->lock);
    if (--t->n_scans == 0) {
        t->is_unwanted = t->is_running;
        if (t->job) vonk_job_cancel(t->job, VONK_STR("nobody reads its rows any more"));
        t->one_by_one = false;
        vonk_error_reset(&t->why); /* the next one tries again */
    }
    vonk_mutex_unlock(&t->lock);
    vonk_free(((rdd_scan *)scan)->columns);
    vonk_table_unref(scan->table);
    vonk_free(scan);
}
static const vonk_scan_class scan_class = {.free = scan_free, .n_morsels = scan_morsels, .open = scan_open};

static vonk_status plan_scan(vonk_table *table, const vonk_scan_spec *spec, vonk_budget *budget, vonk_scan **ret,
                             vonk_error *err)
{
    rdd_table *t = (rdd_table *)table;
    rdd_scan *s = NULL;
    VONK_TRY(VONK_NEW(budget, &s, err));
    const vonk_status st = vonk_alloc_array(budget, spec->n_columns + 1, sizeof *s->columns, &s->columns, err);
    if (st != VONK_OK) {
        vonk_free(s);
        return st;
    }
    memcpy(s->columns, spec->columns, spec->n_columns * sizeof *s->columns);
    s->n_columns = spec->n_columns;
    s->base.cls = &scan_class;
    s->base.refs = 1;
    s->base.table = vonk_table_ref(table);
    s->base.n_partitions = vonk_rdd_n_partitions(t->tap);
    VONK_LOCKED(&t->lock);
    t->n_scans++;
    *ret = &s->base;
    return VONK_OK;
}

/* ---- the table */

static void table_free(vonk_table *table)
{
    rdd_table *t = (rdd_table *)table;
    vonk_thread_join(t->thread); /* nobody scans: its job was cancelled, or is over */
    vonk_rdd_unref(t->tap);
    vonk__j_object_unref(t->context);
    vonk_error_reset(&t->why);
    vonk_mutex_done(&t->lock);
    vonk_type_unref(table->schema);
    vonk_free(t);
}

/* Lists of the program are known to be small or not; what functions make of them is not, nor are other RDDs. */
static vonk_status table_stats(vonk_table *table, vonk_table_stats *ret, vonk_error *err)
{
    enum { PICKLED_ROW_BYTES = 32 };
    const rdd_table *t = (const rdd_table *)table;
    (void)err;
    *ret = (vonk_table_stats){.n_rows = -1};
    if (t->list_bytes < 0) return VONK_OK;
    const int64_t n_rows = t->list_bytes / PICKLED_ROW_BYTES + 1; /* whole ones */
    ret->n_rows = (double)n_rows;
    return VONK_OK;
}

static const vonk_table_class table_class = {
    .name = "rdd", .free = table_free, .stats = table_stats, .plan_scan = plan_scan};

static vonk_status table_new(vonk_budget *budget, const vonk__j_rdd *r, const vonk_type *type, vonk_table **ret,
                             vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *tap = NULL;
    rdd_table *t = NULL;
    VONK_TRY(vonk_rdd_tap(r->rdd, &tap, err));
    VONK_TRY(VONK_NEW(budget, &t, err));
    vonk_mutex_init(&t->lock);
    t->context = (vonk__j_context *)vonk__j_object_ref(r->context);
    t->budget = budget;
    t->tap = VONK_STEAL(tap);
    t->list_bytes = vonk_rdd_n_partitions(r->rdd) == r->context->parallelism ? vonk_rdd_list_bytes(r->rdd) : -1;
    t->base.cls = &table_class;
    t->base.refs = 1;
    t->base.schema = vonk_type_ref(type);
    t->base.identity = vonk_expr_new_id(); /* no two are the same */
    *ret = &t->base;
    return VONK_OK;
}

vonk_status vonk__j_rdd_dataset(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_table_unref) vonk_table *table = NULL;
    VONK_AUTO(vonk__j_engine_leave) vonk__j_engine *e = NULL;
    vonk__j_session *session = (vonk__j_session *)call->self;
    const vonk_plan *plan = NULL;
    vonk__j_dataset *made = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(vonk__j_need(call, 1, err));
    const vonk__j_rdd *r = vonk__j_rdd_of(call->args[0].object);
    VONK_TRY(vonk_type_parse_json(vonk__j_str(&call->args[1]), &type, err));
    VONK_TRY(vonk__j_engine_use(call->caller, r->context, &e, err));
    VONK_TRY(table_new(call->machine->budget, r, type, &table, err));
    VONK_TRY(vonk_session_scan(session->session, table, &plan, err));
    VONK_TRY(vonk__j_dataset_new(session, plan, &made, err));
    return vonk__j_return(call, vonk__j_of(&made->head));
}
