/* exec/op_python_table.c -- P_PYTHON_TABLE: rows that a table function of Python makes of each row. Answers come in the
 * order of the rows: one for each (a pickled list, or a record batch), then what the function gives in the end, which
 * stands beside the last row. Functions over whole record batches give rows of their own, beside nothing. A partition
 * without rows starts no function. */
#include "exec/python_run.h"

#define ANSWER_ROWS 1024 /* about so many make a batch */

typedef struct table_shared {
    python_spec spec;
    vonk_py_udtf udtf;
    vonk_program *program;      /* the arguments */
    const vonk_type *row_type;  /* of the rows made: struct */
    const vonk_type *list_type; /* what a pickled answer is: array of those */
    const vonk_type *answered;  /* what a record batch of answers is */
    const vonk_type **types;    /* of the output */
    uint32_t *kept, n_kept, n_args, n_made;
} table_shared;

typedef struct table_local {
    op_program_local program;
    vonk_column **args;
    python_run *run; /* of a partition */
    int32_t partition;
    uint64_t ordinal;
    bool is_taken, has_ended, is_done;
    python_feed feed;
    python_queue waiting;   /* rows (what is kept of them) without an answer */
    vonk_batch *beside;     /* the row that the last answer was for; NULL: none yet */
    vonk_builder *builders; /* [column of the output] */
    uint32_t n_rows;        /* in them */
    vonk_batch *answer;     /* where nothing is kept: as it came */
    uint32_t answer_at;
    vonk_arena *arena; /* of one frame */
    vonk_column **columns;
} table_local;

/* ---- open */

static vonk_status hold(vonk_op *op, const vonk_type *take_type, const vonk_type **ret, vonk_error *err)
{
    return vonk__python_keep_type(op, take_type, ret, err);
}

static vonk_status set_types(vonk_op *op, table_shared *s, const vonk_python_fn *fn, vonk_error *err)
{
    const vonk_field whole = {.name = VONK_STR("_0"), .type = fn->returns};
    const vonk_type *type = NULL;
    s->row_type = fn->returns;
    s->n_made = s->row_type->n_fields;
    VONK_TRY(vonk_type_array(s->row_type, true, &type, err));
    VONK_TRY(hold(op, type, &s->list_type, err));
    VONK_TRY(vonk_type_struct(&whole, 1, &type, err));
    VONK_TRY(hold(op, type, &s->answered, err));
    VONK_TRY(vonk__python_spec_args(op, &s->spec, err));
    return vonk_op_types(op, op->node->output, op->n_columns, &s->types, err);
}

/* Tables come as columns that are structs. */
static bool is_table(const vonk_expr *arg) { return arg->kind == VONK_EX_BOUND && arg->type->id == VONK_T_STRUCT; }

/* The last columns of the table say which partition a row is of. */
static vonk_status set_partition(vonk_op *op, table_shared *s, const vonk_expr *call, vonk_error *err)
{
    const vonk_expr *table = NULL;
    int32_t *columns = NULL;
    for (uint32_t i = 0; i < call->n_children && !table; i++)
        if (is_table(call->children[i])) table = call->children[i];
    if (call->n_partition == 0) return VONK_OK;
    if (!table || table->type->n_fields < call->n_partition)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a table function's partition without its columns");
    VONK_TRY(vonk_arena_array(op->arena, call->n_partition, sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < call->n_partition; i++)
        columns[i] = (int32_t)(table->type->n_fields - call->n_partition + i);
    s->udtf.partition_columns = columns;
    s->udtf.n_partition_columns = call->n_partition;
    return VONK_OK;
}

static vonk_status tell_types(vonk_op *op, table_shared *s, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, op->budget, SIZE_MAX);
    if (s->spec.eval == VONK_PY_ARROW_UDTF) {
        for (uint32_t i = 0, n = 0; i < s->n_args; i++)
            if (is_table(s->spec.args.at[i])) VONK_TRY(vonk_buf_printf(&text, err, "%s%u", n++ ? "," : "", i));
        return vonk__python_spec_eval_conf(op, &s->spec, "table_arg_offsets", vonk_buf_str(&text), err);
    }
    return s->spec.pickles ? VONK_OK : vonk__python_spec_tell_types(op, &s->spec, err);
}

static vonk_status set_udtf(vonk_op *op, table_shared *s, const vonk_expr *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    const vonk_py_udf *udf = &s->spec.udfs.at[0];
    vonk_buf_init(&json, op->budget, SIZE_MAX);
    VONK_TRY(vonk_type_json(call->python->returns, &json, err));
    s->udtf.args = udf->args;
    s->udtf.n_args = udf->n_args;
    s->udtf.analyze_result = call->python->analyzed;
    s->udtf.handler = call->python->command;
    s->udtf.name = call->python->name;
    VONK_TRY(vonk_arena_str(op->arena, vonk_buf_str(&json), &s->udtf.return_type, err));
    s->spec.udtf = &s->udtf;
    return set_partition(op, s, call, err);
}

static vonk_status table_open(vonk_op *op, vonk_error *err)
{
    table_shared *s = op->shared;
    const vonk_expr *call = op->node->lists[0].at[0];
    const vonk_expr_list *kept = &op->node->lists[1];
    assert(call->kind == VONK_EX_PYTHON);
    op->needs_order = true;
    VONK_TRY(vonk__python_spec_init(op, call->python->eval, &s->spec, err));
    VONK_TRY(vonk__python_spec_call(op, &s->spec, call, err));
    s->n_args = vonk_u32_of(s->spec.args.n);
    VONK_TRY(set_types(op, s, call->python, err));
    s->n_kept = kept->n;
    VONK_TRY(vonk_arena_array(op->arena, kept->n + 1, sizeof *s->kept, &s->kept, err));
    for (uint32_t i = 0; i < kept->n; i++) s->kept[i] = kept->at[i]->index;
    if (op->n_columns != s->n_kept + s->n_made)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the columns of a table function do not fit its rows");
    VONK_TRY(set_udtf(op, s, call, err));
    VONK_TRY(tell_types(op, s, err));
    return vonk_op_program(op, s->spec.args.at, s->n_args, &s->program, err);
}

static void table_close(vonk_op *op)
{
    table_shared *s = op->shared;
    vonk_program_free(s->program);
}

/* ---- a lane's state */

static vonk_status table_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    const table_shared *s = op->shared;
    table_local *l = local;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_args + 1) * sizeof *l->args, &l->args, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (op->n_columns + 1) * sizeof *l->columns, &l->columns, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (op->n_columns + 1) * sizeof *l->builders, &l->builders, err));
    for (uint32_t i = 0; i < op->n_columns; i++)
        VONK_TRY(vonk_builder_init(&l->builders[i], op->budget, s->types[i], ANSWER_ROWS, err));
    VONK_TRY(vonk_arena_new(op->budget, &l->arena, err));
    l->waiting.types = s->types;
    l->waiting.n_types = s->n_kept;
    return vonk__program_open(op, lane, s->program, &l->program, err);
}

static vonk_status reset_builders(vonk_op *op, table_local *l, vonk_error *err)
{
    const table_shared *s = op->shared;
    if (l->n_rows == 0) return VONK_OK;
    l->n_rows = 0;
    for (uint32_t i = 0; i < op->n_columns; i++) {
        vonk_builder_done(&l->builders[i]);
        l->builders[i] = (vonk_builder){0};
        VONK_TRY(vonk_builder_init(&l->builders[i], op->budget, s->types[i], ANSWER_ROWS, err));
    }
    return VONK_OK;
}

static void drop_run(table_local *l)
{
    vonk__python_free(VONK_STEAL(l->run));
    vonk__python_feed_clear(&l->feed);
    vonk__python_queue_clear(&l->waiting);
    vonk_batch_unref(VONK_STEAL(l->beside));
    vonk_batch_unref(VONK_STEAL(l->answer));
    l->answer_at = 0;
    l->is_taken = l->has_ended = l->is_done = false;
}

static void table_local_close(vonk_op *op, void *local)
{
    const table_shared *s = op->shared;
    table_local *l = local;
    drop_run(l);
    vonk__python_feed_done(&l->feed);
    vonk__python_queue_done(&l->waiting);
    for (uint32_t i = 0; l->builders && i < op->n_columns; i++) vonk_builder_done(&l->builders[i]);
    vonk__python_drop_columns(l->args, s->n_args);
    vonk__python_drop_columns(l->columns, op->n_columns);
    vonk__program_close(&l->program);
    vonk_arena_free(l->arena);
    vonk_free(l->builders);
    vonk_free(l->args);
    vonk_free(l->columns);
}

/* ---- rows to the worker */

/* What is kept of the rows waits for the answers. */
static vonk_status keep_rows(vonk_op *op, vonk_lane *lane, table_local *l, const vonk_batch *in, vonk_error *err)
{
    const table_shared *s = op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *kept = NULL;
    if (s->n_kept == 0) return VONK_OK;
    for (uint32_t i = 0; i < s->n_kept; i++) l->columns[i] = vonk_column_ref(in->columns[s->kept[i]]);
    VONK_TRY(vonk__batch_like(lane, in, l->columns, s->n_kept, &kept, err));
    memset(l->columns, 0, s->n_kept * sizeof *l->columns);
    return vonk__python_queue_put(op, &l->waiting, kept, err);
}

static vonk_status take_rows(vonk_op *op, vonk_lane *lane, table_local *l, const vonk_batch *in, vonk_error *err)
{
    const table_shared *s = op->shared;
    vonk_batch *args = NULL;
    vonk_status st;
    VONK_TRY(keep_rows(op, lane, l, in, err));
    vonk__program_place(&l->program, lane);
    VONK_TRY(vonk_program_eval(l->program.at, in, l->args, err));
    st = vonk__batch_like(lane, in, l->args, s->n_args, &args, err);
    memset(l->args, 0, s->n_args * sizeof *l->args);
    VONK_TRY(st);
    VONK_TRY(vonk__python_put_args(l->run, &l->feed, args, err));
    l->is_taken = true;
    return VONK_OK;
}

static vonk_status end_rows(const table_shared *s, table_local *l, vonk_error *err)
{
    if (l->is_done) return VONK_OK;
    return vonk__python_end_rows(l->run, &l->feed, s->spec.pickles ? NULL : s->spec.arg_type, &l->has_ended, err);
}

/* ---- answers */

/* The row that the next answer is for; the last one stays for what comes in the end. */
static vonk_status next_row(vonk_op *op, const table_shared *s, table_local *l, vonk_error *err)
{
    vonk_batch *row = NULL;
    if (s->n_kept == 0) return VONK_OK;
    VONK_TRY(vonk__python_queue_take(op, &l->waiting, 1, &row, err));
    if (!row) return l->beside ? VONK_OK : vonk__python_garbage(err);
    vonk_batch_unref(l->beside);
    l->beside = row;
    return VONK_OK;
}

static vonk_status add_beside(const table_shared *s, table_local *l, vonk_error *err)
{
    for (uint32_t i = 0; i < s->n_kept; i++)
        VONK_TRY(vonk_builder_copy(&l->builders[i], l->beside->columns[i], 0, err));
    return VONK_OK;
}

/* Rows of an array of structs; its elements from `at` on. */
static vonk_status add_rows(const table_shared *s, table_local *l, const vonk_column *rows, uint32_t n, vonk_error *err)
{
    for (uint32_t r = 0; r < n; r++) {
        VONK_TRY(add_beside(s, l, err));
        for (uint32_t i = 0; i < s->n_made; i++)
            VONK_TRY(vonk_column_is_null(rows, r)
                         ? vonk_builder_null(&l->builders[s->n_kept + i], err)
                         : vonk_builder_copy(&l->builders[s->n_kept + i], rows->children[i], r, err));
        l->n_rows++;
    }
    return VONK_OK;
}

/* A tuple of rows. */
static vonk_status add_pickled(vonk_op *op, const table_shared *s, table_local *l, const vonk_pickle_value *value,
                               vonk_error *err)
{
    VONK_TRY(next_row(op, s, l, err));
    if (value->kind != VONK_PICKLE_TUPLE && value->kind != VONK_PICKLE_LIST) return vonk__python_garbage(err);
    for (uint32_t r = 0; r < value->n_items; r++) {
        VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
        VONK_AUTO(vonk_column_unref) vonk_column *row = NULL;
        VONK_TRY(vonk_builder_init(&b, op->budget, s->row_type, 1, err));
        VONK_TRY(vonk_pickle_append(value->items[r], s->row_type, &s->spec.pickle_options, &b, err));
        VONK_TRY(vonk_builder_finish(&b, &row, err));
        VONK_TRY(add_rows(s, l, row, 1, err));
    }
    return VONK_OK;
}

static vonk_status take_frame(vonk_op *op, const table_shared *s, table_local *l, const vonk_buffer *frame,
                              vonk_error *err)
{
    const vonk_pickle_value *list = NULL;
    VONK_TRY(vonk__python_read_list(frame, l->arena, &list, err));
    for (uint32_t i = 0; i < list->n_items; i++) VONK_TRY(add_pickled(op, s, l, list->items[i], err));
    return VONK_OK;
}

static vonk_status take_batch(vonk_op *op, const table_shared *s, table_local *l, vonk_batch *take_batch,
                              vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = take_batch;
    VONK_AUTO(vonk_column_unref) vonk_column *row = NULL;
    if (batch->n_columns != 1) return vonk__python_garbage(err);
    VONK_TRY(next_row(op, s, l, err));
    if (batch->n_rows == 0) return VONK_OK;
    VONK_TRY(vonk_column_flatten(op->budget, batch->columns[0], &row, err));
    if (s->n_kept > 0 || batch->n_rows < ANSWER_ROWS / 4) return add_rows(s, l, row, batch->n_rows, err);
    VONK_TRY(vonk__python_retype(op->budget, row->children, s->n_made, s->types, l->columns, err));
    const vonk_status st = vonk_batch_new(op->budget, batch->n_rows, l->columns, s->n_made, &l->answer, err);
    vonk__python_drop_columns(l->columns, s->n_made);
    return st;
}

/* What has been gathered goes on. */
static vonk_status give_built(vonk_op *op, vonk_lane *lane, table_local *l, vonk_out *out, vonk_error *err)
{
    vonk_column **columns = NULL;
    vonk_batch *batch = NULL;
    const uint32_t n = l->n_rows;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_arena_array(lane->scratch, op->n_columns + 1, sizeof *columns, &columns, err));
    memset(columns, 0, (op->n_columns + 1) * sizeof *columns);
    for (uint32_t i = 0; i < op->n_columns && st == VONK_OK; i++)
        st = vonk_builder_finish(&l->builders[i], &columns[i], err);
    if (st != VONK_OK) {
        vonk__python_drop_columns(columns, op->n_columns);
        return st;
    }
    l->n_rows = 0;
    VONK_TRY(vonk_op_batch(lane, n, columns, op->n_columns, &batch, err));
    vonk_out_put(out, batch);
    return VONK_OK;
}

static vonk_status give_answer(vonk_op *op, table_local *l, vonk_out *out, vonk_error *err)
{
    const uint32_t most = vonk_exec_batch_rows(op->exec), left = l->answer->n_rows - l->answer_at;
    vonk_batch *piece = NULL;
    VONK_TRY(vonk_batch_slice(l->answer, l->answer_at, left < most ? left : most, &piece, err));
    l->answer_at += piece->n_sel;
    if (l->answer_at == l->answer->n_rows) {
        vonk_batch_unref(VONK_STEAL(l->answer));
        l->answer_at = 0;
    }
    vonk_out_put(out, piece);
    return VONK_OK;
}

/* At most a batch of what has come. */
static vonk_status give(vonk_op *op, vonk_lane *lane, table_local *l, vonk_out *out, vonk_error *err)
{
    const table_shared *s = op->shared;
    while (!l->answer && !l->is_done && l->n_rows < ANSWER_ROWS) {
        python_news news;
        VONK_TRY(vonk__python_next(l->run, &news, err));
        VONK_AUTO(vonk_buffer_unref) vonk_buffer *frame = news.frame;
        if (news.kind == PYTHON_NOTHING) break;
        if (news.kind == PYTHON_BATCH) VONK_TRY(take_batch(op, s, l, news.batch, err));
        if (news.kind == PYTHON_FRAME) VONK_TRY(take_frame(op, s, l, frame, err));
        l->is_done = news.kind == PYTHON_DONE;
    }
    if (l->n_rows > 0 && (l->answer || l->is_done || l->n_rows >= ANSWER_ROWS))
        return give_built(op, lane, l, out, err);
    return l->answer ? give_answer(op, l, out, err) : VONK_OK;
}

/* ---- partitions */

static vonk_status drain(vonk_op *op, vonk_lane *lane, table_local *l, vonk_out *out, vonk_flow *ret_flow,
                         vonk_error *err)
{
    if (!l->run) return VONK_OK;
    VONK_TRY(end_rows(op->shared, l, err));
    VONK_TRY(give(op, lane, l, out, err));
    if (out->batch) {
        *ret_flow = VONK_AGAIN;
        return VONK_OK;
    }
    if (!l->is_done) return vonk__python_wait(l->run, lane, ret_flow, err);
    drop_run(l);
    return VONK_OK;
}

static vonk_status table_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                              vonk_flow *ret_flow, vonk_error *err)
{
    table_shared *s = op->shared;
    table_local *l = local;
    if (l->run && l->ordinal != lane->ordinal) { /* of a morsel that was given up */
        drop_run(l);
        VONK_TRY(reset_builders(op, l, err));
    }
    if (l->run && l->partition != lane->partition) {
        VONK_TRY(drain(op, lane, l, out, ret_flow, err));
        if (*ret_flow != VONK_MORE) return VONK_OK;
    }
    if (!l->run) {
        VONK_TRY(vonk__python_start(op, lane, &s->spec, lane->partition, s->answered, &l->run, err));
        l->partition = lane->partition;
        l->ordinal = lane->ordinal;
    }
    if (!l->is_taken && !l->is_done) VONK_TRY(take_rows(op, lane, l, in, err)); /* done: it skips the rest */
    if (!l->is_done) VONK_TRY(give(op, lane, l, out, err));
    if (out->batch) {
        *ret_flow = VONK_AGAIN;
        return VONK_OK;
    }
    if (!l->is_done && !vonk__python_is_hungry(l->run)) return vonk__python_wait(l->run, lane, ret_flow, err);
    l->is_taken = false;
    return VONK_OK;
}

static vonk_status table_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                             vonk_error *err)
{
    table_local *l = local;
    if (!lane->unwanted) return drain(op, lane, l, out, ret_flow, err);
    drop_run(l);
    return reset_builders(op, l, err);
}

static const vonk_input_class table_input = {.order = VONK_ORDER_NEEDS,
                                             .local_size = sizeof(table_local),
                                             .local_open = table_local_open,
                                             .push = table_push,
                                             .end_morsel = table_end,
                                             .local_close = table_local_close};
const vonk_op_class vonk_op_python_table = {.name = "python_table",
                                            .shared_size = sizeof(table_shared),
                                            .open = table_open,
                                            .close = table_close,
                                            .n_inputs = 1,
                                            .inputs = &table_input};
