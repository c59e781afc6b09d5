/* exec/join_build.c -- batches of build rows -> table.
 *
 * Phases; the steps of one may run side by side:
 *   0  a step per stored column: its pieces become one column
 *   1  a step per chunk of rows: keys as 64 bits; how many for each part
 *   2  a step per chunk: rows to their parts (only if keys are hashed; arrays by key are filled before the steps)
 *   3  a step per part: rows to buckets, rows of equal keys together */
#include "exec/join_int.h"

static vonk_status begin_concat(join_build *b, vonk_error *err);
static vonk_status begin_keys(join_build *b, vonk_error *err);
static vonk_status begin_scatter(join_build *b, vonk_error *err);
static vonk_status begin_parts(join_build *b, vonk_error *err);
static vonk_status concat_column(join_build *b, uint32_t c, vonk_error *err);
static vonk_status chunk_keys(join_build *b, uint32_t i, vonk_error *err);
static void scatter_chunk(join_build *b, uint32_t i);
static vonk_status build_part(join_build *b, uint32_t p, vonk_error *err);

/* ---- life */

vonk_status vonk__join_build_open(join_build *b, vonk_op *op, const join_form *form, vonk_batch **take_batches,
                                  uint32_t n_batches, vonk_error *err)
{
    uint64_t n = 0;
    *b = (join_build){.op = op, .batches = take_batches, .n_batches = n_batches};
    VONK_TRY(VONK_NEW(op->budget, &b->table, err));
    join_table *t = b->table;
    t->form = form;
    t->budget = op->budget;
    t->unique = true;
    for (uint32_t i = 0; i < n_batches; i++) n += take_batches[i]->n_rows;
    if (n >= JOIN_NONE)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "a join that builds on 4294967295 rows or more");
    t->n_rows = (uint32_t)n;
    t->n_columns = n_batches > 0 ? take_batches[0]->n_columns : form->n_stored;
    return VONK_OK;
}

void vonk__join_build_close(join_build *b)
{
    for (uint32_t i = 0; i < b->n_batches; i++) vonk_batch_unref(b->batches[i]);
    vonk_free(b->batches);
    vonk__join_table_free(b->table);
    vonk_free(b->keys);
    vonk_free(b->part_counts);
    vonk_free(b->scratch);
    vonk_free(b->ascending);
    vonk_free(b->chunk_nulls);
    *b = (join_build){0};
}

vonk_status vonk__join_build_phase(join_build *b, uint32_t phase, vonk_error *err)
{
    switch (phase) {
    case 0: return begin_concat(b, err);
    case 1: return begin_keys(b, err);
    case 2: return begin_scatter(b, err);
    default: return begin_parts(b, err);
    }
}

vonk_status vonk__join_build_step(join_build *b, uint32_t phase, uint32_t i, vonk_error *err)
{
    switch (phase) {
    case 0: return concat_column(b, i, err);
    case 1: return chunk_keys(b, i, err);
    case 2: scatter_chunk(b, i); return VONK_OK;
    default: return build_part(b, i, err);
    }
}

vonk_status vonk__join_build_all(join_build *b, vonk_error *err)
{
    for (uint32_t phase = 0; phase < JOIN_PHASES; phase++) {
        VONK_TRY(vonk__join_build_phase(b, phase, err));
        for (uint32_t i = 0; i < b->n_steps[phase]; i++) VONK_TRY(vonk__join_build_step(b, phase, i, err));
    }
    return VONK_OK;
}

static vonk_status list_null_rows(join_table *t, vonk_error *err)
{
    const join_form *f = t->form;
    if (!f->null_pairs || f->n_keys == 0 || t->n_rows == 0) return VONK_OK;
    VONK_TRY(vonk_alloc_array(t->budget, t->n_rows, sizeof *t->null_rows, &t->null_rows, err));
    for (uint32_t k = 0; k < t->n_rows; k++) {
        bool null = false;
        for (uint32_t i = 0; i < f->n_keys; i++) null |= vonk_column_is_null(t->columns[f->key_stored[i]], k);
        if (null) t->null_rows[t->n_null_rows++] = k;
    }
    return VONK_OK;
}

/* Columns that were stored only to find keys. */
void vonk__join_drop_keys(join_table *t)
{
    const join_form *f = t->form;
    bool compared = t->kind == JOIN_HASHED && !t->packed;
    if (compared || f->null_aware) return;
    for (uint32_t i = 0; t->flat_keys && i < f->n_keys; i++) {
        uint32_t s = f->key_stored[i];
        bool used = f->puts_build && f->stored[s] != JOIN_NONE;
        for (uint32_t u = 0; u < f->n_used; u++) used |= f->used[u].build && f->used[u].column == s;
        vonk_column_unref(t->flat_keys[i]);
        t->flat_keys[i] = NULL;
        if (used) continue;
        vonk_column_unref(t->columns[s]);
        t->columns[s] = NULL;
    }
}

vonk_status vonk__join_build_end(join_build *b, join_table **ret, vonk_error *err)
{
    join_table *t = b->table;
    t->unique = !atomic_load(&b->dups) && t->kind != JOIN_ALL;
    if (t->unique && t->list) {
        vonk_free(t->list);
        t->list = NULL;
    }
    if (t->kind == JOIN_HASHED)
        t->dir = (join_dir){.cells = t->cells,
                            .bases = t->bases,
                            .entries = t->entries,
                            .bits = t->dir.bits,
                            .part_bits = t->dir.part_bits};
    for (uint32_t i = 0; i < b->n_chunks && b->chunk_nulls; i++) t->has_null |= b->chunk_nulls[i] > 0;
    if (t->form->flags && t->n_rows > 0) VONK_TRY(vonk_alloc_zeroed(t->budget, t->n_rows, &t->flags, err));
    VONK_TRY(list_null_rows(t, err));
    *ret = t;
    b->table = NULL;
    return VONK_OK;
}

/* ---- 0: columns */

static vonk_status begin_concat(join_build *b, vonk_error *err)
{
    join_table *t = b->table;
    if (t->n_rows == 0) {
        t->kind = JOIN_EMPTY;
        return VONK_OK;
    }
    VONK_TRY(vonk_alloc_zeroed(t->budget, t->n_columns * sizeof(vonk_column *), &t->columns, err));
    b->n_steps[0] = t->n_columns;
    return VONK_OK;
}

/* A string column with many heaps would make every gather take a reference on each. */
static vonk_status merge_heaps(vonk_budget *budget, vonk_column **inout, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *c = NULL;
    vonk_column *old = *inout;
    uint64_t bytes = 0;
    void *data;
    uint8_t *validity;
    if (old->encoding != VONK_FLAT || old->type->storage != VONK_STORE_VIEW || old->n_heaps <= 4) return VONK_OK;
    const vonk_view *in = old->data;
    for (uint32_t k = 0; k < old->n_rows; k++) bytes += in[k].len > VONK_VIEW_INLINE ? in[k].len : 0;
    if (bytes > UINT32_MAX) return VONK_OK;
    VONK_TRY(vonk_column_new(budget, old->type, old->n_rows, old->validity != NULL, &c, &data, &validity, err));
    if (old->validity) memcpy(validity, old->validity, vonk_bits_bytes(old->n_rows));
    vonk_buffer *heap = NULL;
    VONK_TRY(vonk_buffer_new(budget, bytes, &heap, err));
    VONK_TRY(vonk_column_add_heap(c, heap, err));
    vonk_view *out = data;
    uint32_t used = 0;
    for (uint32_t k = 0; k < old->n_rows; k++) {
        vonk_view v = in[k];
        if (v.len > VONK_VIEW_INLINE) {
            memcpy(heap->data + used, old->heaps[v.heap]->data + v.offset, v.len);
            v.heap = 0;
            v.offset = used;
            used += v.len;
        }
        out[k] = v;
    }
    vonk_column_unref(old);
    *inout = VONK_STEAL(c);
    return VONK_OK;
}

static vonk_status concat_column(join_build *b, uint32_t c, vonk_error *err)
{
    join_table *t = b->table;
    vonk_budget *budget = vonk_exec_budget(b->op->exec); /* rows that go out share them and may outlive the operator */
    const vonk_column **parts = NULL;
    if (vonk_exec_cancelled(b->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    VONK_TRY(vonk_alloc_array(t->budget, b->n_batches, sizeof(vonk_column *), &parts, err));
    for (uint32_t i = 0; i < b->n_batches; i++) parts[i] = b->batches[i]->columns[c];
    vonk_status st = vonk_column_concat(budget, parts, b->n_batches, &t->columns[c], err);
    if (st == VONK_OK) st = merge_heaps(budget, &t->columns[c], err);
    vonk_free(parts);
    if (st != VONK_OK) return st; /* the pieces are still there: they may be spilled */
    for (uint32_t i = 0; i < b->n_batches; i++) {
        vonk_column_unref(b->batches[i]->columns[c]);
        b->batches[i]->columns[c] = NULL;
    }
    return VONK_OK;
}

/* ---- 1: keys */

/* False: the column has no value at all. */
static bool range_of(const vonk_column *c, join_pack *p)
{
    int64_t low = 0, high = 1;
    uint32_t width = (uint32_t)vonk_storage_bytes(c->type->storage);
    if (c->type->storage == VONK_STORE_BIT) {
        if (c->validity && vonk_bits_count(c->validity, c->n_rows) == 0) return false;
    } else if (!vonk__join_kernels->range(width, c->data, c->validity, c->n_rows, &low, &high)) {
        return false;
    }
    p->min = low;
    p->range = (uint64_t)high - (uint64_t)low;
    return true;
}

/* Keys side by side: the last one varies fastest. False: they do not fit 64 bits. */
static bool pack_ranges(join_table *t)
{
    vonk_u128 times = 1;
    for (uint32_t i = t->form->n_keys; i-- > 0;) {
        t->packs[i].times = (uint64_t)times;
        times *= (vonk_u128)t->packs[i].range + 1;
        if (times > UINT64_MAX) return false;
    }
    t->most = (uint64_t)(times - 1); /* below JOIN_NO_KEY */
    return true;
}

static vonk_status find_packs(join_table *t, bool *ret_none, vonk_error *err)
{
    const join_form *f = t->form;
    if (!f->int_keys) return VONK_OK;
    VONK_TRY(vonk_alloc_zeroed(t->budget, f->n_keys * sizeof *t->packs, &t->packs, err));
    for (uint32_t i = 0; i < f->n_keys; i++) {
        if (range_of(t->flat_keys[i], &t->packs[i])) continue;
        *ret_none = true;
        return VONK_OK;
    }
    t->packed = pack_ranges(t);
    return VONK_OK;
}

/* Few enough values that an array by key is sure to be better than hashing. */
static bool surely_direct(const join_table *t) { return t->packed && t->most / 4 <= t->n_rows + UINT64_C(1024); }

uint32_t vonk__join_n_parts(uint32_t n_rows)
{
    uint32_t n = 1;
    while (n < 4096 && (uint64_t)JOIN_PART_ROWS * n < n_rows && n_rows > 2 * JOIN_PART_ROWS) n *= 2;
    return n;
}

static vonk_status begin_keys(join_build *b, vonk_error *err)
{
    join_table *t = b->table;
    const join_form *f = t->form;
    bool none = false;
    if (t->n_rows == 0) return VONK_OK;
    if (f->n_keys == 0) {
        t->kind = JOIN_ALL;
        return VONK_OK;
    }
    VONK_TRY(vonk_alloc_zeroed(t->budget, f->n_keys * sizeof(vonk_column *), &t->flat_keys, err));
    for (uint32_t i = 0; i < f->n_keys; i++)
        VONK_TRY(vonk_column_flatten(t->budget, t->columns[f->key_stored[i]], &t->flat_keys[i], err));
    VONK_TRY(find_packs(t, &none, err));
    b->n_chunks = (t->n_rows + JOIN_CHUNK_ROWS - 1) / JOIN_CHUNK_ROWS;
    VONK_TRY(vonk_alloc_zeroed(t->budget, b->n_chunks * sizeof *b->chunk_nulls, &b->chunk_nulls, err));
    if (none) {
        b->chunk_nulls[0] = t->n_rows;
        return VONK_OK;
    }
    t->dir.bits = 0;
    while (t->dir.bits < 31 && UINT64_C(1) << t->dir.bits < t->n_rows) t->dir.bits++;
    b->n_parts = vonk__join_n_parts(t->n_rows);
    t->dir.part_bits = t->dir.bits - (uint32_t)__builtin_ctz(b->n_parts);
    VONK_TRY(vonk_alloc_array(t->budget, t->n_rows, sizeof *b->keys, &b->keys, err));
    VONK_TRY(
        vonk_alloc_zeroed(t->budget, (size_t)b->n_chunks * b->n_parts * sizeof *b->part_counts, &b->part_counts, err));
    VONK_TRY(vonk_alloc_zeroed(t->budget, b->n_chunks * sizeof *b->ascending, &b->ascending, err));
    b->n_steps[1] = b->n_chunks;
    return VONK_OK;
}

static uint32_t chunk_rows(const join_build *b, uint32_t i)
{
    uint32_t left = b->table->n_rows - i * JOIN_CHUNK_ROWS;
    return left < JOIN_CHUNK_ROWS ? left : JOIN_CHUNK_ROWS;
}

static uint32_t part_of(const join_build *b, uint64_t key)
{
    return (uint32_t)(join_bucket(join_hash(key), b->table->dir.bits) >> b->table->dir.part_bits);
}

static vonk_status slice_keys(const join_table *t, uint32_t from, uint32_t n, vonk_column **slices, vonk_error *err)
{
    for (uint32_t i = 0; i < t->form->n_keys; i++)
        VONK_TRY(vonk_column_slice(t->budget, t->flat_keys[i], from, n, &slices[i], err));
    return VONK_OK;
}

static vonk_status chunk_keys(join_build *b, uint32_t i, vonk_error *err)
{
    join_table *t = b->table;
    uint32_t n_keys = t->form->n_keys, n = chunk_rows(b, i), nulls = 0;
    uint64_t *keys = b->keys + (size_t)i * JOIN_CHUNK_ROWS;
    vonk_column **slices = NULL;
    if (vonk_exec_cancelled(b->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    VONK_TRY(vonk_alloc_zeroed(t->budget, n_keys * sizeof(vonk_column *), &slices, err));
    vonk_status st = slice_keys(t, i * JOIN_CHUNK_ROWS, n, slices, err);
    if (st == VONK_OK) st = vonk__join_pack_keys(t, t->budget, slices, VONK_ALL_ROWS(n), keys, err);
    for (uint32_t c = 0; c < n_keys; c++) vonk_column_unref(slices[c]);
    vonk_free(slices);
    VONK_TRY(st);
    bool ascending = true;
    for (uint32_t k = 1; k < n; k++) ascending &= keys[k - 1] < keys[k];
    b->ascending[i] = ascending;
    for (uint32_t k = 0; k < n; k++) nulls += keys[k] == JOIN_NO_KEY;
    b->chunk_nulls[i] = nulls;
    if (surely_direct(t)) return VONK_OK;
    uint32_t *counts = b->part_counts + (size_t)i * b->n_parts;
    if (b->n_parts == 1)
        counts[0] = n - nulls;
    else
        for (uint32_t k = 0; k < n; k++)
            if (keys[k] != JOIN_NO_KEY) counts[part_of(b, keys[k])]++;
    return VONK_OK;
}

/* ---- 2: arrays by key, or rows to parts */

static bool all_ascending(const join_build *b)
{
    for (uint32_t i = 0; i < b->n_chunks; i++) {
        size_t first = (size_t)i * JOIN_CHUNK_ROWS;
        if (!b->ascending[i] || b->chunk_nulls[i] > 0) return false;
        if (i > 0 && b->keys[first - 1] >= b->keys[first]) return false;
    }
    return true;
}

static vonk_status make_ranked(join_build *b, vonk_error *err)
{
    join_table *t = b->table;
    uint32_t n = t->n_rows;
    size_t n_words = (size_t)(t->most / 32 + 1);
    t->kind = JOIN_RANKED;
    VONK_TRY(vonk_alloc_array(t->budget, n_words, sizeof *t->words, &t->words, err));
    uint32_t k = 0;
    for (size_t w = 0; w < n_words; w++) {
        uint64_t word = (uint64_t)k << 32;
        for (; k < n && b->keys[k] >> 5 == w; k++) word |= UINT64_C(1) << (b->keys[k] & 31);
        t->words[w] = word;
    }
    return VONK_OK;
}

static vonk_status make_lists(join_build *b, vonk_error *err)
{
    join_table *t = b->table;
    size_t n_cells = (size_t)t->most + 2;
    t->kind = JOIN_DIRECT_LISTS;
    atomic_store(&b->dups, true);
    vonk_free(t->cells);
    t->cells = NULL;
    VONK_TRY(vonk_alloc_zeroed(t->budget, (n_cells + 1) * sizeof *t->cells, &t->cells, err));
    VONK_TRY(vonk_alloc_array(t->budget, t->n_rows, sizeof *t->list, &t->list, err));
    uint32_t *ends = t->cells + 1; /* starts while counting; ends, which are the next ones' starts, after dealing out */
    for (uint32_t k = 0; k < t->n_rows; k++)
        if (b->keys[k] != JOIN_NO_KEY) ends[b->keys[k] + 1]++;
    for (size_t c = 1; c < n_cells; c++) ends[c] += ends[c - 1];
    for (uint32_t k = 0; k < t->n_rows; k++)
        if (b->keys[k] != JOIN_NO_KEY) t->list[ends[b->keys[k]]++] = k;
    return VONK_OK;
}

static vonk_status make_direct(join_build *b, vonk_error *err)
{
    join_table *t = b->table;
    size_t n_cells = (size_t)t->most + 1;
    t->kind = JOIN_DIRECT;
    VONK_TRY(vonk_alloc_array(t->budget, n_cells, sizeof *t->cells, &t->cells, err));
    memset(t->cells, 0xff, n_cells * sizeof *t->cells);
    for (uint32_t k = 0; k < t->n_rows; k++) {
        if (b->keys[k] == JOIN_NO_KEY) continue;
        if (t->cells[b->keys[k]] != JOIN_NONE) return make_lists(b, err);
        t->cells[b->keys[k]] = k;
    }
    return VONK_OK;
}

/* part_counts[chunk][part] become places in scratch. */
static vonk_status begin_hashed(join_build *b, vonk_error *err)
{
    join_table *t = b->table;
    size_t n_cells = (size_t)b->n_parts * ((UINT64_C(1) << t->dir.part_bits) + 1);
    uint64_t at = 0;
    t->kind = JOIN_HASHED;
    VONK_TRY(vonk_alloc_array(t->budget, b->n_parts + 1, sizeof *t->bases, &t->bases, err));
    for (uint32_t p = 0; p < b->n_parts; p++) {
        t->bases[p] = at;
        for (uint32_t i = 0; i < b->n_chunks; i++) {
            uint32_t *place = &b->part_counts[(size_t)i * b->n_parts + p], count = *place;
            *place = (uint32_t)at;
            at += count;
        }
    }
    t->bases[b->n_parts] = t->n_entries = at;
    VONK_TRY(vonk_alloc_zeroed(t->budget, n_cells * sizeof *t->cells, &t->cells, err));
    VONK_TRY(vonk_alloc_array(t->budget, at, sizeof *t->entries, &t->entries, err));
    VONK_TRY(vonk_alloc_array(t->budget, at, sizeof *b->scratch, &b->scratch, err));
    VONK_TRY(vonk_alloc_array(t->budget, at, sizeof *t->list, &t->list, err));
    b->n_steps[2] = b->n_chunks;
    b->n_steps[3] = b->n_parts;
    return VONK_OK;
}

static vonk_status begin_scatter(join_build *b, vonk_error *err)
{
    join_table *t = b->table;
    uint64_t nulls = 0;
    if (t->n_rows == 0 || t->kind == JOIN_ALL) return VONK_OK;
    for (uint32_t i = 0; i < b->n_chunks; i++) nulls += b->chunk_nulls[i];
    if (nulls == t->n_rows) {
        t->kind = JOIN_EMPTY;
        return VONK_OK;
    }
    if (t->packed && all_ascending(b)) {
        if (t->most + 1 == t->n_rows) {
            t->kind = JOIN_RANGE;
            return VONK_OK;
        }
        if (t->most / 64 <= t->n_rows) return make_ranked(b, err);
    }
    return surely_direct(t) ? make_direct(b, err) : begin_hashed(b, err);
}

static void scatter_chunk(join_build *b, uint32_t i)
{
    uint32_t n = chunk_rows(b, i), first_row = i * JOIN_CHUNK_ROWS;
    const uint64_t *keys = b->keys + first_row;
    uint32_t *places = b->part_counts + (size_t)i * b->n_parts;
    for (uint32_t k = 0; k < n; k++) {
        if (keys[k] == JOIN_NO_KEY) continue;
        uint32_t part = b->n_parts == 1 ? 0 : part_of(b, keys[k]);
        b->scratch[places[part]++] = (join_entry){keys[k], first_row + k, 1};
    }
}

/* ---- 3: buckets */

static vonk_status begin_parts(join_build *b, vonk_error *err)
{
    vonk_free(b->keys); /* they are in the entries, or not needed any more */
    b->keys = NULL;
    return VONK_OK;
}

/* Stable. */
static void sort_few(join_entry *e, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        join_entry x = e[i];
        uint32_t k = i;
        for (; k > 0 && e[k - 1].key > x.key; k--) e[k] = e[k - 1];
        e[k] = x;
    }
}

static bool is_sorted(const join_entry *e, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (e[i - 1].key > e[i].key) return false;
    return true;
}

/* Stable merge sort, bottom up; tmp has room for n. */
static void sort_many(join_entry *e, join_entry *tmp, uint32_t n)
{
    join_entry *from = e, *to = tmp;
    for (uint32_t at = 0; at < n; at += 16) sort_few(e + at, n - at < 16 ? n - at : 16);
    for (uint64_t width = 16; width < n; width *= 2) {
        for (uint64_t at = 0; at < n; at += 2 * width) {
            uint64_t i = at, mid = at + width < n ? at + width : n, k = mid, end = mid + width < n ? mid + width : n;
            for (uint64_t out = at; out < end; out++)
                to[out] = k >= end || (i < mid && from[i].key <= from[k].key) ? from[i++] : from[k++];
        }
        join_entry *other = from;
        from = to;
        to = other;
    }
    if (from != e) memcpy(e, from, n * sizeof *e);
}

typedef struct grouping {
    join_build *b;
    join_entry *out; /* of the part */
    uint32_t n_out;
    uint32_t list_at, filter;
    bool dups;
} grouping;

static void put_group(grouping *g, const join_entry *rows, uint32_t n)
{
    join_entry e = rows[0];
    if (n > 1) {
        uint32_t *list = g->b->table->list + g->list_at;
        for (uint32_t i = 0; i < n; i++) list[i] = rows[i].first;
        e.first = g->list_at;
        e.count = n;
        g->list_at += n;
        g->dups = true;
    }
    g->out[g->n_out++] = e;
}

static bool same_keys(const join_table *t, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < t->form->n_keys; i++)
        if (!vonk_column_row_eq(t->flat_keys[i], a, t->flat_keys[i], b)) return false;
    return true;
}

/* Rows of one hash: usually of one key, which then has one group. */
static void put_hash(grouping *g, join_entry *rows, join_entry *tmp, uint32_t n)
{
    const join_table *t = g->b->table;
    while (n > 0) {
        uint32_t same = 1, other = 0;
        for (uint32_t i = 1; i < n; i++) {
            if (same_keys(t, rows[0].first, rows[i].first))
                rows[same++] = rows[i];
            else
                tmp[other++] = rows[i];
        }
        put_group(g, rows, same);
        memcpy(rows + same, tmp, other * sizeof *tmp);
        rows += same;
        n = other;
    }
}

/* Entries first .. end of out are a bucket; its groups go to out from g->n_out on, which is not behind `first`. */
static void group_bucket(grouping *g, uint32_t first, uint32_t end, join_entry *tmp)
{
    join_entry *e = g->out + first;
    uint32_t n = end - first;
    const join_table *t = g->b->table;
    g->filter = 0;
    if (n > 16 && !is_sorted(e, n))
        sort_many(e, tmp, n);
    else if (n > 1 && n <= 16)
        sort_few(e, n);
    for (uint32_t i = 0; i < n;) {
        uint32_t k = i + 1;
        g->filter |= UINT32_C(1) << join_filter_bit(join_hash(e[i].key), t->dir.bits);
        while (k < n && e[k].key == e[i].key) k++;
        if (k - i > 1 && !t->packed)
            put_hash(g, e + i, tmp, k - i);
        else
            put_group(g, e + i, k - i);
        i = k;
    }
}

static vonk_status too_uneven(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the keys of a join fall too unevenly");
}

/* Stable: in -> out in the order of buckets; cells[c] = first of bucket c, cells[n_buckets] = n. */
static void sort_by_bucket(const join_table *t, const join_entry *in, uint32_t n, join_entry *out, uint32_t *cells)
{
    uint32_t n_buckets = UINT32_C(1) << t->dir.part_bits, sum = 0;
    uint64_t mask = n_buckets - 1;
    for (uint32_t k = 0; k < n; k++) cells[join_bucket(join_hash(in[k].key), t->dir.bits) & mask]++;
    for (uint32_t c = 0; c < n_buckets; c++) {
        uint32_t count = cells[c];
        cells[c] = sum;
        sum += count;
    }
    for (uint32_t k = 0; k < n; k++) out[cells[join_bucket(join_hash(in[k].key), t->dir.bits) & mask]++] = in[k];
    memmove(cells + 1, cells, n_buckets * sizeof *cells);
    cells[0] = 0;
}

/* Has no key two rows? Equal keys are in one bucket, which rarely has more than four rows. No branch hangs on the data
 * of single rows. */
static bool no_key_twice(const join_entry *e, uint32_t n, const uint32_t *cells, uint32_t n_buckets)
{
    enum { NEAR = 4, FAR = 64 };
    bool twice = false;
    for (uint32_t k = 0; k + NEAR <= n; k++)
        twice |= (e[k].key == e[k + 1].key) | (e[k].key == e[k + 2].key) | (e[k].key == e[k + 3].key);
    for (uint32_t k = n > NEAR ? n - NEAR : 0; k < n; k++)
        for (uint32_t i = k + 1; i < n; i++) twice |= e[k].key == e[i].key;
    for (uint32_t c = 0; c < n_buckets && !twice; c++) {
        if (VONK_LIKELY(cells[c + 1] - cells[c] <= NEAR)) continue;
        if (cells[c + 1] - cells[c] > FAR) return false; /* sorting finds out faster */
        for (uint32_t k = cells[c]; k < cells[c + 1] && !twice; k++)
            for (uint32_t i = k + 1; i < cells[c + 1]; i++) twice |= e[k].key == e[i].key;
    }
    return !twice;
}

static void group_part(grouping *g, uint32_t *cells, uint32_t n_buckets, join_entry *tmp)
{
    for (uint32_t c = 0; c < n_buckets; c++) {
        uint32_t start = cells[c], end = cells[c + 1], group = g->n_out;
        g->filter = 0;
        if (end > start) group_bucket(g, start, end, tmp);
        cells[c] = group | g->filter;
    }
    cells[n_buckets] = g->n_out;
}

static vonk_status build_part(join_build *b, uint32_t p, vonk_error *err)
{
    join_table *t = b->table;
    uint64_t first = t->bases[p];
    uint32_t n = (uint32_t)(t->bases[p + 1] - first), n_buckets = UINT32_C(1) << t->dir.part_bits;
    uint32_t *cells = t->cells + (size_t)p * (n_buckets + 1);
    join_entry *in = b->scratch + first;
    grouping g = {.b = b, .out = t->entries + first, .list_at = (uint32_t)first};
    if (vonk_exec_cancelled(b->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    sort_by_bucket(t, in, n, g.out, cells);
    if (no_key_twice(g.out, n, cells, n_buckets)) {
        if (n > JOIN_CELL_MASK) return too_uneven(err);
        for (uint32_t k = 0; k < n; k++) {
            uint64_t h = join_hash(g.out[k].key);
            cells[join_bucket(h, t->dir.bits) & (n_buckets - 1)] |= UINT32_C(1) << join_filter_bit(h, t->dir.bits);
        }
        return VONK_OK;
    }
    group_part(&g, cells, n_buckets, in);
    if (g.n_out > JOIN_CELL_MASK) return too_uneven(err);
    if (g.dups) atomic_store(&b->dups, true);
    return VONK_OK;
}
