/* Where the next page is and what it holds: headers, checksums, decompression, levels, dictionaries. */
#include "codec/parquet/leaf.h"

#include "codec/parquet/unpack.h"

#define READ_AHEAD (512u << 10)
#define HEADER_GUESS 512u
#define MAX_HEADER (16u << 20)
#define CHUNK_SLACK 100 /* old writers forgot their dictionary page's header when they counted the chunk's bytes */

/* ---- life */
static vonk_compression codec_of(int32_t codec)
{
    static const uint8_t codecs[] = {VONK_COMPRESS_NONE, VONK_COMPRESS_SNAPPY, VONK_COMPRESS_GZIP,
                                     VONK_COMPRESS_LZO,  VONK_COMPRESS_BROTLI, VONK_COMPRESS_LZ4_HADOOP,
                                     VONK_COMPRESS_ZSTD, VONK_COMPRESS_LZ4_RAW};
    return codec >= 0 && (size_t)codec < VONK_COUNTOF(codecs) ? codecs[codec] : VONK_N_COMPRESS;
}

/* parquet-mr before 1.2.9 forgot the dictionary page's header when it counted a chunk's bytes (PARQUET-816). */
static bool forgets_header(vonk_str created_by)
{
    static const vonk_str prefix = {"parquet-mr version 1.", 21};
    if (!vonk_str_starts(created_by, prefix) || created_by.len < prefix.len + 2 ||
        created_by.data[prefix.len + 1] != '.')
        return false;
    char minor = created_by.data[prefix.len],
         patch = created_by.len > prefix.len + 2 ? created_by.data[prefix.len + 2] : '0';
    bool long_patch = created_by.len > prefix.len + 3 && created_by.data[prefix.len + 3] >= '0' &&
                      created_by.data[prefix.len + 3] <= '9';
    return minor < '2' || (minor == '2' && patch < '9' && !long_patch);
}

static vonk_status find_chunk(pq_leaf *leaf, uint32_t group, vonk_error *err)
{
    const vonk_parquet_meta *meta = leaf->meta;
    const pq_chunk *chunk = &meta->file.groups.at[group].chunks.at[leaf->node->first_leaf];
    const pq_column_meta *m = leaf->chunk = &chunk->meta;
    if (PQ_HAS(*chunk, PQ_CHUNK_PATH) && chunk->file_path.len > 0)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "Parquet column chunks in other files");
    if (PQ_HAS(*chunk, PQ_CHUNK_CRYPTO))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "encrypted Parquet columns");
    if (!PQ_HAS(*chunk, PQ_CHUNK_META)) return vonk__pq_fail(meta, "a column chunk without metadata", err);
    if (m->type != leaf->node->physical)
        return vonk__pq_fail(meta, "a column chunk of another type than its schema", err);
    bool dictionary_first = PQ_HAS(*m, PQ_COL_DICT_AT) && m->dict_at > 0 && m->dict_at < m->data_at;
    int64_t start = dictionary_first ? m->dict_at : m->data_at;
    if (m->n_values < 0 || m->bytes < 0 || start < 0 || (uint64_t)start > meta->data_end ||
        (uint64_t)m->bytes > meta->data_end - (uint64_t)start)
        return vonk__pq_fail(meta, "a column chunk lies outside of the file", err);
    leaf->start = leaf->at = (uint64_t)start;
    leaf->end = leaf->start + (uint64_t)m->bytes + (forgets_header(meta->file.created_by) ? CHUNK_SLACK : 0);
    if (leaf->end > meta->data_end) leaf->end = meta->data_end;
    leaf->values_left = (uint64_t)m->n_values;
    if (leaf->node->max_rep == 0 && leaf->values_left != leaf->n_rows)
        return vonk__pq_fail(meta, "a column chunk has another number of values than its row group", err);
    leaf->codec = codec_of(m->codec);
    if (leaf->codec == VONK_N_COMPRESS) return vonk__pq_fail(meta, VONK_F("compression codec %d", m->codec), err);
    return VONK_OK;
}

vonk_status vonk__pq_leaf_init(pq_leaf *leaf, vonk_budget *budget, const vonk_parquet_meta *meta,
                               const vonk_bytes_in *in, vonk_compressor *compressor, uint32_t group,
                               const pq_node *node, const vonk_type *want, vonk_error *err)
{
    *leaf = (pq_leaf){.meta = meta, .in = in, .budget = budget, .compressor = compressor, .node = node, .type = want};
    leaf->n_rows = (uint64_t)meta->file.groups.at[group].n_rows;
    leaf->flat = node->max_rep == 0 && node->max_def <= 1;
    if (want)
        VONK_TRY(vonk__pq_convert_init(meta, node, want, &leaf->convert, err));
    else
        leaf->convert = (pq_convert){.kind = PQ_TO_NOTHING, .meta = meta};
    leaf->levels_only = leaf->convert.kind == PQ_TO_NOTHING;
    return find_chunk(leaf, group, err);
}

void vonk__pq_leaf_done(pq_leaf *leaf)
{
    vonk__pq_page_done(&leaf->page);
    vonk_column_unref(leaf->dictionary);
    vonk_buffer_unref(leaf->levels);
    vonk_buffer_unref(leaf->turned[0]);
    vonk_buffer_unref(leaf->turned[1]);
    vonk_free(leaf->window.bytes);
    *leaf = (pq_leaf){0};
}

/* ---- bytes of the file */
/* Memory of the file when it lends it, else of the window, which reads ahead. Valid until the next fetch. */
static vonk_status fetch(pq_leaf *leaf, uint64_t at, size_t bytes, const uint8_t **ret, vonk_error *err)
{
    pq_window *w = &leaf->window;
    if (at > leaf->end || bytes > leaf->end - at)
        return vonk__pq_fail(leaf->meta, "a page lies outside of its column chunk", err);
    if (leaf->in->borrow) {
        leaf->in->borrow(leaf->in->self, at, bytes, ret);
        if (*ret) return VONK_OK;
    }
    if (at >= w->at && at - w->at <= w->n && bytes <= w->n - (at - w->at)) {
        *ret = w->bytes + (at - w->at);
        return VONK_OK;
    }
    size_t wanted = vonk_min_size(vonk_max_size(bytes, READ_AHEAD), leaf->end - at);
    if (wanted > w->capacity) {
        vonk_free(w->bytes);
        *w = (pq_window){0};
        VONK_TRY(vonk_alloc(leaf->budget, wanted, &w->bytes, err));
        w->capacity = wanted;
    }
    w->n = 0;
    VONK_TRY(leaf->in->read_at(leaf->in->self, at, wanted, w->bytes, err));
    w->at = at;
    w->n = wanted;
    *ret = w->bytes;
    return VONK_OK;
}

/* Headers have no length in front: what is at hand is tried, then more. */
static vonk_status read_head(pq_leaf *leaf, uint64_t at, pq_page_head *head, uint64_t *ret_payload, vonk_error *err)
{
    if (at >= leaf->end) return vonk__pq_fail(leaf->meta, "a column chunk ends before its last value", err);
    size_t left = vonk_min_size(leaf->end - at, MAX_HEADER), n = vonk_min_size(left, HEADER_GUESS);
    for (;;) {
        const uint8_t *bytes = NULL;
        VONK_TRY(fetch(leaf, at, n, &bytes, err));
        vonk_cursor in = vonk__pq_cursor(leaf->meta, bytes, n);
        vonk_status st = vonk_thrift_read(NULL, &in, &vonk__pq_page_head, head, err);
        if (st == VONK_OK) {
            *ret_payload = at + (n - vonk_cursor_left(&in));
            break;
        }
        if (n == left) return st;
        vonk_error_reset(err);
        n = vonk_min_size(left, n * 8);
    }
    if (head->type < PQ_DATA_PAGE || head->type > PQ_DATA_PAGE_V2)
        return vonk__pq_fail(leaf->meta, "a page of an unknown type", err);
    if (head->bytes < 0 || head->plain_bytes < 0 || (uint64_t)head->bytes > leaf->end - *ret_payload)
        return vonk__pq_fail(leaf->meta, "a page of an impossible size", err);
    return VONK_OK;
}

/* A buffer for a page: the old one when nobody else holds it. */
static vonk_status page_buffer(pq_leaf *leaf, vonk_buffer **buffer, size_t bytes, vonk_error *err)
{
    if (*buffer && (*buffer)->refs == 1 && (*buffer)->bytes >= bytes && (*buffer)->bytes / 4 <= bytes) return VONK_OK;
    vonk_buffer_unref(*buffer);
    *buffer = NULL;
    return vonk_buffer_new(leaf->budget, bytes, buffer, err);
}

/* The page's bytes, uncompressed, in *buffer; the first `plain` bytes are stored without compression (levels of v2
 * pages). */
static vonk_status read_payload(pq_leaf *leaf, const pq_page_head *head, uint64_t payload, size_t plain,
                                vonk_compression codec, vonk_buffer **buffer, vonk_error *err)
{
    const uint8_t *stored = NULL;
    size_t bytes = (size_t)head->bytes, whole = (size_t)head->plain_bytes;
    VONK_TRY(fetch(leaf, payload, bytes, &stored, err));
    if (leaf->meta->options.verify_checksums && PQ_HAS(*head, PQ_PAGE_CRC) &&
        vonk_crc32(stored, bytes) != (uint32_t)head->crc)
        return vonk__pq_fail(leaf->meta, "the checksum of a page is wrong", err);
    if (plain > bytes || plain > whole) return vonk__pq_fail(leaf->meta, "levels are longer than their page", err);
    VONK_TRY(page_buffer(leaf, buffer, whole, err));
    if (plain > 0) memcpy((*buffer)->data, stored, plain);
    vonk_cursor in = vonk__pq_cursor(leaf->meta, stored + plain, bytes - plain);
    return vonk_decompress(leaf->compressor, codec, &in, (*buffer)->data + plain, whole - plain, err);
}

/* ---- dictionaries */
static vonk_status decode_dictionary(pq_leaf *leaf, const pq_page_head *head, vonk_buffer *buffer, vonk_error *err)
{
    VONK_AUTO(vonk__pq_page_done) pq_page page = {.buffer = vonk_buffer_ref(buffer)};
    VONK_AUTO(vonk__pq_sink_done) pq_sink sink = {0};
    uint32_t n = (uint32_t)head->dict.n_values;
    vonk_cursor in = vonk__pq_cursor(leaf->meta, buffer->data, (size_t)head->plain_bytes);
    vonk__pq_sink_init(&sink, leaf->budget, leaf->type, false);
    bool plain = head->dict.encoding == PQ_PLAIN || head->dict.encoding == PQ_PLAIN_DICTIONARY;
    if (!plain) return vonk__pq_fail(leaf->meta, "a dictionary that is not plain", err);
    VONK_TRY(vonk__pq_page_start(&page, leaf->budget, leaf->node, &leaf->convert, PQ_PLAIN, in, n, err));
    VONK_TRY(vonk__pq_sink_reserve(&sink, n, err));
    VONK_TRY(vonk__pq_page_read(&page, &leaf->convert, n, &sink, err));
    vonk__pq_sink_commit(&sink, n, n);
    leaf->n_dictionary = n;
    return vonk__pq_sink_finish(&sink, &leaf->dictionary, err);
}

static vonk_status dictionary_head(pq_leaf *leaf, pq_page_head *head, uint64_t *ret_payload, vonk_error *err)
{
    VONK_TRY(read_head(leaf, leaf->start, head, ret_payload, err));
    if (head->type != PQ_DICTIONARY_PAGE || !PQ_HAS(*head, PQ_PAGE_DICT))
        return vonk__pq_fail(leaf->meta, "a column chunk without the dictionary that it needs", err);
    /* A lying count must not ask for much memory. */
    uint64_t least_bits =
        leaf->node->physical == PQ_BOOLEAN ? 1 : (leaf->convert.in_bytes ? leaf->convert.in_bytes * 8u : 32);
    if (head->dict.n_values < 0 || (uint64_t)head->dict.n_values * least_bits > (uint64_t)head->plain_bytes * 8)
        return vonk__pq_fail(leaf->meta, "a dictionary of an impossible size", err);
    return VONK_OK;
}

vonk_status vonk__pq_leaf_need_dictionary(pq_leaf *leaf, vonk_error *err)
{
    pq_page_head head = {0};
    uint64_t payload = 0;
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *buffer = NULL;
    if (leaf->dictionary) return VONK_OK;
    VONK_TRY(dictionary_head(leaf, &head, &payload, err));
    VONK_TRY(read_payload(leaf, &head, payload, 0, leaf->codec, &buffer, err));
    return decode_dictionary(leaf, &head, buffer, err);
}

vonk_status vonk__pq_leaf_dictionary_size(pq_leaf *leaf, uint32_t *ret, vonk_error *err)
{
    pq_page_head head = {0};
    uint64_t payload = 0;
    VONK_TRY(dictionary_head(leaf, &head, &payload, err));
    *ret = (uint32_t)head.dict.n_values;
    return VONK_OK;
}

/* ---- levels */
static unsigned width_of(uint16_t most) { return most ? 32u - (unsigned)__builtin_clz(most) : 0; }

/* The old BIT_PACKED form counts bits from the highest down; *turned becomes the same values counted from the lowest
 * up. */
static vonk_status turn_levels(pq_leaf *leaf, vonk_cursor *inout, unsigned width, vonk_buffer **turned, vonk_error *err)
{
    size_t bytes = ((size_t)leaf->n * width + 7) / 8;
    if (bytes > vonk_cursor_left(inout)) return vonk__pq_fail(leaf->meta, "levels are cut off", err);
    VONK_TRY(page_buffer(leaf, turned, bytes, err));
    uint8_t *to = (*turned)->data;
    memset(to, 0, bytes);
    for (size_t bit = 0; bit < (size_t)leaf->n * width; bit++) {
        unsigned on = inout->at[bit >> 3] >> (7 - (bit & 7)) & 1;
        size_t value = bit / width, place = value * width + (width - 1 - bit % width);
        to[place >> 3] = (uint8_t)(to[place >> 3] | on << (place & 7));
    }
    inout->at += bytes;
    return VONK_OK;
}

/* v1 pages: levels stand before the values, with their length in front. */
static vonk_status start_v1_levels(pq_leaf *leaf, vonk_cursor *in, unsigned width, int32_t encoding,
                                   vonk_buffer **turned, pq_rle *ret, vonk_error *err)
{
    uint32_t bytes = 0;
    const uint8_t *at = NULL;
    if (encoding == PQ_BIT_PACKED) {
        VONK_TRY(turn_levels(leaf, in, width, turned, err));
        vonk_cursor levels = vonk__pq_cursor(leaf->meta, (*turned)->data, ((size_t)leaf->n * width + 7) / 8);
        vonk__pq_rle_init_packed(ret, levels, width, leaf->n);
        return VONK_OK;
    }
    if (encoding != PQ_RLE) return vonk__pq_fail(leaf->meta, "levels of an unknown encoding", err);
    VONK_TRY(vonk_cursor_u32(in, &bytes, err));
    if (bytes > vonk_cursor_left(in)) return vonk__pq_fail(leaf->meta, "levels are cut off", err);
    VONK_TRY(vonk_cursor_take(in, bytes, &at, err));
    vonk__pq_rle_init(ret, vonk__pq_cursor(leaf->meta, at, bytes), width);
    return VONK_OK;
}

static vonk_status check_levels(const pq_leaf *leaf, const uint16_t *levels, uint32_t n, uint16_t most, vonk_error *err)
{
    uint16_t highest = 0;
    for (uint32_t i = 0; i < n; i++) highest = levels[i] > highest ? levels[i] : highest;
    return highest > most ? vonk__pq_fail(leaf->meta, "a level is higher than the schema allows", err) : VONK_OK;
}

/* Levels of nested columns are unpacked for the whole page. */
static vonk_status unpack_levels(pq_leaf *leaf, pq_rle *rep, pq_rle *def, vonk_error *err)
{
    uint16_t max_rep = leaf->node->max_rep, max_def = leaf->node->max_def;
    uint32_t n = leaf->n;
    VONK_TRY(page_buffer(leaf, &leaf->levels, (size_t)n * 2 * sizeof(uint16_t), err));
    uint16_t *reps = (uint16_t *)(void *)leaf->levels->data, *defs = reps + n;
    leaf->reps = reps;
    leaf->defs = defs;
    if (max_rep > 0) {
        VONK_TRY(vonk__pq_rle_read_u16(rep, n, reps, err));
        VONK_TRY(check_levels(leaf, reps, n, max_rep, err));
    }
    VONK_TRY(vonk__pq_rle_read_u16(def, n, defs, err));
    return check_levels(leaf, defs, n, max_def, err);
}

/* ---- data pages */
static vonk_status start_values(pq_leaf *leaf, int32_t encoding, vonk_cursor in, vonk_error *err)
{
    if (leaf->levels_only) return VONK_OK;
    leaf->page.heap = leaf->page.buffer;
    VONK_TRY(vonk__pq_page_start(&leaf->page, leaf->budget, leaf->node, &leaf->convert, (pq_encoding)encoding, in,
                                 leaf->n, err));
    if (leaf->page.kind != PQ_VALUES_CODES) return VONK_OK;
    VONK_TRY(vonk__pq_leaf_need_dictionary(leaf, err));
    leaf->page.n_dictionary = leaf->n_dictionary;
    return VONK_OK;
}

static vonk_status load_v1(pq_leaf *leaf, const pq_page_head *head, uint64_t payload, vonk_error *err)
{
    pq_rle rep = {0}, def = {0};
    const pq_data_v1 *v1 = &head->v1;
    unsigned rep_width = width_of(leaf->node->max_rep), def_width = width_of(leaf->node->max_def);
    VONK_TRY(read_payload(leaf, head, payload, 0, leaf->codec, &leaf->page.buffer, err));
    vonk_cursor in = vonk__pq_cursor(leaf->meta, leaf->page.buffer->data, (size_t)head->plain_bytes);
    if (rep_width) VONK_TRY(start_v1_levels(leaf, &in, rep_width, v1->rep_encoding, &leaf->turned[0], &rep, err));
    if (def_width) VONK_TRY(start_v1_levels(leaf, &in, def_width, v1->def_encoding, &leaf->turned[1], &def, err));
    if (leaf->flat)
        leaf->def = def;
    else
        VONK_TRY(unpack_levels(leaf, &rep, &def, err));
    return start_values(leaf, v1->encoding, in, err);
}

static vonk_status load_v2(pq_leaf *leaf, const pq_page_head *head, uint64_t payload, vonk_error *err)
{
    pq_rle rep = {0}, def = {0};
    const pq_data_v2 *v2 = &head->v2;
    if (v2->rep_bytes < 0 || v2->def_bytes < 0 || v2->rep_bytes > head->bytes - v2->def_bytes)
        return vonk__pq_fail(leaf->meta, "levels are longer than their page", err);
    size_t rep_bytes = (size_t)v2->rep_bytes, def_bytes = (size_t)v2->def_bytes;
    bool packed = !PQ_HAS(*v2, PQ_V2_COMPRESSED) || v2->compressed;
    VONK_TRY(read_payload(leaf, head, payload, rep_bytes + def_bytes, packed ? leaf->codec : VONK_COMPRESS_NONE,
                          &leaf->page.buffer, err));
    const uint8_t *at = leaf->page.buffer->data;
    vonk__pq_rle_init(&rep, vonk__pq_cursor(leaf->meta, at, rep_bytes), width_of(leaf->node->max_rep));
    vonk__pq_rle_init(&def, vonk__pq_cursor(leaf->meta, at + rep_bytes, def_bytes), width_of(leaf->node->max_def));
    if (leaf->flat)
        leaf->def = def;
    else
        VONK_TRY(unpack_levels(leaf, &rep, &def, err));
    size_t levels = rep_bytes + def_bytes;
    return start_values(leaf, v2->encoding,
                        vonk__pq_cursor(leaf->meta, at + levels, (size_t)head->plain_bytes - levels), err);
}

static vonk_status load_page(pq_leaf *leaf, const pq_page_head *head, uint64_t payload, vonk_error *err)
{
    bool v1 = head->type == PQ_DATA_PAGE;
    leaf->used = leaf->n = 0; /* nothing to read if this fails */
    uint32_t n = (uint32_t)(v1 ? head->v1.n_values : head->v2.n_values);
    leaf->n = n;
    vonk_status st = v1 ? load_v1(leaf, head, payload, err) : load_v2(leaf, head, payload, err);
    if (st != VONK_OK) leaf->n = 0;
    return st;
}

/* ---- pages in order */
static size_t page_of_row(const pq_offset_index *index, uint64_t row)
{
    size_t low = 0, high = index->pages.n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if ((uint64_t)index->pages.at[middle].first_row <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* With an offset index: straight to the page of `row`. */
static vonk_status jump(pq_leaf *leaf, uint64_t row, vonk_error *err)
{
    if (!leaf->index) return VONK_OK;
    size_t page = page_of_row(leaf->index, row);
    if (page <= leaf->next_page) return VONK_OK;
    leaf->next_page = page;
    leaf->at = (uint64_t)leaf->index->pages.at[page].at;
    leaf->row = (uint64_t)leaf->index->pages.at[page].first_row;
    return VONK_OK;
}

/* Rows of a data page when its header, or the index, tells; UINT64_MAX: they must be counted. */
static uint64_t rows_of_page(const pq_leaf *leaf, const pq_page_head *head)
{
    if (leaf->node->max_rep == 0) return (uint64_t)(head->type == PQ_DATA_PAGE ? head->v1.n_values : head->v2.n_values);
    if (leaf->index) {
        bool last = leaf->next_page + 1 >= leaf->index->pages.n;
        uint64_t end = last ? leaf->n_rows : (uint64_t)leaf->index->pages.at[leaf->next_page + 1].first_row;
        return end - (uint64_t)leaf->index->pages.at[leaf->next_page].first_row;
    }
    return head->type == PQ_DATA_PAGE_V2 ? (uint64_t)head->v2.n_rows : UINT64_MAX;
}

static vonk_status check_data_page(const pq_leaf *leaf, const pq_page_head *head, vonk_error *err)
{
    bool v1 = head->type == PQ_DATA_PAGE;
    if (!PQ_HAS(*head, v1 ? PQ_PAGE_V1 : PQ_PAGE_V2))
        return vonk__pq_fail(leaf->meta, "a page header without its details", err);
    int32_t n = v1 ? head->v1.n_values : head->v2.n_values;
    bool rows_fit = v1 || (head->v2.n_rows >= 0 && (leaf->node->max_rep > 0 || head->v2.n_rows == n));
    if (n < 0 || (!leaf->index && (uint64_t)n > leaf->values_left) || !rows_fit)
        return vonk__pq_fail(leaf->meta, "a page has more values than its column chunk", err);
    if (leaf->index && leaf->node->max_rep == 0) {
        bool last = leaf->next_page + 1 >= leaf->index->pages.n;
        uint64_t end = last ? leaf->n_rows : (uint64_t)leaf->index->pages.at[leaf->next_page + 1].first_row;
        if (leaf->row + (uint64_t)n != end)
            return vonk__pq_fail(leaf->meta, "a page is not as its offset index says", err);
    }
    return VONK_OK;
}

/* Makes the next page that holds `row` or something behind it the current one; pages before it are stepped over, unless
 * their rows must be counted. */
vonk_status vonk__pq_leaf_next_page(pq_leaf *leaf, uint64_t row, vonk_error *err)
{
    leaf->n = leaf->used = 0;
    VONK_TRY(jump(leaf, row, err));
    for (;;) {
        pq_page_head head = {0};
        uint64_t payload = 0;
        VONK_TRY(read_head(leaf, leaf->at, &head, &payload, err));
        uint64_t after = payload + (uint64_t)head.bytes;
        if (head.type != PQ_DATA_PAGE &&
            head.type != PQ_DATA_PAGE_V2) { /* dictionaries are read when they are needed */
            leaf->at = after;
            continue;
        }
        VONK_TRY(check_data_page(leaf, &head, err));
        uint64_t n = (uint64_t)(head.type == PQ_DATA_PAGE ? head.v1.n_values : head.v2.n_values);
        uint64_t rows = rows_of_page(leaf, &head);
        leaf->values_left -= leaf->values_left < n ? leaf->values_left : n;
        leaf->at = after;
        bool before = rows != UINT64_MAX && rows <= row - leaf->row;
        if (!before && n > 0) VONK_TRY(load_page(leaf, &head, payload, err));
        leaf->next_page++;
        if (leaf->index && leaf->next_page < leaf->index->pages.n)
            leaf->at = (uint64_t)leaf->index->pages.at[leaf->next_page].at;
        if (!before && n > 0) return VONK_OK;
        if (before) leaf->row += rows;
        if (leaf->row >= leaf->n_rows) return VONK_OK; /* all stepped over */
    }
}
