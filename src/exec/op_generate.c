/* exec/op_generate.c -- P_GENERATE: rows that a function makes of each row. Arguments are computed once per batch; rows
 * are then taken in pieces, so that what they generate stays near a batch, and go out batch by batch (VONK_AGAIN). */
#include "exec/op_int.h"

typedef struct generate_shared {
    vonk_program *program; /* the arguments */
    vonk_fn_call *call;
    uint32_t n_kept, n_made;
    uint32_t *kept; /* input columns */
} generate_shared;

typedef struct generate_local {
    op_program_local program;
    void *scratch;      /* the call's */
    vonk_column **args; /* of the batch that is being worked on */
    bool busy;
    uint32_t at;  /* row of its selection to be taken next */
    double ratio; /* rows made of a row, lately */
    /* the piece taken */
    vonk_column **made; /* columns, all rows */
    uint32_t *rows;     /* [made row]: row of the input batch */
    uint32_t *from;     /* [made row]: row of `made`; UINT32_MAX: nulls. NULL: the same */
    uint32_t n, given;
    vonk_column **columns;
} generate_local;

static vonk_status generate_open(vonk_op *op, vonk_error *err)
{
    generate_shared *s = op->shared;
    const vonk_expr *call = op->node->lists[0].at[0];
    const vonk_expr_list *kept = &op->node->lists[1];
    while (call->kind == VONK_EX_ALIAS) call = call->children[0];
    if (call->kind != VONK_EX_FUNCTION || call->fn->kind != VONK_FN_GENERATOR)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "a generate node computes something that is no generator");
    VONK_TRY(vonk_call_prepare(op->arena, vonk_exec_fn_env(op->exec), call, &s->call, err));
    s->n_kept = op->node->n_lists > 1 ? kept->n : 0;
    s->n_made = s->call->type->n_fields;
    if (op->n_columns != s->n_kept + s->n_made)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "the columns of a generate node do not fit its function");
    VONK_TRY(vonk_arena_array(op->arena, s->n_kept + 1, sizeof *s->kept, &s->kept, err));
    for (uint32_t i = 0; i < s->n_kept; i++) {
        if (kept->at[i]->kind != VONK_EX_BOUND)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                             "a generate node keeps something that is no column");
        s->kept[i] = kept->at[i]->index;
    }
    return vonk_op_program(op, call->children, call->n_children, &s->program, err);
}

static void generate_close(vonk_op *op)
{
    generate_shared *s = op->shared;
    vonk_program_free(s->program);
}

static vonk_status generate_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    generate_shared *s = op->shared;
    generate_local *l = local;
    l->ratio = 1;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->call->n_args + 1) * sizeof *l->args, &l->args, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_made + 1) * sizeof *l->made, &l->made, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (op->n_columns + 1) * sizeof *l->columns, &l->columns, err));
    if (s->call->local_bytes) VONK_TRY(vonk_alloc_zeroed(op->budget, s->call->local_bytes, &l->scratch, err));
    return vonk__program_open(op, lane, s->program, &l->program, err);
}

static void drop(vonk_column **columns, uint32_t n)
{
    for (uint32_t i = 0; i < n && columns; i++) {
        vonk_column_unref(columns[i]);
        columns[i] = NULL;
    }
}

static void drop_piece(const generate_shared *s, generate_local *l)
{
    drop(l->made, s->n_made);
    vonk_free(l->rows);
    vonk_free(l->from);
    l->rows = l->from = NULL;
    l->n = l->given = 0;
}

static void generate_local_close(vonk_op *op, void *local)
{
    generate_shared *s = op->shared;
    generate_local *l = local;
    drop_piece(s, l);
    drop(l->args, s->call->n_args);
    vonk__program_close(&l->program);
    if (l->scratch && s->call->local_done) s->call->local_done(l->scratch);
    vonk_free(l->scratch);
    vonk_free(l->args);
    vonk_free(l->made);
    vonk_free(l->columns);
}

/* ---- a piece of the batch */

static vonk_status start_batch(vonk_op *op, vonk_lane *lane, generate_local *l, const vonk_batch *in, vonk_error *err)
{
    const generate_shared *s = op->shared;
    vonk__program_place(&l->program, lane);
    VONK_TRY(vonk_program_eval(l->program.at, in, l->args, err));
    l->busy = true;
    l->at = 0;
    for (uint32_t i = 0; i < s->call->n_args; i++) {
        vonk_column *flat = NULL;
        if (l->args[i]->encoding == VONK_FLAT) continue;
        VONK_TRY(vonk_column_flatten(lane->budget, l->args[i], &flat, err));
        vonk_column_unref(l->args[i]);
        l->args[i] = flat;
    }
    return VONK_OK;
}

/* Where each row comes from. Without OUTER, rows that make nothing are gone. */
static vonk_status number_rows(vonk_op *op, generate_local *l, vonk_rows rows, const uint32_t *counts, vonk_error *err)
{
    bool outer = op->node->generate.outer, nulls = false;
    uint64_t n = 0;
    uint32_t at = 0, made = 0;
    for (uint32_t k = 0; k < rows.n; k++) {
        nulls |= outer && counts[k] == 0;
        n += counts[k] + (outer && counts[k] == 0);
    }
    if (n > UINT32_MAX - 1)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "so many generated rows of one batch");
    VONK_TRY(vonk_alloc_array(op->budget, n + 1, sizeof *l->rows, &l->rows, err));
    if (nulls) VONK_TRY(vonk_alloc_array(op->budget, n + 1, sizeof *l->from, &l->from, err));
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t row = vonk_row_at(rows, k);
        for (uint32_t j = 0; j < counts[k]; j++) {
            if (l->from) l->from[at] = made + j;
            l->rows[at++] = row;
        }
        made += counts[k];
        if (counts[k] > 0 || !outer) continue;
        l->from[at] = UINT32_MAX;
        l->rows[at++] = row;
    }
    l->n = at;
    return VONK_OK;
}

static vonk_status take_piece(vonk_op *op, vonk_lane *lane, generate_local *l, const vonk_batch *in, vonk_error *err)
{
    const generate_shared *s = op->shared;
    double fit = (double)vonk_exec_batch_rows(op->exec) / (l->ratio > 0.01 ? l->ratio : 0.01);
    uint32_t n = in->n_sel - l->at, *idx, *counts;
    if (fit < (double)n) n = fit < 1 ? 1 : (uint32_t)fit;
    VONK_TRY(vonk_arena_array(lane->scratch, n, sizeof *idx, &idx, err));
    VONK_TRY(vonk_arena_array(lane->scratch, n, sizeof *counts, &counts, err));
    for (uint32_t k = 0; k < n; k++) idx[k] = vonk_row_at(vonk_batch_rows(in), l->at + k);
    vonk_rows rows = {idx, n};
    lane->ev.local = l->scratch;
    drop_piece(s, l);
    vonk_status st = s->call->fn->generate(s->call, &lane->ev, l->args, in->n_rows, rows, counts, l->made, err);
    if (st != VONK_OK) { /* it has dropped what it made */
        memset(l->made, 0, s->n_made * sizeof *l->made);
        return st;
    }
    l->at += n;
    VONK_TRY(number_rows(op, l, rows, counts, err));
    l->ratio = (double)l->n / n;
    return VONK_OK;
}

/* The next rows of the piece, at most a batch. */
static vonk_status put_rows(vonk_op *op, vonk_lane *lane, generate_local *l, const vonk_batch *in, vonk_out *out,
                            vonk_error *err)
{
    const generate_shared *s = op->shared;
    uint32_t n = l->n - l->given, most = vonk_exec_batch_rows(op->exec);
    vonk_batch *batch = NULL;
    vonk_status st = VONK_OK;
    if (n > most) n = most;
    for (uint32_t i = 0; i < s->n_kept && st == VONK_OK; i++)
        st = vonk_column_gather(lane->budget, in->columns[s->kept[i]], l->rows + l->given, n, false, &l->columns[i],
                                err);
    for (uint32_t i = 0; i < s->n_made && st == VONK_OK; i++) {
        vonk_column **column = &l->columns[s->n_kept + i];
        if (l->from)
            st = vonk_column_gather(lane->budget, l->made[i], l->from + l->given, n, true, column, err);
        else if (n == l->n)
            *column = vonk_column_ref(l->made[i]);
        else
            st = vonk_column_slice(lane->budget, l->made[i], l->given, n, column, err);
    }
    l->given += n;
    if (st == VONK_OK) {
        st = vonk_op_batch(lane, n, l->columns, op->n_columns, &batch, err);
        memset(l->columns, 0, op->n_columns * sizeof *l->columns);
    }
    drop(l->columns, op->n_columns);
    VONK_TRY(st);
    vonk_out_put(out, batch);
    return VONK_OK;
}

static void end_batch(const generate_shared *s, generate_local *l)
{
    drop_piece(s, l);
    drop(l->args, s->call->n_args);
    l->busy = false;
    l->at = 0;
}

static vonk_status generate_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                                 vonk_flow *ret_flow, vonk_error *err)
{
    const generate_shared *s = op->shared;
    generate_local *l = local;
    if (!l->busy) VONK_TRY(start_batch(op, lane, l, in, err));
    while (l->given == l->n && l->at < in->n_sel) {
        if (vonk_exec_cancelled(op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(take_piece(op, lane, l, in, err));
    }
    if (l->given < l->n) VONK_TRY(put_rows(op, lane, l, in, out, err));
    if (l->given < l->n || l->at < in->n_sel) {
        *ret_flow = VONK_AGAIN;
        return VONK_OK;
    }
    end_batch(s, l);
    return VONK_OK;
}

/* Of a batch that nobody wanted the rest of, something may be left. */
static vonk_status generate_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                                vonk_error *err)
{
    end_batch(op->shared, local);
    return VONK_OK;
}

static const vonk_input_class generate_input = {.order = VONK_ORDER_KEEPS,
                                                .local_size = sizeof(generate_local),
                                                .local_open = generate_local_open,
                                                .push = generate_push,
                                                .end_morsel = generate_end,
                                                .local_close = generate_local_close};
const vonk_op_class vonk_op_generate = {.name = "generate",
                                        .shared_size = sizeof(generate_shared),
                                        .open = generate_open,
                                        .close = generate_close,
                                        .n_inputs = 1,
                                        .inputs = &generate_input};
