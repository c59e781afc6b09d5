/* Nested columns out of levels (the inverse of record shredding). */
#include "codec/parquet/want.h"

typedef struct builder {
    vonk_budget *budget;
    const vonk_parquet_meta *meta;
    const pq_read *reads;
    uint32_t first_leaf;
    vonk_error *err;
} builder;

static vonk_status build(const builder *b, const pq_want *want, uint32_t n, vonk_column **ret);

static vonk_status disagree(const builder *b)
{
    return vonk__pq_fail(b->meta, "columns of one group disagree about their lengths", b->err);
}

static const pq_levels *levels_of(const builder *b, const pq_want *want)
{
    return &b->reads[want->leaf - b->first_leaf].levels;
}

/* ---- validity of structs */
static bool is_place(const pq_want *want, const pq_levels *levels, uint32_t i)
{
    return levels->defs[i] >= want->place_def && (!levels->reps || levels->reps[i] <= want->place_rep);
}

/* *ret NULL: no place is null. */
static vonk_status make_validity(const builder *b, const pq_want *want, uint32_t n, vonk_buffer **ret)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *bits = NULL;
    uint32_t at = 0, nulls = 0;
    *ret = NULL;
    if (want->leaf == PQ_NO_LEAF || want->valid_def <= want->place_def) return VONK_OK;
    const pq_levels *levels = levels_of(b, want);
    VONK_TRY(vonk_buffer_new(b->budget, vonk_bits_bytes((size_t)n + 1), &bits, b->err));
    for (uint32_t i = 0; i < levels->n; i++) {
        if (!is_place(want, levels, i)) continue;
        if (at == n) return disagree(b);
        bool valid = levels->defs[i] >= want->valid_def;
        vonk_bit_put(bits->data, at++, valid);
        nulls += !valid;
    }
    if (at != n) return disagree(b);
    if (nulls > 0) *ret = VONK_STEAL(bits);
    return VONK_OK;
}

/* ---- children */
static void drop_children(vonk_column **children, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) vonk_column_unref(children[i]);
    vonk_free(children);
}

static vonk_status build_children(const builder *b, const pq_want *want, uint32_t n, vonk_column ***ret)
{
    vonk_column **children = NULL;
    uint32_t made = 0;
    vonk_status st = vonk_alloc_array(b->budget, want->n_children, sizeof *children, &children, b->err);
    for (; st == VONK_OK && made < want->n_children; made += st == VONK_OK)
        st = build(b, &want->children[made], n, &children[made]);
    if (st != VONK_OK) {
        drop_children(children, made);
        return st;
    }
    *ret = children;
    return VONK_OK;
}

static vonk_status build_struct(const builder *b, const pq_want *want, const vonk_type *type, uint32_t n,
                                vonk_column **ret)
{
    vonk_buffer *validity = NULL;
    vonk_column **children = NULL;
    VONK_TRY(make_validity(b, want, n, &validity));
    vonk_status st = build_children(b, want, n, &children);
    if (st != VONK_OK) {
        vonk_buffer_unref(validity);
        return st;
    }
    st = vonk_column_new_struct(b->budget, type, n, children, validity, ret, b->err);
    drop_children(children, want->n_children);
    return st;
}

/* ---- lists and maps */
/* Fills n spans; *ret_elements: places of the children; *ret_nulls. */
static vonk_status make_spans(const builder *b, const pq_want *want, uint32_t n, vonk_span *spans, uint8_t *validity,
                              uint32_t *ret_elements, uint32_t *ret_nulls)
{
    const pq_levels *levels = levels_of(b, want);
    uint32_t at = 0, elements = 0, nulls = 0;
    for (uint32_t i = 0; i < levels->n; i++) {
        uint16_t rep = levels->reps ? levels->reps[i] : 0, def = levels->defs[i];
        if (rep <= want->place_rep && def >= want->place_def) {
            if (at == n) return disagree(b);
            bool valid = def >= want->valid_def;
            spans[at] = (vonk_span){elements, 0};
            vonk_bit_put(validity, at++, valid);
            nulls += !valid;
        }
        if (rep <= want->element_rep && def >= want->element_def) {
            if (at == 0) return disagree(b);
            spans[at - 1].len++;
            elements++;
        }
    }
    if (at != n) return disagree(b);
    *ret_elements = elements;
    *ret_nulls = nulls;
    return VONK_OK;
}

static vonk_status build_list(const builder *b, const pq_want *want, const vonk_type *type, uint32_t n,
                              vonk_column **ret)
{
    VONK_AUTO(vonk_column_unref) vonk_column *list = NULL;
    vonk_column **children = NULL;
    void *spans = NULL;
    uint8_t *validity = NULL;
    uint32_t elements = 0, nulls = 0;
    VONK_TRY(vonk_column_new(b->budget, type, n, true, &list, &spans, &validity, b->err));
    VONK_TRY(make_spans(b, want, n, spans, validity, &elements, &nulls));
    if (nulls == 0) {
        vonk_buffer_unref(list->validity_buffer);
        list->validity_buffer = NULL;
        list->validity = NULL;
    }
    VONK_TRY(build_children(b, want, elements, &children));
    vonk_status st = vonk_column_set_children(list, children, want->n_children, b->err);
    drop_children(children, want->n_children);
    if (st == VONK_OK) *ret = VONK_STEAL(list);
    return st;
}

/* ---- nodes */
static vonk_status flat_copy(const builder *b, vonk_column *take_column, vonk_column **ret)
{ /* children are flat columns: most code that walks nested values counts on it */
    VONK_AUTO(vonk_column_unref) vonk_column *column = take_column;
    return vonk_column_flatten(b->budget, column, ret, b->err);
}

static vonk_status build_stored(const builder *b, const pq_want *want, const vonk_type *type, uint32_t n,
                                vonk_column **ret)
{
    vonk_column *nulls = NULL;
    switch (want->kind) {
    case PQ_WANT_LEAF: {
        vonk_column *values = b->reads[want->leaf - b->first_leaf].values;
        if (values->n_rows != n) return disagree(b);
        return flat_copy(b, vonk_column_ref(values), ret);
    }
    case PQ_WANT_STRUCT:
    case PQ_WANT_VARIANT: return build_struct(b, want, type, n, ret);
    case PQ_WANT_LIST: return build_list(b, want, type, n, ret);
    default: VONK_TRY(vonk_column_new_nulls(b->budget, type, n, &nulls, b->err)); return flat_copy(b, nulls, ret);
    }
}

static vonk_status build(const builder *b, const pq_want *want, uint32_t n, vonk_column **ret)
{
    bool nested_udt = want->type->id == VONK_T_UDT && want->kind != PQ_WANT_LEAF && want->kind != PQ_WANT_MISSING;
    if (!nested_udt) return build_stored(b, want, want->type, n, ret);
    VONK_AUTO(vonk_column_unref) vonk_column *stored = NULL;
    VONK_TRY(build_stored(b, want, want->type->fields[0].type, n, &stored));
    return vonk_column_retype(b->budget, stored, want->type, ret, b->err);
}

vonk_status vonk__pq_build(vonk_budget *budget, const vonk_parquet_meta *meta, const pq_want *want,
                           const pq_read *reads, uint32_t first_leaf, uint32_t n, vonk_column **ret, vonk_error *err)
{
    builder b = {budget, meta, reads, first_leaf, err};
    return build(&b, want, n, ret);
}
