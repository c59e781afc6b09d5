/* exec/op_expand.c -- P_EXPAND: each row becomes one row per list: grouping sets, several DISTINCT aggregates, unpivot.
 *
 * Row r of the input gives rows r * n_lists .. of the output, one per list in their order. All lists are one program,
 * so what they share is computed once. A column is put together from its values in the lists, as cheaply as they allow:
 *   the same expression everywhere           each value, n_lists times
 *   constants everywhere (group numbers)     one value per list, gathered
 *   null everywhere but in one list          that list's values, gathered with nulls
 *   anything else                            all values one list after the other, gathered
 * Rows are taken in pieces of about batch_rows / n_lists, so that memory is bounded however many lists there are. */
#include "exec/op_int.h"

typedef struct expand_shared {
    vonk_program *program; /* list after list */
    uint32_t n_lists;
    bool *same; /* [column]: one expression in all lists */
} expand_shared;

typedef struct expand_local {
    op_program_local program;
    vonk_batch *in;        /* dense input that is being expanded; NULL: the next batch begins */
    uint32_t at;           /* its next row */
    vonk_column **columns; /* [list * n_columns + column], of `n_rows` rows; NULL: none are open */
    vonk_column **open;
    vonk_column **joined; /* [column]: of `open`, the values of all lists one after the other; NULL: not needed yet */
    uint32_t n_rows;
    uint64_t at_out, n_out; /* output rows of `open` */
    uint32_t *row, *index;  /* [batch_rows]: of the output: input row; place in what is gathered from */
    vonk_column **parts;    /* [list] */
    vonk_column **made;     /* [column] */
} expand_local;

static vonk_status expand_open(vonk_op *op, vonk_error *err)
{
    const vonk_plan *node = op->node;
    expand_shared *s = op->shared;
    const vonk_expr **all = NULL;
    if (node->n_lists == 0) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "an Expand needs projections");
    for (uint32_t i = 0; i < node->n_lists; i++)
        if (node->lists[i].n != op->n_columns)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                             "the projections of an Expand differ in their number of columns");
    s->n_lists = node->n_lists;
    VONK_TRY(vonk_arena_array(op->arena, op->n_columns, sizeof *s->same, &s->same, err));
    VONK_TRY(vonk_arena_array(op->arena, (size_t)s->n_lists * op->n_columns, sizeof *all, &all, err));
    for (uint32_t c = 0; c < op->n_columns; c++) {
        s->same[c] = true;
        for (uint32_t i = 0; i < s->n_lists; i++) {
            all[(size_t)i * op->n_columns + c] = node->lists[i].at[c];
            s->same[c] &= i == 0 || vonk_expr_equal(node->lists[0].at[c], node->lists[i].at[c]);
        }
    }
    return vonk_op_program(op, all, s->n_lists * op->n_columns, &s->program, err);
}

static void expand_close(vonk_op *op)
{
    expand_shared *s = op->shared;
    vonk_program_free(s->program);
}

static vonk_status expand_local_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    expand_shared *s = op->shared;
    expand_local *l = local;
    uint32_t room = vonk_exec_batch_rows(op->exec);
    size_t n = (size_t)s->n_lists * op->n_columns + 1;
    VONK_TRY(vonk_alloc_zeroed(op->budget, n * sizeof(vonk_column *), &l->columns, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (op->n_columns + 1) * sizeof *l->joined, &l->joined, err));
    VONK_TRY(vonk_alloc_array(op->budget, s->n_lists, sizeof *l->parts, &l->parts, err));
    VONK_TRY(vonk_alloc_array(op->budget, op->n_columns + 1, sizeof *l->made, &l->made, err));
    VONK_TRY(vonk_alloc_array(op->budget, room, sizeof *l->row, &l->row, err));
    VONK_TRY(vonk_alloc_array(op->budget, room, sizeof *l->index, &l->index, err));
    return vonk__program_open(op, lane, s->program, &l->program, err);
}

static void drop_columns(const vonk_op *op, expand_local *l)
{
    const expand_shared *s = op->shared;
    for (size_t i = 0; l->open && i < (size_t)s->n_lists * op->n_columns; i++) {
        vonk_column_unref(l->columns[i]);
        l->columns[i] = NULL;
    }
    for (uint32_t c = 0; l->open && c < op->n_columns; c++) {
        vonk_column_unref(l->joined[c]);
        l->joined[c] = NULL;
    }
    l->open = NULL;
}

static void drop_input(expand_local *l)
{
    vonk_batch_unref(l->in);
    l->in = NULL;
    l->at = 0;
}

static void expand_local_close(vonk_op *op, void *local)
{
    expand_local *l = local;
    drop_columns(op, l);
    drop_input(l);
    vonk__program_close(&l->program);
    vonk_free(l->columns);
    vonk_free(l->joined);
    vonk_free(l->parts);
    vonk_free(l->made);
    vonk_free(l->row);
    vonk_free(l->index);
}

/* ---- one output column */

typedef struct piece {
    const vonk_op *op;
    vonk_lane *lane;
    expand_local *l;
    uint32_t n; /* output rows, from l->at_out on */
} piece;

static bool is_null_constant(const vonk_column *c) { return c->encoding == VONK_CONSTANT && vonk_column_is_null(c, 0); }

static const vonk_column *value_of(const piece *p, uint32_t list, uint32_t c)
{
    return p->l->open[(size_t)list * p->op->n_columns + c];
}

static vonk_status gather_from_one(const piece *p, uint32_t c, uint32_t list, vonk_column **ret, vonk_error *err)
{
    uint32_t n_lists = ((const expand_shared *)p->op->shared)->n_lists, at = (uint32_t)(p->l->at_out % n_lists);
    for (uint32_t k = 0; k < p->n; k++) {
        p->l->index[k] = at == list ? p->l->row[k] : UINT32_MAX;
        if (++at == n_lists) at = 0;
    }
    return vonk_column_gather(p->lane->budget, value_of(p, list, c), p->l->index, p->n, true, ret, err);
}

static vonk_status concat_values(const piece *p, uint32_t c, bool constants, vonk_column **ret, vonk_error *err)
{
    uint32_t n_lists = ((const expand_shared *)p->op->shared)->n_lists, n = 0;
    vonk_column **parts = p->l->parts;
    vonk_status st = VONK_OK;
    for (; n < n_lists; n++) {
        const vonk_column *from = value_of(p, n, c);
        if (constants)
            st = vonk_column_slice(p->lane->budget, from, 0, 1, &parts[n], err);
        else
            parts[n] = vonk_column_ref(from);
        if (st != VONK_OK) break;
    }
    if (st == VONK_OK) st = vonk_column_concat(p->lane->budget, (const vonk_column *const *)parts, n_lists, ret, err);
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(parts[i]);
    return st;
}

static vonk_status gather_from_all(const piece *p, uint32_t c, bool constants, vonk_column **ret, vonk_error *err)
{
    vonk_column **all = &p->l->joined[c]; /* once: with more lists than rows in a batch there are many pieces */
    uint32_t n_lists = ((const expand_shared *)p->op->shared)->n_lists, at = (uint32_t)(p->l->at_out % n_lists);
    if (!*all) VONK_TRY(concat_values(p, c, constants, all, err));
    for (uint32_t k = 0; k < p->n; k++) {
        p->l->index[k] = constants ? at : at * p->l->n_rows + p->l->row[k];
        if (++at == n_lists) at = 0;
    }
    return vonk_column_gather(p->lane->budget, *all, p->l->index, p->n, false, ret, err);
}

static vonk_status expand_column(const piece *p, uint32_t c, vonk_column **ret, vonk_error *err)
{
    const expand_shared *s = p->op->shared;
    uint32_t n_live = 0, live = 0;
    bool constants = true;
    if (s->same[c]) return vonk_column_gather(p->lane->budget, value_of(p, 0, c), p->l->row, p->n, false, ret, err);
    for (uint32_t i = 0; i < s->n_lists; i++) {
        const vonk_column *v = value_of(p, i, c);
        constants &= v->encoding == VONK_CONSTANT;
        if (is_null_constant(v)) continue;
        n_live++;
        live = i;
    }
    if (n_live == 0) return vonk_column_new_nulls(p->lane->budget, p->op->types[c], p->n, ret, err);
    if (n_live == 1 && !constants) return gather_from_one(p, c, live, ret, err);
    return gather_from_all(p, c, constants, ret, err);
}

static vonk_status put_piece(vonk_op *op, vonk_lane *lane, expand_local *l, vonk_out *out, vonk_error *err)
{
    const expand_shared *s = op->shared;
    uint64_t left = l->n_out - l->at_out;
    uint32_t room = vonk_exec_batch_rows(op->exec), n = 0;
    piece p = {.op = op, .lane = lane, .l = l, .n = left < room ? (uint32_t)left : room};
    vonk_column **columns = l->made;
    vonk_batch *batch = NULL;
    vonk_status st = VONK_OK;
    uint32_t row = (uint32_t)(l->at_out / s->n_lists), at = (uint32_t)(l->at_out % s->n_lists);
    for (uint32_t k = 0; k < p.n; k++) {
        l->row[k] = row;
        if (++at < s->n_lists) continue;
        at = 0;
        row++;
    }
    for (; n < op->n_columns; n++) {
        st = expand_column(&p, n, &columns[n], err);
        if (st != VONK_OK) break;
    }
    if (st == VONK_OK) {
        VONK_TRY(vonk_op_batch(lane, p.n, columns, n, &batch, err));
        vonk_out_put(out, batch);
        l->at_out += p.n;
        return VONK_OK;
    }
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
    return st;
}

/* ---- input */

/* Values of the next rows of l->in. */
static vonk_status evaluate_rows(vonk_op *op, expand_local *l, vonk_error *err)
{
    const expand_shared *s = op->shared;
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
    uint32_t n = vonk_exec_batch_rows(op->exec) / s->n_lists, left = l->in->n_rows - l->at;
    if (n == 0) n = 1;
    if (n > left) n = left;
    VONK_TRY(vonk_batch_slice(l->in, l->at, n, &rows, err));
    VONK_TRY(vonk_program_eval(l->program.at, rows, l->columns, err));
    l->open = l->columns;
    l->n_rows = n;
    l->at += n;
    l->at_out = 0;
    l->n_out = (uint64_t)n * s->n_lists;
    return VONK_OK;
}

/* A single list is a projection. */
static vonk_status expand_once(vonk_op *op, vonk_lane *lane, expand_local *l, const vonk_batch *in, vonk_out *out,
                               vonk_error *err)
{
    vonk_batch *batch = NULL;
    VONK_TRY(vonk_program_eval(l->program.at, in, l->columns, err));
    vonk_status st = vonk__batch_like(lane, in, l->columns, op->n_columns, &batch, err);
    memset(l->columns, 0, op->n_columns * sizeof(vonk_column *)); /* taken */
    VONK_TRY(st);
    vonk_out_put(out, batch);
    return VONK_OK;
}

static vonk_status expand_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                               vonk_flow *ret_flow, vonk_error *err)
{
    const expand_shared *s = op->shared;
    expand_local *l = local;
    vonk__program_place(&l->program, lane);
    if (s->n_lists == 1) return expand_once(op, lane, l, in, out, err);
    if (!l->in) VONK_TRY(vonk_batch_compact(in, &l->in, err));
    if (!l->open) VONK_TRY(evaluate_rows(op, l, err));
    VONK_TRY(put_piece(op, lane, l, out, err));
    if (l->at_out == l->n_out) drop_columns(op, l);
    if (!l->open && l->at == l->in->n_rows)
        drop_input(l);
    else
        *ret_flow = VONK_AGAIN;
    return VONK_OK;
}

/* Also where the rest of a batch was not wanted. */
static vonk_status expand_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                              vonk_error *err)
{
    drop_columns(op, local);
    drop_input(local);
    return VONK_OK;
}

static const vonk_input_class expand_input = {.order = VONK_ORDER_KEEPS,
                                              .local_size = sizeof(expand_local),
                                              .local_open = expand_local_open,
                                              .push = expand_push,
                                              .end_morsel = expand_end,
                                              .local_close = expand_local_close};
const vonk_op_class vonk_op_expand = {.name = "expand",
                                      .shared_size = sizeof(expand_shared),
                                      .open = expand_open,
                                      .close = expand_close,
                                      .n_inputs = 1,
                                      .inputs = &expand_input};
