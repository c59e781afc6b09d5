/* Windows of rows over the leaves of one row group. */
#include <stdlib.h>

#include "codec/parquet/want.h"

typedef struct scan_column {
    pq_want want;
    uint32_t first_leaf, n_leaves;
    bool flat_values;     /* dictionaries are decoded */
    uint64_t used_window; /* debug: number of the window it was asked for last */
} scan_column;

struct vonk_parquet_scan {
    vonk_budget *budget;
    vonk_arena *arena;
    vonk_parquet_meta *meta;
    const vonk_bytes_in *in;
    const vonk_type *type; /* wanted */
    vonk_compressor *compressor;
    uint32_t group, n_columns, n_leaves;
    scan_column *columns;
    pq_leaf *leaves;
    pq_read *reads; /* one per leaf, used by nested columns */
    vonk_parquet_range *ranges;
    size_t n_ranges, range; /* the current one */
    uint64_t next;          /* row of the group that comes after the window */
    uint64_t window_row, window;
    uint32_t window_rows;
};

/* ---- life */
static vonk_status copy_ranges(vonk_parquet_scan *s, const vonk_parquet_scan_spec *spec, vonk_error *err)
{
    uint64_t n_rows = (uint64_t)s->meta->file.groups.at[s->group].n_rows, end = 0;
    s->n_ranges = spec->ranges ? spec->n_ranges : 1;
    VONK_TRY(vonk_arena_array(s->arena, s->n_ranges, sizeof *s->ranges, &s->ranges, err));
    if (!spec->ranges) s->ranges[0] = (vonk_parquet_range){0, n_rows};
    for (size_t i = 0; spec->ranges && i < s->n_ranges; i++) {
        s->ranges[i] = spec->ranges[i];
        assert(s->ranges[i].from >= end && s->ranges[i].from <= n_rows && s->ranges[i].n <= n_rows - s->ranges[i].from);
        end = s->ranges[i].from + s->ranges[i].n;
    }
    if (s->n_ranges > 0) s->next = s->ranges[0].from;
    return VONK_OK;
}

static vonk_status match_columns(vonk_parquet_scan *s, const vonk_parquet_scan_spec *spec, pq_want_leaves *leaves,
                                 vonk_error *err)
{
    s->n_columns = s->type->n_fields;
    VONK_TRY(vonk_arena_array(s->arena, s->n_columns, sizeof *s->columns, &s->columns, err));
    for (uint32_t i = 0; i < s->n_columns; i++) {
        scan_column *c = &s->columns[i];
        c->first_leaf = (uint32_t)leaves->n;
        VONK_TRY(vonk__pq_want_field(s->arena, s->meta, &s->type->fields[i], &c->want, leaves, err));
        c->n_leaves = (uint32_t)leaves->n - c->first_leaf;
        c->flat_values = spec->flat && spec->flat[i];
    }
    return VONK_OK;
}

static vonk_status open_leaves(vonk_parquet_scan *s, const vonk_parquet_scan_spec *spec, const pq_want_leaves *leaves,
                               vonk_error *err)
{
    VONK_TRY(vonk_arena_array(s->arena, leaves->n, sizeof *s->leaves, &s->leaves, err));
    VONK_TRY(vonk_arena_array(s->arena, leaves->n, sizeof *s->reads, &s->reads, err));
    s->n_leaves = (uint32_t)leaves->n;
    for (uint32_t i = 0; i < s->n_columns; i++) {
        for (uint32_t k = 0; k < s->columns[i].n_leaves; k++) {
            uint32_t at = s->columns[i].first_leaf + k;
            assert(at < leaves->n);
            const pq_want_leaf *want = &leaves->at[at];
            s->reads[at].levels.budget = s->budget;
            VONK_TRY(vonk__pq_leaf_init(&s->leaves[at], s->budget, s->meta, s->in, s->compressor, s->group, want->node,
                                        want->type, err));
            if (s->columns[i].want.kind != PQ_WANT_LEAF) s->leaves[at].flat = false;
            s->leaves[at].place_def = want->place_def;
            if (spec->ranges) VONK_TRY(vonk__pq_leaf_load_index(&s->leaves[at], s->arena, s->group, err));
        }
    }
    return VONK_OK;
}

static vonk_status open_scan(vonk_parquet_scan *s, const vonk_parquet_scan_spec *spec, vonk_error *err)
{
    pq_want_leaves leaves = {0};
    if (s->group >= s->meta->file.groups.n)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "row group out of range");
    VONK_TRY(vonk_arena_new(s->budget, &s->arena, err));
    VONK_TRY(vonk_compressor_new(s->budget, &s->compressor, err));
    VONK_TRY(copy_ranges(s, spec, err));
    VONK_TRY(match_columns(s, spec, &leaves, err));
    return open_leaves(s, spec, &leaves, err);
}

vonk_status vonk_parquet_scan_new(vonk_budget *budget, const vonk_parquet_meta *meta, const vonk_bytes_in *in,
                                  const vonk_parquet_scan_spec *spec, vonk_parquet_scan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_parquet_scan_free) vonk_parquet_scan *s = NULL;
    assert(spec->want->id == VONK_T_STRUCT);
    VONK_TRY(VONK_NEW(budget, &s, err));
    s->budget = budget;
    s->meta = vonk_parquet_meta_ref((vonk_parquet_meta *)(uintptr_t)meta); /* the count is the only mutable part */
    s->in = in;
    s->type = vonk_type_ref(spec->want);
    s->group = spec->group;
    VONK_TRY(open_scan(s, spec, err));
    *ret = VONK_STEAL(s);
    return VONK_OK;
}

static void drop_read(pq_read *read)
{
    vonk_column_unref(read->values);
    read->values = NULL;
}

void vonk_parquet_scan_free(vonk_parquet_scan *s)
{
    if (!s) return;
    for (uint32_t i = 0; i < s->n_leaves; i++) {
        vonk__pq_leaf_done(&s->leaves[i]);
        drop_read(&s->reads[i]);
        vonk__pq_levels_done(&s->reads[i].levels);
    }
    vonk_compressor_free(s->compressor);
    vonk_type_unref(s->type);
    vonk_parquet_meta_unref(s->meta);
    if (s->arena) vonk_arena_free(s->arena);
    vonk_free(s);
}

/* ---- windows */
vonk_status vonk_parquet_scan_next(vonk_parquet_scan *s, uint32_t max_rows, uint32_t *ret_rows, vonk_error *err)
{
    s->window_rows = 0;
    s->window++;
    *ret_rows = 0;
    while (s->range < s->n_ranges) {
        const vonk_parquet_range *r = &s->ranges[s->range];
        if (s->next < r->from) s->next = r->from;
        uint64_t left = r->from + r->n - s->next;
        if (left == 0) {
            s->range++;
            continue;
        }
        s->window_row = s->next;
        s->window_rows = *ret_rows = left < max_rows ? (uint32_t)left : max_rows;
        s->next += s->window_rows;
        break;
    }
    return VONK_OK;
}

uint64_t vonk_parquet_scan_row(const vonk_parquet_scan *s) { return s->meta->first_rows[s->group] + s->window_row; }

/* ---- columns */
static vonk_status read_flat(vonk_parquet_scan *s, scan_column *c, uint64_t row, uint32_t n, vonk_column **ret,
                             vonk_error *err)
{
    pq_leaf *leaf = &s->leaves[c->first_leaf];
    VONK_TRY(vonk__pq_leaf_seek(leaf, row, err));
    return vonk__pq_leaf_read(leaf, n, !c->flat_values, ret, err);
}

static vonk_status read_leaf(vonk_parquet_scan *s, uint32_t at, uint64_t row, uint32_t n, vonk_error *err)
{
    pq_leaf *leaf = &s->leaves[at];
    VONK_AUTO(vonk__pq_sink_done) pq_sink sink = {0};
    const vonk_type *type = leaf->type ? leaf->type : &vonk_type_null;
    vonk__pq_sink_init(&sink, s->budget, type, false);
    VONK_TRY(vonk__pq_leaf_seek(leaf, row, err));
    VONK_TRY(vonk__pq_sink_reserve(&sink, n, err));
    VONK_TRY(vonk__pq_leaf_read_nested(leaf, n, leaf->place_def, &s->reads[at].levels, &sink, err));
    if (!leaf->type) return VONK_OK;
    return vonk__pq_sink_finish(&sink, &s->reads[at].values, err);
}

static vonk_status read_nested(vonk_parquet_scan *s, scan_column *c, uint64_t row, uint32_t n, vonk_column **ret,
                               vonk_error *err)
{
    vonk_status st = VONK_OK;
    for (uint32_t i = 0; i < c->n_leaves && st == VONK_OK; i++) st = read_leaf(s, c->first_leaf + i, row, n, err);
    if (st == VONK_OK)
        st = vonk__pq_build(s->budget, s->meta, &c->want, s->reads + c->first_leaf, c->first_leaf, n, ret, err);
    for (uint32_t i = 0; i < c->n_leaves; i++) drop_read(&s->reads[c->first_leaf + i]);
    return st;
}

static vonk_status read_rows(vonk_parquet_scan *s, scan_column *c, uint64_t row, uint32_t n, vonk_column **ret,
                             vonk_error *err)
{
    switch (c->want.kind) {
    case PQ_WANT_MISSING: return vonk_column_new_nulls(s->budget, c->want.type, n, ret, err);
    case PQ_WANT_LEAF: return read_flat(s, c, row, n, ret, err);
    default: return read_nested(s, c, row, n, ret, err);
    }
}

/* Rows idx[0..n-1] of the window: everything from the first to the last is decoded, then gathered. */
static vonk_status read_selected(vonk_parquet_scan *s, scan_column *c, vonk_rows rows, vonk_column **ret,
                                 vonk_error *err)
{
    uint32_t first = rows.idx[0], n = rows.idx[rows.n - 1] - first + 1;
    VONK_AUTO(vonk_column_unref) vonk_column *column = NULL;
    assert(first + n <= s->window_rows);
    VONK_TRY(read_rows(s, c, s->window_row + first, n, &column, err));
    if (n == rows.n) {
        *ret = VONK_STEAL(column);
        return VONK_OK;
    }
    if (first == 0) return vonk_column_gather(s->budget, column, rows.idx, rows.n, false, ret, err);
    uint32_t *idx = NULL;
    VONK_TRY(vonk_alloc_array(s->budget, rows.n, sizeof *idx, &idx, err));
    for (uint32_t i = 0; i < rows.n; i++) idx[i] = rows.idx[i] - first;
    vonk_status st = vonk_column_gather(s->budget, column, idx, rows.n, false, ret, err);
    vonk_free(idx);
    return st;
}

vonk_status vonk_parquet_scan_column(vonk_parquet_scan *s, uint32_t at, vonk_rows rows, vonk_column **ret,
                                     vonk_error *err)
{
    scan_column *c = &s->columns[at];
    assert(at < s->n_columns && c->used_window < s->window);
    assert(rows.idx || rows.n == s->window_rows || rows.n == 0);
    c->used_window = s->window;
    if (rows.n == 0) return vonk_column_new_nulls(s->budget, s->type->fields[at].type, 0, ret, err);
    return rows.idx ? read_selected(s, c, rows, ret, err) : read_rows(s, c, s->window_row, rows.n, ret, err);
}

vonk_status vonk_parquet_scan_batch(vonk_parquet_scan *s, vonk_batch **ret, vonk_error *err)
{
    vonk_column **columns = NULL;
    uint32_t made = 0;
    VONK_TRY(vonk_alloc_array(s->budget, s->n_columns, sizeof *columns, &columns, err));
    vonk_status st = VONK_OK;
    for (; made < s->n_columns && st == VONK_OK; made += st == VONK_OK)
        st = vonk_parquet_scan_column(s, made, VONK_ALL_ROWS(s->window_rows), &columns[made], err);
    if (st == VONK_OK) st = vonk_batch_new(s->budget, s->window_rows, columns, s->n_columns, ret, err);
    for (uint32_t i = 0; i < made; i++) vonk_column_unref(columns[i]);
    vonk_free(columns);
    return st;
}

/* ---- reading ahead */
typedef VONK_VEC(vonk_byte_range) byte_ranges;

static vonk_status add_bytes(byte_ranges *v, vonk_arena *arena, uint64_t offset, uint64_t bytes, vonk_error *err)
{
    if (bytes == 0) return VONK_OK;
    return VONK_VEC_ARENA_PUSH(v, arena, ((vonk_byte_range){offset, bytes}), err);
}

static bool any_row_wanted(const vonk_parquet_scan *s, uint64_t from, uint64_t end)
{
    for (size_t i = 0; i < s->n_ranges; i++) {
        if (s->ranges[i].from < end && s->ranges[i].from + s->ranges[i].n > from) return true;
    }
    return false;
}

static vonk_status add_leaf_bytes(const vonk_parquet_scan *s, const pq_leaf *leaf, vonk_arena *arena, byte_ranges *v,
                                  vonk_error *err)
{
    if (!leaf->index) return add_bytes(v, arena, leaf->start, leaf->end - leaf->start, err);
    const pq_offset_index *index = leaf->index;
    VONK_TRY(add_bytes(v, arena, leaf->start, (uint64_t)index->pages.at[0].at - leaf->start, err)); /* the dictionary */
    for (size_t i = 0; i < index->pages.n; i++) {
        uint64_t end = i + 1 < index->pages.n ? (uint64_t)index->pages.at[i + 1].first_row : leaf->n_rows;
        const pq_page_place *page = &index->pages.at[i];
        if (any_row_wanted(s, (uint64_t)page->first_row, end))
            VONK_TRY(add_bytes(v, arena, (uint64_t)page->at, (uint64_t)page->bytes, err));
    }
    return VONK_OK;
}

static int by_offset(const void *a, const void *b)
{
    const vonk_byte_range *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

vonk_status vonk_parquet_scan_bytes(vonk_parquet_scan *s, const bool *use, vonk_arena *arena,
                                    const vonk_byte_range **ret, size_t *ret_n, vonk_error *err)
{
    byte_ranges v = {0};
    size_t n = 0;
    for (uint32_t i = 0; i < s->n_columns; i++) {
        for (uint32_t k = 0; k < s->columns[i].n_leaves && (!use || use[i]); k++)
            VONK_TRY(add_leaf_bytes(s, &s->leaves[s->columns[i].first_leaf + k], arena, &v, err));
    }
    if (v.n > 1) qsort(v.at, v.n, sizeof *v.at, by_offset);
    for (size_t i = 0; i < v.n; i++) {
        vonk_byte_range *last = n > 0 ? &v.at[n - 1] : NULL;
        if (last && v.at[i].offset <= last->offset + last->bytes) {
            uint64_t end = v.at[i].offset + v.at[i].bytes;
            if (end > last->offset + last->bytes) last->bytes = end - last->offset;
        } else {
            v.at[n++] = v.at[i];
        }
    }
    *ret = v.at;
    *ret_n = n;
    return VONK_OK;
}
