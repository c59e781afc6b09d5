/* exec/op_python_groups.c -- P_PYTHON_GROUPS: functions of Python over groups of rows. Rows are sorted by their keys as
 * they come in (sort_groups.c); what is sorted is cut between groups, and a lane that gets a cut sends its groups to a
 * worker one after the other, as streams of record batches: no group is ever in memory whole here. Answers: rows (maps
 * over groups and pairs of groups), a row per group (aggregates) beside its keys, or a row per row (windows) beside the
 * row, which waits for it in a queue. */
#include "exec/python_run.h"
#include "exec/sort_groups.h"

/* What goes to the worker of a row of one side. */
typedef struct group_side {
    uint32_t *columns, n;        /* of the input */
    const vonk_type *row, *sent; /* struct of them; what a record batch is: that, or a struct of one column of that */
} group_side;

typedef struct groups_shared {
    sort_groups by; /* first */
    python_spec spec;
    vonk_py_role role;
    bool per_row, is_wrapped;
    group_side sides[2];
    uint32_t side_column;      /* COGROUPS: which side a row is of */
    uint32_t *kept, n_kept;    /* input columns that are put out beside answers */
    const vonk_type **types;   /* of the output */
    const vonk_type *answered; /* what a record batch of answers is */
} groups_shared;

typedef struct groups_local {
    sort_reader reader;
    uint8_t **rows;
    python_run *run;
    uint32_t number;  /* of the task */
    uint32_t n_block; /* rows that were read and wait for the worker to come up */
    bool in_group, read_all, has_ended, is_done;
    uint32_t side; /* whose stream is open */
    uint8_t *last; /* row read before, for the border to the next one */
    vonk_row_store *edge;
    python_feed feed;
    python_queue waiting;
    vonk_batch *answer;
    uint32_t answer_at;
    vonk_column **columns; /* room for input columns, then the output's */
    uint32_t *starts;      /* rows of a block that start a group */
} groups_local;

/* ---- open */

static vonk_status hold_struct(vonk_op *op, const vonk_field *fields, uint32_t n, const vonk_type **ret,
                               vonk_error *err)
{
    const vonk_type *type = NULL;
    VONK_TRY(vonk_type_struct(fields, n, &type, err));
    return vonk__python_keep_type(op, type, ret, err);
}

static vonk_status bad_node(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "functions of Python over groups read columns only");
}

/* Keys that are not among the function's columns go in front of these; offsets: how many follow, keys, where they
 * are, where the columns are. */
static vonk_status open_side(vonk_op *op, groups_shared *s, group_side *side, const vonk_expr *const *args, uint32_t n,
                             int32_t *offsets, vonk_error *err)
{
    const vonk_expr_list *keys = &op->node->lists[1];
    vonk_field *fields = NULL;
    VONK_TRY(vonk_arena_array(op->arena, keys->n + n + 1, sizeof *side->columns, &side->columns, err));
    VONK_TRY(vonk_arena_array(op->arena, keys->n + n + 1, sizeof *fields, &fields, err));
    offsets[0] = (int32_t)(keys->n + n + 1);
    offsets[1] = (int32_t)keys->n;
    for (uint32_t k = 0; k < keys->n; k++) {
        const vonk_expr *key = keys->at[k];
        uint32_t at = 0;
        if (key->kind != VONK_EX_BOUND) return bad_node(err);
        while (at < n && args[at]->index != key->index) at++;
        offsets[2 + k] = at < n ? -1 - (int32_t)at : (int32_t)side->n;
        if (at < n) continue;
        fields[side->n] = (vonk_field){.name = key->name, .type = key->type, .nullable = key->nullable};
        side->columns[side->n++] = key->index;
    }
    for (uint32_t k = 0; k < keys->n; k++) /* those among the columns: now that it is known where these begin */
        if (offsets[2 + k] < 0) offsets[2 + k] = (int32_t)side->n - 1 - offsets[2 + k];
    for (uint32_t i = 0; i < n; i++) {
        if (args[i]->kind != VONK_EX_BOUND) return bad_node(err);
        offsets[2 + keys->n + i] = (int32_t)side->n;
        fields[side->n] = (vonk_field){.name = args[i]->name, .type = args[i]->type, .nullable = args[i]->nullable};
        side->columns[side->n++] = args[i]->index;
    }
    VONK_TRY(hold_struct(op, fields, side->n, &side->row, err));
    side->sent = side->row;
    if (!s->is_wrapped) return VONK_OK;
    return hold_struct(op, &(vonk_field){.name = VONK_STR("struct"), .type = side->row}, 1, &side->sent, err);
}

static vonk_status open_map(vonk_op *op, groups_shared *s, vonk_error *err)
{
    const vonk_expr *call = op->node->lists[0].at[0];
    const uint32_t n_sides = s->role == VONK_PY_ROLE_COGROUPS ? 2 : 1, n_keys = op->node->lists[1].n;
    const uint32_t n_left = n_sides == 2 ? call->n_args : call->n_children;
    const uint32_t n_offsets = call->n_children + n_sides * (n_keys + 2);
    int32_t *offsets = NULL;
    s->is_wrapped =
        call->python->eval == VONK_PY_GROUPED_MAP_ARROW_UDF || call->python->eval == VONK_PY_GROUPED_MAP_ARROW_ITER_UDF;
    VONK_TRY(vonk_arena_array(op->arena, n_offsets, sizeof *offsets, &offsets, err));
    VONK_TRY(open_side(op, s, &s->sides[0], call->children, n_left, offsets, err));
    if (n_sides == 2) {
        const vonk_expr_list *orders = &op->node->lists[2];
        const vonk_expr *side = orders->n ? orders->at[orders->n - 1]->children[0] : call;
        if (side->kind != VONK_EX_BOUND) return bad_node(err);
        s->side_column = side->index;
        VONK_TRY(open_side(op, s, &s->sides[1], call->children + n_left, call->n_children - n_left,
                           offsets + n_keys + 2 + n_left, err));
    }
    VONK_TRY(vonk__python_spec_offsets(op, &s->spec, call, offsets, n_offsets, err));
    return hold_struct(op, &(vonk_field){.name = VONK_STR("_0"), .type = call->python->returns}, 1, &s->answered, err);
}

/* Is the frame of each call the whole group? Windows only. */
static vonk_status tell_bounds(vonk_op *op, groups_shared *s, vonk_error *err)
{
    const vonk_expr_list *calls = &op->node->lists[0];
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, op->budget, SIZE_MAX);
    for (uint32_t i = 0; i < calls->n; i++) {
        if (i) VONK_TRY(vonk_buf_add_byte(&text, ',', err));
        VONK_TRY(vonk_buf_add_c(&text, calls->at[i]->n_order == 2 ? "bounded" : "unbounded", err));
    }
    return vonk__python_spec_runner_conf(op, &s->spec, "window_bound_types", vonk_buf_str(&text), err);
}

static vonk_status open_values(vonk_op *op, groups_shared *s, vonk_error *err)
{
    const vonk_expr_list *calls = &op->node->lists[0], *keys = &op->node->lists[1];
    group_side *side = &s->sides[0];
    vonk_field *fields = NULL;
    VONK_TRY(vonk_arena_array(op->arena, calls->n + 1, sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < calls->n; i++) {
        VONK_TRY(vonk__python_spec_call(op, &s->spec, calls->at[i], err));
        VONK_TRY(vonk_arena_printf(op->arena, &fields[i].name, err, "_%u", i));
        fields[i].type = calls->at[i]->python->returns;
    }
    VONK_TRY(hold_struct(op, fields, calls->n, &s->answered, err));
    VONK_TRY(vonk_arena_array(op->arena, s->spec.args.n + 1, sizeof *side->columns, &side->columns, err));
    for (size_t i = 0; i < s->spec.args.n; i++) {
        if (s->spec.args.at[i]->kind != VONK_EX_BOUND) return bad_node(err);
        side->columns[side->n++] = s->spec.args.at[i]->index;
    }
    VONK_TRY(vonk__python_spec_arg_type(op, &s->spec, &side->row, err));
    side->sent = side->row;
    s->n_kept = s->per_row ? op->n_columns - calls->n : keys->n;
    if (s->n_kept + calls->n != op->n_columns || (s->per_row && s->n_kept > op->children[0]->n_columns))
        return bad_node(err);
    VONK_TRY(vonk_arena_array(op->arena, s->n_kept + 1, sizeof *s->kept, &s->kept, err));
    for (uint32_t i = 0; i < s->n_kept; i++) {
        if (!s->per_row && keys->at[i]->kind != VONK_EX_BOUND) return bad_node(err);
        s->kept[i] = s->per_row ? i : keys->at[i]->index;
    }
    return s->per_row ? tell_bounds(op, s, err) : VONK_OK;
}

/* The kind of request for aggregates in windows. */
static vonk_py_eval window_eval(vonk_py_eval eval)
{
    return eval == VONK_PY_GROUPED_AGG_ARROW_UDF ? VONK_PY_WINDOW_AGG_ARROW_UDF : VONK_PY_WINDOW_AGG_PANDAS_UDF;
}

static vonk_status groups_open(vonk_op *op, vonk_error *err)
{
    groups_shared *s = op->shared;
    const vonk_expr *call = op->node->lists[0].at[0];
    vonk__sort_sink_init(&s->by.sink);
    assert(call->kind == VONK_EX_PYTHON);
    s->role = call->python->role;
    s->per_row = op->node->number == 1;
    VONK_TRY(
        vonk__python_spec_init(op, s->per_row ? window_eval(call->python->eval) : call->python->eval, &s->spec, err));
    VONK_TRY(vonk_op_types(op, op->node->output, op->n_columns, &s->types, err));
    if (s->role == VONK_PY_ROLE_AGGREGATE)
        VONK_TRY(open_values(op, s, err));
    else
        VONK_TRY(open_map(op, s, err));
    return vonk__sort_groups_open(op, &op->node->lists[1], &op->node->lists[2], err);
}

static void groups_close(vonk_op *op)
{
    groups_shared *s = op->shared;
    vonk__sort_sink_done(&s->by.sink);
}

/* ---- a lane's state */

static vonk_status out_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    groups_shared *s = op->shared;
    groups_local *l = local;
    const uint32_t n = vonk_exec_batch_rows(op->exec);
    VONK_TRY(vonk_alloc_zeroed(op->budget, n * sizeof *l->rows, &l->rows, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (n + 1) * sizeof *l->starts, &l->starts, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (op->children[0]->n_columns + op->n_columns + 1) * sizeof *l->columns,
                               &l->columns, err));
    VONK_TRY(vonk_row_store_new(op->budget, s->by.sink.form.layout, &l->edge, err));
    l->waiting.types = s->types;
    l->waiting.n_types = s->n_kept;
    return vonk__sort_reader_open(op, &l->reader, err);
}

static void drop_task(groups_local *l)
{
    vonk__python_free(VONK_STEAL(l->run));
    vonk__python_feed_clear(&l->feed);
    vonk__python_queue_clear(&l->waiting);
    vonk_batch_unref(VONK_STEAL(l->answer));
    l->answer_at = 0;
    l->in_group = l->read_all = l->has_ended = l->is_done = false;
    l->n_block = 0;
    l->last = NULL;
}

static void out_close(vonk_op *op, void *local)
{
    groups_local *l = local;
    drop_task(l);
    vonk__sort_reader_close(&l->reader);
    vonk__python_feed_done(&l->feed);
    vonk__python_queue_done(&l->waiting);
    vonk_row_store_free(l->edge);
    vonk_free(l->rows);
    vonk_free(l->starts);
    vonk_free(l->columns);
}

static vonk_status out_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                             vonk_error *err)
{
    groups_shared *s = op->shared;
    groups_local *l = local;
    drop_task(l);
    l->number = s->by.sink.by_partition ? partition : morsel;
    return vonk__sort_reader_start(op, &l->reader, partition, morsel, err);
}

/* ---- rows to the worker */

/* Columns of these rows. */
static vonk_status gather(vonk_op *op, vonk_lane *lane, groups_local *l, const uint32_t *columns, uint32_t n_columns,
                          uint8_t *const *rows, uint32_t n, vonk_batch **ret, vonk_error *err)
{
    const sort_form *f = &((groups_shared *)op->shared)->by.sink.form;
    vonk_status st = VONK_OK;
    for (uint32_t c = 0; c < n_columns && st == VONK_OK; c++)
        st = vonk_rows_gather(lane->budget, f->layout, f->output_at[columns[c]], rows, n, &l->columns[c], err);
    if (st == VONK_OK) st = vonk_batch_new(lane->budget, n, l->columns, n_columns, ret, err);
    vonk__python_drop_columns(l->columns, n_columns);
    return st;
}

/* As one column of structs, where the worker wants that. */
static vonk_status wrap(vonk_lane *lane, const groups_shared *s, const group_side *side, vonk_batch **inout,
                        vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *row = NULL;
    vonk_batch *wrapped = NULL;
    if (!s->is_wrapped) return VONK_OK;
    VONK_TRY(vonk_column_new_struct(lane->budget, side->row, (*inout)->n_rows, (*inout)->columns, NULL, &row, err));
    VONK_TRY(vonk_batch_new(lane->budget, (*inout)->n_rows, &row, 1, &wrapped, err));
    vonk_batch_unref(*inout);
    *inout = wrapped;
    return VONK_OK;
}

static vonk_status end_stream(const groups_shared *s, groups_local *l, vonk_error *err)
{
    const vonk_type *sent = s->sides[l->side].sent;
    VONK_TRY(vonk__python_feed_rest(l->run, &l->feed, sent, err));
    return vonk__python_end_stream(l->run, sent, err);
}

/* A side without rows is one record batch without rows. */
static vonk_status empty_stream(const groups_shared *s, groups_local *l, uint32_t side, vonk_error *err)
{
    const vonk_type *sent = s->sides[side].sent;
    VONK_TRY(vonk__python_put(l->run, NULL, 0, sent, err));
    return vonk__python_end_stream(l->run, sent, err);
}

static vonk_status end_group(const groups_shared *s, groups_local *l, vonk_error *err)
{
    if (!l->in_group) return VONK_OK;
    l->in_group = false;
    VONK_TRY(end_stream(s, l, err));
    return s->role == VONK_PY_ROLE_COGROUPS && l->side == 0 ? empty_stream(s, l, 1, err) : VONK_OK;
}

static vonk_status start_group(const groups_shared *s, groups_local *l, uint32_t side, vonk_error *err)
{
    VONK_TRY(vonk__python_put_mark(l->run, s->role == VONK_PY_ROLE_COGROUPS ? 2 : 1, err));
    l->in_group = true;
    l->side = side;
    return side == 1 ? empty_stream(s, l, 0, err) : VONK_OK;
}

/* The other side of the same pair. */
static vonk_status turn_side(const groups_shared *s, groups_local *l, vonk_error *err)
{
    VONK_TRY(end_stream(s, l, err));
    l->side = 1;
    return VONK_OK;
}

static vonk_status send_rows(vonk_op *op, vonk_lane *lane, groups_local *l, uint8_t *const *rows, uint32_t n,
                             vonk_error *err)
{
    const groups_shared *s = op->shared;
    const group_side *side = &s->sides[l->side];
    vonk_batch *batch = NULL;
    VONK_TRY(gather(op, lane, l, side->columns, side->n, rows, n, &batch, err));
    const vonk_status st = wrap(lane, s, side, &batch, err);
    if (st != VONK_OK) {
        vonk_batch_unref(batch);
        return st;
    }
    return vonk__python_feed(l->run, &l->feed, side->sent, batch, err);
}

/* Rows of a block with the same keys and side follow each other. */
static vonk_status send_runs(vonk_op *op, vonk_lane *lane, groups_local *l, uint32_t n, const uint32_t *sides,
                             vonk_error *err)
{
    const groups_shared *s = op->shared;
    for (uint32_t from = 0, to, start = 0; from < n; from = to) {
        const bool fresh = l->starts[start] == from;
        const uint32_t side = sides ? sides[from] : 0;
        if (fresh) {
            start++;
            VONK_TRY(end_group(s, l, err));
            VONK_TRY(start_group(s, l, side, err));
        } else if (side != l->side) {
            VONK_TRY(turn_side(s, l, err));
        }
        to = from + 1;
        while (to < n && l->starts[start] != to && (!sides || sides[to] == side)) to++;
        VONK_TRY(send_rows(op, lane, l, l->rows + from, to - from, err));
    }
    return VONK_OK;
}

static vonk_status sides_of(vonk_op *op, vonk_lane *lane, groups_local *l, uint32_t n, uint32_t **ret, vonk_error *err)
{
    const groups_shared *s = op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    if (s->role != VONK_PY_ROLE_COGROUPS) return VONK_OK;
    VONK_TRY(gather(op, lane, l, &s->side_column, 1, l->rows, n, &batch, err));
    VONK_TRY(vonk_arena_array(lane->scratch, n, sizeof **ret, ret, err));
    for (uint32_t i = 0; i < n; i++) (*ret)[i] = vonk_column_i64(batch->columns[0], i) != 0;
    return VONK_OK;
}

/* What is put out beside the answers: the rows, or the keys of each group. */
static vonk_status keep_rows(vonk_op *op, vonk_lane *lane, groups_local *l, uint32_t n, uint32_t n_starts,
                             vonk_error *err)
{
    const groups_shared *s = op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
    uint8_t **rows = l->rows;
    if (s->role != VONK_PY_ROLE_AGGREGATE) return VONK_OK;
    if (!s->per_row) {
        VONK_TRY(vonk_arena_array(lane->scratch, n_starts + 1, sizeof *rows, &rows, err));
        for (uint32_t i = 0; i < n_starts; i++) rows[i] = l->rows[l->starts[i]];
        n = n_starts;
    }
    if (n == 0) return VONK_OK;
    VONK_TRY(gather(op, lane, l, s->kept, s->n_kept, rows, n, &batch, err));
    return vonk__python_queue_put(op, &l->waiting, batch, err);
}

static vonk_status send_block(vonk_op *op, vonk_lane *lane, groups_local *l, uint32_t n, vonk_error *err)
{
    groups_shared *s = op->shared;
    uint32_t n_starts = 0, *sides = NULL;
    const uint8_t *before = l->last;
    for (uint32_t i = 0; i < n; before = l->rows[i++])
        if (!before || vonk__sort_groups_differ(&s->by, before, l->rows[i])) l->starts[n_starts++] = i;
    VONK_TRY(keep_rows(op, lane, l, n, n_starts, err));
    VONK_TRY(sides_of(op, lane, l, n, &sides, err));
    l->starts[n_starts] = UINT32_MAX;
    VONK_TRY(send_runs(op, lane, l, n, sides, err));
    return vonk__sort_groups_keep(op, lane, &s->by, l->edge, l->rows[n - 1], &l->last, err);
}

/* One block more; at the end of the cut the task's input ends. *ret_waits: the block waits for the worker, whose
 * version says how groups are sent. */
static vonk_status feed_more(vonk_op *op, vonk_lane *lane, groups_local *l, bool *ret_waits, vonk_error *err)
{
    groups_shared *s = op->shared;
    bool is_known = false;
    uint32_t n = 0;
    if (vonk_exec_cancelled(op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    if (!l->n_block)
        VONK_TRY(vonk__sort_reader_next(op, &l->reader, l->rows, vonk_exec_batch_rows(op->exec), &l->n_block, err));
    if (l->n_block > 0) {
        if (!l->run) VONK_TRY(vonk__python_start(op, lane, &s->spec, (int32_t)l->number, s->answered, &l->run, err));
        VONK_TRY(vonk__python_knows_groups(l->run, &is_known, err));
        *ret_waits = !is_known;
        n = l->n_block;
        if (!is_known) return VONK_OK;
        l->n_block = 0;
        return send_block(op, lane, l, n, err);
    }
    l->read_all = true;
    if (!l->run) {
        l->is_done = true; /* no groups, no task */
        return VONK_OK;
    }
    VONK_TRY(end_group(op->shared, l, err));
    l->has_ended = true;
    return vonk__python_end(l->run, err);
}

/* ---- answers */

/* The columns of the rows that a map gives are fields of one column. */
static vonk_status take_answer(vonk_op *op, const groups_shared *s, groups_local *l, vonk_batch *take_batch,
                               vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = take_batch;
    VONK_AUTO(vonk_column_unref) vonk_column *row = NULL;
    const uint32_t n = op->n_columns - s->n_kept;
    vonk_column *const *columns = batch->columns;
    if (batch->n_rows == 0) return VONK_OK;
    if (s->role != VONK_PY_ROLE_AGGREGATE) {
        VONK_TRY(vonk_column_flatten(op->budget, batch->columns[0], &row, err));
        columns = row->children;
    }
    VONK_TRY(vonk__python_retype(op->budget, columns, n, s->types + s->n_kept, l->columns, err));
    const vonk_status st = vonk_batch_new(op->budget, batch->n_rows, l->columns, n, &l->answer, err);
    vonk__python_drop_columns(l->columns, n);
    return st;
}

/* Rows that have waited, beside their answers. */
static vonk_status join_answer(vonk_op *op, vonk_lane *lane, groups_local *l, const vonk_batch *answers,
                               vonk_batch **ret, vonk_error *err)
{
    const groups_shared *s = op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *kept = NULL, *part = NULL, *flat = NULL;
    vonk_column **columns = NULL;
    VONK_TRY(vonk__python_queue_take(op, &l->waiting, answers->n_sel, &kept, err));
    if (!kept)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a Python worker gave more rows than it was asked for");
    VONK_TRY(vonk_batch_slice(answers, 0, kept->n_rows, &part, err));
    VONK_TRY(vonk_batch_compact(part, &flat, err));
    VONK_TRY(vonk_arena_array(lane->scratch, op->n_columns + 1, sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < op->n_columns; i++)
        columns[i] = vonk_column_ref(i < s->n_kept ? kept->columns[i] : flat->columns[i - s->n_kept]);
    return vonk_op_batch(lane, kept->n_rows, columns, op->n_columns, ret, err);
}

/* At most a batch of what has come. */
static vonk_status give(vonk_op *op, vonk_lane *lane, groups_local *l, vonk_out *out, vonk_error *err)
{
    const groups_shared *s = op->shared;
    const uint32_t most = vonk_exec_batch_rows(op->exec);
    VONK_AUTO(vonk_batch_unref) vonk_batch *piece = NULL;
    while (l->run && !l->answer && !l->is_done) {
        python_news news;
        VONK_TRY(vonk__python_next(l->run, &news, err));
        if (news.kind == PYTHON_NOTHING) return VONK_OK;
        if (news.kind == PYTHON_BATCH) VONK_TRY(take_answer(op, s, l, news.batch, err));
        l->is_done = news.kind == PYTHON_DONE;
    }
    if (!l->answer) return VONK_OK;
    const uint32_t left = l->answer->n_rows - l->answer_at;
    VONK_TRY(vonk_batch_slice(l->answer, l->answer_at, left < most ? left : most, &piece, err));
    if (s->role == VONK_PY_ROLE_AGGREGATE) {
        vonk_batch *joined = NULL;
        VONK_TRY(join_answer(op, lane, l, piece, &joined, err));
        vonk_batch_unref(piece);
        piece = joined;
    }
    l->answer_at += piece->n_sel;
    if (l->answer_at == l->answer->n_rows) {
        vonk_batch_unref(VONK_STEAL(l->answer));
        l->answer_at = 0;
    }
    vonk_out_put(out, VONK_STEAL(piece));
    return VONK_OK;
}

static vonk_status out_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    groups_local *l = local;
    bool waits = false;
    for (;;) {
        VONK_TRY(give(op, lane, l, out, err));
        if (out->batch) return VONK_OK;
        if (l->is_done) break;
        if (l->read_all || (l->run && !vonk__python_is_hungry(l->run)))
            return vonk__python_wait(l->run, lane, ret_flow, err);
        VONK_TRY(feed_more(op, lane, l, &waits, err));
        if (waits) return vonk__python_wait(l->run, lane, ret_flow, err);
    }
    if (l->waiting.n_rows > 0)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "a Python worker gave fewer rows than it was asked for");
    vonk__python_free(VONK_STEAL(l->run));
    return VONK_OK;
}

static const vonk_source_class groups_source = {.local_size = sizeof(groups_local),
                                                .local_open = out_open,
                                                .n_morsels = vonk__sort_n_morsels,
                                                .start = out_start,
                                                .next = out_next,
                                                .local_close = out_close};
const vonk_op_class vonk_op_python_groups = {.name = "python_groups",
                                             .shared_size = sizeof(groups_shared),
                                             .open = groups_open,
                                             .close = groups_close,
                                             .spillable = vonk__sort_spillable,
                                             .spill = vonk__sort_spill,
                                             .n_inputs = 1,
                                             .inputs = &vonk__sort_input,
                                             .source = &groups_source};
