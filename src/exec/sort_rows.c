/* exec/sort_rows.c -- keys, rows and their order; see sort_int.h. */
#include "exec/sort_int.h"

/* ---- form */

static const vonk_expr *key_of(const vonk_expr *sort)
{
    const vonk_expr *e = sort->kind == VONK_EX_SORT ? sort->children[0] : sort;
    while (e->kind == VONK_EX_ALIAS) e = e->children[0];
    return e;
}

static vonk_status open_columns(vonk_op *op, sort_form *f, const vonk_expr *const *keys, vonk_error *err)
{
    uint32_t n_in = op->children[0]->n_columns;
    VONK_TRY(vonk_arena_array(op->arena, f->n_keys + n_in + 2, sizeof *f->types, &f->types, err));
    VONK_TRY(vonk_arena_array(op->arena, f->n_keys + n_in, sizeof *f->from_input, &f->from_input, err));
    VONK_TRY(vonk_arena_array(op->arena, n_in, sizeof *f->output_at, &f->output_at, err));
    for (uint32_t c = 0; c < n_in; c++) f->output_at[c] = UINT32_MAX;
    for (uint32_t i = 0; i < f->n_keys; i++) {
        const vonk_expr *e = keys[i];
        f->types[i] = e->type;
        f->from_input[i] = e->kind == VONK_EX_BOUND ? e->index : UINT32_MAX;
        if (e->kind == VONK_EX_BOUND && f->output_at[e->index] == UINT32_MAX) f->output_at[e->index] = i;
    }
    f->n_columns = f->n_keys;
    for (uint32_t c = 0; c < n_in; c++) {
        if (f->output_at[c] != UINT32_MAX) continue;
        f->types[f->n_columns] = op->children[0]->types[c];
        f->from_input[f->n_columns] = c;
        f->output_at[c] = f->n_columns++;
    }
    f->types[f->n_columns] = &vonk_type_long;
    f->types[f->n_columns + 1] = &vonk_type_int;
    return VONK_OK;
}

vonk_status vonk__sort_form_make(vonk_op *op, sort_form *f, const vonk_expr *const *keys, vonk_sort_spec *specs,
                                 uint32_t n, bool local, const vonk_expr *hash, uint32_t n_buckets, vonk_error *err)
{
    const vonk_expr **exprs = NULL;
    f->n_keys = n;
    f->specs = specs;
    f->local = local;
    f->n_buckets = hash ? n_buckets : 0;
    VONK_TRY(vonk_arena_array(op->arena, n + 1, sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < n; i++) exprs[i] = keys[i];
    if (hash) exprs[n] = hash;
    VONK_TRY(vonk_op_program(op, exprs, hash ? n + 1 : n, &f->program, err));
    VONK_TRY(open_columns(op, f, exprs, err));
    f->encoded_bytes = vonk_sort_key_bytes(f->types, f->n_keys, &f->exact);
    f->key_bytes = f->encoded_bytes + (local ? 4 : 0);
    uint32_t padded = (f->key_bytes + 7) & ~7u;
    VONK_TRY(vonk_row_layout_new(op->budget, f->types, f->n_columns, padded + 8, &f->layout, err));
    f->key_at = f->layout->extra_at;
    f->position_at = f->key_at + padded;
    return VONK_OK;
}

vonk_status vonk__sort_form_open(vonk_op *op, sort_form *f, bool local, vonk_error *err)
{
    const vonk_expr_list *sorts = &op->node->lists[0];
    const vonk_expr **keys = NULL;
    vonk_sort_spec *specs = NULL;
    VONK_TRY(vonk_arena_array(op->arena, sorts->n, sizeof *keys, &keys, err));
    VONK_TRY(vonk_arena_array(op->arena, sorts->n, sizeof *specs, &specs, err));
    for (uint32_t i = 0; i < sorts->n; i++) {
        keys[i] = key_of(sorts->at[i]);
        specs[i] = (vonk_sort_spec){.descending = vonk_expr_has(sorts->at[i], VONK_EXF_DESCENDING),
                                    .nulls_last = vonk_expr_has(sorts->at[i], VONK_EXF_NULLS_LAST)};
    }
    return vonk__sort_form_make(op, f, keys, specs, sorts->n, local, NULL, 0, err);
}

void vonk__sort_form_close(sort_form *f)
{
    vonk_program_free(f->program);
    vonk_row_layout_free(f->layout);
}

/* ---- rows */

vonk_status vonk__sort_rows_open(vonk_op *op, vonk_lane *lane, const sort_form *f, sort_rows *r, vonk_error *err)
{
    r->ordinal = UINT64_MAX;
    VONK_TRY(vonk_alloc_zeroed(op->budget, (f->n_keys + 1) * sizeof *r->keys, &r->keys, err));
    VONK_TRY(vonk_alloc_zeroed(op->budget, (f->n_columns + 1) * sizeof *r->columns, &r->columns, err));
    VONK_TRY(vonk_row_store_new(op->budget, f->layout, &r->store, err));
    return vonk__program_open(op, lane, f->program, &r->program, err);
}

void vonk__sort_rows_close(sort_rows *r)
{
    vonk__program_close(&r->program);
    vonk_row_store_free(r->store);
    vonk_free(r->entries.at);
    vonk_free(r->keys);
    vonk_free(r->columns);
    vonk_free(r->rows);
    vonk_free(r->encoded);
    vonk_free(r->buckets);
}

static vonk_status reserve(vonk_op *op, const sort_form *f, sort_rows *r, uint32_t n, vonk_error *err)
{
    if (n <= r->room) return VONK_OK;
    VONK_TRY(vonk_realloc(op->budget, &r->rows, n * sizeof *r->rows, err));
    VONK_TRY(vonk_realloc(op->budget, &r->encoded, (size_t)n * f->encoded_bytes + 8, err));
    if (f->n_buckets) VONK_TRY(vonk_realloc(op->budget, &r->buckets, n * sizeof *r->buckets, err));
    r->room = n;
    return VONK_OK;
}

void vonk__sort_drop(const sort_form *f, sort_rows *r)
{
    for (uint32_t i = 0; r->columns && i < f->n_columns; i++) {
        vonk_column_unref(r->columns[i]);
        r->columns[i] = NULL;
    }
}

static vonk_status set_buckets(const sort_form *f, vonk_budget *budget, const vonk_column *hash, vonk_rows rows,
                               uint32_t *buckets, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
    VONK_TRY(vonk_column_flatten(budget, hash, &flat, err));
    const int32_t *v = VONK_VALUES(flat, int32_t);
    for (uint32_t k = 0; k < rows.n; k++) buckets[k] = vonk__pmod(v[vonk_row_at(rows, k)], f->n_buckets);
    return VONK_OK;
}

vonk_status vonk__sort_encode(vonk_op *op, vonk_lane *lane, const sort_form *f, sort_rows *r, const vonk_batch *in,
                              vonk_error *err)
{
    if (r->ordinal != lane->ordinal) {
        r->ordinal = lane->ordinal;
        r->row_in_morsel = 0;
    }
    VONK_TRY(reserve(op, f, r, in->n_sel, err));
    vonk__program_place(&r->program, lane);
    VONK_TRY(vonk_program_eval(r->program.at, in, r->keys, err));
    for (uint32_t i = 0; i < f->n_keys; i++) r->columns[i] = r->keys[i];
    if (f->n_buckets) {
        vonk_status st = set_buckets(f, lane->budget, r->keys[f->n_keys], vonk_batch_rows(in), r->buckets, err);
        vonk_column_unref(r->keys[f->n_keys]);
        VONK_TRY(st);
    }
    for (uint32_t c = f->n_keys; c < f->n_columns; c++) r->columns[c] = vonk_column_ref(in->columns[f->from_input[c]]);
    if (f->n_keys == 0) return VONK_OK;
    return vonk_sort_key_encode(r->columns, f->specs, f->n_keys, vonk_batch_rows(in), r->encoded, f->encoded_bytes,
                                err);
}

uint64_t vonk__sort_prefix(const uint8_t *key, uint32_t key_bytes)
{
    uint64_t x = 0;
    if (key_bytes >= 8) {
        memcpy(&x, key, 8);
        return __builtin_bswap64(x);
    }
    for (uint32_t i = 0; i < key_bytes; i++) x |= (uint64_t)key[i] << (56 - 8 * i);
    return x;
}

vonk_status vonk__sort_keep(vonk_op *op, vonk_lane *lane, const sort_form *f, sort_rows *r, const vonk_batch *in,
                            const uint32_t *list, uint32_t n, vonk_error *err)
{
    vonk_rows rows = vonk_batch_rows(in), some = rows;
    uint32_t *idx = NULL;
    if (list) {
        VONK_TRY(vonk_arena_array(lane->scratch, n, sizeof *idx, &idx, err));
        for (uint32_t i = 0; i < n; i++) idx[i] = vonk_row_at(rows, list[i]);
        some = (vonk_rows){idx, n};
    }
    if (r->entries.n + n > r->entries.capacity) {
        size_t capacity = r->entries.capacity * 2 > r->entries.n + n ? r->entries.capacity * 2 : r->entries.n + n;
        VONK_TRY(vonk_realloc(op->budget, &r->entries.at, capacity * sizeof *r->entries.at, err));
        r->entries.capacity = capacity;
    }
    VONK_TRY(vonk_row_store_append(r->store, r->columns, some, r->rows, err));
    uint32_t partition = (uint32_t)lane->partition, head = f->local ? 4 : 0;
    uint64_t position = lane->ordinal << 32 | r->row_in_morsel;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = list ? list[i] : i;
        uint8_t *row = r->rows[i], *key = row + f->key_at;
        uint64_t at = position + k;
        if (head) {
            uint32_t big = __builtin_bswap32(f->n_buckets ? r->buckets[k] : partition);
            memcpy(key, &big, 4);
        }
        memcpy(key + head, r->encoded + (size_t)k * f->encoded_bytes, f->encoded_bytes);
        memcpy(row + f->position_at, &at, sizeof at);
        r->entries.at[r->entries.n++] = (sort_entry){vonk__sort_prefix(key, f->key_bytes), row};
    }
    return VONK_OK;
}

/* ---- order */

int vonk__sort_compare(const sort_form *f, const sort_entry *a, const sort_entry *b)
{
    if (a->prefix != b->prefix) return a->prefix < b->prefix ? -1 : 1;
    if (f->key_bytes > 8) {
        int c = memcmp(a->row + f->key_at + 8, b->row + f->key_at + 8, f->key_bytes - 8);
        if (c != 0) return c;
    }
    if (!f->exact) {
        int c = vonk_rows_compare(f->layout, f->specs, f->n_keys, a->row, b->row);
        if (c != 0) return c;
    }
    uint64_t pa, pb;
    memcpy(&pa, a->row + f->position_at, sizeof pa);
    memcpy(&pb, b->row + f->position_at, sizeof pb);
    return pa < pb ? -1 : pa > pb;
}

static inline bool less(const sort_form *f, const sort_entry *a, const sort_entry *b)
{
    if (VONK_LIKELY(a->prefix != b->prefix)) return a->prefix < b->prefix;
    return vonk__sort_compare(f, a, b) < 0;
}

static void insertion(const sort_form *f, sort_entry *e, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        sort_entry moving = e[i];
        size_t at = i;
        for (; at > 0 && less(f, &moving, &e[at - 1]); at--) e[at] = e[at - 1];
        e[at] = moving;
    }
}

static void sift(const sort_form *f, sort_entry *e, size_t at, size_t n)
{
    sort_entry moving = e[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && less(f, &e[child], &e[child + 1])) child++;
        if (!less(f, &moving, &e[child])) break;
        e[at] = e[child];
    }
    e[at] = moving;
}

static void heap_sort(const sort_form *f, sort_entry *e, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) sift(f, e, i, n);
    for (size_t i = n; i-- > 1;) {
        sort_entry t = e[0];
        e[0] = e[i];
        e[i] = t;
        sift(f, e, 0, i);
    }
}

static void swap(sort_entry *a, sort_entry *b)
{
    sort_entry t = *a;
    *a = *b;
    *b = t;
}

/* Moves the median of three to e[0] and splits around it: returns where it ends up. */
static size_t split(const sort_form *f, sort_entry *e, size_t n)
{
    sort_entry *a = e, *b = e + n / 2, *c = e + n - 1;
    if (less(f, b, a)) swap(a, b);
    if (less(f, c, b)) {
        swap(b, c);
        if (less(f, b, a)) swap(a, b);
    }
    swap(a, b);
    sort_entry pivot = *a;
    size_t i = 0, j = n;
    for (;;) {
        while (less(f, &e[++i], &pivot) && i + 1 < n) {
        }
        while (less(f, &pivot, &e[--j])) {
        }
        if (i >= j) break;
        swap(&e[i], &e[j]);
    }
    swap(a, &e[j]);
    return j;
}

/* Quicksort, the smaller side first; heap sort when the splits are bad. Already sorted input is seen first. */
static void quick(const sort_form *f, sort_entry *e, size_t n, uint32_t depth)
{
    while (n > 24) {
        if (depth-- == 0) {
            heap_sort(f, e, n);
            return;
        }
        size_t p = split(f, e, n);
        if (p < n - p - 1) {
            quick(f, e, p, depth);
            e += p + 1;
            n -= p + 1;
        } else {
            quick(f, e + p + 1, n - p - 1, depth);
            n = p;
        }
    }
    insertion(f, e, n);
}

void vonk__sort_entries(const sort_form *f, sort_entry *entries, size_t n)
{
    size_t sorted = 1;
    while (sorted < n && less(f, &entries[sorted - 1], &entries[sorted])) sorted++;
    if (sorted >= n) return;
    uint32_t depth = 4;
    for (size_t m = n; m > 1; m >>= 1) depth += 2;
    quick(f, entries, n, depth);
}

/* ---- merging runs in memory: a heap of cursors */

static void heap_down(const sort_form *f, const sort_cursor *cursors, uint32_t *heap, uint32_t n, uint32_t at)
{
    uint32_t moving = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && less(f, cursors[heap[child + 1]].at, cursors[heap[child]].at)) child++;
        if (!less(f, cursors[heap[child]].at, cursors[moving].at)) break;
        heap[at] = heap[child];
    }
    heap[at] = moving;
}

void vonk__sort_heap(const sort_form *f, sort_cursor *cursors, uint32_t n, uint32_t *heap, uint32_t *ret_live)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (cursors[i].at < cursors[i].end) heap[live++] = i;
    }
    for (uint32_t i = live / 2; i-- > 0;) heap_down(f, cursors, heap, live, i);
    *ret_live = live;
}

uint32_t vonk__sort_merge(const sort_form *f, sort_cursor *cursors, uint32_t *heap, uint32_t *n_live, uint8_t **rows,
                          uint32_t room)
{
    uint32_t n = 0;
    while (n < room && *n_live > 0) {
        sort_cursor *c = &cursors[heap[0]];
        rows[n++] = c->at++->row;
        if (*n_live == 1) { /* the rest as it is */
            while (n < room && c->at < c->end) rows[n++] = c->at++->row;
        }
        if (c->at == c->end) heap[0] = heap[--*n_live];
        if (*n_live > 1) heap_down(f, cursors, heap, *n_live, 0);
    }
    return n;
}

vonk_status vonk__sort_output(vonk_op *op, vonk_lane *lane, const sort_form *f, uint8_t *const *rows, uint32_t n,
                              vonk_batch **ret, vonk_error *err)
{
    vonk_column **columns = NULL;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_arena_array(lane->scratch, op->n_columns, sizeof *columns, &columns, err));
    for (uint32_t c = 0; c < op->n_columns && st == VONK_OK; c++)
        st = vonk_rows_gather(lane->budget, f->layout, f->output_at[c], rows, n, &columns[c], err);
    if (st == VONK_OK) return vonk_op_batch(lane, n, columns, op->n_columns, ret, err);
    for (uint32_t c = 0; c < op->n_columns; c++) vonk_column_unref(columns[c]);
    return st;
}
