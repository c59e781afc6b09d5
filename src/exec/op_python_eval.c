/* exec/op_python_eval.c -- P_PYTHON_EVAL: columns that functions of Python compute, a value for each row. The rows wait
 * here while their arguments are with the worker; answers come in the order of the rows, in pieces of any size. */
#include "exec/python_run.h"

#define ANSWER_ROWS 1024 /* of pickled answers: so many make a batch */

typedef struct eval_shared {
    python_spec spec;
    vonk_program *program;        /* the arguments */
    const vonk_type *result_type; /* struct */
    const vonk_type **result_types;
    uint32_t n_args, n_results;
} eval_shared;

typedef struct eval_local {
    op_program_local program;
    vonk_column **args; /* of the batch at hand */
    python_run *run;    /* of a partition */
    int32_t partition;
    uint64_t ordinal;
    bool is_taken; /* the batch at hand is in the queue and on its way to the worker */
    bool has_ended, is_done;
    python_queue queue;
    python_feed feed;
    vonk_column **answer; /* columns of what has come and is not given on */
    uint32_t answer_rows, answer_at;
    vonk_builder *builders; /* of pickled answers */
    vonk_arena *arena;      /* of one frame */
    vonk_column **columns;
} eval_local;

/* ---- open */

static const vonk_expr *call_of(const vonk_expr *e)
{
    while (e->kind == VONK_EX_ALIAS) e = e->children[0];
    return e;
}

static vonk_status set_result_type(vonk_op *op, eval_shared *s, vonk_error *err)
{
    const vonk_expr_list *calls = &op->node->lists[0];
    vonk_field *fields = NULL;
    const vonk_type *type = NULL;
    s->n_results = calls->n;
    VONK_TRY(vonk_arena_array(op->arena, calls->n, sizeof *fields, &fields, err));
    VONK_TRY(vonk_op_types(op, calls->at, calls->n, &s->result_types, err));
    for (uint32_t i = 0; i < calls->n; i++) {
        VONK_TRY(vonk_arena_printf(op->arena, &fields[i].name, err, "_%u", i));
        fields[i].type = s->result_types[i];
        fields[i].nullable = true;
    }
    VONK_TRY(vonk_type_struct(fields, calls->n, &type, err));
    return vonk__python_keep_type(op, type, &s->result_type, err);
}

static vonk_status eval_open(vonk_op *op, vonk_error *err)
{
    eval_shared *s = op->shared;
    const vonk_expr_list *calls = &op->node->lists[0];
    const vonk_expr *first = call_of(calls->at[0]);
    assert(calls->n > 0 && first->kind == VONK_EX_PYTHON);
    VONK_TRY(vonk__python_spec_init(op, first->python->eval, &s->spec, err));
    for (uint32_t i = 0; i < calls->n; i++) VONK_TRY(vonk__python_spec_call(op, &s->spec, call_of(calls->at[i]), err));
    s->n_args = vonk_u32_of(s->spec.args.n);
    VONK_TRY(vonk__python_spec_args(op, &s->spec, err));
    VONK_TRY(set_result_type(op, s, err));
    if (s->spec.eval == VONK_PY_ARROW_BATCHED_UDF) VONK_TRY(vonk__python_spec_tell_types(op, &s->spec, err));
    return vonk_op_program(op, s->spec.args.at, s->n_args, &s->program, err);
}

static void eval_close(vonk_op *op)
{
    eval_shared *s = op->shared;
    vonk_program_free(s->program);
}

/* ---- a lane's state */

static vonk_status make_builders(vonk_op *op, const eval_shared *s, eval_local *l, vonk_error *err)
{
    VONK_TRY(vonk_arena_new(op->budget, &l->arena, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, s->n_results * sizeof *l->builders, &l->builders, err));
    for (uint32_t i = 0; i < s->n_results; i++)
        VONK_TRY(vonk_builder_init(&l->builders[i], op->budget, s->result_types[i], ANSWER_ROWS, err));
    return VONK_OK;
}

static vonk_status eval_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    const eval_shared *s = op->shared;
    eval_local *l = local;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_args + 1) * sizeof *l->args, &l->args, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, s->n_results * sizeof *l->answer, &l->answer, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, op->n_columns * sizeof *l->columns, &l->columns, err));
    if (s->spec.pickles) VONK_TRY(make_builders(op, s, l, err));
    return vonk__program_open(op, lane, s->program, &l->program, err);
}

static void drop_answer(const eval_shared *s, eval_local *l)
{
    vonk__python_drop_columns(l->answer, s->n_results);
    l->answer_rows = l->answer_at = 0;
}

/* Whatever is under way. */
static void drop_run(const eval_shared *s, eval_local *l)
{
    vonk__python_free(VONK_STEAL(l->run));
    vonk__python_queue_clear(&l->queue);
    vonk__python_feed_clear(&l->feed);
    drop_answer(s, l);
    l->is_taken = l->has_ended = l->is_done = false;
}

static void eval_local_close(vonk_op *op, void *local)
{
    const eval_shared *s = op->shared;
    eval_local *l = local;
    drop_run(s, l);
    vonk__python_queue_done(&l->queue);
    vonk__python_feed_done(&l->feed);
    for (uint32_t i = 0; l->builders && i < s->n_results; i++) vonk_builder_done(&l->builders[i]);
    vonk_free(l->builders);
    vonk_arena_free(l->arena);
    vonk__program_close(&l->program);
    vonk_free(l->args);
    vonk_free(l->answer);
    vonk_free(l->columns);
}

/* ---- rows to the worker */

static vonk_status take_rows(vonk_op *op, vonk_lane *lane, eval_local *l, const vonk_batch *in, vonk_error *err)
{
    const eval_shared *s = op->shared;
    vonk_batch *args = NULL;
    vonk__program_place(&l->program, lane);
    VONK_TRY(vonk_program_eval(l->program.at, in, l->args, err));
    VONK_TRY(vonk__batch_like(lane, in, l->args, s->n_args, &args, err));
    const vonk_status st = vonk__python_queue_put(op, &l->queue, in, err);
    if (st != VONK_OK) {
        vonk_batch_unref(args);
        return st;
    }
    VONK_TRY(vonk__python_put_args(l->run, &l->feed, args, err));
    l->is_taken = true;
    return VONK_OK;
}

/* ---- answers */

static vonk_status append_value(const eval_shared *s, eval_local *l, const vonk_pickle_value *value, vonk_error *err)
{
    if (s->n_results == 1)
        return vonk_pickle_append(value, s->result_types[0], &s->spec.pickle_options, &l->builders[0], err);
    if (value->kind != VONK_PICKLE_TUPLE || value->n_items != s->n_results) return vonk__python_garbage(err);
    for (uint32_t i = 0; i < s->n_results; i++)
        VONK_TRY(
            vonk_pickle_append(value->items[i], s->result_types[i], &s->spec.pickle_options, &l->builders[i], err));
    return VONK_OK;
}

static vonk_status append_frame(const eval_shared *s, eval_local *l, const vonk_buffer *frame, vonk_error *err)
{
    const vonk_pickle_value *list = NULL;
    VONK_TRY(vonk__python_read_list(frame, l->arena, &list, err));
    for (uint32_t i = 0; i < list->n_items; i++) VONK_TRY(append_value(s, l, list->items[i], err));
    return VONK_OK;
}

/* What the builders have becomes the answer. */
static vonk_status finish_builders(const eval_shared *s, eval_local *l, vonk_error *err)
{
    l->answer_rows = l->builders[0].n_rows;
    for (uint32_t i = 0; i < s->n_results; i++) VONK_TRY(vonk_builder_finish(&l->builders[i], &l->answer[i], err));
    return VONK_OK;
}

static vonk_status take_batch(vonk_op *op, const eval_shared *s, eval_local *l, vonk_batch *take_batch, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = take_batch;
    if (batch->n_columns != s->n_results) return vonk__python_garbage(err);
    if (batch->n_rows == 0) return VONK_OK;
    VONK_TRY(vonk__python_retype(op->budget, batch->columns, s->n_results, s->result_types, l->answer, err));
    l->answer_rows = batch->n_rows;
    return VONK_OK;
}

/* Until there is an answer, or none for now. */
static vonk_status next_answer(vonk_op *op, const eval_shared *s, eval_local *l, vonk_error *err)
{
    while (l->answer_rows == 0 && !l->is_done) {
        python_news news;
        VONK_TRY(vonk__python_next(l->run, &news, err));
        VONK_AUTO(vonk_buffer_unref) vonk_buffer *frame = news.frame;
        if (news.kind == PYTHON_NOTHING) return VONK_OK;
        if (news.kind == PYTHON_BATCH) VONK_TRY(take_batch(op, s, l, news.batch, err));
        if (news.kind == PYTHON_FRAME) VONK_TRY(append_frame(s, l, frame, err));
        l->is_done = news.kind == PYTHON_DONE;
        if (s->spec.pickles && l->builders[0].n_rows > 0 && (l->is_done || l->builders[0].n_rows >= ANSWER_ROWS))
            VONK_TRY(finish_builders(s, l, err));
    }
    return VONK_OK;
}

/* Rows of one batch that waited, with their answers. */
static vonk_status put_out(vonk_op *op, vonk_lane *lane, eval_local *l, vonk_out *out, vonk_error *err)
{
    const eval_shared *s = op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
    vonk_batch *batch = NULL;
    const uint32_t n_kept = op->n_columns - s->n_results;
    VONK_TRY(vonk__python_queue_take(op, &l->queue, l->answer_rows - l->answer_at, &rows, err));
    if (!rows) return vonk__python_garbage(err);
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < n_kept; i++) l->columns[i] = vonk_column_ref(rows->columns[i]);
    for (uint32_t i = 0; i < s->n_results && st == VONK_OK; i++)
        st = vonk_column_slice(lane->budget, l->answer[i], l->answer_at, rows->n_rows, &l->columns[n_kept + i], err);
    if (st == VONK_OK) st = vonk_op_batch(lane, rows->n_rows, l->columns, op->n_columns, &batch, err);
    vonk__python_drop_columns(l->columns, op->n_columns);
    VONK_TRY(st);
    l->answer_at += rows->n_rows;
    if (l->answer_at == l->answer_rows) drop_answer(s, l);
    vonk_out_put(out, batch);
    return VONK_OK;
}

static vonk_status give(vonk_op *op, vonk_lane *lane, eval_local *l, vonk_out *out, vonk_error *err)
{
    VONK_TRY(next_answer(op, op->shared, l, err));
    return l->answer_rows ? put_out(op, lane, l, out, err) : VONK_OK;
}

/* The partition has no more rows: *ret_flow VONK_MORE when all of it is out and the run is over. */
static vonk_status drain(vonk_op *op, vonk_lane *lane, eval_local *l, vonk_out *out, vonk_flow *ret_flow,
                         vonk_error *err)
{
    const eval_shared *s = op->shared;
    VONK_TRY(vonk__python_end_rows(l->run, &l->feed, s->spec.pickles ? NULL : s->spec.arg_type, &l->has_ended, err));
    VONK_TRY(give(op, lane, l, out, err));
    if (out->batch) {
        *ret_flow = VONK_AGAIN;
        return VONK_OK;
    }
    if (!l->is_done) return vonk__python_wait(l->run, lane, ret_flow, err);
    if (l->queue.n_rows > 0) return vonk__python_garbage(err);
    drop_run(s, l);
    return VONK_OK;
}

static vonk_status eval_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                             vonk_flow *ret_flow, vonk_error *err)
{
    eval_shared *s = op->shared;
    eval_local *l = local;
    if (l->run && l->ordinal != lane->ordinal) drop_run(s, l); /* of a morsel that was given up */
    if (l->run && l->partition != lane->partition) {
        VONK_TRY(drain(op, lane, l, out, ret_flow, err));
        if (*ret_flow != VONK_MORE) return VONK_OK;
    }
    if (!l->run) {
        VONK_TRY(vonk__python_start(op, lane, &s->spec, lane->partition, s->result_type, &l->run, err));
        l->partition = lane->partition;
        l->ordinal = lane->ordinal;
    }
    if (!l->is_taken) VONK_TRY(take_rows(op, lane, l, in, err));
    VONK_TRY(give(op, lane, l, out, err));
    if (out->batch) {
        *ret_flow = VONK_AGAIN;
        return VONK_OK;
    }
    if (!l->is_done && !vonk__python_is_hungry(l->run)) return vonk__python_wait(l->run, lane, ret_flow, err);
    l->is_taken = false;
    return VONK_OK;
}

static vonk_status eval_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    eval_local *l = local;
    if (l->run && (lane->unwanted || l->ordinal != lane->ordinal)) drop_run(op->shared, l);
    return l->run ? drain(op, lane, l, out, ret_flow, err) : VONK_OK;
}

static const vonk_input_class eval_input = {.order = VONK_ORDER_NEEDS,
                                            .local_size = sizeof(eval_local),
                                            .local_open = eval_local_open,
                                            .push = eval_push,
                                            .end_morsel = eval_end,
                                            .local_close = eval_local_close};
const vonk_op_class vonk_op_python_eval = {.name = "python_eval",
                                           .shared_size = sizeof(eval_shared),
                                           .open = eval_open,
                                           .close = eval_close,
                                           .n_inputs = 1,
                                           .inputs = &eval_input};
