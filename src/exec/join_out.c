/* exec/join_out.c -- batches out of pairs of rows. Probe columns are handed on untouched where the rows allow it. */
#include "exec/join_int.h"

#define SPARSE_PART 8 /* a batch with less than 1/8 of the rows it could have is kept back */

static vonk_status probe_column(vonk_lane *lane, const join_rows *r, uint32_t c, const vonk_type *type,
                                vonk_column **ret, vonk_error *err)
{
    if (!r->in) return vonk_column_new_nulls(lane->budget, type, r->n, ret, err);
    if (r->probe_rows) return vonk_column_gather(lane->budget, r->in->columns[c], r->probe_rows, r->n, false, ret, err);
    *ret = vonk_column_ref(r->in->columns[c]);
    return VONK_OK;
}

static vonk_status build_column(const join_table *t, vonk_lane *lane, const join_rows *r, uint32_t stored,
                                const vonk_type *type, vonk_column **ret, vonk_error *err)
{
    if (!r->build_rows || t->n_rows == 0) return vonk_column_new_nulls(lane->budget, type, r->n, ret, err);
    return vonk_column_gather(lane->budget, t->columns[stored], r->build_rows, r->n, r->some_null, ret, err);
}

typedef struct made {
    vonk_column **at;
    uint32_t n;
} made;

static vonk_status put_probe(const join_form *f, vonk_lane *lane, const join_rows *r, made *m, vonk_error *err)
{
    for (uint32_t c = 0; f->puts_probe && c < f->n_probe; c++, m->n++)
        VONK_TRY(probe_column(lane, r, c, f->op->children[0]->types[c], &m->at[m->n], err));
    return VONK_OK;
}

static vonk_status put_build(const join_form *f, const join_table *t, vonk_lane *lane, const join_rows *r, made *m,
                             vonk_error *err)
{
    for (uint32_t c = 0; f->puts_build && c < f->n_build; c++, m->n++)
        VONK_TRY(build_column(t, lane, r, f->stored_of[c], f->op->children[1]->types[c], &m->at[m->n], err));
    return VONK_OK;
}

/* Behind the node's columns: those that spilled rows carry to find their place again. */
static vonk_status put_extra(const join_form *f, const join_table *t, vonk_lane *lane, const join_rows *r, made *m,
                             vonk_error *err)
{
    for (uint32_t c = f->n_probe; r->in && c < r->in->n_columns; c++, m->n++)
        VONK_TRY(probe_column(lane, r, c, r->in->columns[c]->type, &m->at[m->n], err));
    for (uint32_t c = f->n_stored; t->columns && c < t->n_columns; c++, m->n++)
        VONK_TRY(build_column(t, lane, r, c, t->columns[c]->type, &m->at[m->n], err));
    return VONK_OK;
}

static vonk_status put_all(const join_form *f, const join_table *t, vonk_lane *lane, const join_rows *r, made *m,
                           vonk_error *err)
{
    if (f->build_left) VONK_TRY(put_build(f, t, lane, r, m, err));
    VONK_TRY(put_probe(f, lane, r, m, err));
    if (!f->build_left) VONK_TRY(put_build(f, t, lane, r, m, err));
    return VONK_OK;
}

vonk_status vonk__join_output(const join_form *f, const join_table *t, vonk_lane *lane, const join_rows *r,
                              vonk_column *take_mark, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *mark = take_mark;
    made m = {0};
    size_t room = (size_t)f->n_probe + f->n_build + 1 + (r->in ? r->in->n_columns : 0) + t->n_columns;
    VONK_TRY(vonk_arena_array(lane->scratch, room, sizeof(vonk_column *), &m.at, err));
    vonk_status st = put_all(f, t, lane, r, &m, err);
    if (st == VONK_OK && mark) m.at[m.n++] = VONK_STEAL(mark);
    if (st == VONK_OK) st = put_extra(f, t, lane, r, &m, err);
    if (st == VONK_OK) return vonk_op_batch(lane, r->n, m.at, m.n, ret, err);
    for (uint32_t i = 0; i < m.n; i++) vonk_column_unref(m.at[i]);
    return st;
}

/* ---- pieces */

vonk_status vonk__join_put_rest(join_pieces *p, vonk_lane *lane, vonk_out *out, vonk_error *err)
{
    vonk_batch *all = NULL;
    vonk_status st = VONK_OK;
    if (p->n == 1)
        all = vonk_batch_ref(p->at[0]);
    else if (p->n > 1)
        st = vonk_batch_concat(lane->budget, (const vonk_batch *const *)p->at, p->n, &all, err);
    vonk__join_pieces_done(p);
    if (all) vonk_out_put(out, all);
    return st;
}

vonk_status vonk__join_put(join_pieces *p, vonk_lane *lane, vonk_batch *take_batch, vonk_out *out, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *batch = take_batch;
    uint32_t target = vonk_exec_batch_rows(lane->exec);
    uint64_t whole = batch->n_rows > target ? batch->n_rows : target;
    bool sparse = (uint64_t)batch->n_sel * SPARSE_PART < whole;
    if (batch->n_sel == 0) return VONK_OK;
    if (!sparse && p->n == 0) {
        vonk_out_put(out, VONK_STEAL(batch));
        return VONK_OK;
    }
    vonk_batch *dense = NULL;
    VONK_TRY(vonk_batch_compact(batch, &dense, err));
    p->at[p->n++] = dense;
    p->n_rows += dense->n_rows;
    if (!sparse || p->n_rows * 2 >= target || p->n == JOIN_MOST_PIECES) return vonk__join_put_rest(p, lane, out, err);
    return VONK_OK;
}

void vonk__join_pieces_done(join_pieces *p)
{
    for (uint32_t i = 0; i < p->n; i++) vonk_batch_unref(p->at[i]);
    p->n = p->n_rows = 0;
}
