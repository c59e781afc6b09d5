/* Rows of a column chunk: stepping to a row, reading rows as columns. */
#include "codec/parquet/index.h"
#include "codec/parquet/leaf.h"

#include "codec/parquet/unpack.h"

/* ---- pages */
static bool has_more_pages(const pq_leaf *leaf)
{
    return leaf->index ? leaf->next_page < leaf->index->pages.n : leaf->values_left > 0;
}

vonk_status vonk__pq_leaf_load_index(pq_leaf *leaf, vonk_arena *arena, uint32_t group, vonk_error *err)
{
    const pq_chunk *chunk = &leaf->meta->file.groups.at[group].chunks.at[leaf->node->first_leaf];
    pq_offset_index *index = NULL;
    VONK_TRY(vonk__pq_read_offset_index(arena, leaf->meta, leaf->in, chunk, leaf->n_rows, &index, err));
    if (!index) return VONK_OK;
    for (size_t i = 0; i < index->pages.n; i++) {
        int64_t at = index->pages.at[i].at;
        if (at < 0 || (uint64_t)at < leaf->start || (uint64_t)at >= leaf->end) return VONK_OK;
    }
    leaf->index = index;
    leaf->at = (uint64_t)index->pages.at[0].at;
    return VONK_OK;
}

/* ---- flat leaves */
/* The next k rows of the current page: how many have a value. Their bits go to `bits` from `at` on, if wanted and not
 * all alike. */
static vonk_status count_valid(pq_leaf *leaf, uint32_t k, uint8_t *bits, size_t at, uint32_t *ret, vonk_error *err)
{
    *ret = k;
    return leaf->node->max_def == 0 ? VONK_OK : vonk__pq_rle_bits(&leaf->def, k, bits, at, ret, err);
}

static vonk_status skip_flat(pq_leaf *leaf, uint32_t k, vonk_error *err)
{
    uint32_t valid = 0;
    VONK_TRY(count_valid(leaf, k, NULL, 0, &valid, err));
    if (!leaf->levels_only) VONK_TRY(vonk__pq_page_skip(&leaf->page, &leaf->convert, valid, err));
    leaf->used += k;
    leaf->row += k;
    return VONK_OK;
}

/* k rows of the current page, all with or all without a value, or mixed. */
static vonk_status read_piece(pq_leaf *leaf, uint32_t k, pq_sink *sink, vonk_error *err)
{
    uint32_t level = 1, valid = k;
    bool optional = leaf->node->max_def > 0, alike = !optional || vonk__pq_rle_is_run(&leaf->def, k, &level);
    if (alike && optional) VONK_TRY(vonk__pq_rle_skip(&leaf->def, k, err));
    if (!alike) {
        VONK_TRY(vonk__pq_sink_need_validity(sink, err));
        VONK_TRY(count_valid(leaf, k, sink->validity->data, sink->n, &valid, err));
    } else if (level == 0) {
        valid = 0;
    }
    leaf->used += k;
    leaf->row += k;
    if (valid == 0 || leaf->levels_only) return vonk__pq_sink_nulls(sink, k, err);
    VONK_TRY(vonk__pq_page_read(&leaf->page, &leaf->convert, valid, sink, err));
    vonk__pq_sink_commit(sink, k, valid);
    return VONK_OK;
}

/* All n rows in this page, with values, and one repeated code: *ret is a constant. Else *ret stays NULL and nothing was
 * read. */
static vonk_status try_constant(pq_leaf *leaf, uint32_t n, vonk_column **ret, vonk_error *err)
{
    uint32_t level = 0, code = 0;
    bool coded = !leaf->levels_only && leaf->n - leaf->used >= n && leaf->page.kind == PQ_VALUES_CODES;
    if (!coded || leaf->convert.kind == PQ_TO_BITS) return VONK_OK;
    if (leaf->node->max_def > 0 && (!vonk__pq_rle_is_run(&leaf->def, n, &level) || level == 0)) return VONK_OK;
    if (!vonk__pq_rle_is_run(&leaf->page.runs, n, &code)) return VONK_OK;
    if (code >= leaf->n_dictionary) return vonk__pq_fail(leaf->meta, "a dictionary code without an entry", err);
    VONK_TRY(vonk_column_constant_of(leaf->budget, leaf->dictionary, code, n, ret, err));
    return skip_flat(leaf, n, err);
}

vonk_status vonk__pq_leaf_read(pq_leaf *leaf, uint32_t n, bool keep_codes, vonk_column **ret, vonk_error *err)
{
    VONK_AUTO(vonk__pq_sink_done) pq_sink sink = {0};
    vonk__pq_sink_init(&sink, leaf->budget, leaf->type, keep_codes);
    VONK_TRY(vonk__pq_sink_reserve(&sink, n, err));
    while (sink.n < n) {
        while (leaf->used == leaf->n) VONK_TRY(vonk__pq_leaf_next_page(leaf, leaf->row, err));
        sink.dictionary = leaf->dictionary;
        if (sink.n == 0 && n > 1) {
            vonk_column *constant = NULL;
            vonk_status st = try_constant(leaf, n, &constant, err);
            if (st != VONK_OK) vonk_column_unref(constant);
            if (st != VONK_OK) return st;
            if (constant) {
                *ret = constant;
                return VONK_OK;
            }
        }
        uint32_t left = leaf->n - leaf->used, k = n - sink.n < left ? n - sink.n : left;
        VONK_TRY(read_piece(leaf, k, &sink, err));
    }
    return vonk__pq_sink_finish(&sink, ret, err);
}

/* ---- nested leaves */
void vonk__pq_levels_done(pq_levels *levels)
{
    vonk_free(levels->reps);
    vonk_free(levels->defs);
    *levels = (pq_levels){0};
}

static vonk_status add_levels(pq_levels *levels, const uint16_t *reps, const uint16_t *defs, uint32_t k,
                              vonk_error *err)
{
    if (k > levels->capacity - levels->n) {
        if (k > UINT32_MAX / 2 - levels->n)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                             "more than 2^31 values below one batch of rows");
        uint32_t grown = (levels->n + k) * 2;
        if (reps) VONK_TRY(vonk_realloc(levels->budget, &levels->reps, grown * sizeof(uint16_t), err));
        VONK_TRY(vonk_realloc(levels->budget, &levels->defs, grown * sizeof(uint16_t), err));
        levels->capacity = grown;
    }
    if (reps) memcpy(levels->reps + levels->n, reps, k * sizeof(uint16_t));
    memcpy(levels->defs + levels->n, defs, k * sizeof(uint16_t));
    levels->n += k;
    return VONK_OK;
}

/* Entries from `used` on that belong to the rows begun so far and to up to `rows` more. *ret_rows: rows that begin
 * among them. */
static uint32_t entries_of_rows(const pq_leaf *leaf, uint64_t rows, uint32_t *ret_rows)
{
    uint32_t left = leaf->n - leaf->used, begun = 0, i = 0;
    if (leaf->node->max_rep == 0) return *ret_rows = rows < left ? (uint32_t)rows : left;
    const uint16_t *reps = leaf->reps + leaf->used;
    for (; i < left; i++) {
        if (reps[i] != 0) continue;
        if (begun == rows) break;
        begun++;
    }
    *ret_rows = begun;
    return i;
}

/* Entries with def >= slot_def get a place; those with the highest level a value. */
static void write_slot_bits(const uint16_t *defs, uint32_t k, uint16_t slot_def, uint16_t max_def, uint8_t *bits,
                            size_t at)
{
    for (uint32_t i = 0; i < k; i++) {
        vonk_bit_put(bits, at, defs[i] == max_def);
        at += defs[i] >= slot_def;
    }
}

static vonk_status put_values(pq_leaf *leaf, const uint16_t *defs, uint32_t k, uint16_t slot_def, pq_sink *sink,
                              vonk_error *err)
{
    uint16_t max_def = leaf->node->max_def;
    uint32_t slots = (uint32_t)vonk__pq_kernels()->count_least_u16(defs, k, slot_def);
    uint32_t valid = (uint32_t)vonk__pq_kernels()->count_equal_u16(defs, k, max_def);
    VONK_TRY(vonk__pq_sink_reserve(sink, slots + 1,
                                   err)); /* one more: the bit of an entry without a place is written, too */
    if (valid == 0 || leaf->levels_only) return slots ? vonk__pq_sink_nulls(sink, slots, err) : VONK_OK;
    if (valid < slots) {
        VONK_TRY(vonk__pq_sink_need_validity(sink, err));
        write_slot_bits(defs, k, slot_def, max_def, sink->validity->data, sink->n);
    }
    VONK_TRY(vonk__pq_page_read(&leaf->page, &leaf->convert, valid, sink, err));
    vonk__pq_sink_commit(sink, slots, valid);
    return VONK_OK;
}

/* k entries of the current page are read, or stepped over (sink NULL). */
static vonk_status use_entries(pq_leaf *leaf, uint32_t k, uint16_t slot_def, pq_levels *levels, pq_sink *sink,
                               vonk_error *err)
{
    const uint16_t *defs = leaf->defs + leaf->used, *reps = leaf->node->max_rep > 0 ? leaf->reps + leaf->used : NULL;
    if (sink) {
        sink->dictionary = leaf->dictionary;
        VONK_TRY(add_levels(levels, reps, defs, k, err));
        VONK_TRY(put_values(leaf, defs, k, slot_def, sink, err));
    } else if (!leaf->levels_only) {
        uint32_t valid = (uint32_t)vonk__pq_kernels()->count_equal_u16(defs, k, leaf->node->max_def);
        VONK_TRY(vonk__pq_page_skip(&leaf->page, &leaf->convert, valid, err));
    }
    leaf->used += k;
    return VONK_OK;
}

/* The next `rows` rows. A row may go on over pages, unless an index says where pages begin. */
static vonk_status walk_rows(pq_leaf *leaf, uint64_t rows, uint16_t slot_def, pq_levels *levels, pq_sink *sink,
                             vonk_error *err)
{
    uint64_t end = leaf->row + rows;
    for (;;) {
        while (leaf->used == leaf->n) {
            bool complete = leaf->row == end && (leaf->node->max_rep == 0 || leaf->index || !has_more_pages(leaf));
            if (complete) return VONK_OK;
            if (!has_more_pages(leaf))
                return vonk__pq_fail(leaf->meta, "a column chunk has fewer rows than its row group", err);
            bool first = leaf->row == end - rows;
            VONK_TRY(vonk__pq_leaf_next_page(leaf, leaf->row, err));
            bool begins = leaf->node->max_rep == 0 || leaf->n == 0 || leaf->reps[0] == 0;
            if (!begins && ((first && leaf->row == 0) || leaf->index))
                return vonk__pq_fail(leaf->meta, "a page does not begin with a row", err);
        }
        uint32_t begun = 0, k = entries_of_rows(leaf, end - leaf->row, &begun);
        leaf->row += begun;
        if (k > 0) VONK_TRY(use_entries(leaf, k, slot_def, levels, sink, err));
        if (leaf->used < leaf->n) return VONK_OK; /* at the beginning of the row behind the last one */
    }
}

vonk_status vonk__pq_leaf_read_nested(pq_leaf *leaf, uint32_t n_rows, uint16_t slot_def, pq_levels *levels,
                                      pq_sink *sink, vonk_error *err)
{
    levels->n = 0;
    return walk_rows(leaf, n_rows, slot_def, levels, sink, err);
}

/* ---- seeking */
/* With an index: what is left of the current page is dropped when `row` lies behind it. */
static void drop_page(pq_leaf *leaf, uint64_t row)
{
    if (!leaf->index || leaf->used == leaf->n || leaf->next_page >= leaf->index->pages.n) return;
    uint64_t next = (uint64_t)leaf->index->pages.at[leaf->next_page].first_row;
    if (row < next) return;
    leaf->row = next;
    leaf->used = leaf->n;
}

vonk_status vonk__pq_leaf_seek(pq_leaf *leaf, uint64_t row, vonk_error *err)
{
    assert(row >= leaf->row && row <= leaf->n_rows);
    while (leaf->row < row) {
        drop_page(leaf, row);
        if (leaf->used == leaf->n) {
            VONK_TRY(vonk__pq_leaf_next_page(leaf, row, err));
            continue;
        }
        uint64_t left = row - leaf->row;
        if (leaf->flat) {
            uint32_t in_page = leaf->n - leaf->used;
            VONK_TRY(skip_flat(leaf, left < in_page ? (uint32_t)left : in_page, err));
        } else {
            VONK_TRY(walk_rows(leaf, left, 0, NULL, NULL, err));
        }
    }
    return VONK_OK;
}
