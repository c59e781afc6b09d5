/* column/row_nested.c -- arrays, maps, structs and variants as bytes in a row store's heap. Values keep their bits
 * (NaN, -0.0), so what comes back is what went in; comparing walks both sides with the type. Recursion is as deep as
 * the type. */
#include "column/collation.h"
#include "column/rows_int.h"

static inline uint32_t load_u32(const uint8_t **at)
{
    uint32_t v;
    memcpy(&v, *at, 4);
    *at += 4;
    return v;
}
static inline uint8_t *store_u32(uint8_t *out, uint32_t v)
{
    memcpy(out, &v, 4);
    return out + 4;
}

/* Elements of row `row` in the children: one for structs. */
static vonk_span elements(const vonk_column *c, uint32_t row)
{
    return c->type->storage == VONK_STORE_SPAN ? VONK_VALUES(c, vonk_span)[row] : (vonk_span){row, 1};
}

static uint32_t fixed_width(const vonk_type *t)
{
    return t->storage == VONK_STORE_BIT ? 1 : (uint32_t)vonk_storage_bytes(t->storage);
}

uint64_t vonk__nested_bytes(const vonk_column *column, uint32_t row)
{
    if (vonk_column_is_null(column, row)) return 1;
    const vonk_column *c = vonk_column_locate(column, row, &row);
    if (c->type->storage == VONK_STORE_VIEW) return 5 + (uint64_t)VONK_VALUES(c, vonk_view)[row].len;
    if (!vonk__is_nested(c->type)) return 1 + fixed_width(c->type);
    vonk_span s = elements(c, row);
    uint64_t sum = c->type->storage == VONK_STORE_SPAN ? 5 : 1;
    for (uint32_t i = 0; i < c->n_children; i++)
        for (uint32_t k = 0; k < s.len; k++) sum += vonk__nested_bytes(c->children[i], s.offset + k);
    return sum;
}

static uint8_t *write_fixed(const vonk_column *c, uint32_t row, uint8_t *out)
{
    uint32_t width = fixed_width(c->type);
    if (c->encoding == VONK_SEQUENCE ||
        c->type->storage == VONK_STORE_BIT) { /* little-endian: the low bytes come first */
        int64_t v = vonk_column_i64(c, row);
        memcpy(out, &v, width);
    } else
        memcpy(out, (const uint8_t *)c->data + (size_t)row * width, width);
    return out + width;
}

uint8_t *vonk__nested_write(const vonk_column *column, uint32_t row, uint8_t *out)
{
    bool null = vonk_column_is_null(column, row);
    *out++ = !null;
    if (null) return out;
    const vonk_column *c = vonk_column_locate(column, row, &row);
    if (c->type->storage == VONK_STORE_VIEW) {
        vonk_str s = vonk_view_str(&VONK_VALUES(c, vonk_view)[row], c->heaps);
        out = store_u32(out, (uint32_t)s.len);
        if (s.len) memcpy(out, s.data, s.len);
        return out + s.len;
    }
    if (!vonk__is_nested(c->type)) return write_fixed(c, row, out);
    vonk_span s = elements(c, row);
    if (c->type->storage == VONK_STORE_SPAN) out = store_u32(out, s.len);
    for (uint32_t k = 0; k < s.len; k++)
        for (uint32_t i = 0; i < c->n_children; i++) out = vonk__nested_write(c->children[i], s.offset + k, out);
    return out;
}

/* ---- comparing */

#define COMPARE(T)                                                                                                     \
    {                                                                                                                  \
        T x, y;                                                                                                        \
        memcpy(&x, a, sizeof(T));                                                                                      \
        memcpy(&y, b, sizeof(T));                                                                                      \
        return (x > y) - (x < y);                                                                                      \
    }

static int compare_fixed(vonk_storage storage, const uint8_t *a, const uint8_t *b)
{
    switch (storage) {
    case VONK_STORE_BIT: COMPARE(uint8_t)
    case VONK_STORE_I8: COMPARE(int8_t)
    case VONK_STORE_I16: COMPARE(int16_t)
    case VONK_STORE_I32: COMPARE(int32_t)
    case VONK_STORE_I64: COMPARE(int64_t)
    case VONK_STORE_I128: COMPARE(vonk_i128)
    case VONK_STORE_F32: {
        float x, y;
        memcpy(&x, a, 4);
        memcpy(&y, b, 4);
        return vonk__compare_f64((double)x, (double)y);
    }
    case VONK_STORE_F64: {
        double x, y;
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        return vonk__compare_f64(x, y);
    }
    case VONK_STORE_INTERVAL: {
        int r = compare_fixed(VONK_STORE_I32, a, b);
        if (r == 0) r = compare_fixed(VONK_STORE_I32, a + 4, b + 4);
        return r ? r : compare_fixed(VONK_STORE_I64, a + 8, b + 8);
    }
    default: return 0;
    }
}
int vonk__compare_fixed(vonk_storage storage, const uint8_t *a, const uint8_t *b)
{
    return compare_fixed(storage, a, b);
}

/* Elements of both sides: entry by entry, then the count. Ends behind the last value read, which only matters when all
 * were equal. */
static int compare_elements(const vonk_type *t, uint32_t n, uint32_t m, const uint8_t **a, const uint8_t **b)
{
    uint32_t children = vonk__n_children(t);
    for (uint32_t k = 0; k < n && k < m; k++)
        for (uint32_t i = 0; i < children; i++) {
            int r = vonk__nested_compare(vonk__child_type(t, i), a, b);
            if (r) return r;
        }
    return (n > m) - (n < m);
}

int vonk__nested_compare(const vonk_type *type, const uint8_t **a, const uint8_t **b)
{
    bool x = *(*a)++, y = *(*b)++;
    if (!x || !y) return x - y; /* nulls first */
    if (type->storage == VONK_STORE_VIEW) {
        vonk_str s, t;
        s.len = load_u32(a);
        t.len = load_u32(b);
        s.data = (const char *)*a;
        t.data = (const char *)*b;
        *a += s.len;
        *b += t.len;
        return vonk_collation_compare(type->collation, s, t);
    }
    if (!vonk__is_nested(type)) {
        int r = compare_fixed(type->storage, *a, *b);
        *a += fixed_width(type);
        *b += fixed_width(type);
        return r;
    }
    if (type->storage != VONK_STORE_SPAN) return compare_elements(type, 1, 1, a, b);
    uint32_t n = load_u32(a), m = load_u32(b);
    return compare_elements(type, n, m, a, b);
}

static bool fixed_eq_column(const vonk_type *type, const uint8_t *bytes, const vonk_column *c, uint32_t row)
{
    uint8_t own[16];
    (void)write_fixed(c, row, own);
    return compare_fixed(type->storage, bytes, own) == 0;
}

bool vonk__nested_eq_column(const vonk_type *type, const uint8_t **bytes, const vonk_column *column, uint32_t row)
{
    bool null = vonk_column_is_null(column, row), stored = *(*bytes)++;
    if (null || !stored) return null != stored;
    const vonk_column *c = vonk_column_locate(column, row, &row);
    if (type->storage == VONK_STORE_VIEW) {
        vonk_str s;
        s.len = load_u32(bytes);
        s.data = (const char *)*bytes;
        *bytes += s.len;
        return vonk_collation_compare(type->collation, s, vonk_column_str(c, row)) == 0;
    }
    if (!vonk__is_nested(type)) {
        const uint8_t *at = *bytes;
        *bytes += fixed_width(type);
        return fixed_eq_column(type, at, c, row);
    }
    vonk_span s = elements(c, row);
    if (type->storage == VONK_STORE_SPAN && load_u32(bytes) != s.len) return false;
    for (uint32_t k = 0; k < s.len; k++)
        for (uint32_t i = 0; i < c->n_children; i++)
            if (!vonk__nested_eq_column(vonk__child_type(type, i), bytes, c->children[i], s.offset + k)) return false;
    return true;
}

/* ---- reading back */

vonk_status vonk__nested_read(const uint8_t **bytes, vonk_builder *into, vonk_error *err)
{
    if (!*(*bytes)++) return vonk_builder_null(into, err);
    const vonk_type *t = into->type;
    if (t->storage == VONK_STORE_VIEW) {
        vonk_str s;
        s.len = load_u32(bytes);
        s.data = (const char *)*bytes;
        *bytes += s.len;
        return vonk_builder_str(into, s, err);
    }
    if (!vonk__is_nested(t)) {
        const uint8_t *at = *bytes;
        *bytes += fixed_width(t);
        return t->storage == VONK_STORE_BIT ? vonk_builder_bool(into, *at, err) : vonk_builder_fixed(into, at, err);
    }
    uint32_t n = t->storage == VONK_STORE_SPAN ? load_u32(bytes) : 1;
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < into->n_children; i++)
            VONK_TRY(vonk__nested_read(bytes, vonk_builder_child(into, i), err));
    return vonk_builder_close(into, err);
}
