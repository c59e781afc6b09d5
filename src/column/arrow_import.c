/* column/arrow_import.c -- ArrowArrays as columns. Pointers are trusted (the interface has no sizes), but offsets,
 * indexes, counts and the shape of the array against its schema are checked. Fixed-width values, bitmaps and string
 * bytes are wrapped without a copy where position and alignment allow it. */
#include <stdatomic.h>

#include "base/arena.h"
#include "column/arrow_int.h"

/* The foreign array, shared by all buffers that wrap a piece of it. */
typedef struct owner {
    _Atomic int64_t refs;
    struct ArrowArray array;
} owner;

static void unref_owner(void *p)
{
    owner *o = p;
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1) return;
    if (o->array.release) o->array.release(&o->array);
    vonk_free(o);
}

/* One array with its schema, and which of its rows are wanted. */
typedef struct source {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    int64_t at; /* first row, array->offset included */
    uint32_t n;
} source;

typedef struct importer {
    vonk_budget *budget;
    owner *owner;
} importer;

static vonk_status bad(const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", "an Arrow array", "problem", problem);
}

static vonk_status import_any(const importer *m, source s, unsigned depth, vonk_column **ret, vonk_error *err);

/* Rows at .. at+n of a child (or a dictionary): `at` counts from the child's own offset. */
static vonk_status source_of(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t at, uint64_t n,
                             source *ret, vonk_error *err)
{
    int64_t end;
    if (!array || array->length < 0 || array->offset < 0 || array->length > INT64_MAX / 64 ||
        array->offset > INT64_MAX / 64)
        return bad("negative length or offset", err);
    if (at < 0 || n > UINT32_MAX || __builtin_add_overflow(at, (int64_t)n, &end) || end > array->length)
        return bad("rows past the end of an array", err);
    *ret = (source){schema, array, array->offset + at, (uint32_t)n};
    return VONK_OK;
}

static vonk_status child_source(const source *s, int64_t i, int64_t at, uint64_t n, source *ret, vonk_error *err)
{
    if (s->array->n_children != s->schema->n_children || i >= s->array->n_children)
        return bad("number of children differs from the schema", err);
    return source_of(s->schema->children[i], s->array->children[i], at, n, ret, err);
}

static vonk_status need_buffers(const source *s, int64_t n, vonk_error *err)
{
    if (s->array->n_buffers != n) return bad("wrong number of buffers", err);
    for (int64_t i = 1; i < n; i++) /* the first is validity, which may be missing */
        if (!s->array->buffers[i] && s->n) return bad("a buffer is missing", err);
    return VONK_OK;
}

/* ---- pieces of foreign memory */

static vonk_status wrap(const importer *m, const void *data, size_t bytes, vonk_buffer **ret, vonk_error *err)
{
    VONK_TRY(vonk_buffer_wrap(m->budget, (void *)(uintptr_t)data, bytes, unref_owner, m->owner, ret, err));
    atomic_fetch_add_explicit(&m->owner->refs, 1, memory_order_relaxed);
    return VONK_OK;
}

/* Bits s->at .. s->at + s->n of a bitmap: wrapped when they start at a byte. */
static vonk_status take_bits(const importer *m, const uint8_t *bits, int64_t at, uint32_t n, vonk_buffer **ret,
                             vonk_error *err)
{
    if (at % 8 == 0) return wrap(m, bits + at / 8, vonk_bits_bytes(n), ret, err);
    VONK_TRY(vonk_buffer_new(m->budget, vonk_bits_bytes(n), ret, err));
    if (n) (*ret)->data[vonk_bits_bytes(n) - 1] = 0;
    vonk_bits_copy((*ret)->data, 0, bits, (size_t)at, n);
    return VONK_OK;
}

static vonk_status take_validity(const importer *m, const source *s, vonk_column *c, vonk_error *err)
{
    const uint8_t *bits = s->array->n_buffers > 0 ? s->array->buffers[0] : NULL;
    if (!bits || s->array->null_count == 0 || s->n == 0) return VONK_OK;
    VONK_TRY(take_bits(m, bits, s->at, s->n, &c->validity_buffer, err));
    c->validity = c->validity_buffer->data;
    return VONK_OK;
}

static bool is_null(const vonk_column *c, uint32_t i) { return c->validity && !vonk_bit_get(c->validity, i); }

/* A FLAT column of `type` with the source's validity, and room for its values. */
static vonk_status new_like(const importer *m, const source *s, const vonk_type *type, vonk_column **ret,
                            void *ret_data, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_TRY(vonk_column_new(m->budget, type, s->n, false, &c, ret_data, NULL, err));
    VONK_TRY(take_validity(m, s, c, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* ---- fixed width */

static vonk_status import_fixed(const importer *m, const source *s, const vonk_type *type, vonk_column **ret,
                                vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    size_t width = vonk_storage_bytes(type->storage);
    VONK_TRY(need_buffers(s, 2, err));
    if (s->n == 0) return new_like(m, s, type, ret, &(void *){NULL}, err);
    const uint8_t *data = (const uint8_t *)s->array->buffers[1] + (size_t)s->at * width;
    if ((uintptr_t)data % width != 0) { /* (16-byte values are aligned to 8 by most) */
        void *out;
        VONK_TRY(new_like(m, s, type, ret, &out, err));
        memcpy(out, data, s->n * width);
        return VONK_OK;
    }
    VONK_TRY(vonk__column_alloc(m->budget, type, VONK_FLAT, s->n, &c, err));
    VONK_TRY(wrap(m, data, s->n * width, &c->data_buffer, err));
    c->data = data;
    VONK_TRY(take_validity(m, s, c, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status import_bits(const importer *m, const source *s, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_TRY(need_buffers(s, 2, err));
    if (s->n == 0) return new_like(m, s, &vonk_type_boolean, ret, &(void *){NULL}, err);
    VONK_TRY(vonk__column_alloc(m->budget, &vonk_type_boolean, VONK_FLAT, s->n, &c, err));
    VONK_TRY(take_bits(m, s->array->buffers[1], s->at, s->n, &c->data_buffer, err));
    c->data = c->data_buffer->data;
    VONK_TRY(take_validity(m, s, c, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* Value i of integers of `bytes` bytes at data, sign- or zero-extended. */
static int64_t load_int(const void *data, unsigned bytes, bool is_unsigned, uint64_t i)
{
    uint64_t v = 0;
    memcpy(&v, (const uint8_t *)data + i * bytes, bytes);
    unsigned shift = 64 - 8 * bytes;
    return is_unsigned ? (int64_t)v : (int64_t)(v << shift) >> shift;
}

static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, fraction = h & 1023, bits;
    float f;
    if (exponent == 31)
        bits = sign | 0x7f800000u | fraction << 13;
    else if (exponent)
        bits = sign | (exponent + 112) << 23 | fraction << 13;
    else { /* zero or subnormal: fraction * 2^-24 */
        f = (float)fraction * 0x1p-24f;
        return sign ? -f : f;
    }
    memcpy(&f, &bits, 4);
    return f;
}

/* Integers of another width or unit: out = in * times / over, rounded down. */
typedef struct scaling {
    unsigned bytes;
    bool is_unsigned;
    int64_t times, over;
} scaling;

static int64_t divide_down(int64_t v, int64_t by) { return v / by - (v % by < 0); }

static vonk_status import_scaled(const importer *m, const source *s, const vonk_type *type, scaling how,
                                 vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    void *out;
    VONK_TRY(need_buffers(s, 2, err));
    VONK_TRY(new_like(m, s, type, &c, &out, err));
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t v = load_int(s->array->buffers[1], how.bytes, how.is_unsigned, (uint64_t)s->at + i);
        if (__builtin_mul_overflow(v, how.times, &v)) {
            if (!is_null(c, i)) return bad("a point in time does not fit into 64 bits of microseconds", err);
            v = 0;
        }
        v = how.over == 1 ? v : divide_down(v, how.over);
        switch (type->storage) {
        case VONK_STORE_I16: ((int16_t *)out)[i] = (int16_t)v; break;
        case VONK_STORE_I32:
            if (v != (int32_t)v && !is_null(c, i)) return bad("a value does not fit into 32 bits", err);
            ((int32_t *)out)[i] = (int32_t)v;
            break;
        case VONK_STORE_I64: ((int64_t *)out)[i] = v; break;
        case VONK_STORE_I128:
            ((vonk_i128 *)out)[i] = how.bytes == 8 && how.is_unsigned ? (vonk_i128)(uint64_t)v : v;
            break;
        default: ((float *)out)[i] = half_to_float((uint16_t)v); break; /* format "e" */
        }
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_i128 ten_to(int n)
{
    vonk_i128 r = 1;
    while (n-- > 0) r *= 10;
    return r;
}

/* Bits of decimals: 32, 64, 128 or 256. Wider ones must still have at most 38 digits. */
static vonk_status import_decimal(const importer *m, const source *s, const vonk_type *type, vonk_column **ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    vonk_str format = vonk_str_of(s->schema->format);
    unsigned bytes = vonk_str_ends(format, VONK_STR(",256"))  ? 32
                     : vonk_str_ends(format, VONK_STR(",64")) ? 8
                     : vonk_str_ends(format, VONK_STR(",32")) ? 4
                                                              : 16;
    size_t comma = vonk_str_find_byte(format, ',', 0);
    if (vonk_str_find_byte(format, ',', comma + 1) == SIZE_MAX) bytes = 16; /* "d:10,32" has a scale of 32 */
    if (bytes == 16 && type->storage == VONK_STORE_I128)
        VONK_TRY(import_fixed(m, s, type, &c, err));
    else {
        void *out;
        VONK_TRY(need_buffers(s, 2, err));
        VONK_TRY(new_like(m, s, type, &c, &out, err));
        for (uint32_t i = 0; i < s->n; i++) {
            const uint8_t *at = (const uint8_t *)s->array->buffers[1] + ((uint64_t)s->at + i) * bytes;
            vonk_i128 v = 0, high = 0;
            if (bytes <= 8)
                v = load_int(at, bytes, false, 0);
            else
                memcpy(&v, at, 16);
            if (bytes == 32) memcpy(&high, at + 16, 16);
            if (bytes == 32 && high != (v < 0 ? -1 : 0) && !is_null(c, i))
                return bad("a decimal has more than 38 digits", err);
            if (type->storage == VONK_STORE_I64 && v != (int64_t)v)
                v = is_null(c, i) ? 0 : ten_to(38); /* refused below */
            if (type->storage == VONK_STORE_I128)
                ((vonk_i128 *)out)[i] = v;
            else if (v == ten_to(38))
                return bad("a decimal has more digits than its type", err);
            else
                ((int64_t *)out)[i] = (int64_t)v;
        }
    }
    vonk_i128 limit = ten_to(type->precision);
    for (uint32_t i = 0; i < s->n; i++) {
        vonk_i128 v = type->storage == VONK_STORE_I64 ? VONK_VALUES(c, int64_t)[i] : VONK_VALUES(c, vonk_i128)[i];
        if ((v >= limit || v <= -limit) && !is_null(c, i)) return bad("a decimal has more digits than its type", err);
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* tiD: days and milliseconds. */
static vonk_status import_day_milli(const importer *m, const source *s, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    int64_t *out;
    VONK_TRY(need_buffers(s, 2, err));
    VONK_TRY(new_like(m, s, &vonk_type_day_time, &c, &out, err));
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t days = load_int(s->array->buffers[1], 4, false, 2 * ((uint64_t)s->at + i)),
                ms = load_int(s->array->buffers[1], 4, false, 2 * ((uint64_t)s->at + i) + 1);
        out[i] = days * INT64_C(86400000000) + ms * 1000; /* at most 2^31 days: fits */
        if (days > 106751990 || days < -106751990) {
            if (!is_null(c, i)) return bad("an interval does not fit into 64 bits of microseconds", err);
            out[i] = 0;
        }
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status import_month_day_nano(const importer *m, const source *s, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    vonk_interval *out;
    VONK_TRY(need_buffers(s, 2, err));
    VONK_TRY(new_like(m, s, &vonk_type_calendar_interval, &c, &out, err));
    if (s->n) memcpy(out, (const vonk_interval *)s->array->buffers[1] + s->at, s->n * sizeof(*out));
    for (uint32_t i = 0; i < s->n; i++) out[i].us = divide_down(out[i].us, 1000);
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* ---- strings */

#define HEAP_STEP (INT64_C(1) << 31)
#define HEAP_BYTES ((int64_t)UINT32_MAX)

/* All bytes [0, end) as heaps: one, or (past 4 GiB) windows that start every 2 GiB, so that each string lies in the one
 * of its start. */
static vonk_status add_heaps(const importer *m, vonk_column *c, const uint8_t *bytes, int64_t end, vonk_error *err)
{
    for (int64_t from = 0; from == 0 || from < end; from += HEAP_STEP) {
        vonk_buffer *heap;
        VONK_TRY(wrap(m, bytes + from, (size_t)(end - from < HEAP_BYTES ? end - from : HEAP_BYTES), &heap, err));
        VONK_TRY(vonk_column_add_heap(c, heap, err));
        if (end <= HEAP_BYTES) break;
    }
    return VONK_OK;
}

static void set_view(vonk_view *v, const uint8_t *bytes, int64_t at, uint32_t len, bool many_heaps)
{
    if (len <= VONK_VIEW_INLINE) {
        *v = vonk_view_inline((const char *)bytes + at, len);
        return;
    }
    v->len = len;
    memcpy(v->prefix, bytes + at, 4);
    v->heap = many_heaps ? (uint32_t)(at / HEAP_STEP) : 0;
    v->offset = many_heaps ? (uint32_t)(at % HEAP_STEP) : (uint32_t)at;
}

/* utf8, binary (bytes = 4), their large forms (8): offset i and i + 1 are the bounds of value i. */
static vonk_status import_offsets(const importer *m, const source *s, const vonk_type *type, unsigned bytes,
                                  vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    vonk_view *out;
    if (s->array->n_buffers != 3) return bad("wrong number of buffers", err);
    VONK_TRY(new_like(m, s, type, &c, &out, err));
    const void *offsets = s->array->buffers[1];
    const uint8_t *data = s->array->buffers[2];
    if (s->n && !offsets) return bad("a buffer is missing", err);
    int64_t end = s->n ? load_int(offsets, bytes, false, (uint64_t)s->at + s->n) : 0,
            at = s->n ? load_int(offsets, bytes, false, (uint64_t)s->at) : 0;
    if (at < 0 || end < at || (end > at && !data)) return bad("string offsets are out of order", err);
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t next = load_int(offsets, bytes, false, (uint64_t)s->at + i + 1);
        if (next < at || next > end) return bad("string offsets are out of order", err);
        if (next - at > INT32_MAX) return bad("a string is longer than 2 GiB", err);
        if (is_null(c, i))
            out[i] = (vonk_view){0};
        else
            set_view(&out[i], data, at, (uint32_t)(next - at), end > HEAP_BYTES);
        at = next;
    }
    if (end) VONK_TRY(add_heaps(m, c, data, end, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status import_views(const importer *m, const source *s, const vonk_type *type, vonk_column **ret,
                                vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    vonk_view *out;
    int64_t heaps = s->array->n_buffers - 3;
    if (heaps < 0 || heaps > INT32_MAX || (s->n && !s->array->buffers[1])) return bad("wrong number of buffers", err);
    const int64_t *sizes = s->array->buffers[2 + heaps];
    VONK_TRY(new_like(m, s, type, &c, &out, err));
    for (int64_t i = 0; i < heaps; i++) {
        vonk_buffer *heap;
        if (!sizes || sizes[i] < 0 || sizes[i] > HEAP_BYTES) return bad("a string buffer has an impossible size", err);
        VONK_TRY(wrap(m, s->array->buffers[2 + i], (size_t)sizes[i], &heap, err));
        VONK_TRY(vonk_column_add_heap(c, heap, err));
    }
    const vonk_view *in = (const vonk_view *)s->array->buffers[1] + s->at;
    for (uint32_t i = 0; i < s->n; i++) {
        vonk_view v = in[i];
        if (is_null(c, i)) v = (vonk_view){0};
        if (v.len <= VONK_VIEW_INLINE)
            v = vonk_view_inline(v.inlined, v.len);
        else if (v.len > INT32_MAX || v.heap >= heaps || (uint64_t)v.offset + v.len > c->heaps[v.heap]->bytes)
            return bad("a string view reaches past its buffer", err);
        else
            memcpy(v.prefix, c->heaps[v.heap]->data + v.offset, 4);
        out[i] = v;
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status import_fixed_binary(const importer *m, const source *s, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    vonk_view *out;
    int64_t width = 0;
    for (const char *f = s->schema->format + 2; *f && width <= INT32_MAX; f++) width = width * 10 + (*f - '0');
    if (width > INT32_MAX) return bad("a string is longer than 2 GiB", err);
    VONK_TRY(need_buffers(s, 2, err));
    VONK_TRY(new_like(m, s, &vonk_type_binary, &c, &out, err));
    int64_t first = s->at * width, end = first + width * s->n;
    const uint8_t *data = s->array->buffers[1];
    for (uint32_t i = 0; i < s->n; i++) set_view(&out[i], data, first + width * i, (uint32_t)width, end > HEAP_BYTES);
    if (end) VONK_TRY(add_heaps(m, c, data, end, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* ---- nested */

static vonk_status import_children(const importer *m, const struct ArrowSchema *const *schemas,
                                   struct ArrowArray *const *arrays, uint32_t n, int64_t at, uint64_t rows,
                                   unsigned depth, vonk_column *into, vonk_error *err)
{
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk_alloc_array(m->budget, n, sizeof(vonk_column *), &into->children, err));
    for (; into->n_children < n; into->n_children++) {
        source child;
        VONK_TRY(source_of(schemas[into->n_children], arrays[into->n_children], at, rows, &child, err));
        VONK_TRY(import_any(m, child, depth, &into->children[into->n_children], err));
    }
    return VONK_OK;
}

/* Bounds of list `i`, from offsets, offsets and sizes (list views), or a fixed size. */
typedef struct bounds {
    const void *offsets, *sizes;
    unsigned bytes; /* of one offset; 0: fixed size */
    int64_t size;
} bounds;

static vonk_status bounds_of(const source *s, bounds *ret, vonk_error *err)
{
    const char *f = s->schema->format;
    bool view = f[1] == 'v';
    *ret = (bounds){.bytes = strchr(f, 'L') ? 8 : 4};
    if (f[1] == 'w') {
        ret->bytes = 0;
        for (f += 3; *f; f++) {
            if (*f < '0' || *f > '9' || ret->size > INT32_MAX) return bad("a list size is no number", err);
            ret->size = ret->size * 10 + (*f - '0');
        }
        return ret->size <= INT32_MAX ? VONK_OK : bad("a list size is no number", err);
    }
    VONK_TRY(need_buffers(s, view ? 3 : 2, err));
    ret->offsets = s->array->buffers[1];
    ret->sizes = view ? s->array->buffers[2] : NULL;
    return VONK_OK;
}

static void bounds_at(const bounds *b, int64_t row, int64_t *ret_from, int64_t *ret_len)
{
    if (b->bytes == 0) {
        *ret_from = row * b->size;
        *ret_len = b->size;
        return;
    }
    *ret_from = load_int(b->offsets, b->bytes, false, (uint64_t)row);
    *ret_len = b->sizes ? load_int(b->sizes, b->bytes, false, (uint64_t)row)
                        : load_int(b->offsets, b->bytes, false, (uint64_t)row + 1) - *ret_from;
}

/* Spans of the rows, counted from *ret_first, the first element that any of them has; elements *ret_first .. *ret_end
 * are needed. */
static vonk_status put_spans(const source *s, const bounds *b, int64_t child_rows, const vonk_column *c, vonk_span *out,
                             int64_t *ret_first, int64_t *ret_end, vonk_error *err)
{
    int64_t first = INT64_MAX, end = 0, from, len;
    for (uint32_t i = 0; i < s->n; i++) {
        bounds_at(b, s->at + i, &from, &len);
        if (is_null(c, i) && b->sizes) continue; /* a list view's null may have any bounds */
        if (from < 0 || len < 0 || from > child_rows || len > child_rows - from)
            return bad("a list reaches past its elements", err);
        if (is_null(c, i) || len == 0) continue;
        if (from < first) first = from;
        if (from + len > end) end = from + len;
    }
    if (first > end) first = end = 0;
    if (end - first > UINT32_MAX) return bad("a list column has too many elements", err);
    for (uint32_t i = 0; i < s->n; i++) {
        bounds_at(b, s->at + i, &from, &len);
        out[i] = is_null(c, i) || len == 0 ? (vonk_span){0} : (vonk_span){(uint32_t)(from - first), (uint32_t)len};
    }
    *ret_first = first;
    *ret_end = end;
    return VONK_OK;
}

static vonk_status import_list(const importer *m, const source *s, const vonk_type *type, unsigned depth,
                               vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    bounds b;
    vonk_span *out;
    int64_t first = 0, end = 0;
    source items, part;
    VONK_TRY(bounds_of(s, &b, err));
    VONK_TRY(child_source(s, 0, 0, 0, &items, err));
    VONK_TRY(new_like(m, s, type, &c, &out, err));
    VONK_TRY(put_spans(s, &b, items.array->length, c, out, &first, &end, err));
    if (type->id == VONK_T_ARRAY) {
        VONK_TRY(import_children(m, (const struct ArrowSchema *const *)s->schema->children, s->array->children, 1,
                                 first, (uint64_t)(end - first), depth, c, err));
    } else { /* the entries of a map are a struct: its children, moved by its own offset */
        VONK_TRY(source_of(items.schema, items.array, first, (uint64_t)(end - first), &part, err));
        if (part.array->n_children != 2) return bad("a map's entries need keys and values", err);
        VONK_TRY(import_children(m, (const struct ArrowSchema *const *)part.schema->children, part.array->children, 2,
                                 part.at, part.n, depth, c, err));
    }
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status import_struct(const importer *m, const source *s, const vonk_type *type, unsigned depth,
                                 vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_TRY(vonk__column_alloc(m->budget, type, VONK_FLAT, s->n, &c, err));
    VONK_TRY(take_validity(m, s, c, err));
    if (s->array->n_children != s->schema->n_children) return bad("number of children differs from the schema", err);
    VONK_TRY(import_children(m, (const struct ArrowSchema *const *)s->schema->children, s->array->children,
                             (uint32_t)s->schema->n_children, s->at, s->n, depth, c, err));
    *ret = VONK_STEAL(c);
    return VONK_OK;
}

/* (SRID, WKB) as one value: the SRID's 4 bytes, then WKB. */
static vonk_status import_spatial(const importer *m, const source *s, const vonk_type *type, unsigned depth,
                                  vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *parts = NULL;
    VONK_AUTO(vonk_builder_done) vonk_builder b = {0};
    VONK_AUTO(vonk_type_unref) const vonk_type *pair = NULL;
    const vonk_field fields[] = {{.name = VONK_STR("srid"), .type = &vonk_type_int},
                                 {.name = VONK_STR("wkb"), .type = &vonk_type_binary}};
    VONK_TRY(vonk_type_struct(fields, 2, &pair, err));
    VONK_TRY(import_struct(m, s, pair, depth, &parts, err));
    if (parts->children[0]->type->id != VONK_T_INT || parts->children[1]->type->storage != VONK_STORE_VIEW)
        return bad("a spatial value needs an SRID and WKB", err);
    VONK_TRY(vonk_builder_init(&b, m->budget, type, s->n, err));
    for (uint32_t i = 0; i < s->n; i++) {
        if (is_null(parts, i) || vonk_column_is_null(parts->children[1], i) ||
            vonk_column_is_null(parts->children[0], i)) {
            VONK_TRY(vonk_builder_null(&b, err));
            continue;
        }
        vonk_str wkb = vonk_column_str(parts->children[1], i);
        int32_t srid = (int32_t)vonk_column_i64(parts->children[0], i);
        char *to;
        VONK_TRY(vonk_builder_str_reserve(&b, wkb.len + 4, &to, err));
        memcpy(to, &srid, 4);
        if (wkb.len) memcpy(to + 4, wkb.data, wkb.len);
        VONK_TRY(vonk_builder_str_commit(&b, wkb.len + 4, err));
    }
    return vonk_builder_finish(&b, ret, err);
}

/* ---- encodings */

static unsigned index_width(const char *f, bool *ret_unsigned)
{
    static const char formats[] = "csilCSIL";
    const char *hit = f[0] && !f[1] ? strchr(formats, f[0]) : NULL;
    if (!hit) return 0;
    *ret_unsigned = hit - formats >= 4;
    return 1u << ((hit - formats) % 4);
}

/* Nulls among the words become nulls of the rows. */
static vonk_status put_codes(const importer *m, const source *s, const vonk_column *words, unsigned width,
                             bool is_unsigned, vonk_buffer *codes, vonk_buffer **ret_validity, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = NULL;
    const uint8_t *bits = s->array->null_count == 0 ? NULL : s->array->buffers[0];
    uint32_t *out = (uint32_t *)codes->data;
    VONK_TRY(vonk_buffer_new(m->budget, vonk_bits_bytes(s->n), &validity, err));
    vonk_bits_fill(validity->data, s->n, true);
    bool nulls = false;
    for (uint32_t i = 0; i < s->n; i++) {
        uint64_t row = (uint64_t)s->at + i;
        int64_t v = load_int(s->array->buffers[1], width, is_unsigned, row);
        bool valid = !bits || vonk_bit_get(bits, row);
        if (valid && (v < 0 || v >= words->n_rows)) return bad("an index past the end of its dictionary", err);
        out[i] = valid ? (uint32_t)v : 0;
        valid = valid && !vonk_column_is_null(words, out[i]);
        vonk_bit_put(validity->data, i, valid);
        nulls |= !valid;
    }
    *ret_validity = nulls ? VONK_STEAL(validity) : NULL;
    return VONK_OK;
}

static vonk_status import_dictionary(const importer *m, const source *s, unsigned depth, vonk_column **ret,
                                     vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *some = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *words = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *codes = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *validity = NULL;
    const struct ArrowArray *d = s->array->dictionary;
    bool is_unsigned = false;
    unsigned width = index_width(s->schema->format, &is_unsigned);
    source whole;
    if (!width || !d) return bad("a dictionary without indexes or words", err);
    VONK_TRY(need_buffers(s, 2, err));
    VONK_TRY(source_of(s->schema->dictionary, d, 0, d->length < 0 ? 0 : (uint64_t)d->length, &whole, err));
    VONK_TRY(import_any(m, whole, depth, &some, err));
    VONK_TRY(vonk_column_flatten(m->budget, some, &flat, err));
    VONK_TRY(vonk_buffer_new(m->budget, s->n * sizeof(uint32_t), &codes, err));
    VONK_TRY(put_codes(m, s, flat, width, is_unsigned, codes, &validity, err));
    if (flat->type->id == VONK_T_NULL) return vonk_column_new_nulls(m->budget, flat->type, s->n, ret, err);
    VONK_TRY(vonk_column_with_validity(m->budget, flat, NULL, &words, err));
    return vonk_column_new_dictionary(m->budget, VONK_STEAL(words), VONK_STEAL(codes), VONK_STEAL(validity), s->n, ret,
                                      err);
}

/* Run ends are ascending row counts; row i belongs to the first run whose end is past it. */
static vonk_status import_runs(const importer *m, const source *s, unsigned depth, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *values = NULL;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *idx = NULL;
    source ends, runs;
    bool is_unsigned = false;
    VONK_TRY(child_source(s, 0, 0, 0, &ends, err));
    VONK_TRY(child_source(s, 1, 0, 0, &runs, err));
    unsigned width = index_width(ends.schema->format ? ends.schema->format : "", &is_unsigned);
    int64_t n_runs = ends.array->length;
    if (width < 2 || is_unsigned || n_runs != runs.array->length || n_runs > UINT32_MAX)
        return bad("run ends do not fit the values", err);
    VONK_TRY(source_of(ends.schema, ends.array, 0, (uint64_t)n_runs, &ends, err));
    VONK_TRY(source_of(runs.schema, runs.array, 0, (uint64_t)n_runs, &runs, err));
    VONK_TRY(need_buffers(&ends, 2, err));
    VONK_TRY(import_any(m, runs, depth, &values, err));
    VONK_TRY(vonk_buffer_new(m->budget, s->n * sizeof(uint32_t), &idx, err));
    uint32_t run = 0;
    int64_t last = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        int64_t row = s->at + i;
        while (run < n_runs) {
            int64_t end = load_int(ends.array->buffers[1], width, false, (uint64_t)ends.at + run);
            if (end < last) return bad("run ends go back", err);
            last = end;
            if (end > row) break;
            run++;
        }
        if (run == n_runs) return bad("runs end before the rows do", err);
        ((uint32_t *)idx->data)[i] = run;
    }
    return vonk_column_gather(m->budget, values, (const uint32_t *)idx->data, s->n, false, ret, err);
}

/* ---- any type */

static int64_t per_second(char unit)
{
    return unit == 's' ? 1 : unit == 'm' ? 1000 : unit == 'u' ? 1000000 : 1000000000;
}

/* Times, timestamps, durations: to microseconds, or to nanoseconds where ours are. */
static vonk_status import_moment(const importer *m, const source *s, const vonk_type *type, vonk_column **ret,
                                 vonk_error *err)
{
    const char *f = s->schema->format;
    bool nanos = type->id == VONK_T_TIME || type->storage == VONK_STORE_I128,
         narrow = f[1] == 't' && (f[2] == 's' || f[2] == 'm');
    int64_t have = per_second(f[2]), want = nanos ? 1000000000 : 1000000;
    if (have == want && type->storage == VONK_STORE_I64) return import_fixed(m, s, type, ret, err);
    return import_scaled(m, s, type,
                         (scaling){narrow ? 4 : 8, false, want > have ? want / have : 1, have > want ? have / want : 1},
                         ret, err);
}

static vonk_status import_leaf(const importer *m, const source *s, const vonk_type *type, vonk_column **ret,
                               vonk_error *err)
{
    const char *f = s->schema->format;
    switch (f[0]) {
    case 'n': return vonk_column_new_nulls(m->budget, type, s->n, ret, err);
    case 'b': return import_bits(m, s, ret, err);
    case 'C': return import_scaled(m, s, type, (scaling){1, true, 1, 1}, ret, err);
    case 'S': return import_scaled(m, s, type, (scaling){2, true, 1, 1}, ret, err);
    case 'I': return import_scaled(m, s, type, (scaling){4, true, 1, 1}, ret, err);
    case 'L': return import_scaled(m, s, type, (scaling){8, true, 1, 1}, ret, err);
    case 'e': return import_scaled(m, s, type, (scaling){2, true, 1, 1}, ret, err);
    case 'd': return import_decimal(m, s, type, ret, err);
    case 'u':
    case 'z': return import_offsets(m, s, type, 4, ret, err);
    case 'U':
    case 'Z': return import_offsets(m, s, type, 8, ret, err);
    case 'v': return import_views(m, s, type, ret, err);
    case 'w': return import_fixed_binary(m, s, ret, err);
    case 't': break;
    default: return import_fixed(m, s, type, ret, err);
    }
    if (strcmp(f, "tdm") == 0) return import_scaled(m, s, type, (scaling){8, false, 1, 86400000}, ret, err);
    if (strcmp(f, "tiD") == 0) return import_day_milli(m, s, ret, err);
    if (strcmp(f, "tin") == 0) return import_month_day_nano(m, s, ret, err);
    if (strcmp(f, "tdD") == 0 || strcmp(f, "tiM") == 0) return import_fixed(m, s, type, ret, err);
    return import_moment(m, s, type, ret, err);
}

static vonk_status import_any(const importer *m, source s, unsigned depth, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    if (depth >= VONK_MAX_TYPE_DEPTH) return bad("nested more than 128 deep", err);
    VONK_TRY(vonk__arrow_type_of(s.schema, depth, &type, err));
    if (s.schema->dictionary) return import_dictionary(m, &s, depth + 1, ret, err);
    const char *f = s.schema->format;
    if (f[0] != '+') return import_leaf(m, &s, type, ret, err);
    if (f[1] == 'r') return import_runs(m, &s, depth + 1, ret, err);
    if (f[1] != 's') return import_list(m, &s, type, depth + 1, ret, err);
    if (type->id == VONK_T_GEOMETRY || type->id == VONK_T_GEOGRAPHY)
        return import_spatial(m, &s, type, depth + 1, ret, err);
    return import_struct(m, &s, type, depth + 1, ret, err);
}

/* May a column of `have` be called `want`? Same storage at every level, and nothing that would change values. */
static bool is_renaming(const vonk_type *have, const vonk_type *want)
{
    const vonk_type *a = vonk__physical(have), *b = vonk__physical(want);
    if (a->storage != b->storage || vonk__n_children(a) != vonk__n_children(b) || a->precision != b->precision ||
        a->scale != b->scale)
        return false;
    if (a->id != b->id && !(a->storage == VONK_STORE_VIEW && b->storage == VONK_STORE_VIEW)) return false;
    for (uint32_t i = 0; i < vonk__n_children(a); i++)
        if (!is_renaming(vonk__child_type(a, i), vonk__child_type(b, i))) return false;
    return true;
}

static vonk_status import_column(const importer *m, const source *root, int64_t i, const vonk_type *type,
                                 vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    source s;
    VONK_TRY(child_source(root, i, root->at, root->n, &s, err));
    VONK_TRY(import_any(m, s, 1, &c, err));
    if (!is_renaming(c->type, type))
        return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", "an Arrow array", "problem",
                         VONK_F("column %d is %s, not %s", (int)i + 1, VONK_TYPE_SQL(c->type), VONK_TYPE_SQL(type)));
    return vonk_column_retype(m->budget, c, type, ret, err);
}

static void drop_column(void *column) { vonk_column_unref(column); }

static vonk_status import_columns(const importer *m, const source *root, const vonk_type *struct_type, vonk_batch **ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    vonk_column **columns;
    VONK_TRY(vonk_arena_new(m->budget, &scratch, err));
    VONK_TRY(vonk_arena_array(scratch, struct_type->n_fields, sizeof(*columns), &columns, err));
    for (uint32_t i = 0; i < struct_type->n_fields; i++) {
        VONK_TRY(import_column(m, root, i, struct_type->fields[i].type, &columns[i], err));
        VONK_TRY(vonk_arena_on_free(scratch, drop_column, columns[i], err));
    }
    return vonk_batch_new(m->budget, root->n, columns, struct_type->n_fields, ret, err);
}

vonk_status vonk_arrow_import_batch(vonk_budget *budget, struct ArrowArray *take_array,
                                    const struct ArrowSchema *schema, const vonk_type *struct_type, vonk_batch **ret,
                                    vonk_error *err)
{
    owner *o;
    source root;
    vonk_status st = vonk_alloc(budget, sizeof(*o), &o, err);
    if (st != VONK_OK) {
        take_array->release(take_array);
        return st;
    }
    *o = (owner){.refs = 1, .array = *take_array};
    take_array->release = NULL; /* moved */
    importer m = {.budget = budget, .owner = o};
    st = source_of(schema, &o->array, 0, o->array.length < 0 ? 0 : (uint64_t)o->array.length, &root, err);
    if (st == VONK_OK &&
        (!schema->format || strcmp(schema->format, "+s") != 0 || schema->n_children != struct_type->n_fields))
        st = bad("the array is not a batch of that schema", err);
    if (st == VONK_OK && o->array.n_buffers > 0 && o->array.buffers[0] && o->array.null_count != 0)
        st = bad("a batch has null rows", err);
    if (st == VONK_OK) st = import_columns(&m, &root, struct_type, ret, err);
    unref_owner(o);
    return st;
}
