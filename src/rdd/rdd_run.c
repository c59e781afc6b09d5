/* rdd/rdd_run.c -- jobs: a lineage cut at shuffles into stages, their tasks as bytes, results in order. */
#include "rdd/rdd_codec.h"
#include "rdd/rdd_int.h"

/* ---- tasks */

static vonk_status result_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    (void)ret_enough;
    return vonk_buf_add_str(self, record, err);
}

typedef struct dealing { /* of a map task */
    vonk_shuffle_writer *writer;
    uint32_t n;
} dealing;

/* Pairs by their key, spread records by their place: both stand in the first frame, as eight bytes. */
static vonk_status dealing_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    dealing *d = self;
    (void)ret_enough;
    uint32_t to = 0;
    if (record.len >= 12) { /* a null key goes to the first partition */
        int32_t key = (int32_t)vonk__be64(record.data + 4), n = vonk_i32_of(d->n);
        to = (uint32_t)(key % n < 0 ? key % n + n : key % n);
    }
    return vonk_shuffle_write(d->writer, to, record.data, record.len, err);
}

static vonk_status run_map(vonk_rdd *shuffled, vonk_task *task, vonk_error *err)
{
    VONK_AUTO(vonk_shuffle_writer_free) vonk_shuffle_writer *w = NULL;
    VONK_TRY(vonk_shuffle_writer_new(task->shuffle, task->partition, task->budget, &w, err));
    dealing d = {.writer = w, .n = shuffled->n_partitions};
    vonk_rdd_sink sink = {.self = &d, .put = dealing_put};
    VONK_TRY(vonk_rdd_compute(shuffled->parents[0], task->partition, task, &sink, err));
    return vonk_shuffle_commit(VONK_STEAL(w), err);
}

static vonk_status nothing_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    (void)self;
    (void)record;
    (void)ret_enough;
    (void)err;
    return VONK_OK;
}

static vonk_status run_by_mode(const rdd_task *t, vonk_rdd *rdd, vonk_task *task, vonk_error *err)
{
    vonk_rdd_sink sink = {.self = task->result, .put = result_put}, none = {.put = nothing_put};
    switch (t->mode) {
    case RDD_TASK_MAP: return run_map(rdd, task, err);
    case RDD_TASK_RESULT: return vonk_rdd_compute(rdd, task->partition, task, &sink, err);
    case RDD_TASK_KEEP: return vonk_rdd_compute(rdd, task->partition, task, &none, err);
    case RDD_TASK_SAVE: return vonk__rdd_save_partition(rdd, t, task, err);
    }
    return VONK_OK;
}

static vonk_status run_task(vonk_task *task, vonk_error *err)
{
    rdd_task t;
    VONK_TRY(vonk__rdd_task_decode(task->bytes, &t, err));
    vonk_rdd_context *context = vonk__rdd_context_find(t.context);
    vonk_rdd *rdd = context ? vonk__rdd_find(context, t.rdd) : NULL;
    vonk_status st = rdd ? run_by_mode(&t, rdd, task, err)
                         : VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", VONK_F("RDD %u is gone", t.rdd));
    vonk_rdd_unref(rdd);
    if (context) vonk__rdd_context_unref(context);
    return st;
}

const vonk_task_kind *vonk__rdd_task_kind(void)
{
    static const vonk_task_kind kind = {"rdd", run_task};
    return &kind;
}

/* ---- results in the order of partitions: what comes too early waits in the block store */

typedef struct ordered {
    vonk_rdd *rdd;
    vonk_receiver to;
    vonk_block_store *store;
    uint64_t name;
    uint32_t next, n;
    bool *early;
} ordered;

static void ordered_free(void *arg)
{
    ordered *o = arg;
    if (!o) return;
    vonk_block_drop_all(o->store, VONK_BLOCK_FRAME, o->name);
    vonk_rdd_unref(o->rdd);
    vonk_free(o->early);
    vonk_free(o);
}

static vonk_status put_aside(ordered *o, uint32_t index, vonk_str bytes, vonk_error *err)
{
    VONK_AUTO(vonk_block_writer_free) vonk_block_writer *w = NULL;
    vonk_storage_level level = {.memory = true, .disk = true, .replication = 1};
    vonk_block_id id = {.kind = VONK_BLOCK_FRAME, .a = o->name, .b = index};
    bool kept = false;
    VONK_TRY(vonk_block_writer_new(o->store, id, level, &w, err));
    VONK_TRY(vonk_block_write(w, bytes.data, bytes.len, err));
    VONK_TRY(vonk_block_commit(VONK_STEAL(w), 0, &kept, err));
    o->early[index] = true;
    return VONK_OK;
}

static vonk_status hand_on_early(ordered *o, vonk_error *err)
{
    VONK_AUTO(vonk_block_close) vonk_block_reader *r = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf whole = {0};
    vonk_block_id id = {.kind = VONK_BLOCK_FRAME, .a = o->name, .b = o->next};
    vonk_buf_init(&whole, o->rdd->context->env.budget, SIZE_MAX);
    VONK_TRY(vonk_block_open(o->store, id, &r, err));
    if (!r) return VONK_FAIL(err, VONK_E_BLOCK_LOST, "block", "of a result");
    for (vonk_str piece;;) {
        VONK_TRY(vonk_block_read(r, &piece, err));
        if (!piece.len) break;
        VONK_TRY(vonk_buf_add_str(&whole, piece, err));
    }
    vonk_block_drop(o->store, id);
    return o->to.result(o->to.self, o->next, vonk_buf_str(&whole), err);
}

static vonk_status ordered_result(void *self, uint32_t index, vonk_str bytes, vonk_error *err)
{
    ordered *o = self;
    if (!o->to.result) return VONK_OK;
    if (index != o->next) return put_aside(o, index, bytes, err);
    VONK_TRY(o->to.result(o->to.self, index, bytes, err));
    for (o->next++; o->next < o->n && o->early[o->next]; o->next++) VONK_TRY(hand_on_early(o, err));
    return VONK_OK;
}

static vonk_status ordered_accumulate(void *self, vonk_str update, vonk_error *err)
{
    const ordered *o = self;
    const vonk_rdd_env *env = &o->rdd->context->env;
    if (o->to.accumulate) return o->to.accumulate(o->to.self, update, err);
    return env->accumulate ? env->accumulate(env->self, update, err) : VONK_OK;
}

static vonk_status ordered_new(vonk_rdd *rdd, uint32_t n, vonk_receiver to, ordered **ret, vonk_error *err)
{
    ordered *o = NULL;
    VONK_TRY(VONK_NEW(vonk_budget_root(), &o, err));
    o->rdd = vonk_rdd_ref(rdd);
    o->to = to;
    o->store = vonk__rdd_store(rdd);
    o->name = vonk_block_store_name(o->store);
    o->n = n;
    vonk_status st = vonk_alloc_zeroed(vonk_budget_root(), n, &o->early, err);
    if (st == VONK_OK)
        *ret = o;
    else
        ordered_free(o);
    return st;
}

/* ---- stages */

typedef struct cut { /* a stage: the nodes that end in `end` and reach to shuffles */
    vonk_rdd *end;   /* SHUFFLED: its map tasks; the first one: the result */
    VONK_VEC(uint32_t) parents;
    bool barrier, done;
} cut;

typedef struct plan {
    vonk_arena *arena;
    VONK_VEC(cut) cuts; /* children before parents */
} plan;

static bool is_cut_off(vonk_rdd *rdd)
{
    VONK_LOCKED(&rdd->lock);
    return rdd->checkpoint == RDD_CP_DONE;
}

static vonk_status find_cut(plan *p, vonk_rdd *shuffled, uint32_t *ret, vonk_error *err)
{
    for (size_t i = 0; i < p->cuts.n; i++)
        if (p->cuts.at[i].end == shuffled) {
            *ret = (uint32_t)i;
            return VONK_OK;
        }
    *ret = (uint32_t)p->cuts.n;
    return VONK_VEC_ARENA_PUSH(&p->cuts, p->arena, (cut){.end = shuffled}, err);
}

/* Walks the narrow lineage of a stage, and notes where shuffles are read. A node that many reach is walked once. */
static vonk_status walk_stage(plan *p, uint32_t at, vonk_error *err)
{
    VONK_VEC(vonk_rdd *) seen = {0};
    vonk_rdd *end = p->cuts.at[at].end;
    VONK_TRY(VONK_VEC_ARENA_PUSH(&seen, p->arena, at ? end->parents[0] : end, err));
    for (size_t k = 0; k < seen.n; k++) {
        vonk_rdd *rdd = seen.at[k];
        if (is_cut_off(rdd)) continue;
        p->cuts.at[at].barrier |= rdd->barrier;
        if (rdd->kind == VONK_RDD_SHUFFLED) {
            uint32_t parent = 0;
            VONK_TRY(find_cut(p, rdd, &parent, err));
            VONK_TRY(VONK_VEC_ARENA_PUSH(&p->cuts.at[at].parents, p->arena, parent, err));
            continue;
        }
        for (uint32_t i = 0; i < rdd->n_parents; i++) {
            bool known = false;
            for (size_t s = 0; s < seen.n && !known; s++) known = seen.at[s] == rdd->parents[i];
            if (!known) VONK_TRY(VONK_VEC_ARENA_PUSH(&seen, p->arena, rdd->parents[i], err));
        }
    }
    return VONK_OK;
}

/* Stages in an order in which parents come first: by the ids of the nodes, which are younger than their parents. */
static void number_stages(const plan *p, uint32_t *ret_order, uint32_t *ret_number)
{
    uint32_t n = (uint32_t)p->cuts.n;
    for (uint32_t i = 0; i < n; i++) ret_order[i] = n - 1 - i;
    for (uint32_t i = 1; i < n; i++) { /* the result, which is first, stays last */
        for (uint32_t k = i; k > 0; k--) {
            uint32_t x = ret_order[k - 1], y = ret_order[k];
            bool swap = y != 0 && (x == 0 || p->cuts.at[y].end->id < p->cuts.at[x].end->id);
            if (!swap) break;
            ret_order[k - 1] = y;
            ret_order[k] = x;
        }
    }
    for (uint32_t i = 0; i < n; i++) ret_number[ret_order[i]] = i;
}

static vonk_status fill_spec(const plan *p, const cut *c, const uint32_t *number, const rdd_task *result,
                             vonk_stage_spec *spec, vonk_error *err)
{
    bool is_result = c == p->cuts.at;
    rdd_task t = is_result ? *result : (rdd_task){.context = c->end->context->number, .mode = RDD_TASK_MAP};
    uint32_t *parents = NULL;
    t.rdd = c->end->id;
    VONK_TRY(vonk__rdd_task_encode(&t, p->arena, &spec->bytes, err));
    VONK_TRY(vonk_arena_array(p->arena, c->parents.n, sizeof *parents, &parents, err));
    for (size_t i = 0; i < c->parents.n; i++) parents[i] = number[c->parents.at[i]];
    spec->kind = "rdd";
    spec->parents = parents;
    spec->n_parents = (uint32_t)c->parents.n;
    spec->barrier = c->barrier;
    spec->name = is_result ? c->end->site : c->end->parents[0]->site;
    if (is_result) return VONK_OK;
    spec->shuffle = c->end->shuffle;
    spec->n_partitions = c->end->parents[0]->n_partitions;
    return VONK_OK;
}

static vonk_status plan_job(plan *p, vonk_rdd *rdd, const rdd_task *result, vonk_stage_spec **ret, vonk_error *err)
{
    uint32_t *order = NULL, *number = NULL;
    VONK_TRY(VONK_VEC_ARENA_PUSH(&p->cuts, p->arena, (cut){.end = rdd}, err));
    for (uint32_t i = 0; i < p->cuts.n; i++) VONK_TRY(walk_stage(p, i, err));
    VONK_TRY(vonk_arena_array(p->arena, p->cuts.n, sizeof **ret, ret, err));
    VONK_TRY(vonk_arena_array(p->arena, p->cuts.n, sizeof *order, &order, err));
    VONK_TRY(vonk_arena_array(p->arena, p->cuts.n, sizeof *number, &number, err));
    number_stages(p, order, number);
    for (uint32_t i = 0; i < p->cuts.n; i++)
        VONK_TRY(fill_spec(p, &p->cuts.at[order[i]], number, result, &(*ret)[i], err));
    return VONK_OK;
}

vonk_status vonk__rdd_start(vonk_rdd *rdd, const rdd_task *result, const uint32_t *partitions, uint32_t n_partitions,
                            const vonk_property *properties, uint32_t n_properties, vonk_receiver receiver,
                            vonk_job_run **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_rdd_context *context = rdd->context;
    vonk_stage_spec *stages = NULL;
    ordered *o = NULL;
    if (!context->env.scheduler)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the SparkContext of this RDD has been stopped");
    VONK_TRY(vonk_arena_new(context->budget, &arena, err));
    plan p = {.arena = arena};
    VONK_TRY(plan_job(&p, rdd, result, &stages, err));
    stages[p.cuts.n - 1].partitions = partitions;
    stages[p.cuts.n - 1].n_partitions = n_partitions;
    VONK_TRY(ordered_new(rdd, n_partitions, receiver, &o, err));
    vonk_job_spec spec = {.stages = stages,
                          .n_stages = (uint32_t)p.cuts.n,
                          .receiver = {.self = o, .result = ordered_result, .accumulate = ordered_accumulate},
                          .properties = properties,
                          .n_properties = n_properties,
                          .budget = context->env.budget,
                          .over = ordered_free,
                          .over_arg = o};
    vonk_status st = vonk_job_start(context->env.scheduler, &spec, ret, err);
    if (st != VONK_OK) ordered_free(o);
    return st;
}

vonk_status vonk_rdd_run(vonk_rdd *rdd, const uint32_t *partitions, uint32_t n_partitions,
                         const vonk_property *properties, uint32_t n_properties, vonk_receiver receiver,
                         vonk_job_run **ret, vonk_error *err)
{
    rdd_task t = {.context = rdd->context->number, .mode = RDD_TASK_RESULT};
    for (uint32_t i = 0; partitions && i < n_partitions; i++)
        if (partitions[i] >= rdd->n_partitions) {
            vonk_status st = VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                                       VONK_F("there is no partition %u among %u", partitions[i], rdd->n_partitions));
            (void)vonk_error_set_family(err, VONK_FAMILY_ILLEGAL_ARGUMENT);
            return vonk_raised(st);
        }
    return vonk__rdd_start(rdd, &t, partitions, partitions ? n_partitions : rdd->n_partitions, properties, n_properties,
                           receiver, ret, err);
}

vonk_status vonk__rdd_run_all(vonk_rdd *rdd, const rdd_task *t, const vonk_property *properties, uint32_t n_properties,
                              vonk_error *err)
{
    VONK_AUTO(vonk_job_free) vonk_job_run *job = NULL;
    VONK_TRY(vonk__rdd_start(rdd, t, NULL, rdd->n_partitions, properties, n_properties, (vonk_receiver){0}, &job, err));
    return vonk_rdd_wait(job, err);
}
