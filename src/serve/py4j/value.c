/* serve/py4j/value.c -- values as Java sees them: text, equality, hash, order. */
#include "serve/py4j/py4j_int.h"
#include "text/number.h"

vonk_status vonk__j_text_value(vonk_budget *budget, vonk__j_kind kind, vonk_str text, vonk__j_value *ret,
                               vonk_error *err)
{
    vonk__j_text *t = NULL;
    VONK_TRY(vonk_alloc(budget, sizeof *t + text.len + 1, &t, err));
    t->refs = 1;
    t->len = text.len;
    if (text.len) memcpy(t->data, text.data, text.len);
    t->data[text.len] = 0;
    *ret = (vonk__j_value){.kind = kind, .text = t};
    return VONK_OK;
}

vonk__j_value vonk__j_ref(vonk__j_value value)
{
    if (value.kind == VONK__J_OBJECT)
        vonk__j_object_ref(value.object);
    else if (vonk__j_has_text(&value))
        atomic_fetch_add(&value.text->refs, 1);
    return value;
}

void vonk__j_unref(vonk__j_value *value)
{
    vonk__j_value v = *value;
    *value = VONK__J_NOTHING;
    if (v.kind == VONK__J_OBJECT)
        vonk__j_object_unref(v.object);
    else if (vonk__j_has_text(&v) && atomic_fetch_sub(&v.text->refs, 1) == 1)
        vonk_free(v.text);
}

void vonk__j_unref_all(vonk__j_value *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) vonk__j_unref(&values[i]);
}

/* ---- text */

static vonk_status add_char(int64_t code, vonk_buf *out, vonk_error *err)
{
    char utf8[4];
    size_t n = 0;
    if (code < 0x80) {
        utf8[n++] = (char)code;
    } else if (code < 0x800) {
        utf8[n++] = (char)(0xc0 | code >> 6);
        utf8[n++] = (char)(0x80 | (code & 0x3f));
    } else {
        utf8[n++] = (char)(0xe0 | code >> 12);
        utf8[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        utf8[n++] = (char)(0x80 | (code & 0x3f));
    }
    return vonk_buf_append(out, utf8, n, err);
}

static vonk_status too_deep(vonk__j_caller *caller, vonk_error *err)
{
    return vonk__j_throw_bare(caller, "java.lang.StackOverflowError", err);
}

vonk_status vonk__j_add_text(vonk__j_caller *caller, const vonk__j_value *v, uint32_t depth, vonk_buf *out,
                             vonk_error *err)
{
    char number[VONK_F64_CHARS];
    if (depth > VONK__J_MAX_DEPTH) return too_deep(caller, err);
    switch (v->kind) {
    case VONK__J_VOID:
    case VONK__J_NULL: return vonk_buf_add_c(out, "null", err);
    case VONK__J_BOOL: return vonk_buf_add_c(out, v->i ? "true" : "false", err);
    case VONK__J_I8:
    case VONK__J_I16:
    case VONK__J_I32:
    case VONK__J_I64: return vonk_buf_append(out, number, vonk_i64_to_text(v->i, number), err);
    case VONK__J_F32: return vonk_buf_append(out, number, vonk_f32_to_text((float)v->f, number), err);
    case VONK__J_F64: return vonk_buf_append(out, number, vonk_f64_to_text(v->f, number), err);
    case VONK__J_CHAR: return add_char(v->i, out, err);
    case VONK__J_DECIMAL:
    case VONK__J_STRING: return vonk_buf_add_str(out, vonk__j_str(v), err);
    case VONK__J_BYTES: return vonk_buf_printf(out, err, "[B@%x", (unsigned)(uintptr_t)v->text);
    case VONK__J_OBJECT: break;
    }
    return v->object->cls->row.text(caller, v->object, depth, out, err);
}

/* ---- hash */

/* The next UTF-16 units of a text: one, or two of a character above U+FFFF. Bytes that are no UTF-8 count as
 * themselves. */
static size_t next_units(vonk_str s, size_t at, uint32_t units[2], size_t *ret_n)
{
    const uint8_t *p = (const uint8_t *)s.data + at;
    const size_t left = s.len - at;
    *ret_n = 1;
    if (p[0] >= 0xc0 && p[0] < 0xe0 && left > 1) {
        units[0] = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        return 2;
    }
    if (p[0] >= 0xe0 && p[0] < 0xf0 && left > 2) {
        units[0] = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        return 3;
    }
    if (p[0] >= 0xf0 && left > 3) {
        const uint32_t c =
            (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
        units[0] = 0xd7c0 + (c >> 10);
        units[1] = 0xdc00 | (c & 0x3ff);
        *ret_n = 2;
        return 4;
    }
    units[0] = p[0];
    return 1;
}

int32_t vonk__j_hash_text(vonk_str text)
{
    uint32_t h = 0, units[2];
    size_t n = 0;
    for (size_t at = 0; at < text.len;) {
        at += next_units(text, at, units, &n);
        for (size_t i = 0; i < n; i++) h = h * 31 + units[i];
    }
    return (int32_t)h;
}

/* BigInteger's hash over 32-bit words, high ones first; then BigDecimal's. */
static int32_t hash_decimal(vonk_str text)
{
    vonk_i128 unscaled = 0;
    int scale = 0;
    if (vonk_text_to_dec_exact(text, &unscaled, &scale) != VONK_DEC_OK) return vonk__j_hash_text(text);
    const vonk_u128 magnitude = unscaled < 0 ? (vonk_u128)0 - (vonk_u128)unscaled : (vonk_u128)unscaled;
    uint32_t h = 0;
    for (int shift = 96; shift >= 0; shift -= 32) h = h * 31 + (uint32_t)(magnitude >> shift);
    if (unscaled < 0) h = 0 - h;
    return (int32_t)(h * 31 + (uint32_t)scale);
}

static int32_t hash_i64(int64_t i) { return (int32_t)((uint64_t)i ^ (uint64_t)i >> 32); }

static int32_t hash_f64(double f)
{
    int64_t bits = 0;
    if (f != f) return hash_i64(INT64_C(0x7ff8000000000000));
    memcpy(&bits, &f, sizeof bits);
    return hash_i64(bits);
}

vonk_status vonk__j_hash(vonk__j_caller *caller, const vonk__j_value *v, uint32_t depth, int32_t *ret, vonk_error *err)
{
    float narrow = 0;
    if (depth > VONK__J_MAX_DEPTH) return too_deep(caller, err);
    switch (v->kind) {
    case VONK__J_VOID:
    case VONK__J_NULL: *ret = 0; break;
    case VONK__J_BOOL: *ret = v->i ? 1231 : 1237; break;
    case VONK__J_I8:
    case VONK__J_I16:
    case VONK__J_I32:
    case VONK__J_CHAR: *ret = (int32_t)v->i; break;
    case VONK__J_I64: *ret = hash_i64(v->i); break;
    case VONK__J_F32:
        narrow = (float)v->f;
        memcpy(ret, &narrow, sizeof *ret);
        break;
    case VONK__J_F64: *ret = hash_f64(v->f); break;
    case VONK__J_DECIMAL: *ret = hash_decimal(vonk__j_str(v)); break;
    case VONK__J_STRING: *ret = vonk__j_hash_text(vonk__j_str(v)); break;
    case VONK__J_BYTES: *ret = (int32_t)((uintptr_t)v->text >> 4); break;
    case VONK__J_OBJECT: return v->object->cls->row.hash(caller, v->object, depth, ret, err);
    }
    return VONK_OK;
}

/* ---- equality and order */

/* As java.lang.Double.equals: NaN equals NaN, 0.0 does not equal -0.0. */
static bool same_double(double a, double b)
{
    uint64_t x = 0, y = 0;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    return x == y || (a != a && b != b);
}

vonk_status vonk__j_equals(vonk__j_caller *caller, const vonk__j_value *a, const vonk__j_value *b, uint32_t depth,
                           bool *ret, vonk_error *err)
{
    if (depth > VONK__J_MAX_DEPTH) return too_deep(caller, err);
    *ret = false;
    if (a->kind != b->kind) return VONK_OK;
    switch (a->kind) {
    case VONK__J_VOID:
    case VONK__J_NULL: *ret = true; break;
    case VONK__J_F32:
    case VONK__J_F64: *ret = same_double(a->f, b->f); break;
    case VONK__J_DECIMAL: /* 1.0 and 1.00 are two */
    case VONK__J_STRING: *ret = vonk_str_eq(vonk__j_str(a), vonk__j_str(b)); break;
    case VONK__J_BYTES: *ret = a->text == b->text; break;
    case VONK__J_OBJECT:
        if (a->object != b->object) return a->object->cls->row.equals(caller, a->object, b->object, depth, ret, err);
        *ret = true;
        break;
    default: *ret = a->i == b->i;
    }
    return VONK_OK;
}

static vonk_status no_order(vonk__j_caller *caller, const vonk__j_value *a, const vonk__j_value *b, vonk_error *err)
{
    const vonk__j_class *from = vonk__j_class_of(caller->machine, a), *to = vonk__j_class_of(caller->machine, b);
    if (!from || !to) return vonk__j_throw_bare(caller, "java.lang.NullPointerException", err);
    if (from == to) to = vonk__j_class_named(caller->machine, "java.lang.Comparable");
    return vonk__j_throw(caller, "java.lang.ClassCastException", err, "class %.*s cannot be cast to class %.*s",
                         VONK_STR_ARGS(from->fqn), VONK_STR_ARGS(to->fqn));
}

static int compare_f64(double a, double b)
{
    if (a < b) return -1;
    if (a > b) return 1;
    if (a == b) return (1 / a < 0) == (1 / b < 0) || a != 0 ? 0 : 1 / a < 0 ? -1 : 1;
    return a != a && b != b ? 0 : a != a ? 1 : -1;
}

/* UTF-16 order is that of bytes but for characters above U+FFFF. */
static int compare_text(vonk_str a, vonk_str b)
{
    size_t i = 0, j = 0, n = 0, m = 0;
    uint32_t x[2] = {0}, y[2] = {0};
    while (i < a.len && j < b.len) {
        i += next_units(a, i, x, &n);
        j += next_units(b, j, y, &m);
        if (x[0] != y[0]) return x[0] < y[0] ? -1 : 1;
        if (n == 2 && m == 2 && x[1] != y[1]) return x[1] < y[1] ? -1 : 1;
    }
    return i < a.len ? 1 : j < b.len ? -1 : 0;
}

static int compare_decimals(vonk_str a, vonk_str b)
{
    double x = 0, y = 0;
    vonk_i128 m = 0, n = 0;
    if (vonk_text_to_dec(a, 38, 18, &m) == VONK_DEC_OK && vonk_text_to_dec(b, 38, 18, &n) == VONK_DEC_OK && m != n)
        return m < n ? -1 : 1;
    vonk_text_to_f64(a, &x);
    vonk_text_to_f64(b, &y);
    return x < y ? -1 : x > y;
}

vonk_status vonk__j_compare(vonk__j_caller *caller, const vonk__j_value *a, const vonk__j_value *b, int *ret,
                            vonk_error *err)
{
    if (a->kind != b->kind) return no_order(caller, a, b, err);
    switch (a->kind) {
    case VONK__J_F32:
    case VONK__J_F64: *ret = compare_f64(a->f, b->f); break;
    case VONK__J_STRING: *ret = compare_text(vonk__j_str(a), vonk__j_str(b)); break;
    case VONK__J_DECIMAL: *ret = compare_decimals(vonk__j_str(a), vonk__j_str(b)); break;
    case VONK__J_BOOL:
    case VONK__J_I8:
    case VONK__J_I16:
    case VONK__J_I32:
    case VONK__J_I64:
    case VONK__J_CHAR: *ret = a->i < b->i ? -1 : a->i > b->i; break;
    default: return no_order(caller, a, b, err);
    }
    return VONK_OK;
}
