/* exec/op_python_map.c -- P_PYTHON_MAP: the rows that a function of Python makes of each partition. It is asked for
 * partitions without rows, too. Each row goes as one value, a struct of its columns, and comes as one. */
#include "exec/python_barrier.h"
#include "exec/python_run.h"

typedef struct map_shared {
    python_spec spec;
    const vonk_type *row_type, *in_type,
        *out_type;           /* struct of columns; struct<struct: row_type>; struct<_0: rows made> */
    const vonk_type **types; /* of the output */
} map_shared;

typedef struct map_local {
    python_run *run; /* of a partition */
    int32_t partition, next_partition;
    uint64_t ordinal;
    bool is_open; /* a unit of work is under way */
    bool is_taken, has_ended, is_done;
    python_feed feed;
    vonk_batch *answer; /* its columns are those of the output */
    uint32_t answer_at;
    vonk_column **columns;
} map_local;

/* ---- open */

static vonk_status struct_of(vonk_op *op, const vonk_field *fields, uint32_t n, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *type = NULL;
    VONK_TRY(vonk_type_struct(fields, n, &type, err));
    return vonk__python_keep_type(op, type, ret, err);
}

static vonk_status set_types(vonk_op *op, map_shared *s, const vonk_python_fn *fn, vonk_error *err)
{
    const vonk_plan *child = op->node->children[0];
    vonk_field *fields = NULL;
    VONK_TRY(vonk_arena_array(op->arena, child->n_output + 1, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < child->n_output; i++) {
        const vonk_expr *column = child->output[i];
        fields[i] = (vonk_field){.name = column->name, .type = column->type, .nullable = column->nullable};
    }
    VONK_TRY(struct_of(op, fields, child->n_output, &s->row_type, err));
    VONK_TRY(struct_of(op, &(vonk_field){.name = VONK_STR("struct"), .type = s->row_type}, 1, &s->in_type, err));
    VONK_TRY(struct_of(op, &(vonk_field){.name = VONK_STR("_0"), .type = fn->returns}, 1, &s->out_type, err));
    return vonk_op_types(op, op->node->output, op->n_columns, &s->types, err);
}

/* All tasks run at once, and may wait for each other. */
static vonk_status open_barrier(vonk_op *op, map_shared *s, vonk_error *err)
{
    const vonk_exec_python *python = op->exec->env.python;
    s->spec.barrier = true;
    if (op->n_partitions > vonk_exec_n_lanes(op->exec))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("barrier mode for %u tasks on %u threads: all must run at once", op->n_partitions,
                                vonk_exec_n_lanes(op->exec)));
    if (!python) return VONK_OK; /* the first task says why it cannot run */
    return vonk__python_barrier_new(op->budget, python->files_folder, op->n_partitions, &s->spec.meeting, err);
}

static vonk_status map_open(vonk_op *op, vonk_error *err)
{
    map_shared *s = op->shared;
    const vonk_expr *call = op->node->lists[0].at[0];
    assert(call->kind == VONK_EX_PYTHON);
    op->needs_order = op->wants_empty = true;
    VONK_TRY(vonk__python_spec_init(op, call->python->eval, &s->spec, err));
    VONK_TRY(vonk__python_spec_offsets(op, &s->spec, call, NULL, 0, err));
    if (op->node->number == 1) VONK_TRY(open_barrier(op, s, err));
    return set_types(op, s, call->python, err);
}

static void map_close(vonk_op *op) { vonk__python_barrier_free(((map_shared *)op->shared)->spec.meeting); }

/* ---- a lane's state */

static vonk_status map_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    map_local *l = local;
    return vonk_alloc_zeroed(op->budget, (op->n_columns + 1) * sizeof *l->columns, &l->columns, err);
}

static void drop_answer(map_local *l)
{
    vonk_batch_unref(VONK_STEAL(l->answer));
    l->answer_at = 0;
}

static void drop_run(map_local *l)
{
    vonk__python_free(VONK_STEAL(l->run));
    vonk__python_feed_clear(&l->feed);
    drop_answer(l);
    l->is_taken = l->has_ended = l->is_done = false;
}

static void map_local_close(vonk_op *op, void *local)
{
    map_local *l = local;
    drop_run(l);
    vonk__python_feed_done(&l->feed);
    vonk_free(l->columns);
}

/* ---- rows to the worker */

/* The batch as one column of structs. */
static vonk_status take_rows(vonk_op *op, vonk_lane *lane, map_local *l, const vonk_batch *in, vonk_error *err)
{
    const map_shared *s = op->shared;
    vonk_column *row = NULL;
    vonk_batch *wrapped = NULL;
    VONK_TRY(vonk_column_new_struct(lane->budget, s->row_type, in->n_rows, in->columns, NULL, &row, err));
    VONK_TRY(vonk__batch_like(lane, in, &row, 1, &wrapped, err));
    VONK_TRY(vonk__python_feed(l->run, &l->feed, s->in_type, wrapped, err));
    l->is_taken = true;
    return VONK_OK;
}

/* ---- answers */

static vonk_status take_batch(vonk_op *op, const map_shared *s, map_local *l, vonk_batch *take_batch, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = take_batch;
    VONK_AUTO(vonk_column_unref) vonk_column *row = NULL;
    if (batch->n_rows == 0) return VONK_OK;
    VONK_TRY(vonk_column_flatten(op->budget, batch->columns[0], &row, err));
    VONK_TRY(vonk__python_retype(op->budget, row->children, op->n_columns, s->types, l->columns, err));
    const vonk_status st = vonk_batch_new(op->budget, batch->n_rows, l->columns, op->n_columns, &l->answer, err);
    vonk__python_drop_columns(l->columns, op->n_columns);
    return st;
}

/* At most a batch of what has come. */
static vonk_status give(vonk_op *op, map_local *l, vonk_out *out, vonk_error *err)
{
    const uint32_t most = vonk_exec_batch_rows(op->exec);
    vonk_batch *piece = NULL;
    while (!l->answer && !l->is_done) {
        python_news news;
        VONK_TRY(vonk__python_next(l->run, &news, err));
        if (news.kind == PYTHON_NOTHING) return VONK_OK;
        if (news.kind == PYTHON_BATCH) VONK_TRY(take_batch(op, op->shared, l, news.batch, err));
        l->is_done = news.kind == PYTHON_DONE;
    }
    if (!l->answer) return VONK_OK;
    const uint32_t left = l->answer->n_rows - l->answer_at;
    if (l->answer_at == 0 && left <= most)
        piece = vonk_batch_ref(l->answer);
    else
        VONK_TRY(vonk_batch_slice(l->answer, l->answer_at, left < most ? left : most, &piece, err));
    l->answer_at += piece->n_sel;
    if (l->answer_at == l->answer->n_rows) drop_answer(l);
    vonk_out_put(out, piece);
    return VONK_OK;
}

static vonk_status drain(vonk_op *op, vonk_lane *lane, map_local *l, vonk_out *out, vonk_flow *ret_flow,
                         vonk_error *err)
{
    VONK_TRY(vonk__python_end_rows(l->run, &l->feed, ((const map_shared *)op->shared)->in_type, &l->has_ended, err));
    VONK_TRY(give(op, l, out, err));
    if (out->batch) {
        *ret_flow = VONK_AGAIN;
        return VONK_OK;
    }
    if (!l->is_done) return vonk__python_wait(l->run, lane, ret_flow, err);
    drop_run(l);
    return VONK_OK;
}

static vonk_status start(vonk_op *op, vonk_lane *lane, map_local *l, int32_t partition, vonk_error *err)
{
    map_shared *s = op->shared;
    VONK_TRY(vonk__python_start(op, lane, &s->spec, partition, s->out_type, &l->run, err));
    l->partition = partition;
    l->next_partition = partition + 1;
    return VONK_OK;
}

/* Partitions before `until`, from the first one that has not been run: *ret_flow VONK_MORE when they are done. */
static vonk_status run_before(vonk_op *op, vonk_lane *lane, map_local *l, int32_t until, vonk_out *out,
                              vonk_flow *ret_flow, vonk_error *err)
{
    if (!l->is_open || l->ordinal != lane->ordinal) {
        drop_run(l); /* of a morsel that was given up */
        l->is_open = true;
        l->ordinal = lane->ordinal;
        l->next_partition = lane->first_partition;
    }
    for (;;) {
        if (l->run && l->partition < until) {
            VONK_TRY(drain(op, lane, l, out, ret_flow, err));
            if (*ret_flow != VONK_MORE) return VONK_OK;
        }
        if (l->run || l->next_partition >= until) return VONK_OK;
        VONK_TRY(start(op, lane, l, l->next_partition, err));
    }
}

static vonk_status map_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                            vonk_flow *ret_flow, vonk_error *err)
{
    map_local *l = local;
    VONK_TRY(run_before(op, lane, l, lane->partition, out, ret_flow, err));
    if (*ret_flow != VONK_MORE) return VONK_OK;
    if (!l->run) VONK_TRY(start(op, lane, l, lane->partition, err));
    if (!l->is_taken && !l->is_done) VONK_TRY(take_rows(op, lane, l, in, err));
    VONK_TRY(give(op, l, out, err));
    if (out->batch) {
        *ret_flow = VONK_AGAIN;
        return VONK_OK;
    }
    if (!l->is_done && !vonk__python_is_hungry(l->run)) return vonk__python_wait(l->run, lane, ret_flow, err);
    l->is_taken = false;
    return VONK_OK;
}

static vonk_status map_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                           vonk_error *err)
{
    map_local *l = local;
    if (lane->unwanted)
        drop_run(l);
    else
        VONK_TRY(run_before(op, lane, l, lane->partition + 1, out, ret_flow, err));
    if (*ret_flow == VONK_MORE) l->is_open = false;
    return VONK_OK;
}

static const vonk_input_class map_input = {.order = VONK_ORDER_NEEDS,
                                           .local_size = sizeof(map_local),
                                           .local_open = map_local_open,
                                           .push = map_push,
                                           .end_morsel = map_end,
                                           .local_close = map_local_close};
const vonk_op_class vonk_op_python_map = {.name = "python_map",
                                          .shared_size = sizeof(map_shared),
                                          .open = map_open,
                                          .close = map_close,
                                          .n_inputs = 1,
                                          .inputs = &map_input};
