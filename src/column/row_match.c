/* column/row_match.c -- stored rows against rows of columns (hash tables), and against each other (sorts). */
#include "column/collation.h"
#include "column/rows_int.h"

/* Stored value of the row at lane k against the lane's value `v`; lanes that are out already are skipped, because their
 * row may be NULL. */
#define MATCH_EACH(T, eq)                                                                                              \
    VONK__EACH_LANE(                                                                                                   \
        T, c, k, v, if (match[k]) {                                                                                    \
            T s;                                                                                                       \
            memcpy(&s, rows[k] + at, sizeof(T));                                                                       \
            match[k] = eq;                                                                                             \
        })

static inline bool eq_str(const vonk__row_str *s, const vonk_view *v, vonk_buffer *const *heaps)
{
    uint64_t x, y;
    memcpy(&x, s, 8);
    memcpy(&y, v, 8);
    if (x != y) return false;
    if (v->len <= VONK_VIEW_INLINE) return memcmp(s->rest, v->inlined + 4, 8) == 0;
    return memcmp(s->ptr + 4, heaps[v->heap]->data + v->offset + 4, v->len - 4) == 0;
}

static void match_strings(const vonk__chunk *c, uint8_t *const *rows, uint32_t at, uint8_t *match)
{
    vonk_buffer *const *heaps = c->base->heaps;
    int32_t collation = c->base->type->collation;
    const vonk_view *views = c->values;
    for (uint32_t k = 0; k < c->n; k++) {
        if (!match[k]) continue;
        const vonk__row_str *s = (const vonk__row_str *)(const void *)(rows[k] + at);
        const vonk_view *v = &views[vonk__lane_row(c, k)];
        match[k] = vonk_collation_is_bytes(collation)
                       ? eq_str(s, v, heaps)
                       : vonk_collation_compare(collation, vonk__row_str_bytes(s), vonk_view_str(v, heaps)) == 0;
    }
}

static void match_nested(const vonk__chunk *c, uint8_t *const *rows, uint32_t at, uint8_t *match)
{
    for (uint32_t k = 0; k < c->n; k++) {
        if (!match[k]) continue;
        const uint8_t *bytes = (const uint8_t *)((const vonk__row_str *)(const void *)(rows[k] + at))->ptr;
        match[k] = vonk__nested_eq_column(c->base->type, &bytes, c->base, vonk__lane_row(c, k));
    }
}

static void match_values(const vonk__chunk *c, uint8_t *const *rows, uint32_t at, uint8_t *match)
{
    switch (c->base->type->storage) {
    case VONK_STORE_BIT:
        for (uint32_t k = 0; k < c->n; k++)
            if (match[k]) match[k] = rows[k][at] == vonk_bit_get(c->values, vonk__lane_row(c, k));
        break;
    case VONK_STORE_I8: MATCH_EACH(uint8_t, s == v); break;
    case VONK_STORE_I16: MATCH_EACH(uint16_t, s == v); break;
    case VONK_STORE_I32: MATCH_EACH(uint32_t, s == v); break;
    case VONK_STORE_I64: MATCH_EACH(uint64_t, s == v); break;
    case VONK_STORE_F32: MATCH_EACH(float, vonk__eq_f64((double)s, (double)v)); break;
    case VONK_STORE_F64: MATCH_EACH(double, vonk__eq_f64(s, v)); break;
    case VONK_STORE_I128:
    case VONK_STORE_INTERVAL: MATCH_EACH(vonk__pair64, s.low == v.low && s.high == v.high); break;
    case VONK_STORE_VIEW: match_strings(c, rows, at, match); break;
    case VONK_STORE_NONE:
        if (!vonk__is_nested(c->base->type)) break; /* void: nulls were all there is */
        match_nested(c, rows, at, match);
        break;
    default: match_nested(c, rows, at, match);
    }
}

/* Lanes where a side is null are decided here. Those that stay 1 but need no value any more come back as 2. */
static bool match_nulls(const vonk__chunk *c, uint8_t *const *rows, uint32_t column, bool nulls_equal, uint8_t *match)
{
    uint32_t at = column >> 3, bit = column & 7, both_null = 0;
    if (!c->valid) { /* the usual case: only the stored side may be null */
        for (uint32_t k = 0; k < c->n; k++)
            if (match[k]) match[k] = (rows[k][at] >> bit) & 1;
        return false;
    }
    for (uint32_t k = 0; k < c->n; k++) {
        if (!match[k]) continue;
        bool stored = (rows[k][at] >> bit) & 1, probe = c->valid[k];
        if (stored && probe) continue;
        match[k] = stored == probe && nulls_equal ? 2 : 0;
        both_null |= match[k];
    }
    return both_null != 0;
}

static void match_column(const vonk__chunk *c, uint8_t *const *rows, uint32_t column, uint32_t at, bool nulls_equal,
                         uint8_t *match)
{
    if (!match_nulls(c, rows, column, nulls_equal, match)) {
        match_values(c, rows, at, match);
        return;
    }
    uint8_t null_pairs[VONK__CHUNK_ROWS];
    for (uint32_t k = 0; k < c->n; k++) {
        null_pairs[k] = match[k] == 2;
        match[k] &= 1;
    }
    match_values(c, rows, at, match);
    for (uint32_t k = 0; k < c->n; k++) match[k] |= null_pairs[k];
}

static bool any_left(const uint8_t *match, uint32_t n)
{
    unsigned any = 0;
    for (uint32_t k = 0; k < n; k++) any |= match[k];
    return any;
}

static vonk_status check_collations(const vonk_type *t, vonk_error *err)
{
    if (t->collation) VONK_TRY(vonk_collation_check(t->collation, err));
    for (uint32_t i = 0; i < t->n_fields; i++) VONK_TRY(check_collations(t->fields[i].type, err));
    return VONK_OK;
}

vonk_status vonk_rows_match(const vonk_row_layout *layout, uint32_t n_keys, uint8_t *const *rows,
                            vonk_column *const *columns, vonk_rows probe, bool nulls_equal, uint8_t *match,
                            vonk_error *err)
{
    vonk__chunk chunk;
    for (uint32_t c = 0; c < n_keys; c++) VONK_TRY(check_collations(layout->types[c], err));
    for (uint32_t at = 0; at < probe.n; at += VONK__CHUNK_ROWS) {
        uint32_t n = probe.n - at < VONK__CHUNK_ROWS ? probe.n - at : VONK__CHUNK_ROWS;
        for (uint32_t c = 0; c < n_keys; c++) {
            assert(columns[c]->type->storage == layout->types[c]->storage);
            if (c && !any_left(match + at, n)) break;
            vonk__chunk_load(&chunk, columns[c], probe, at, n);
            match_column(&chunk, rows + at, c, layout->offsets[c], nulls_equal, match + at);
        }
    }
    return VONK_OK;
}

/* ---- stored rows against each other */

static int compare_stored(const vonk_type *t, const uint8_t *a, const uint8_t *b)
{
    if (t->storage != VONK_STORE_VIEW && !vonk__is_nested(t)) return vonk__compare_fixed(t->storage, a, b);
    const vonk__row_str *x = (const vonk__row_str *)(const void *)a, *y = (const vonk__row_str *)(const void *)b;
    if (t->storage == VONK_STORE_VIEW)
        return vonk_collation_compare(t->collation, vonk__row_str_bytes(x), vonk__row_str_bytes(y));
    const uint8_t *p = (const uint8_t *)x->ptr, *q = (const uint8_t *)y->ptr;
    return vonk__nested_compare(t, &p, &q);
}

int vonk_rows_compare(const vonk_row_layout *layout, const vonk_sort_spec *specs, uint32_t n, const uint8_t *a,
                      const uint8_t *b)
{
    for (uint32_t c = 0; c < n; c++) {
        bool x = vonk_row_is_null(a, c), y = vonk_row_is_null(b, c);
        if (x || y) {
            if (x == y) continue;
            return x == specs[c].nulls_last ? 1 : -1;
        }
        int r = compare_stored(layout->types[c], a + layout->offsets[c], b + layout->offsets[c]);
        if (r) return specs[c].descending ? -r : r;
    }
    return 0;
}
