#include "codec/parquet/page.h"

#include "codec/parquet/unpack.h"

#define CODES_AT_ONCE 1024 /* codes that are turned into values while they are in the cache */

/* ---- start: which bytes are what */
static vonk_status bad_encoding(const pq_convert *c, const pq_node *node, pq_encoding encoding, vonk_error *err)
{
    return vonk__pq_fail(
        c->meta, VONK_F("encoding %d of %s values", (int)encoding, vonk__pq_physical_names[node->physical]), err);
}

static void use_made(pq_page *page, vonk_buffer *take_made, size_t bytes)
{
    page->made = take_made;
    page->kind = PQ_VALUES_FIXED;
    page->bytes = vonk_cursor_of(take_made->data, bytes, page->bytes.what);
    page->heap = take_made;
}

static vonk_status start_delta_ints(pq_page *page, vonk_budget *budget, const pq_node *node, vonk_cursor in,
                                    uint32_t most, vonk_error *err)
{
    vonk_buffer *made = NULL;
    uint32_t n = 0;
    unsigned each = node->physical == PQ_INT32 ? 4 : 8;
    VONK_TRY(vonk__pq_delta_ints(budget, &in, most, each, &made, &n, err));
    use_made(page, made, (size_t)n * each);
    return VONK_OK;
}

static vonk_status start_streams(pq_page *page, vonk_budget *budget, const pq_convert *c, vonk_cursor in,
                                 vonk_error *err)
{
    vonk_buffer *made = NULL;
    size_t bytes = vonk_cursor_left(&in), n = bytes / c->in_bytes;
    VONK_TRY(vonk_buffer_new(budget, n * c->in_bytes, &made, err));
    vonk__pq_join_streams(in.at, n, c->in_bytes, made->data);
    use_made(page, made, n * c->in_bytes);
    return VONK_OK;
}

static vonk_status start_strings(pq_page *page, vonk_budget *budget, bool prefixed, vonk_cursor in, uint32_t most,
                                 vonk_error *err)
{
    VONK_TRY(prefixed ? vonk__pq_delta_strings(budget, &in, most, &page->strings, err)
                      : vonk__pq_delta_lengths(budget, &in, most, &page->strings, err));
    page->kind = PQ_VALUES_STRINGS;
    page->bytes = vonk_cursor_of(page->strings.bytes, page->strings.n_bytes, in.what);
    page->heap = page->strings.made ? page->strings.made : page->buffer;
    page->n_strings_used = 0;
    return VONK_OK;
}

/* Fixed byte arrays may be prefixed too; once joined they are PLAIN. */
static vonk_status start_fixed_strings(pq_page *page, vonk_budget *budget, const pq_convert *c, vonk_cursor in,
                                       uint32_t most, vonk_error *err)
{
    VONK_TRY(start_strings(page, budget, true, in, most, err));
    const int32_t *len = (const int32_t *)(const void *)page->strings.lens->data;
    for (uint32_t i = 0; i < page->strings.n; i++) {
        if ((uint32_t)len[i] != c->in_bytes) return vonk__pq_fail(c->meta, "a fixed byte array of another length", err);
    }
    page->kind = PQ_VALUES_FIXED;
    return VONK_OK;
}

static vonk_status start_plain(pq_page *page, const pq_node *node, vonk_cursor in)
{
    page->bytes = in;
    page->heap = page->buffer;
    if (node->physical == PQ_BOOLEAN) {
        page->kind = PQ_VALUES_BITS;
        vonk__pq_rle_init_packed(&page->runs, in, 1, UINT32_MAX);
    } else {
        page->kind = node->physical == PQ_BYTE_ARRAY ? PQ_VALUES_BYTES : PQ_VALUES_FIXED;
    }
    return VONK_OK;
}

static vonk_status start_runs(pq_page *page, const pq_convert *c, bool codes, vonk_cursor in, vonk_error *err)
{
    uint8_t width = 1;
    uint32_t bytes = 0;
    page->kind = codes ? PQ_VALUES_CODES : PQ_VALUES_BITS;
    if (codes) {
        if (vonk_cursor_left(&in) == 0) { /* a page of nulls may have no width */
            vonk__pq_rle_init(&page->runs, in, 1);
            return VONK_OK;
        }
        VONK_TRY(vonk_cursor_u8(&in, &width, err));
        if (width > 32) return vonk__pq_fail(c->meta, "dictionary codes of an impossible width", err);
    } else {
        VONK_TRY(vonk_cursor_u32(&in, &bytes, err));
        if (bytes > vonk_cursor_left(&in)) return vonk__pq_fail(c->meta, "boolean runs are cut off", err);
        in.end = in.at + bytes;
    }
    vonk__pq_rle_init(&page->runs, in, width);
    return VONK_OK;
}

vonk_status vonk__pq_page_start(pq_page *page, vonk_budget *budget, const pq_node *node, const pq_convert *convert,
                                pq_encoding encoding, vonk_cursor bytes, uint32_t n_most, vonk_error *err)
{
    pq_physical p = node->physical;
    bool number = p == PQ_INT32 || p == PQ_INT64, text = p == PQ_BYTE_ARRAY;
    vonk_buffer_unref(page->made);
    page->made = NULL;
    vonk__pq_strings_done(&page->strings);
    switch (encoding) {
    case PQ_PLAIN: return start_plain(page, node, bytes);
    case PQ_PLAIN_DICTIONARY:
    case PQ_RLE_DICTIONARY: return start_runs(page, convert, true, bytes, err);
    case PQ_RLE:
        if (p == PQ_BOOLEAN) return start_runs(page, convert, false, bytes, err);
        break;
    case PQ_DELTA_BINARY_PACKED:
        if (number) return start_delta_ints(page, budget, node, bytes, n_most, err);
        break;
    case PQ_DELTA_LENGTH_BYTE_ARRAY:
        if (text) return start_strings(page, budget, false, bytes, n_most, err);
        break;
    case PQ_DELTA_BYTE_ARRAY:
        if (text) return start_strings(page, budget, true, bytes, n_most, err);
        if (p == PQ_FIXED) return start_fixed_strings(page, budget, convert, bytes, n_most, err);
        break;
    case PQ_BYTE_STREAM_SPLIT:
        if (number || p == PQ_FLOAT || p == PQ_DOUBLE || p == PQ_FIXED)
            return start_streams(page, budget, convert, bytes, err);
        break;
    default: break;
    }
    return bad_encoding(convert, node, encoding, err);
}

void vonk__pq_page_done(pq_page *page)
{
    vonk_buffer_unref(page->buffer);
    vonk_buffer_unref(page->made);
    vonk__pq_strings_done(&page->strings);
    *page = (pq_page){0};
}

/* ---- views */
static const uint32_t prefix_mask[VONK_VIEW_INLINE + 1] = {0,          0xff,       0xffff,     0xffffff,   UINT32_MAX,
                                                           UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
                                                           UINT32_MAX, UINT32_MAX, UINT32_MAX};
#define LOW_BYTES(n) ((UINT64_C(1) << (8 * (n))) - 1)
static const uint64_t rest_mask[VONK_VIEW_INLINE + 1] = {0,
                                                         0,
                                                         0,
                                                         0,
                                                         0,
                                                         LOW_BYTES(1),
                                                         LOW_BYTES(2),
                                                         LOW_BYTES(3),
                                                         LOW_BYTES(4),
                                                         LOW_BYTES(5),
                                                         LOW_BYTES(6),
                                                         LOW_BYTES(7),
                                                         UINT64_MAX};

/* Reads 12 bytes, whatever the length: pages have slack. */
static inline void put_view(vonk_view *to, const uint8_t *bytes, uint32_t len, uint32_t heap, const uint8_t *heap_start)
{
    uint32_t prefix;
    uint64_t rest;
    memcpy(&prefix, bytes, 4);
    if (len <= VONK_VIEW_INLINE) {
        memcpy(&rest, bytes + 4, 8);
        prefix &= prefix_mask[len];
        rest &= rest_mask[len];
    } else {
        rest = (uint64_t)(size_t)(bytes - heap_start) << 32 | heap;
    }
    uint64_t both[2] = {(uint64_t)prefix << 32 | len, rest};
    memcpy(to, both, sizeof both);
}

static vonk_status cut_off(const pq_convert *c, vonk_error *err)
{
    return vonk__pq_fail(c->meta, "values are cut off", err);
}

static vonk_status read_plain_views(pq_page *page, const pq_convert *c, uint32_t n, uint32_t heap, vonk_view *to,
                                    vonk_error *err)
{
    const uint8_t *at = page->bytes.at, *end = page->bytes.end, *start = page->heap->data;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len;
        if (VONK_UNLIKELY(end - at < 4)) return cut_off(c, err);
        memcpy(&len, at, 4);
        at += 4;
        if (VONK_UNLIKELY(len > (size_t)(end - at))) return cut_off(c, err);
        put_view(&to[i], at, len, heap, start);
        at += len;
    }
    page->bytes.at = at;
    return VONK_OK;
}

static vonk_status read_string_views(pq_page *page, const pq_convert *c, uint32_t n, uint32_t heap, vonk_view *to,
                                     vonk_error *err)
{
    if (n > page->strings.n - page->n_strings_used) return cut_off(c, err);
    const int32_t *len = (const int32_t *)(const void *)page->strings.lens->data + page->n_strings_used;
    const uint8_t *at = page->bytes.at, *start = page->heap->data;
    for (uint32_t i = 0; i < n; i++) { /* the sum of the lengths was checked */
        put_view(&to[i], at, (uint32_t)len[i], heap, start);
        at += len[i];
    }
    page->bytes.at = at;
    page->n_strings_used += n;
    return VONK_OK;
}

static vonk_status read_fixed_views(pq_page *page, const pq_convert *c, uint32_t n, uint32_t heap, vonk_view *to,
                                    vonk_error *err)
{
    const uint8_t *at = NULL;
    if ((uint64_t)n * c->in_bytes > vonk_cursor_left(&page->bytes)) return cut_off(c, err);
    VONK_TRY(vonk_cursor_take(&page->bytes, (size_t)n * c->in_bytes, &at, err));
    for (uint32_t i = 0; i < n; i++, at += c->in_bytes) put_view(&to[i], at, c->in_bytes, heap, page->heap->data);
    return VONK_OK;
}

static vonk_status read_views(pq_page *page, const pq_convert *c, uint32_t n, pq_sink *sink, vonk_error *err)
{
    uint32_t heap = 0;
    VONK_TRY(vonk__pq_sink_heap(sink, page->heap, &heap, err));
    vonk_view *to = vonk__pq_sink_at(sink);
    switch (page->kind) {
    case PQ_VALUES_BYTES: return read_plain_views(page, c, n, heap, to, err);
    case PQ_VALUES_STRINGS: return read_string_views(page, c, n, heap, to, err);
    default: return read_fixed_views(page, c, n, heap, to, err);
    }
}

/* ---- other values */
/* The next byte array, wherever its length is. */
static vonk_status next_bytes(pq_page *page, const pq_convert *c, const uint8_t **ret, size_t *ret_bytes,
                              vonk_error *err)
{
    uint32_t len = 0;
    if (page->kind == PQ_VALUES_BYTES) {
        VONK_TRY(vonk_cursor_u32(&page->bytes, &len, err));
    } else {
        if (page->n_strings_used == page->strings.n) return cut_off(c, err);
        len = ((const uint32_t *)(const void *)page->strings.lens->data)[page->n_strings_used++];
    }
    *ret_bytes = len;
    return vonk_cursor_take(&page->bytes, len, ret, err);
}

static vonk_status read_decimals(pq_page *page, const pq_convert *c, uint32_t n, uint8_t *to, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *at = NULL;
        size_t bytes = 0;
        VONK_TRY(next_bytes(page, c, &at, &bytes, err));
        VONK_TRY(vonk__pq_convert_bytes(c, at, bytes, to + (size_t)i * c->out_bytes, err));
    }
    return VONK_OK;
}

static vonk_status read_fixed(pq_page *page, const pq_convert *c, uint32_t n, void *to, vonk_error *err)
{
    const uint8_t *at = NULL;
    if ((uint64_t)n * c->in_bytes > vonk_cursor_left(&page->bytes)) return cut_off(c, err);
    VONK_TRY(vonk_cursor_take(&page->bytes, (size_t)n * c->in_bytes, &at, err));
    return vonk__pq_convert_fixed(c, at, n, to, err);
}

static vonk_status check_codes(const pq_page *page, const pq_convert *c, const uint32_t *codes, uint32_t n,
                               vonk_error *err)
{
    if (n > 0 && vonk__pq_kernels()->max_u32(codes, n) >= page->n_dictionary)
        return vonk__pq_fail(c->meta, "a dictionary code without an entry", err);
    return VONK_OK;
}

static vonk_status read_codes(pq_page *page, const pq_convert *c, uint32_t n, pq_sink *sink, vonk_error *err)
{
    uint32_t codes[CODES_AT_ONCE], first = sink->n;
    if (sink->coded) {
        uint32_t *to = vonk__pq_sink_at(sink);
        VONK_TRY(vonk__pq_rle_read(&page->runs, n, to, err));
        return check_codes(page, c, to, n, err);
    }
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < n && st == VONK_OK; i += CODES_AT_ONCE) {
        uint32_t k = n - i < CODES_AT_ONCE ? n - i : CODES_AT_ONCE;
        st = vonk__pq_rle_read(&page->runs, k, codes, err);
        if (st == VONK_OK) st = check_codes(page, c, codes, k, err);
        sink->n = first + i;
        if (st == VONK_OK) st = vonk__pq_sink_put_codes(sink, codes, k, err);
    }
    sink->n = first;
    return st;
}

vonk_status vonk__pq_page_read(pq_page *page, const pq_convert *convert, uint32_t n, pq_sink *sink, vonk_error *err)
{
    uint32_t ones = 0;
    if (n == 0) return VONK_OK;
    VONK_TRY(vonk__pq_sink_begin(sink, page->kind == PQ_VALUES_CODES, err));
    switch (page->kind) {
    case PQ_VALUES_CODES: return read_codes(page, convert, n, sink, err);
    case PQ_VALUES_BITS: return vonk__pq_rle_bits(&page->runs, n, sink->data->data, sink->n, &ones, err);
    default: break;
    }
    if (convert->kind == PQ_TO_VIEWS) return read_views(page, convert, n, sink, err);
    if (page->kind == PQ_VALUES_FIXED) return read_fixed(page, convert, n, vonk__pq_sink_at(sink), err);
    return read_decimals(page, convert, n, vonk__pq_sink_at(sink), err);
}

vonk_status vonk__pq_page_skip(pq_page *page, const pq_convert *c, uint32_t n, vonk_error *err)
{
    const uint8_t *at = NULL;
    size_t bytes = 0;
    switch (page->kind) {
    case PQ_VALUES_CODES:
    case PQ_VALUES_BITS: return vonk__pq_rle_skip(&page->runs, n, err);
    case PQ_VALUES_FIXED:
        if ((uint64_t)n * c->in_bytes > vonk_cursor_left(&page->bytes)) return cut_off(c, err);
        return vonk_cursor_take(&page->bytes, (size_t)n * c->in_bytes, &at, err);
    default:
        for (uint32_t i = 0; i < n; i++) VONK_TRY(next_bytes(page, c, &at, &bytes, err));
        return VONK_OK;
    }
}
