/* column/builder.c -- see builder.h. Buffers grow by doubling; strings fill heaps of 1 KiB to 1 MiB, a longer string
 * gets one of its own. */
#include "column/builder.h"

#include "column/column_int.h"

enum { FIRST_HEAP_BYTES = 1 << 10, MOST_HEAP_BYTES = 1 << 20 };

/* ---- life */

vonk_status vonk_builder_init(vonk_builder *b, vonk_budget *budget, const vonk_type *type, uint32_t expected_rows,
                              vonk_error *err)
{
    *b = (vonk_builder){.budget = budget, .type = vonk_type_ref(type)};
    uint32_t n = vonk__n_children(type);
    vonk_status st = VONK_OK;
    if (n) st = vonk_alloc_zeroed(budget, n * sizeof(vonk_builder), &b->children, err);
    for (; st == VONK_OK && b->n_children < n; b->n_children++) {
        uint32_t more = vonk__is_struct(type) ? expected_rows : 0;
        st = vonk_builder_init(&b->children[b->n_children], budget, vonk__child_type(type, b->n_children), more, err);
    }
    if (st == VONK_OK && expected_rows) {
        size_t width = vonk_storage_bytes(type->storage);
        b->capacity = expected_rows;
        size_t bytes = type->storage == VONK_STORE_BIT ? vonk_bits_bytes(expected_rows) : expected_rows * width;
        st = vonk_buffer_new(budget, bytes, &b->data, err);
    }
    if (st != VONK_OK) vonk_builder_done(b);
    return st;
}

void vonk_builder_done(vonk_builder *b)
{
    for (uint32_t i = 0; i < b->n_children; i++) vonk_builder_done(&b->children[i]);
    for (uint32_t i = 0; i < b->n_heaps; i++) vonk_buffer_unref(b->heaps[i]);
    vonk_free(b->heaps);
    vonk_free(b->children);
    vonk_buffer_unref(b->data);
    vonk_buffer_unref(b->validity);
    vonk_buffer_unref(b->heap);
    vonk_type_unref(b->type);
    *b = (vonk_builder){0};
}

/* ---- room */

static vonk_status grow_buffer(vonk_budget *budget, vonk_buffer **inout, size_t used, size_t bytes, vonk_error *err)
{
    vonk_buffer *more;
    VONK_TRY(vonk_buffer_new(budget, bytes, &more, err));
    if (*inout && used) memcpy(more->data, (*inout)->data, used);
    vonk_buffer_unref(*inout);
    *inout = more;
    return VONK_OK;
}

static vonk_status grow(vonk_builder *b, vonk_error *err)
{
    if (b->n_rows == UINT32_MAX) return vonk__too_many_rows(err);
    uint32_t to = b->capacity < 32 ? 64 : b->capacity > UINT32_MAX / 2 ? UINT32_MAX : b->capacity * 2;
    bool bits = b->type->storage == VONK_STORE_BIT;
    size_t width = vonk_storage_bytes(b->type->storage);
    if (b->validity)
        VONK_TRY(grow_buffer(b->budget, &b->validity, vonk_bits_bytes(b->n_rows), vonk_bits_bytes(to), err));
    VONK_TRY(grow_buffer(b->budget, &b->data, bits ? vonk_bits_bytes(b->n_rows) : b->n_rows * width,
                         bits ? vonk_bits_bytes(to) : to * width, err));
    b->capacity = to;
    return VONK_OK;
}

static inline vonk_status make_room(vonk_builder *b, vonk_error *err)
{
    return VONK_LIKELY(b->n_rows < b->capacity) ? VONK_OK : grow(b, err);
}

/* Closes a row whose value has been written. */
static inline void count_row(vonk_builder *b)
{
    if (b->validity) vonk_bit_put(b->validity->data, b->n_rows, true);
    b->n_rows++;
}

static vonk_status start_validity(vonk_builder *b, vonk_error *err)
{
    if (b->validity) return VONK_OK;
    VONK_TRY(vonk_buffer_new(b->budget, vonk_bits_bytes(b->capacity), &b->validity, err));
    vonk_bits_fill(b->validity->data, b->n_rows, true);
    return VONK_OK;
}

/* ---- values */

static uint32_t closed_rows(const vonk_builder *b)
{
    if (b->n_rows == 0) return 0;
    vonk_span last = ((const vonk_span *)b->data->data)[b->n_rows - 1];
    return last.offset + last.len;
}

vonk_status vonk_builder_null(vonk_builder *b, vonk_error *err)
{
    VONK_TRY(make_room(b, err));
    VONK_TRY(start_validity(b, err));
    size_t width = vonk_storage_bytes(b->type->storage);
    if (vonk__is_struct(b->type))
        for (uint32_t i = 0; i < b->n_children; i++) VONK_TRY(vonk_builder_null(&b->children[i], err));
    else if (b->type->storage == VONK_STORE_SPAN)
        ((vonk_span *)b->data->data)[b->n_rows] = (vonk_span){closed_rows(b), 0};
    else if (b->type->storage == VONK_STORE_BIT)
        vonk_bit_put(b->data->data, b->n_rows, false);
    else if (width)
        memset(b->data->data + b->n_rows * width, 0, width);
    vonk_bit_put(b->validity->data, b->n_rows, false);
    b->n_rows++;
    return VONK_OK;
}

vonk_status vonk_builder_bool(vonk_builder *b, bool value, vonk_error *err)
{
    assert(b->type->storage == VONK_STORE_BIT);
    VONK_TRY(make_room(b, err));
    vonk_bit_put(b->data->data, b->n_rows, value);
    count_row(b);
    return VONK_OK;
}

vonk_status vonk_builder_i64(vonk_builder *b, int64_t value, vonk_error *err)
{
    VONK_TRY(make_room(b, err));
    void *data = b->data->data;
    switch (b->type->storage) {
    case VONK_STORE_I8:
        assert(value >= INT8_MIN && value <= INT8_MAX);
        ((int8_t *)data)[b->n_rows] = (int8_t)value;
        break;
    case VONK_STORE_I16:
        assert(value >= INT16_MIN && value <= INT16_MAX);
        ((int16_t *)data)[b->n_rows] = (int16_t)value;
        break;
    case VONK_STORE_I32: ((int32_t *)data)[b->n_rows] = vonk_i32_of(value); break;
    case VONK_STORE_I128: ((vonk_i128 *)data)[b->n_rows] = value; break;
    default: assert(b->type->storage == VONK_STORE_I64); ((int64_t *)data)[b->n_rows] = value;
    }
    count_row(b);
    return VONK_OK;
}

vonk_status vonk_builder_i128(vonk_builder *b, vonk_i128 value, vonk_error *err)
{
    if (b->type->storage != VONK_STORE_I128) {
        assert(value >= INT64_MIN && value <= INT64_MAX);
        return vonk_builder_i64(b, (int64_t)value, err);
    }
    VONK_TRY(make_room(b, err));
    ((vonk_i128 *)b->data->data)[b->n_rows] = value;
    count_row(b);
    return VONK_OK;
}

vonk_status vonk_builder_f64(vonk_builder *b, double value, vonk_error *err)
{
    VONK_TRY(make_room(b, err));
    if (b->type->storage == VONK_STORE_F32)
        ((float *)b->data->data)[b->n_rows] = (float)value;
    else {
        assert(b->type->storage == VONK_STORE_F64);
        ((double *)b->data->data)[b->n_rows] = value;
    }
    count_row(b);
    return VONK_OK;
}

vonk_status vonk_builder_interval(vonk_builder *b, vonk_interval value, vonk_error *err)
{
    assert(b->type->storage == VONK_STORE_INTERVAL);
    VONK_TRY(make_room(b, err));
    ((vonk_interval *)b->data->data)[b->n_rows] = value;
    count_row(b);
    return VONK_OK;
}

vonk_status vonk_builder_fixed(vonk_builder *b, const void *value, vonk_error *err)
{
    size_t width = vonk_storage_bytes(b->type->storage);
    assert(width && b->type->storage != VONK_STORE_VIEW && b->type->storage != VONK_STORE_SPAN);
    VONK_TRY(make_room(b, err));
    memcpy(b->data->data + b->n_rows * width, value, width);
    count_row(b);
    return VONK_OK;
}

/* ---- strings */

static vonk_status string_too_long(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "strings longer than 2147483647 bytes");
}

static vonk_status new_heap(vonk_builder *b, size_t bytes, vonk_error *err)
{
    size_t size = b->heap ? vonk_min_size(b->heap->bytes * 2, MOST_HEAP_BYTES) : FIRST_HEAP_BYTES;
    vonk_buffer *more;
    VONK_TRY(vonk_realloc(b->budget, &b->heaps, (b->n_heaps + 1) * sizeof(vonk_buffer *), err));
    VONK_TRY(vonk_buffer_new(b->budget, vonk_max_size(size, bytes), &more, err));
    if (b->heap) b->heaps[b->n_heaps++] = b->heap;
    b->heap = more;
    b->heap_used = 0;
    return VONK_OK;
}

vonk_status vonk_builder_str_reserve(vonk_builder *b, size_t bytes, char **ret, vonk_error *err)
{
    assert(b->type->storage == VONK_STORE_VIEW);
    if (bytes > INT32_MAX) return string_too_long(err);
    if (!b->heap || b->heap->bytes - b->heap_used < bytes) VONK_TRY(new_heap(b, bytes, err));
    *ret = (char *)b->heap->data + b->heap_used;
    return VONK_OK;
}

vonk_status vonk_builder_str_commit(vonk_builder *b, size_t bytes, vonk_error *err)
{
    assert(b->heap && bytes <= b->heap->bytes - b->heap_used);
    VONK_TRY(make_room(b, err));
    vonk_view *v = &((vonk_view *)b->data->data)[b->n_rows];
    const char *at = (const char *)b->heap->data + b->heap_used;
    if (bytes <= VONK_VIEW_INLINE)
        *v = vonk_view_inline(at, (uint32_t)bytes);
    else {
        v->len = (uint32_t)bytes;
        memcpy(v->prefix, at, 4);
        v->heap = b->n_heaps; /* the heap being filled comes behind the full ones */
        v->offset = (uint32_t)b->heap_used;
        b->heap_used += bytes;
    }
    count_row(b);
    return VONK_OK;
}

vonk_status vonk_builder_str(vonk_builder *b, vonk_str bytes, vonk_error *err)
{
    assert(b->type->storage == VONK_STORE_VIEW);
    if (bytes.len <= VONK_VIEW_INLINE) {
        VONK_TRY(make_room(b, err));
        ((vonk_view *)b->data->data)[b->n_rows] = vonk_view_inline(bytes.data, (uint32_t)bytes.len);
        count_row(b);
        return VONK_OK;
    }
    char *to;
    VONK_TRY(vonk_builder_str_reserve(b, bytes.len, &to, err));
    memcpy(to, bytes.data, bytes.len);
    return vonk_builder_str_commit(b, bytes.len, err);
}

/* ---- nested */

vonk_status vonk_builder_close(vonk_builder *b, vonk_error *err)
{
    VONK_TRY(make_room(b, err));
    if (vonk__is_struct(b->type)) {
        for (uint32_t i = 0; i < b->n_children; i++) assert(b->children[i].n_rows == b->n_rows + 1);
    } else {
        assert(b->type->storage == VONK_STORE_SPAN);
        assert(b->n_children == 1 || b->children[0].n_rows == b->children[1].n_rows);
        uint32_t from = closed_rows(b);
        ((vonk_span *)b->data->data)[b->n_rows] = (vonk_span){from, b->children[0].n_rows - from};
    }
    count_row(b);
    return VONK_OK;
}

static vonk_status copy_nested(vonk_builder *b, const vonk_column *from, uint32_t row, vonk_error *err)
{
    vonk_span s = {row, 1};
    if (!vonk__is_struct(b->type)) s = VONK_VALUES(from, vonk_span)[row];
    for (uint32_t i = 0; i < b->n_children; i++)
        for (uint32_t k = 0; k < s.len; k++)
            VONK_TRY(vonk_builder_copy(&b->children[i], from->children[i], s.offset + k, err));
    return vonk_builder_close(b, err);
}

vonk_status vonk_builder_copy(vonk_builder *b, const vonk_column *from, uint32_t row, vonk_error *err)
{
    if (vonk_column_is_null(from, row)) return vonk_builder_null(b, err);
    const vonk_column *c = vonk_column_locate(from, row, &row);
    switch (b->type->storage) {
    case VONK_STORE_BIT: return vonk_builder_bool(b, vonk_column_i64(c, row), err);
    case VONK_STORE_VIEW: return vonk_builder_str(b, vonk_column_str(c, row), err);
    case VONK_STORE_SPAN:
    case VONK_STORE_NONE: return copy_nested(b, c, row, err);
    default:
        if (c->encoding == VONK_SEQUENCE) return vonk_builder_i64(b, vonk_column_i64(c, row), err);
        /* as bytes: a NaN keeps its payload */
        return vonk_builder_fixed(b, (const uint8_t *)c->data + row * vonk_storage_bytes(b->type->storage), err);
    }
}

/* ---- result */

static vonk_status take_heaps(vonk_builder *b, vonk_column *c, vonk_error *err)
{
    if (!b->heap) return VONK_OK;
    if (b->heap_used) VONK_TRY(vonk_realloc(b->budget, &b->heaps, (b->n_heaps + 1) * sizeof(vonk_buffer *), err));
    if (b->heap_used) b->heaps[b->n_heaps++] = VONK_STEAL(b->heap);
    vonk_buffer_unref(b->heap);
    b->heap = NULL;
    b->heap_used = 0;
    c->heaps = VONK_STEAL(b->heaps);
    c->n_heaps = b->n_heaps;
    b->n_heaps = 0;
    return VONK_OK;
}

vonk_status vonk_builder_finish(vonk_builder *b, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    VONK_TRY(vonk__column_alloc(b->budget, b->type, VONK_FLAT, b->n_rows, &c, err));
    if (b->n_children) {
        VONK_TRY(vonk_alloc_array(b->budget, b->n_children, sizeof(vonk_column *), &c->children, err));
        for (; c->n_children < b->n_children; c->n_children++)
            VONK_TRY(vonk_builder_finish(&b->children[c->n_children], &c->children[c->n_children], err));
    }
    VONK_TRY(take_heaps(b, c, err));
    if (!b->data) VONK_TRY(vonk_buffer_new(b->budget, 0, &b->data, err));
    if (b->type->storage != VONK_STORE_NONE) {
        c->data_buffer = VONK_STEAL(b->data);
        c->data = c->data_buffer->data;
    }
    c->validity_buffer = VONK_STEAL(b->validity);
    if (c->validity_buffer) c->validity = c->validity_buffer->data;
    vonk_buffer_unref(b->data);
    b->data = NULL;
    b->n_rows = b->capacity = 0;
    *ret = VONK_STEAL(c);
    return VONK_OK;
}
