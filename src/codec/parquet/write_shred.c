/* Record shredding: rows of nested columns become entries with repetition and definition levels, list by list on the
 * way down. */
#include "codec/parquet/write.h"

/* Entries on the way down. idx: row of the column at hand, PQ_ABSENT: the entry ended above. */
#define PQ_ABSENT UINT32_MAX
typedef struct entries {
    uint16_t *rep, *def;
    uint32_t *idx;
    uint32_t n, n_rows;
    uint16_t depth_def; /* definition level that an entry which is still there has */
} entries;

typedef struct shredder {
    vonk_budget *budget;
    pq_out_leaf *leaves;
    vonk_error *err;
} shredder;

static vonk_status shred(const shredder *s, const pq_out_node *node, const vonk_column *column, const entries *in);

/* ---- memory */
static void drop(entries *e)
{
    vonk_free(e->rep);
    vonk_free(e->def);
    vonk_free(e->idx);
    *e = (entries){0};
}

static vonk_status make(const shredder *s, uint32_t n, entries *ret)
{
    *ret = (entries){.n = n};
    vonk_status st = vonk_alloc_array(s->budget, n, sizeof *ret->rep, &ret->rep, s->err);
    if (st == VONK_OK) st = vonk_alloc_array(s->budget, n, sizeof *ret->def, &ret->def, s->err);
    if (st == VONK_OK) st = vonk_alloc_array(s->budget, n, sizeof *ret->idx, &ret->idx, s->err);
    if (st != VONK_OK) drop(ret);
    return st;
}

/* ---- steps */
/* Entries whose value is null end here; the others are one level deeper. */
static vonk_status step_optional(const shredder *s, const pq_out_node *node, const vonk_column *column,
                                 const entries *in, entries *ret)
{
    VONK_TRY(make(s, in->n, ret));
    ret->n_rows = in->n_rows;
    ret->depth_def = (uint16_t)(in->depth_def + node->optional);
    memcpy(ret->rep, in->rep, in->n * sizeof *in->rep);
    bool null_type = node->type->id == VONK_T_NULL, lost = false;
    for (uint32_t i = 0; i < in->n; i++) {
        uint32_t row = in->idx[i];
        bool there = row != PQ_ABSENT,
             valid = there && !null_type && (!column->validity || vonk_bit_get(column->validity, row));
        lost |= there && !valid && !node->optional;
        ret->idx[i] = valid ? row : PQ_ABSENT;
        ret->def[i] = (uint16_t)(valid ? ret->depth_def : in->def[i]);
    }
    if (!lost) return VONK_OK;
    drop(ret);
    return VONK_FAIL(s->err, VONK_E_INTERNAL_ERROR, "message",
                     "a null in a Parquet column that has none by its schema");
}

/* One entry per element; lists without elements keep theirs. */
static vonk_status step_list(const shredder *s, const pq_out_node *node, const vonk_column *column, const entries *in,
                             entries *ret)
{
    const vonk_span *spans = column->data;
    uint64_t n = 0;
    for (uint32_t i = 0; i < in->n; i++)
        n += in->idx[i] == PQ_ABSENT || spans[in->idx[i]].len == 0 ? 1 : spans[in->idx[i]].len;
    if (n > INT32_MAX)
        return VONK_FAIL(s->err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "more than 2^31 elements below one batch of rows");
    VONK_TRY(make(s, (uint32_t)n, ret));
    ret->n_rows = in->n_rows;
    ret->depth_def = (uint16_t)(in->depth_def + 1);
    uint32_t to = 0;
    for (uint32_t i = 0; i < in->n; i++) {
        vonk_span span = in->idx[i] == PQ_ABSENT ? (vonk_span){0, 0} : spans[in->idx[i]];
        if (span.len == 0) {
            ret->rep[to] = in->rep[i];
            ret->def[to] = in->def[i];
            ret->idx[to++] = PQ_ABSENT;
        }
        for (uint32_t k = 0; k < span.len; k++) {
            ret->rep[to] = k == 0 ? in->rep[i] : node->element_rep;
            ret->def[to] = ret->depth_def;
            ret->idx[to++] = span.offset + k;
        }
    }
    return VONK_OK;
}

static vonk_status to_leaf(const shredder *s, const pq_out_node *node, const vonk_column *column, entries *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        e->idx[n] = e->idx[i];
        n += e->idx[i] != PQ_ABSENT;
    }
    return vonk__pq_out_leaf_add(&s->leaves[node->leaf], e->rep, e->def, e->n, e->n_rows, column, e->idx, n, s->err);
}

static vonk_status shred_children(const shredder *s, const pq_out_node *node, const vonk_column *column,
                                  const entries *in)
{
    for (uint32_t i = 0; i < node->n_children; i++) VONK_TRY(shred(s, &node->children[i], column->children[i], in));
    return VONK_OK;
}

static vonk_status shred_flat(const shredder *s, const pq_out_node *node, const vonk_column *column, const entries *in)
{
    entries here = {0}, below = {0};
    VONK_TRY(step_optional(s, node, column, in, &here));
    vonk_status st;
    if (node->leaf != PQ_NO_CHILD) {
        st = to_leaf(s, node, column, &here);
    } else if (!node->list) {
        st = shred_children(s, node, column, &here);
    } else {
        st = step_list(s, node, column, &here, &below);
        if (st == VONK_OK) st = shred_children(s, node, column, &below);
        drop(&below);
    }
    drop(&here);
    return st;
}

static vonk_status shred(const shredder *s, const pq_out_node *node, const vonk_column *column, const entries *in)
{
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
    if (column->encoding == VONK_FLAT) return shred_flat(s, node, column, in);
    VONK_TRY(vonk_column_flatten(s->budget, column, &flat, s->err));
    return shred_flat(s, node, flat, in);
}

vonk_status vonk__pq_shred(vonk_budget *budget, pq_out_leaf *leaves, const pq_out_node *node, const vonk_column *column,
                           const uint32_t *idx, uint32_t n, vonk_error *err)
{
    shredder s = {budget, leaves, err};
    entries top = {0};
    VONK_TRY(make(&s, n, &top));
    top.n_rows = n;
    memset(top.rep, 0, n * sizeof *top.rep);
    memset(top.def, 0, n * sizeof *top.def);
    memcpy(top.idx, idx, n * sizeof *top.idx);
    vonk_status st = shred(&s, node, column, &top);
    drop(&top);
    return st;
}
