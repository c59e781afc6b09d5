/* One column chunk: dictionary, pages, statistics. Follows parquet-mr's choices: a dictionary until it outgrows its
 * limit or does not pay on the first page, pages of at most so many bytes and rows. */
#include "codec/parquet/bloom.h"
#include "codec/parquet/delta.h"
#include "codec/parquet/rle.h"
#include "codec/parquet/write.h"

#define FIRST_TABLE 1024
#define MAX_BOUND_BYTES 1024 /* of a chunk's least and greatest value; longer ones are cut */
#define CUT_BYTES 64         /* to so many; also in page indexes */

/* ---- life */
vonk_status vonk__pq_out_leaf_init(pq_out_leaf *leaf, vonk_budget *budget, vonk_arena *arena,
                                   const vonk_parquet_write_options *options, vonk_compressor *compressor,
                                   vonk_error *err)
{
    leaf->budget = budget;
    leaf->arena = arena;
    leaf->options = options;
    leaf->compressor = compressor;
    vonk_buf *bufs[] = {&leaf->plain, &leaf->dictionary, &leaf->pages, &leaf->scratch, &leaf->packed};
    for (size_t i = 0; i < VONK_COUNTOF(bufs); i++) vonk_buf_init(bufs[i], budget, SIZE_MAX);
    vonk__pq_bounds_init(&leaf->page_bounds, budget);
    vonk__pq_bounds_init(&leaf->bounds, budget);
    vonk__pq_out_leaf_reset(leaf);
    return VONK_OK;
}

void vonk__pq_out_leaf_done(pq_out_leaf *leaf)
{
    vonk_free(leaf->defs.at);
    vonk_free(leaf->reps.at);
    vonk_free(leaf->codes.at);
    vonk_free(leaf->entries.at);
    vonk_free(leaf->notes.at);
    vonk_free(leaf->hashes.at);
    vonk_free(leaf->table);
    vonk_buf *bufs[] = {&leaf->plain, &leaf->dictionary, &leaf->pages, &leaf->scratch, &leaf->packed};
    for (size_t i = 0; i < VONK_COUNTOF(bufs); i++) vonk_buf_done(bufs[i]);
    vonk__pq_bounds_done(&leaf->page_bounds);
    vonk__pq_bounds_done(&leaf->bounds);
}

static void reset_page(pq_out_leaf *leaf)
{
    leaf->defs.n = leaf->reps.n = leaf->codes.n = 0;
    leaf->n = leaf->n_nulls = leaf->n_rows = 0;
    vonk_buf_reset(&leaf->plain);
    vonk__pq_bounds_reset(&leaf->page_bounds);
}

static void drop_dictionary(pq_out_leaf *leaf)
{
    leaf->coded = false;
    leaf->entries.n = 0;
    vonk_buf_reset(&leaf->dictionary);
    vonk_free(leaf->table);
    leaf->table = NULL;
    leaf->table_size = 0;
}

void vonk__pq_out_leaf_reset(pq_out_leaf *leaf)
{
    reset_page(leaf);
    drop_dictionary(leaf);
    leaf->coded = leaf->options->dictionary && leaf->put != PQ_PUT_BITS && leaf->put != PQ_PUT_NOTHING;
    leaf->was_coded = false;
    vonk_buf_reset(&leaf->pages);
    leaf->notes.n = leaf->hashes.n = 0;
    vonk__pq_bounds_reset(&leaf->bounds);
    leaf->n_values = leaf->n_nulls_all = leaf->n_rows_all = leaf->plain_bytes = 0;
    leaf->n_coded_pages = leaf->n_plain_pages = 0;
}

/* ---- dictionary */
/* The PLAIN value at `at`, without its length. */
static vonk_str value_at(const pq_out_leaf *leaf, const char *at)
{
    uint32_t len = leaf->fixed_bytes;
    if (leaf->physical != PQ_BYTE_ARRAY) return (vonk_str){at, len};
    memcpy(&len, at, 4);
    return (vonk_str){at + 4, len};
}

static const char *after(const pq_out_leaf *leaf, vonk_str value)
{
    return value.data + (leaf->put == PQ_PUT_BITS ? 1 : value.len);
}

static vonk_status grow_table(pq_out_leaf *leaf, vonk_error *err)
{
    uint32_t size = leaf->table_size ? leaf->table_size * 2 : FIRST_TABLE, *table = NULL;
    VONK_TRY(vonk_alloc_zeroed(leaf->budget, size * sizeof *table, &table, err));
    for (uint32_t code = 0; code < leaf->entries.n; code++) {
        vonk_str value = value_at(leaf, leaf->dictionary.data + leaf->entries.at[code]);
        uint32_t slot = (uint32_t)vonk__pq_xxh64(value.data, value.len) & (size - 1);
        while (table[slot]) slot = (slot + 1) & (size - 1);
        table[slot] = code + 1;
    }
    vonk_free(leaf->table);
    leaf->table = table;
    leaf->table_size = size;
    return VONK_OK;
}

/* The value's code, a new one if need be. plain: with its length. */
static vonk_status code_of(pq_out_leaf *leaf, vonk_str value, vonk_str plain, uint64_t hash, uint32_t *ret,
                           vonk_error *err)
{
    if (leaf->entries.n * 2 >= leaf->table_size) VONK_TRY(grow_table(leaf, err));
    uint32_t mask = leaf->table_size - 1, slot = (uint32_t)hash & mask;
    for (; leaf->table[slot]; slot = (slot + 1) & mask) {
        uint32_t code = leaf->table[slot] - 1;
        if (!vonk_str_eq(value_at(leaf, leaf->dictionary.data + leaf->entries.at[code]), value)) continue;
        *ret = code;
        return VONK_OK;
    }
    *ret = (uint32_t)leaf->entries.n;
    leaf->table[slot] = *ret + 1;
    VONK_TRY(VONK_VEC_PUSH(&leaf->entries, leaf->budget, (uint32_t)leaf->dictionary.len, err));
    return vonk_buf_append(&leaf->dictionary, plain.data, plain.len, err);
}

/* The open page's codes become PLAIN values behind which others can follow. */
static vonk_status decode_page(pq_out_leaf *leaf, vonk_error *err)
{
    for (size_t i = 0; i < leaf->codes.n; i++) {
        const char *from = leaf->dictionary.data + leaf->entries.at[leaf->codes.at[i]];
        vonk_str value = value_at(leaf, from);
        VONK_TRY(vonk_buf_append(&leaf->plain, from, (size_t)(value.data + value.len - from), err));
    }
    leaf->codes.n = 0;
    return VONK_OK;
}

/* PLAIN values are added to the page: as codes as long as there is a dictionary. */
static vonk_status add_values(pq_out_leaf *leaf, const char *plain, size_t bytes, vonk_error *err)
{
    const char *at = plain, *end = plain + bytes;
    while (at < end && (leaf->coded || leaf->bloom)) {
        vonk_str value = value_at(leaf, at);
        const char *next = after(leaf, value);
        uint64_t hash = vonk__pq_xxh64(value.data, value.len);
        uint32_t code = 0;
        if (leaf->bloom) VONK_TRY(VONK_VEC_PUSH(&leaf->hashes, leaf->budget, hash, err));
        if (leaf->coded) {
            VONK_TRY(code_of(leaf, value, (vonk_str){at, (size_t)(next - at)}, hash, &code, err));
            VONK_TRY(VONK_VEC_PUSH(&leaf->codes, leaf->budget, code, err));
        } else {
            VONK_TRY(vonk_buf_append(&leaf->plain, at, (size_t)(next - at), err));
        }
        at = next;
        if (leaf->coded && leaf->dictionary.len > leaf->options->dictionary_bytes) {
            VONK_TRY(decode_page(leaf, err));
            leaf->coded = false; /* the dictionary stays for the pages before */
        }
    }
    return vonk_buf_append(&leaf->plain, at, (size_t)(end - at), err);
}

/* ---- encoding of values */
static unsigned width_of(uint32_t most) { return most ? 32u - (unsigned)__builtin_clz(most) : 0; }

static vonk_status put_codes(pq_out_leaf *leaf, vonk_buf *out, vonk_error *err)
{
    unsigned width = width_of(leaf->entries.n > 0 ? (uint32_t)leaf->entries.n - 1 : 0);
    VONK_TRY(vonk_buf_add_byte(out, (char)width, err));
    return vonk__pq_rle_write(out, leaf->codes.at, leaf->codes.n, width, err);
}

/* Booleans are kept as bytes until here. */
static vonk_status put_bools(const pq_out_leaf *leaf, bool runs, vonk_buf *out, vonk_error *err)
{
    size_t n = leaf->plain.len, head = out->len;
    if (runs) {
        uint32_t *values = NULL, bytes = 0;
        VONK_TRY(vonk_alloc_array(leaf->budget, n, sizeof *values, &values, err));
        for (size_t i = 0; i < n; i++) values[i] = (uint32_t)leaf->plain.data[i];
        vonk_status st = vonk_buf_append(out, &bytes, 4, err);
        if (st == VONK_OK) st = vonk__pq_rle_write(out, values, n, 1, err);
        vonk_free(values);
        bytes = (uint32_t)(out->len - head - 4);
        if (st == VONK_OK) memcpy(out->data + head, &bytes, 4);
        return st;
    }
    char *bits = NULL;
    VONK_TRY(vonk_buf_extend(out, vonk_bits_bytes(n), &bits, err));
    memset(bits, 0, vonk_bits_bytes(n));
    for (size_t i = 0; i < n; i++) vonk_bit_put((uint8_t *)bits, i, leaf->plain.data[i] != 0);
    return VONK_OK;
}

static vonk_status put_delta_ints(const pq_out_leaf *leaf, vonk_buf *out, vonk_error *err)
{
    bool narrow = leaf->fixed_bytes == 4;
    size_t n = leaf->plain.len / leaf->fixed_bytes;
    int64_t *values = NULL;
    VONK_TRY(vonk_alloc_array(leaf->budget, n, sizeof *values, &values, err));
    for (size_t i = 0; i < n; i++) {
        int32_t small = 0;
        memcpy(narrow ? (void *)&small : (void *)&values[i], leaf->plain.data + i * leaf->fixed_bytes,
               leaf->fixed_bytes);
        if (narrow) values[i] = small;
    }
    vonk_status st = vonk__pq_delta_write(out, values, n, narrow, err);
    vonk_free(values);
    return st;
}

/* prefix[i], suffix[i]: bytes shared with the value before, and the rest. */
static void split_prefixes(const pq_out_leaf *leaf, size_t n, int64_t *prefix, int64_t *suffix)
{
    vonk_str before = VONK_STR_NONE;
    const char *at = leaf->plain.data;
    for (size_t i = 0; i < n; i++) {
        vonk_str value = value_at(leaf, at);
        size_t most = vonk_min_size(value.len, before.len), same = 0;
        while (same < most && value.data[same] == before.data[same]) same++;
        prefix[i] = (int64_t)same;
        suffix[i] = (int64_t)(value.len - same);
        before = value;
        at = value.data + value.len;
    }
}

static vonk_status put_delta_strings(const pq_out_leaf *leaf, vonk_buf *out, vonk_error *err)
{
    size_t n = leaf->n - leaf->n_nulls;
    int64_t *lens = NULL;
    VONK_TRY(vonk_alloc_array(leaf->budget, 2 * n, sizeof *lens, &lens, err));
    split_prefixes(leaf, n, lens, lens + n);
    vonk_status st = vonk__pq_delta_write(out, lens, n, true, err);
    if (st == VONK_OK) st = vonk__pq_delta_write(out, lens + n, n, true, err);
    const char *at = leaf->plain.data;
    for (size_t i = 0; i < n && st == VONK_OK; i++) {
        vonk_str value = value_at(leaf, at);
        st = vonk_buf_append(out, value.data + lens[i], (size_t)lens[n + i], err);
        at = value.data + value.len;
    }
    vonk_free(lens);
    return st;
}

static vonk_status put_page_values(pq_out_leaf *leaf, vonk_buf *out, pq_encoding *ret, vonk_error *err)
{
    bool v2 = leaf->options->v2;
    if (leaf->coded) {
        *ret = v2 ? PQ_RLE_DICTIONARY : PQ_PLAIN_DICTIONARY;
        return put_codes(leaf, out, err);
    }
    *ret = PQ_PLAIN;
    switch (leaf->physical) {
    case PQ_BOOLEAN:
        if (v2) *ret = PQ_RLE;
        return put_bools(leaf, v2, out, err);
    case PQ_INT32:
    case PQ_INT64:
        if (!v2) break;
        *ret = PQ_DELTA_BINARY_PACKED;
        return put_delta_ints(leaf, out, err);
    case PQ_BYTE_ARRAY:
    case PQ_FIXED:
        if (!v2) break;
        *ret = PQ_DELTA_BYTE_ARRAY;
        return put_delta_strings(leaf, out, err);
    default: break;
    }
    return vonk_buf_append(out, leaf->plain.data, leaf->plain.len, err);
}

/* ---- pages */
static vonk_status put_levels(pq_out_leaf *leaf, const uint16_t *levels, uint16_t most, bool with_length, vonk_buf *out,
                              vonk_error *err)
{
    uint32_t *wide = NULL, bytes = 0;
    size_t head = out->len;
    if (most == 0) return VONK_OK;
    VONK_TRY(vonk_alloc_array(leaf->budget, leaf->n, sizeof *wide, &wide, err));
    for (uint32_t i = 0; i < leaf->n; i++) wide[i] = levels[i];
    vonk_status st = with_length ? vonk_buf_append(out, &bytes, 4, err) : VONK_OK;
    if (st == VONK_OK) st = vonk__pq_rle_write(out, wide, leaf->n, width_of(most), err);
    vonk_free(wide);
    bytes = (uint32_t)(out->len - head - 4);
    if (st == VONK_OK && with_length) memcpy(out->data + head, &bytes, 4);
    return st;
}

/* Header and the page's bytes behind `out`. */
static vonk_status put_page(pq_out_leaf *leaf, pq_page_head *head, vonk_str stored, size_t plain_bytes, vonk_buf *out,
                            vonk_error *err)
{
    if (plain_bytes > INT32_MAX || stored.len > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "Parquet pages of more than 2 GiB");
    head->has |= 1u << PQ_PAGE_TYPE | 1u << PQ_PAGE_PLAIN_BYTES | 1u << PQ_PAGE_BYTES;
    head->plain_bytes = (int32_t)plain_bytes;
    head->bytes = (int32_t)stored.len;
    if (leaf->options->checksums) {
        head->has |= 1u << PQ_PAGE_CRC;
        head->crc = (int32_t)vonk_crc32(stored.data, stored.len);
    }
    size_t before = out->len;
    VONK_TRY(vonk_thrift_write(&vonk__pq_page_head, head, out, err));
    leaf->plain_bytes += out->len - before + plain_bytes;
    return vonk_buf_append(out, stored.data, stored.len, err);
}

static vonk_status compress(pq_out_leaf *leaf, const char *data, size_t bytes, vonk_error *err)
{
    /* Not every reader knows Hadoop's block of nothing. */
    if (!bytes && leaf->options->compression == VONK_COMPRESS_LZ4_HADOOP) return VONK_OK;
    return vonk_compress(leaf->compressor, leaf->options->compression, leaf->options->level, data, bytes, &leaf->packed,
                         err);
}

static vonk_status put_v1(pq_out_leaf *leaf, vonk_error *err)
{
    pq_encoding encoding = PQ_PLAIN;
    vonk_buf_reset(&leaf->scratch);
    vonk_buf_reset(&leaf->packed);
    VONK_TRY(put_levels(leaf, leaf->reps.at, leaf->max_rep, true, &leaf->scratch, err));
    VONK_TRY(put_levels(leaf, leaf->defs.at, leaf->max_def, true, &leaf->scratch, err));
    VONK_TRY(put_page_values(leaf, &leaf->scratch, &encoding, err));
    VONK_TRY(compress(leaf, leaf->scratch.data, leaf->scratch.len, err));
    pq_page_head head = {.has = 1u << PQ_PAGE_V1, .type = PQ_DATA_PAGE};
    head.v1 = (pq_data_v1){.has = 15,
                           .n_values = (int32_t)leaf->n,
                           .encoding = (int32_t)encoding,
                           .def_encoding = PQ_RLE,
                           .rep_encoding = PQ_RLE};
    return put_page(leaf, &head, vonk_buf_str(&leaf->packed), leaf->scratch.len, &leaf->pages, err);
}

static vonk_status put_v2(pq_out_leaf *leaf, vonk_error *err)
{
    pq_encoding encoding = PQ_PLAIN;
    vonk_buf_reset(&leaf->scratch);
    vonk_buf_reset(&leaf->packed);
    VONK_TRY(put_levels(leaf, leaf->reps.at, leaf->max_rep, false, &leaf->scratch, err));
    size_t reps = leaf->scratch.len;
    VONK_TRY(put_levels(leaf, leaf->defs.at, leaf->max_def, false, &leaf->scratch, err));
    size_t levels = leaf->scratch.len;
    VONK_TRY(put_page_values(leaf, &leaf->scratch, &encoding, err));
    VONK_TRY(vonk_buf_append(&leaf->packed, leaf->scratch.data, levels, err));
    VONK_TRY(compress(leaf, leaf->scratch.data + levels, leaf->scratch.len - levels, err));
    pq_page_head head = {.has = 1u << PQ_PAGE_V2, .type = PQ_DATA_PAGE_V2};
    head.v2 = (pq_data_v2){.has = 127,
                           .n_values = (int32_t)leaf->n,
                           .n_nulls = (int32_t)leaf->n_nulls,
                           .n_rows = (int32_t)leaf->n_rows,
                           .encoding = (int32_t)encoding,
                           .def_bytes = (int32_t)(levels - reps),
                           .rep_bytes = (int32_t)reps,
                           .compressed = true};
    return put_page(leaf, &head, vonk_buf_str(&leaf->packed), leaf->scratch.len, &leaf->pages, err);
}

static vonk_status note_page(pq_out_leaf *leaf, size_t at, vonk_error *err)
{
    pq_page_note note = {
        .at = at, .bytes = (uint32_t)(leaf->pages.len - at), .first_row = leaf->n_rows_all, .n_nulls = leaf->n_nulls};
    note.all_null = leaf->n_nulls == leaf->n;
    note.bad = leaf->page_bounds.bad;
    if (leaf->page_bounds.any && !note.bad) {
        vonk_str min = vonk_buf_str(&leaf->page_bounds.min), max = vonk_buf_str(&leaf->page_bounds.max);
        note.bad = !vonk__pq_bounds_cut(leaf, &min, &max, CUT_BYTES, leaf->arena, err);
        VONK_TRY(vonk_arena_str(leaf->arena, min, &note.min, err));
        VONK_TRY(vonk_arena_str(leaf->arena, max, &note.max, err));
    }
    VONK_TRY(vonk__pq_bounds_join(&leaf->bounds, &leaf->page_bounds, leaf, err));
    return VONK_VEC_PUSH(&leaf->notes, leaf->budget, note, err);
}

/* Does the dictionary take less than the values themselves would? */
static vonk_status judge_dictionary(pq_out_leaf *leaf, vonk_error *err)
{
    size_t plain = 0;
    vonk_buf_reset(&leaf->scratch);
    VONK_TRY(put_codes(leaf, &leaf->scratch, err));
    for (size_t i = 0; i < leaf->codes.n; i++) {
        vonk_str value = value_at(leaf, leaf->dictionary.data + leaf->entries.at[leaf->codes.at[i]]);
        plain += value.len + (leaf->physical == PQ_BYTE_ARRAY ? 4 : 0);
    }
    if (leaf->codes.n == 0 || leaf->dictionary.len + leaf->scratch.len < plain) return VONK_OK;
    VONK_TRY(decode_page(leaf, err));
    drop_dictionary(leaf);
    return VONK_OK;
}

vonk_status vonk__pq_out_leaf_end_page(pq_out_leaf *leaf, vonk_error *err)
{
    size_t at = leaf->pages.len;
    if (leaf->n == 0) return VONK_OK;
    if (leaf->coded && leaf->notes.n == 0) VONK_TRY(judge_dictionary(leaf, err));
    VONK_TRY(leaf->options->v2 ? put_v2(leaf, err) : put_v1(leaf, err));
    leaf->was_coded |= leaf->coded;
    leaf->n_coded_pages += leaf->coded;
    leaf->n_plain_pages += !leaf->coded;
    VONK_TRY(note_page(leaf, at, err));
    leaf->n_values += leaf->n;
    leaf->n_nulls_all += leaf->n_nulls;
    leaf->n_rows_all += leaf->n_rows;
    reset_page(leaf);
    return VONK_OK;
}

/* ---- adding */
static vonk_status add_levels(pq_out_leaf *leaf, const uint16_t *reps, const uint16_t *defs, uint32_t n,
                              vonk_error *err)
{
    for (uint32_t i = 0; i < n && leaf->max_rep > 0; i++)
        VONK_TRY(VONK_VEC_PUSH(&leaf->reps, leaf->budget, reps[i], err));
    for (uint32_t i = 0; i < n && leaf->max_def > 0; i++)
        VONK_TRY(VONK_VEC_PUSH(&leaf->defs, leaf->budget, defs[i], err));
    return VONK_OK;
}

vonk_status vonk__pq_out_leaf_add(pq_out_leaf *leaf, const uint16_t *reps, const uint16_t *defs, uint32_t n,
                                  uint32_t n_rows, const vonk_column *values, const uint32_t *rows, uint32_t n_values,
                                  vonk_error *err)
{
    VONK_TRY(add_levels(leaf, reps, defs, n, err));
    vonk_buf_reset(&leaf->scratch);
    if (n_values > 0) VONK_TRY(vonk__pq_put_values(leaf, values, rows, n_values, &leaf->scratch, err));
    VONK_TRY(vonk__pq_bounds_add(&leaf->page_bounds, leaf, leaf->scratch.data, leaf->scratch.len, err));
    VONK_TRY(add_values(leaf, leaf->scratch.data, leaf->scratch.len, err));
    leaf->n += n;
    leaf->n_nulls += n - n_values;
    leaf->n_rows += n_rows;
    size_t bytes = leaf->plain.len + leaf->codes.n * 2 + leaf->n / 4;
    bool full = bytes >= leaf->options->page_bytes || leaf->n_rows >= leaf->options->page_rows;
    return full ? vonk__pq_out_leaf_end_page(leaf, err) : VONK_OK;
}

/* ---- the chunk */
static vonk_status put_dictionary(pq_out_leaf *leaf, vonk_buf *out, vonk_error *err)
{
    vonk_buf_reset(&leaf->packed);
    VONK_TRY(compress(leaf, leaf->dictionary.data, leaf->dictionary.len, err));
    pq_page_head head = {.has = 1u << PQ_PAGE_DICT, .type = PQ_DICTIONARY_PAGE};
    head.dict = (pq_dict_head){3, (int32_t)leaf->entries.n, leaf->options->v2 ? PQ_PLAIN : PQ_PLAIN_DICTIONARY, false};
    return put_page(leaf, &head, vonk_buf_str(&leaf->packed), leaf->dictionary.len, out, err);
}

static vonk_status set_statistics(pq_out_leaf *leaf, pq_statistics *s, vonk_error *err)
{
    vonk_str min = vonk_buf_str(&leaf->bounds.min), max = vonk_buf_str(&leaf->bounds.max);
    s->has = 1u << PQ_STAT_NULLS;
    s->n_nulls = (int64_t)leaf->n_nulls_all;
    if (!leaf->bounds.any || leaf->bounds.bad) return VONK_OK;
    size_t most = min.len > MAX_BOUND_BYTES || max.len > MAX_BOUND_BYTES ? CUT_BYTES : MAX_BOUND_BYTES;
    s->min_exact = min.len <= most;
    s->max_exact = max.len <= most;
    if (!vonk__pq_bounds_cut(leaf, &min, &max, most, leaf->arena, err)) return VONK_OK;
    VONK_TRY(vonk_arena_str(leaf->arena, min, &s->min, err));
    VONK_TRY(vonk_arena_str(leaf->arena, max, &s->max, err));
    s->has |= 1u << PQ_STAT_MIN | 1u << PQ_STAT_MAX | 1u << PQ_STAT_MIN_EXACT | 1u << PQ_STAT_MAX_EXACT;
    return VONK_OK;
}

static pq_encoding plain_encoding(const pq_out_leaf *leaf)
{
    if (!leaf->options->v2) return PQ_PLAIN;
    switch (leaf->physical) {
    case PQ_BOOLEAN: return PQ_RLE;
    case PQ_INT32:
    case PQ_INT64: return PQ_DELTA_BINARY_PACKED;
    case PQ_BYTE_ARRAY:
    case PQ_FIXED: return PQ_DELTA_BYTE_ARRAY;
    default: return PQ_PLAIN;
    }
}

/* Which encodings the pages have, and how many pages of each. */
static vonk_status set_encodings(pq_out_leaf *leaf, pq_column_meta *m, vonk_error *err)
{
    int32_t page = leaf->options->v2 ? PQ_DATA_PAGE_V2 : PQ_DATA_PAGE,
            dictionary = leaf->options->v2 ? PQ_PLAIN : PQ_PLAIN_DICTIONARY;
    int32_t coded = leaf->options->v2 ? PQ_RLE_DICTIONARY : PQ_PLAIN_DICTIONARY, plain = (int32_t)plain_encoding(leaf);
    VONK_TRY(vonk_arena_array(leaf->arena, 4, sizeof *m->encodings.at, &m->encodings.at, err));
    VONK_TRY(vonk_arena_array(leaf->arena, 3, sizeof *m->page_encodings.at, &m->page_encodings.at, err));
    if (leaf->max_def > 0 || leaf->max_rep > 0) m->encodings.at[m->encodings.n++] = PQ_RLE;
    if (leaf->n_coded_pages > 0) {
        if (dictionary != coded) m->encodings.at[m->encodings.n++] = dictionary;
        m->encodings.at[m->encodings.n++] = coded;
        m->page_encodings.at[m->page_encodings.n++] = (pq_page_encoding){7, PQ_DICTIONARY_PAGE, dictionary, 1};
        m->page_encodings.at[m->page_encodings.n++] = (pq_page_encoding){7, page, coded, (int32_t)leaf->n_coded_pages};
    }
    if (leaf->n_plain_pages > 0 || leaf->n_coded_pages == 0) m->encodings.at[m->encodings.n++] = plain;
    if (leaf->n_plain_pages > 0)
        m->page_encodings.at[m->page_encodings.n++] = (pq_page_encoding){7, page, plain, (int32_t)leaf->n_plain_pages};
    return VONK_OK;
}

static int32_t codec_number(vonk_compression codec)
{
    switch (codec) {
    case VONK_COMPRESS_SNAPPY: return 1;
    case VONK_COMPRESS_GZIP: return 2;
    case VONK_COMPRESS_BROTLI: return 4;
    case VONK_COMPRESS_LZ4_HADOOP: return 5;
    case VONK_COMPRESS_ZSTD: return 6;
    case VONK_COMPRESS_LZ4_RAW: return 7;
    default: return 0;
    }
}

static vonk_status append(const vonk_bytes_out *out, const vonk_buf *buf, uint64_t *inout_at, vonk_error *err)
{
    if (buf->len > 0) VONK_TRY(out->append(out->self, buf->data, buf->len, err));
    *inout_at += buf->len;
    return VONK_OK;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static vonk_status put_bloom(pq_out_leaf *leaf, const vonk_bytes_out *out, uint64_t *inout_at, pq_column_meta *m,
                             vonk_error *err)
{
    uint64_t *hashes = leaf->hashes.at, distinct = 0;
    char *filter = NULL;
    if (!leaf->bloom || leaf->hashes.n == 0) return VONK_OK;
    qsort(hashes, leaf->hashes.n, sizeof *hashes, by_value);
    for (size_t i = 0; i < leaf->hashes.n; i++) distinct += i == 0 || hashes[i] != hashes[i - 1];
    size_t bytes = vonk__pq_bloom_bytes(distinct, leaf->options->bloom_fpp);
    const pq_bloom_head head = {15, (int32_t)bytes, {1, {0}}, {1, {0}}, {1, {0}}};
    vonk_buf_reset(&leaf->scratch);
    VONK_TRY(vonk_thrift_write(&vonk__pq_bloom_head, &head, &leaf->scratch, err));
    VONK_TRY(vonk_buf_extend(&leaf->scratch, bytes, &filter, err));
    memset(filter, 0, bytes);
    for (size_t i = 0; i < leaf->hashes.n; i++) vonk__pq_bloom_add((uint8_t *)filter, bytes, hashes[i]);
    m->has |= 1u << PQ_COL_BLOOM_AT | 1u << PQ_COL_BLOOM_BYTES;
    m->bloom_at = (int64_t)*inout_at;
    m->bloom_bytes = (int32_t)leaf->scratch.len;
    return append(out, &leaf->scratch, inout_at, err);
}

vonk_status vonk__pq_out_leaf_flush(pq_out_leaf *leaf, const vonk_bytes_out *out, uint64_t *inout_at, pq_chunk *ret,
                                    vonk_error *err)
{
    VONK_TRY(vonk__pq_out_leaf_end_page(leaf, err));
    pq_column_meta *m = &ret->meta;
    uint64_t start = *inout_at;
    *ret = (pq_chunk){.has = 1u << PQ_CHUNK_OFFSET | 1u << PQ_CHUNK_META, .file_offset = (int64_t)start};
    *m = (pq_column_meta){.has = 1u << PQ_COL_TYPE | 1u << PQ_COL_ENCODINGS | 1u << PQ_COL_PATH | 1u << PQ_COL_CODEC |
                                 1u << PQ_COL_N_VALUES | 1u << PQ_COL_PLAIN_BYTES | 1u << PQ_COL_BYTES |
                                 1u << PQ_COL_DATA_AT | 1u << PQ_COL_STATISTICS | 1u << PQ_COL_PAGE_ENCODINGS};
    m->type = leaf->physical;
    m->path.at = leaf->path.at;
    m->path.n = leaf->path.n;
    m->codec = codec_number(leaf->options->compression);
    m->n_values = (int64_t)leaf->n_values;
    if (leaf->n_coded_pages > 0) {
        vonk_buf_reset(&leaf->scratch);
        VONK_TRY(put_dictionary(leaf, &leaf->scratch, err));
        m->has |= 1u << PQ_COL_DICT_AT;
        m->dict_at = (int64_t)start;
        VONK_TRY(append(out, &leaf->scratch, inout_at, err));
    }
    m->data_at = (int64_t)*inout_at;
    VONK_TRY(append(out, &leaf->pages, inout_at, err));
    m->bytes = (int64_t)(*inout_at - start);
    m->plain_bytes = (int64_t)leaf->plain_bytes;
    VONK_TRY(set_statistics(leaf, &m->statistics, err));
    VONK_TRY(set_encodings(leaf, m, err));
    return put_bloom(leaf, out, inout_at, m, err);
}
