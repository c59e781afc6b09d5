#include "codec/parquet/sink.h"

#include "codec/parquet/unpack.h"

static vonk_storage storage_of(const vonk_type *type)
{
    return type->id == VONK_T_UDT ? type->fields[0].type->storage : type->storage;
}

void vonk__pq_sink_init(pq_sink *s, vonk_budget *budget, const vonk_type *type, bool keep_codes)
{
    vonk_storage storage = storage_of(type);
    *s = (pq_sink){.budget = budget, .type = type};
    s->each = (uint32_t)vonk_storage_bytes(storage);
    s->keep_codes = keep_codes && storage != VONK_STORE_BIT;
}

void vonk__pq_sink_done(pq_sink *s)
{
    vonk_buffer_unref(s->data);
    vonk_buffer_unref(s->validity);
    for (uint32_t i = 0; i < s->n_heaps; i++) vonk_buffer_unref(s->heaps[i]);
    vonk_free(s->heaps);
    *s = (pq_sink){0};
}

/* ---- memory */
static size_t data_bytes(const pq_sink *s, uint32_t n)
{
    if (s->coded) return (size_t)n * sizeof(uint32_t);
    return s->each ? (size_t)n * s->each : vonk_bits_bytes(n);
}

static vonk_status grow_buffer(pq_sink *s, vonk_buffer **buffer, size_t used, size_t bytes, vonk_error *err)
{
    vonk_buffer *grown = NULL;
    VONK_TRY(vonk_buffer_new(s->budget, bytes, &grown, err));
    if (used > 0) memcpy(grown->data, (*buffer)->data, used);
    vonk_buffer_unref(*buffer);
    *buffer = grown;
    return VONK_OK;
}

vonk_status vonk__pq_sink_reserve(pq_sink *s, uint32_t n, vonk_error *err)
{
    if (n <= s->capacity - s->n) return VONK_OK;
    if (n > UINT32_MAX / 2 - s->n) {
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "more than 2^31 values below one batch of rows");
    }
    uint32_t wanted = s->n + n, grown = s->capacity > UINT32_MAX / 4 ? wanted : 2 * s->capacity;
    s->capacity = wanted > grown ? wanted : grown;
    if (s->data) VONK_TRY(grow_buffer(s, &s->data, data_bytes(s, s->n), data_bytes(s, s->capacity), err));
    if (s->validity) VONK_TRY(grow_buffer(s, &s->validity, vonk_bits_bytes(s->n), vonk_bits_bytes(s->capacity), err));
    return VONK_OK;
}

vonk_status vonk__pq_sink_need_validity(pq_sink *s, vonk_error *err)
{
    if (s->validity) return VONK_OK;
    VONK_TRY(vonk_buffer_new(s->budget, vonk_bits_bytes(s->capacity), &s->validity, err));
    vonk_bits_fill(s->validity->data, s->capacity, true);
    return VONK_OK;
}

static vonk_status decode_codes(pq_sink *s, vonk_error *err);

vonk_status vonk__pq_sink_begin(pq_sink *s, bool coded, vonk_error *err)
{
    if (!s->started) {
        s->started = true;
        s->coded = coded && s->keep_codes;
        VONK_TRY(vonk_buffer_new(s->budget, data_bytes(s, s->capacity), &s->data, err));
        memset(s->data->data, 0, data_bytes(s, s->n)); /* under the nulls that came first */
        return VONK_OK;
    }
    return s->coded && !coded ? decode_codes(s, err) : VONK_OK;
}

/* ---- dictionaries */
static vonk_status add_dictionary_heaps(pq_sink *s, vonk_error *err)
{
    uint32_t at;
    if (s->has_dictionary_heaps || s->dictionary->n_heaps == 0) return VONK_OK;
    assert(s->n_heaps == 0); /* or the caller moves the indexes */
    for (uint32_t i = 0; i < s->dictionary->n_heaps; i++)
        VONK_TRY(vonk__pq_sink_heap(s, s->dictionary->heaps[i], &at, err));
    s->has_dictionary_heaps = true;
    return VONK_OK;
}

/* Views into the dictionary's heaps where other heaps came first. */
static vonk_status put_moved_views(pq_sink *s, const uint32_t *codes, uint32_t n, vonk_error *err)
{
    vonk_view *to = vonk__pq_sink_at(s);
    uint32_t heap = 0;
    for (uint32_t i = 0; i < n; i++) {
        const vonk_view *from = VONK_VALUES(s->dictionary, vonk_view) + codes[i];
        to[i] = *from;
        if (from->len <= VONK_VIEW_INLINE) continue;
        VONK_TRY(vonk__pq_sink_heap(s, s->dictionary->heaps[from->heap], &heap, err));
        to[i].heap = heap;
    }
    return VONK_OK;
}

vonk_status vonk__pq_sink_put_codes(pq_sink *s, const uint32_t *codes, uint32_t n, vonk_error *err)
{
    if (n == 0) return VONK_OK;
    if (s->dictionary->n_heaps > 0) {
        if (s->n_heaps > 0 && !s->has_dictionary_heaps) return put_moved_views(s, codes, n, err);
        VONK_TRY(add_dictionary_heaps(s, err));
    }
    if (s->each) {
        vonk__pq_kernels()->gather(s->dictionary->data, codes, n, s->each, vonk__pq_sink_at(s));
    } else {
        for (uint32_t i = 0; i < n; i++)
            vonk_bit_put(s->data->data, s->n + i, vonk_bit_get(s->dictionary->data, codes[i]));
    }
    return VONK_OK;
}

/* What was kept as codes becomes values; codes under nulls are 0, which is a value because some piece had one. */
static vonk_status decode_codes(pq_sink *s, vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *codes = VONK_STEAL(s->data);
    uint32_t n = s->n;
    s->coded = false;
    VONK_TRY(vonk_buffer_new(s->budget, data_bytes(s, s->capacity), &s->data, err));
    s->n = 0;
    vonk_status st = vonk__pq_sink_put_codes(s, (const uint32_t *)(const void *)codes->data, n, err);
    s->n = n;
    return st;
}

/* ---- pieces */
static void spread_bits(pq_sink *s, uint32_t n, uint32_t n_dense)
{
    uint8_t *bits = s->data->data;
    for (uint32_t i = n, from = n_dense; i > from;) {
        i--;
        bool on = vonk_bit_get(s->validity->data, s->n + i);
        vonk_bit_put(bits, s->n + i, on && vonk_bit_get(bits, s->n + (from -= on)));
    }
}

void vonk__pq_sink_commit(pq_sink *s, uint32_t n, uint32_t n_dense)
{
    if (n_dense < n) {
        size_t each = s->coded ? sizeof(uint32_t) : s->each;
        if (each)
            vonk__pq_kernels()->spread(vonk__pq_sink_at(s), n_dense, s->validity->data, s->n, n, each);
        else
            spread_bits(s, n, n_dense);
        s->n_nulls += n - n_dense;
    } else if (s->validity) {
        for (uint32_t i = 0; i < n && ((s->n + i) & 7); i++) vonk_bit_set(s->validity->data, s->n + i);
        uint32_t first = (s->n + 7) & ~7u, end = s->n + n;
        if (first < end) vonk_bits_fill(s->validity->data + first / 8, end - first, true);
    }
    s->n += n;
}

vonk_status vonk__pq_sink_nulls(pq_sink *s, uint32_t n, vonk_error *err)
{
    VONK_TRY(vonk__pq_sink_need_validity(s, err));
    for (uint32_t i = 0; i < n; i++) vonk_bit_clear(s->validity->data, s->n + i);
    if (s->started && (s->coded || s->each)) memset(vonk__pq_sink_at(s), 0, data_bytes(s, n));
    if (s->started && !s->coded && !s->each) {
        for (uint32_t i = 0; i < n; i++) vonk_bit_clear(s->data->data, s->n + i);
    }
    s->n += n;
    s->n_nulls += n;
    return VONK_OK;
}

vonk_status vonk__pq_sink_heap(pq_sink *s, vonk_buffer *heap, uint32_t *ret, vonk_error *err)
{
    for (uint32_t i = s->n_heaps; i-- > 0;) {
        if (s->heaps[i] == heap) {
            *ret = i;
            return VONK_OK;
        }
    }
    if (s->n_heaps == s->heaps_capacity) {
        uint32_t grown = s->heaps_capacity ? s->heaps_capacity * 2 : 4;
        VONK_TRY(vonk_realloc(s->budget, &s->heaps, grown * sizeof *s->heaps, err));
        s->heaps_capacity = grown;
    }
    *ret = s->n_heaps;
    s->heaps[s->n_heaps++] = vonk_buffer_ref(heap);
    return VONK_OK;
}

/* ---- the column */
static vonk_status make_flat(pq_sink *s, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    VONK_TRY(vonk_column_new(s->budget, s->type, 0, false, &column, NULL, NULL, err));
    vonk_buffer_unref(column->data_buffer);
    column->data_buffer = VONK_STEAL(s->data);
    column->data = column->data_buffer->data;
    column->n_rows = s->n;
    if (s->n_nulls > 0) {
        column->validity_buffer = VONK_STEAL(s->validity);
        column->validity = column->validity_buffer->data;
    }
    for (uint32_t i = 0; i < s->n_heaps; i++) VONK_TRY(vonk_column_add_heap(column, vonk_buffer_ref(s->heaps[i]), err));
    *ret = VONK_STEAL(column);
    return VONK_OK;
}

vonk_status vonk__pq_sink_finish(pq_sink *s, vonk_column **ret, vonk_error *err)
{
    vonk_status st;
    if (!s->started && s->n > 0) {
        st = vonk_column_new_nulls(s->budget, s->type, s->n, ret, err);
    } else if (s->coded) {
        vonk_buffer *validity = s->n_nulls > 0 ? VONK_STEAL(s->validity) : NULL;
        st = vonk_column_new_dictionary(s->budget, vonk_column_ref(s->dictionary), VONK_STEAL(s->data), validity, s->n,
                                        ret, err);
    } else {
        st = s->started ? VONK_OK : vonk__pq_sink_begin(s, false, err); /* no rows at all */
        if (st == VONK_OK) st = make_flat(s, ret, err);
    }
    vonk__pq_sink_done(s);
    return st;
}
