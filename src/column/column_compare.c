/* column/column_compare.c -- equality and order of single rows, any type and encoding. Walks are as deep as the type.
 */
#include "column/collation.h"
#include "column/column_int.h"

/* Spark's order of floats: NaN is one value and the largest, -0.0 is 0.0. */
static int compare_f64(double a, double b)
{
    if (a < b) return -1;
    if (a > b) return 1;
    if (a == b) return 0;
    return (a != a) - (b != b);
}
#define COMPARE(x, y) (((x) > (y)) - ((x) < (y)))

static int compare_interval(const vonk_interval *a, const vonk_interval *b)
{
    if (a->months != b->months) return COMPARE(a->months, b->months);
    if (a->days != b->days) return COMPARE(a->days, b->days);
    return COMPARE(a->us, b->us);
}

static int compare_views(const vonk_column *a, uint32_t i, const vonk_column *b, uint32_t j)
{
    const vonk_view *x = &VONK_VALUES(a, vonk_view)[i], *y = &VONK_VALUES(b, vonk_view)[j];
    if (!vonk_collation_is_bytes(a->type->collation))
        return vonk_collation_compare(a->type->collation, vonk_view_str(x, a->heaps), vonk_view_str(y, b->heaps));
    return vonk_view_compare(x, a->heaps, y, b->heaps);
}

static int compare_spans(const vonk_column *a, uint32_t i, const vonk_column *b, uint32_t j)
{
    vonk_span x = VONK_VALUES(a, vonk_span)[i], y = VONK_VALUES(b, vonk_span)[j];
    for (uint32_t k = 0; k < x.len && k < y.len; k++)
        for (uint32_t c = 0; c < a->n_children; c++) { /* maps: key, then value, entry by entry */
            int r = vonk_column_row_compare(a->children[c], x.offset + k, b->children[c], y.offset + k);
            if (r) return r;
        }
    return COMPARE(x.len, y.len);
}

static int compare_fields(const vonk_column *a, uint32_t i, const vonk_column *b, uint32_t j)
{
    for (uint32_t c = 0; c < a->n_children; c++) {
        int r = vonk_column_row_compare(a->children[c], i, b->children[c], j);
        if (r) return r;
    }
    return 0;
}

int vonk_column_row_compare(const vonk_column *a, uint32_t a_row, const vonk_column *b, uint32_t b_row)
{
    bool a_null = vonk_column_is_null(a, a_row), b_null = vonk_column_is_null(b, b_row);
    if (a_null || b_null) return b_null - a_null;
    uint32_t i, j;
    const vonk_column *x = vonk_column_locate(a, a_row, &i), *y = vonk_column_locate(b, b_row, &j);
    switch (x->type->storage) {
    case VONK_STORE_BIT:
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32:
    case VONK_STORE_I64: {
        int64_t v = vonk_column_i64(x, i), w = vonk_column_i64(y, j);
        return COMPARE(v, w);
    }
    case VONK_STORE_I128: return COMPARE(VONK_VALUES(x, vonk_i128)[i], VONK_VALUES(y, vonk_i128)[j]);
    case VONK_STORE_F32: return compare_f64((double)VONK_VALUES(x, float)[i], (double)VONK_VALUES(y, float)[j]);
    case VONK_STORE_F64: return compare_f64(VONK_VALUES(x, double)[i], VONK_VALUES(y, double)[j]);
    case VONK_STORE_VIEW: return compare_views(x, i, y, j);
    case VONK_STORE_INTERVAL:
        return compare_interval(&VONK_VALUES(x, vonk_interval)[i], &VONK_VALUES(y, vonk_interval)[j]);
    case VONK_STORE_SPAN: return compare_spans(x, i, y, j);
    default: return compare_fields(x, i, y, j);
    }
}

bool vonk_column_row_eq(const vonk_column *a, uint32_t a_row, const vonk_column *b, uint32_t b_row)
{
    bool a_null = vonk_column_is_null(a, a_row), b_null = vonk_column_is_null(b, b_row);
    if (a_null || b_null) return a_null && b_null;
    uint32_t i, j;
    const vonk_column *x = vonk_column_locate(a, a_row, &i), *y = vonk_column_locate(b, b_row, &j);
    if (x->type->storage == VONK_STORE_VIEW && vonk_collation_is_bytes(x->type->collation))
        return vonk_view_eq(&VONK_VALUES(x, vonk_view)[i], x->heaps, &VONK_VALUES(y, vonk_view)[j], y->heaps);
    if (x->type->storage == VONK_STORE_SPAN && VONK_VALUES(x, vonk_span)[i].len != VONK_VALUES(y, vonk_span)[j].len)
        return false;
    return vonk_column_row_compare(x, i, y, j) == 0;
}
