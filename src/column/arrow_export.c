/* column/arrow_export.c -- columns as ArrowArrays. Values whose layout is Arrow's leave without a copy (the array holds
 * the buffer); strings are laid out one behind the other, spans become offsets, 64-bit decimals become 128-bit ones. */
#include <stdatomic.h>

#include "column/arrow_int.h"

typedef struct holder {
    vonk_buffer *held[3]; /* references */
    vonk_column *column;  /* reference: heaps of views */
    const void **buffers;
    struct ArrowArray **children;
    void (*drop)(void *owner);
    void *owner;
} holder;

typedef struct exporter {
    vonk_budget *budget;
    const vonk_arrow_options *options;
} exporter;

static void release_array(struct ArrowArray *a)
{
    holder *h = a->private_data;
    for (int64_t i = 0; i < a->n_children; i++)
        if (a->children[i]->release) a->children[i]->release(a->children[i]);
    for (size_t i = 0; i < VONK_COUNTOF(h->held); i++) vonk_buffer_unref(h->held[i]);
    vonk_column_unref(h->column);
    void (*drop)(void *) = h->drop;
    void *owner = h->owner;
    vonk_free(h);
    a->release = NULL;
    if (drop) drop(owner);
}

/* An array without buffers and with empty children; both are filled in by the caller. Released by release_array from
 * here on. */
static vonk_status start(const exporter *x, uint32_t n_rows, uint32_t n_buffers, uint32_t n_children,
                         struct ArrowArray *ret, vonk_error *err)
{
    uint8_t *block;
    size_t bytes = sizeof(holder) + n_buffers * sizeof(void *) +
                   n_children * (sizeof(struct ArrowArray *) + sizeof(struct ArrowArray));
    VONK_TRY(vonk_alloc_zeroed(x->budget, bytes, &block, err));
    holder *h = (holder *)(void *)block;
    h->buffers = (const void **)(void *)(h + 1);
    if (x->options->hold) {
        x->options->hold(x->options->owner);
        h->drop = x->options->drop;
        h->owner = x->options->owner;
    }
    h->children = (struct ArrowArray **)(void *)(h->buffers + n_buffers);
    struct ArrowArray *kids = (struct ArrowArray *)(void *)(h->children + n_children);
    for (uint32_t i = 0; i < n_children; i++) h->children[i] = &kids[i];
    *ret = (struct ArrowArray){.length = n_rows,
                               .n_buffers = n_buffers,
                               .n_children = n_children,
                               .buffers = n_buffers ? h->buffers : NULL,
                               .children = n_children ? h->children : NULL,
                               .release = release_array,
                               .private_data = h};
    return VONK_OK;
}

/* `data` lies in `buffer`, whose reference is taken. */
static void set_buffer(struct ArrowArray *a, unsigned i, const void *data, vonk_buffer *take_buffer)
{
    holder *h = a->private_data;
    h->buffers[i] = data;
    h->held[i] = take_buffer;
}

static void set_validity(struct ArrowArray *a, const vonk_column *c)
{
    if (!c->validity) return;
    a->null_count = vonk_column_null_count(c, VONK_ALL_ROWS(c->n_rows));
    if (a->null_count) set_buffer(a, 0, c->validity, vonk_buffer_ref(c->validity_buffer));
}

static vonk_status new_buffer(const exporter *x, struct ArrowArray *a, unsigned i, size_t bytes, void *ret_data,
                              vonk_error *err)
{
    vonk_buffer *b;
    VONK_TRY(vonk_buffer_new(x->budget, bytes, &b, err));
    set_buffer(a, i, b->data, b);
    *(void **)ret_data = b->data;
    return VONK_OK;
}

/* ---- values */

static vonk_status export_fixed(const exporter *x, const vonk_column *c, struct ArrowArray *ret, vonk_error *err)
{
    VONK_TRY(start(x, c->n_rows, 2, 0, ret, err));
    set_validity(ret, c);
    set_buffer(ret, 1, c->data, vonk_buffer_ref(c->data_buffer));
    return VONK_OK;
}

static vonk_status export_decimal64(const exporter *x, const vonk_column *c, struct ArrowArray *ret, vonk_error *err)
{
    vonk_i128 *out;
    VONK_TRY(start(x, c->n_rows, 2, 0, ret, err));
    set_validity(ret, c);
    VONK_TRY(new_buffer(x, ret, 1, c->n_rows * sizeof(vonk_i128), &out, err));
    const int64_t *in = c->data;
    for (uint32_t i = 0; i < c->n_rows; i++) out[i] = in[i];
    return VONK_OK;
}

static vonk_status no_room(const char *what, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_ARITHMETIC_OVERFLOW, "message", what, "alternative", "", "config",
                     "\"spark.sql.ansi.enabled\"");
}

/* Arrow's calendar interval counts nanoseconds; ours, as Spark's, microseconds. */
static vonk_status export_interval(const exporter *x, const vonk_column *c, struct ArrowArray *ret, vonk_error *err)
{
    vonk_interval *out;
    VONK_TRY(start(x, c->n_rows, 2, 0, ret, err));
    set_validity(ret, c);
    VONK_TRY(new_buffer(x, ret, 1, c->n_rows * sizeof(vonk_interval), &out, err));
    const vonk_interval *in = c->data;
    for (uint32_t i = 0; i < c->n_rows; i++) {
        out[i] = in[i];
        if (__builtin_mul_overflow(in[i].us, (int64_t)1000, &out[i].us)) {
            if (!vonk_column_is_null(c, i))
                return no_room("the interval does not fit into 64 bits of nanoseconds.", err);
            out[i].us = 0;
        }
    }
    return VONK_OK;
}

static vonk_status export_nanos(const exporter *x, const vonk_column *c, struct ArrowArray *ret, vonk_error *err)
{
    int64_t *out;
    VONK_TRY(start(x, c->n_rows, 2, 0, ret, err));
    set_validity(ret, c);
    VONK_TRY(new_buffer(x, ret, 1, c->n_rows * sizeof(int64_t), &out, err));
    const vonk_i128 *in = c->data;
    for (uint32_t i = 0; i < c->n_rows; i++) {
        out[i] = (int64_t)in[i];
        if (out[i] != in[i] && !vonk_column_is_null(c, i))
            return no_room("the timestamp does not fit into 64 bits of nanoseconds.", err);
    }
    return VONK_OK;
}

/* ---- strings. `skip` bytes at the start of each value stay behind (the SRID of spatial values). */

static uint64_t live_bytes(const vonk_column *c, uint32_t skip)
{
    const vonk_view *v = c->data;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < c->n_rows; i++) {
        uint64_t len = v[i].len < skip ? 0 : v[i].len - skip;
        sum += c->validity && !vonk_bit_get(c->validity, i) ? 0 : len;
    }
    return sum;
}

static void put_bytes(const vonk_column *c, uint32_t skip, bool large, void *offsets, char *bytes)
{
    const vonk_view *v = c->data;
    int32_t *small_out = offsets;
    int64_t *large_out = offsets;
    int64_t used = 0;
    for (uint32_t i = 0; i <= c->n_rows; i++) {
        if (large)
            large_out[i] = used;
        else
            small_out[i] = (int32_t)used;
        if (i == c->n_rows || (c->validity && !vonk_bit_get(c->validity, i)) || v[i].len <= skip) continue;
        if (v[i].len <= VONK_VIEW_INLINE)
            memcpy(bytes + used, v[i].inlined + skip, v[i].len - skip);
        else
            memcpy(bytes + used, c->heaps[v[i].heap]->data + v[i].offset + skip, v[i].len - skip);
        used += v[i].len - skip;
    }
}

static vonk_status export_strings(const exporter *x, const vonk_column *c, uint32_t skip, struct ArrowArray *ret,
                                  vonk_error *err)
{
    void *offsets;
    char *bytes;
    uint64_t live = live_bytes(c, skip);
    bool large = x->options->large;
    if (live > INT32_MAX && !large)
        return VONK_FAIL(
            err, VONK_E_UNSUPPORTED_FEATURE, "feature",
            "more than 2 GiB of strings in one Arrow batch (set spark.sql.execution.arrow.useLargeVarTypes)");
    VONK_TRY(start(x, c->n_rows, 3, 0, ret, err));
    set_validity(ret, c);
    VONK_TRY(new_buffer(x, ret, 1, ((size_t)c->n_rows + 1) * (large ? 8 : 4), &offsets, err));
    VONK_TRY(new_buffer(x, ret, 2, live, &bytes, err));
    put_bytes(c, skip, large, offsets, bytes);
    return VONK_OK;
}

/* Views as they are: the array holds the column, whose heaps are the variadic buffers; their sizes come last. */
static vonk_status export_views(const exporter *x, const vonk_column *c, struct ArrowArray *ret, vonk_error *err)
{
    int64_t *sizes;
    VONK_TRY(start(x, c->n_rows, 3 + c->n_heaps, 0, ret, err));
    set_validity(ret, c);
    VONK_TRY(new_buffer(x, ret, 2, c->n_heaps * sizeof(int64_t), &sizes, err));
    holder *h = ret->private_data;
    h->column = vonk_column_ref(c);
    h->buffers[1] = c->data;
    for (uint32_t i = 0; i < c->n_heaps; i++) {
        h->buffers[2 + i] = c->heaps[i]->data;
        sizes[i] = (int64_t)c->heaps[i]->bytes;
    }
    h->buffers[2 + c->n_heaps] = sizes;
    return VONK_OK;
}

/* ---- nested */

static vonk_status export_column(const exporter *x, const vonk_column *column, struct ArrowArray *ret, vonk_error *err);

/* Are the rows' elements one behind the other already? Then the child is only cut. */
static bool in_order(const vonk_column *c, uint32_t *ret_from)
{
    const vonk_span *s = c->data;
    uint32_t next = c->n_rows ? s[0].offset : 0;
    *ret_from = next;
    for (uint32_t i = 0; i < c->n_rows; i++) {
        bool null = c->validity && !vonk_bit_get(c->validity, i);
        if (null ? s[i].len != 0 : s[i].offset != next && s[i].len) return false;
        next += null ? 0 : s[i].len;
    }
    return true;
}

static uint64_t live_elements(const vonk_column *c)
{
    const vonk_span *s = c->data;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < c->n_rows; i++) sum += c->validity && !vonk_bit_get(c->validity, i) ? 0 : s[i].len;
    return sum;
}

/* Offsets for the rows, and (if idx is not NULL) which rows of the child they mean. */
static void put_offsets(const vonk_column *c, int32_t *offsets, uint32_t *idx)
{
    const vonk_span *s = c->data;
    uint32_t used = 0;
    for (uint32_t i = 0; i <= c->n_rows; i++) {
        offsets[i] = (int32_t)used;
        if (i == c->n_rows || (c->validity && !vonk_bit_get(c->validity, i))) continue;
        for (uint32_t k = 0; k < s[i].len && idx; k++) idx[used + k] = s[i].offset + k;
        used += s[i].len;
    }
}

static vonk_status export_elements(const exporter *x, const vonk_column *child, const uint32_t *idx, uint32_t from,
                                   uint32_t n, struct ArrowArray *ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *part = NULL;
    if (idx)
        VONK_TRY(vonk_column_gather(x->budget, child, idx, n, false, &part, err));
    else
        VONK_TRY(vonk_column_slice(x->budget, child, from, n, &part, err));
    return export_column(x, part, ret, err);
}

static vonk_status export_spans(const exporter *x, const vonk_column *c, struct ArrowArray *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *rows = NULL;
    int32_t *offsets;
    uint32_t from, *idx = NULL;
    uint64_t n = live_elements(c);
    if (n > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "more than 2147483647 array elements in one Arrow batch");
    VONK_TRY(start(x, c->n_rows, 2, 1, ret, err));
    set_validity(ret, c);
    VONK_TRY(new_buffer(x, ret, 1, ((size_t)c->n_rows + 1) * 4, &offsets, err));
    bool ordered = in_order(c, &from) && from + n <= c->children[0]->n_rows;
    if (!ordered) {
        VONK_TRY(vonk_buffer_new(x->budget, n * sizeof(uint32_t), &rows, err));
        idx = (uint32_t *)rows->data;
    }
    put_offsets(c, offsets, idx);
    if (c->n_children == 1) return export_elements(x, c->children[0], idx, from, (uint32_t)n, ret->children[0], err);
    VONK_TRY(start(x, (uint32_t)n, 1, 2, ret->children[0], err)); /* a map's entries */
    for (uint32_t i = 0; i < 2; i++)
        VONK_TRY(export_elements(x, c->children[i], idx, from, (uint32_t)n, ret->children[0]->children[i], err));
    return VONK_OK;
}

static vonk_status export_struct(const exporter *x, const vonk_column *c, struct ArrowArray *ret, vonk_error *err)
{
    VONK_TRY(start(x, c->n_rows, 1, c->n_children, ret, err));
    set_validity(ret, c);
    for (uint32_t i = 0; i < c->n_children; i++) VONK_TRY(export_column(x, c->children[i], ret->children[i], err));
    return VONK_OK;
}

/* A spatial value is (SRID, WKB) in Arrow, the SRID's 4 bytes and then WKB with us. */
static vonk_status export_spatial(const exporter *x, const vonk_column *c, struct ArrowArray *ret, vonk_error *err)
{
    int32_t *srids;
    VONK_TRY(start(x, c->n_rows, 1, 2, ret, err));
    set_validity(ret, c);
    VONK_TRY(start(x, c->n_rows, 2, 0, ret->children[0], err));
    VONK_TRY(new_buffer(x, ret->children[0], 1, c->n_rows * sizeof(int32_t), &srids, err));
    for (uint32_t i = 0; i < c->n_rows; i++) {
        vonk_str value = vonk_view_str(&VONK_VALUES(c, vonk_view)[i], c->heaps);
        srids[i] = 0;
        if (value.len >= 4) memcpy(&srids[i], value.data, 4);
    }
    VONK_TRY(export_strings(x, c, 4, ret->children[1], err));
    /* The fields are not nullable: the struct's validity says it all, empty bytes stand under its nulls. */
    holder *h = ret->children[1]->private_data;
    h->buffers[0] = NULL;
    ret->children[1]->null_count = 0;
    return VONK_OK;
}

static vonk_status export_flat(const exporter *x, const vonk_column *c, struct ArrowArray *ret, vonk_error *err)
{
    const vonk_type *t = vonk__physical(c->type);
    switch (t->id) {
    case VONK_T_NULL:
        VONK_TRY(start(x, c->n_rows, 0, 0, ret, err));
        ret->null_count = c->n_rows;
        return VONK_OK;
    case VONK_T_DECIMAL:
        return t->storage == VONK_STORE_I64 ? export_decimal64(x, c, ret, err) : export_fixed(x, c, ret, err);
    case VONK_T_TIMESTAMP_NANOS:
    case VONK_T_TIMESTAMP_NTZ_NANOS: return export_nanos(x, c, ret, err);
    case VONK_T_INTERVAL_CALENDAR: return export_interval(x, c, ret, err);
    case VONK_T_ARRAY:
    case VONK_T_MAP: return export_spans(x, c, ret, err);
    case VONK_T_STRUCT:
    case VONK_T_VARIANT: return export_struct(x, c, ret, err);
    case VONK_T_GEOMETRY:
    case VONK_T_GEOGRAPHY: return export_spatial(x, c, ret, err);
    default: break;
    }
    if (t->storage != VONK_STORE_VIEW) return export_fixed(x, c, ret, err);
    return x->options->views ? export_views(x, c, ret, err) : export_strings(x, c, 0, ret, err);
}

static vonk_status export_column(const exporter *x, const vonk_column *column, struct ArrowArray *ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
    VONK_TRY(vonk_column_flatten(x->budget, column, &flat, err));
    return export_flat(x, flat, ret, err);
}

vonk_status vonk_arrow_export_batch(const vonk_batch *batch, const vonk_type *struct_type,
                                    const vonk_arrow_options *options, struct ArrowArray *ret, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *dense = NULL;
    exporter x = {.budget = batch->budget, .options = options};
    struct ArrowArray made = {0};
    assert(struct_type->n_fields == batch->n_columns);
    VONK_TRY(vonk_batch_compact(batch, &dense, err));
    VONK_TRY(start(&x, dense->n_rows, 1, dense->n_columns, &made, err));
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < dense->n_columns && st == VONK_OK; i++)
        st = export_column(&x, dense->columns[i], made.children[i], err);
    if (st != VONK_OK) { /* every array that was started, however deep, is released with its parent */
        made.release(&made);
        return st;
    }
    *ret = made;
    return VONK_OK;
}
