/* exec/join_table.c -- from keys to build rows: packs or hashes keys, looks them up, compares candidates. */
#include "column/collation.h"
#include "column/rows.h"
#include "exec/join_int.h"
#include "sys/cpu.h"

/* ---- kernels of the machine */

extern const join_kernels vonk__join_kernels_v1, vonk__join_kernels_v3, vonk__join_kernels_v4;
const join_kernels *vonk__join_kernels = &vonk__join_kernels_v1;

__attribute__((constructor)) static void choose_kernels(void)
{
    static const join_kernels *const tables[VONK_N_CPU_LEVEL] = {[VONK_CPU_V1] = &vonk__join_kernels_v1,
                                                                 [VONK_CPU_V3] = &vonk__join_kernels_v3,
                                                                 [VONK_CPU_V4] = &vonk__join_kernels_v4};
    vonk__join_kernels = tables[vonk_cpu_get_level()];
}

/* ---- keys */

static void clear_nulls(const vonk_column *c, vonk_rows rows, uint64_t *keys)
{
    if (!vonk_column_may_have_nulls(c)) return;
    if (c->type->id == VONK_T_NULL || c->encoding == VONK_CONSTANT) {
        if (c->type->id == VONK_T_NULL || vonk_column_is_null(c, 0))
            for (uint32_t k = 0; k < rows.n; k++) keys[k] = JOIN_NO_KEY;
        return;
    }
    for (uint32_t k = 0; k < rows.n; k++)
        if (!vonk_bit_get(c->validity, vonk_row_at(rows, k))) keys[k] = JOIN_NO_KEY;
}

static void pack_bits(const join_pack *p, const uint8_t *bits, vonk_rows rows, bool first, uint64_t *keys)
{
    for (uint32_t k = 0; k < rows.n; k++) {
        uint64_t off = (uint64_t)vonk_bit_get(bits, vonk_row_at(rows, k)) - (uint64_t)p->min, old = first ? 0 : keys[k];
        keys[k] = off > p->range || old == JOIN_NO_KEY ? JOIN_NO_KEY : old + off * p->times;
    }
}

static vonk_status pack_column(const join_pack *p, vonk_budget *budget, const vonk_column *column, vonk_rows rows,
                               bool first, uint64_t *keys, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL;
    VONK_TRY(vonk_column_flatten(budget, column, &flat, err));
    if (flat->type->storage == VONK_STORE_BIT)
        pack_bits(p, flat->data, rows, first, keys);
    else
        vonk__join_kernels->pack((uint32_t)vonk_storage_bytes(flat->type->storage), flat->data, rows.idx, rows.n,
                                 p->min, p->range, p->times, first, keys);
    clear_nulls(flat, rows, keys);
    return VONK_OK;
}

vonk_status vonk__join_pack_keys(const join_table *t, vonk_budget *budget, vonk_column *const *columns, vonk_rows rows,
                                 uint64_t *keys, vonk_error *err)
{
    uint32_t n_keys = t->form->n_keys;
    if (t->packed) {
        for (uint32_t i = 0; i < n_keys; i++)
            VONK_TRY(pack_column(&t->packs[i], budget, columns[i], rows, i == 0, keys, err));
        return VONK_OK;
    }
    for (uint32_t i = 0; i < n_keys; i++) VONK_TRY(vonk_column_hash(columns[i], rows, keys, i == 0, err));
    for (uint32_t k = 0; k < rows.n; k++) keys[k] = keys[k] == JOIN_NO_KEY ? 0 : keys[k];
    for (uint32_t i = 0; i < n_keys; i++) clear_nulls(columns[i], rows, keys);
    return VONK_OK;
}

/* ---- comparing */

#define MATCH(T, equal)                                                                                                \
    do {                                                                                                               \
        const T *x_ = a->data, *y_ = b->data;                                                                          \
        for (uint32_t k = 0; k < n; k++) {                                                                             \
            const T x = x_[a_rows[k]], y = y_[b_rows ? b_rows[k] : k];                                                 \
            match[k] = (uint8_t)(match[k] & (equal));                                                                  \
        }                                                                                                              \
    } while (0)

typedef struct pair64 {
    uint64_t low, high;
} pair64;

static inline bool same_view(const vonk_view *x, vonk_buffer *const *x_heaps, const vonk_view *y,
                             vonk_buffer *const *y_heaps)
{
    if (memcmp(x, y, 8) != 0) return false; /* length and prefix */
    if (x->len <= VONK_VIEW_INLINE) return memcmp(x, y, sizeof *x) == 0;
    return vonk_view_eq(x, x_heaps, y, y_heaps);
}

static void match_strings(const vonk_column *a, const uint32_t *a_rows, const vonk_column *b, const uint32_t *b_rows,
                          uint32_t n, uint8_t *match)
{
    const vonk_view *x = a->data, *y = b->data;
    for (uint32_t k = 0; k < n; k++)
        if (match[k]) match[k] = same_view(&x[a_rows[k]], a->heaps, &y[b_rows ? b_rows[k] : k], b->heaps);
}

static void match_column(const vonk_column *a, const uint32_t *a_rows, const vonk_column *b, const uint32_t *b_rows,
                         uint32_t n, uint8_t *match)
{
    switch (a->type->storage) {
    case VONK_STORE_I8: MATCH(int8_t, x == y); return;
    case VONK_STORE_I16: MATCH(int16_t, x == y); return;
    case VONK_STORE_I32: MATCH(int32_t, x == y); return;
    case VONK_STORE_I64: MATCH(int64_t, x == y); return;
    case VONK_STORE_F32: MATCH(float, x == y || (x != x && y != y)); return;
    case VONK_STORE_F64: MATCH(double, x == y || (x != x && y != y)); return;
    case VONK_STORE_I128:
    case VONK_STORE_INTERVAL: MATCH(pair64, x.low == y.low && x.high == y.high); return;
    case VONK_STORE_VIEW:
        if (!vonk_collation_is_bytes(a->type->collation)) break;
        match_strings(a, a_rows, b, b_rows, n, match);
        return;
    default: break;
    }
    for (uint32_t k = 0; k < n; k++)
        if (match[k]) match[k] = vonk_column_row_eq(a, a_rows[k], b, b_rows ? b_rows[k] : k);
}

void vonk__join_match(vonk_column *const *a, const uint32_t *a_rows, vonk_column *const *b, const uint32_t *b_rows,
                      uint32_t n_columns, uint32_t n, uint8_t *match)
{
    for (uint32_t i = 0; i < n_columns; i++) match_column(a[i], a_rows, b[i], b_rows, n, match);
}

/* ---- hashed, and the hash is not the key */

typedef struct candidates {
    uint32_t n;
    uint32_t *who, *build_rows, *probe_rows;
    uint8_t *match;
} candidates;

/* Another entry of the same hash: two keys collide in 64 bits. */
static void look_further(const join_table *t, vonk_column *const *columns, uint32_t probe_row, uint64_t key,
                         uint64_t at, uint32_t *ret_first, uint32_t *ret_count)
{
    *ret_count = 0;
    *ret_first = JOIN_NONE;
    for (at++; at < t->n_entries && t->entries[at].key == key; at++) {
        const join_entry *e = &t->entries[at];
        uint32_t row = e->count == 1 ? e->first : t->list[e->first];
        bool same = true;
        for (uint32_t i = 0; i < t->form->n_keys && same; i++)
            same = vonk_column_row_eq(t->flat_keys[i], row, columns[i], probe_row);
        if (!same) continue;
        *ret_first = e->first;
        *ret_count = e->count;
        return;
    }
}

static vonk_status room_for_candidates(vonk_arena *scratch, uint32_t n, candidates *c, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *c->who, &c->who, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *c->build_rows, &c->build_rows, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *c->probe_rows, &c->probe_rows, err));
    return vonk_arena_array(scratch, n, sizeof *c->match, &c->match, err);
}

static vonk_status look_up_hashes(const join_table *t, vonk_lane *lane, vonk_column *const *columns, vonk_rows rows,
                                  const uint64_t *keys, uint32_t *first, uint32_t *counts, vonk_error *err)
{
    vonk_column **flat = NULL;
    uint64_t *at = NULL;
    candidates c = {0};
    uint32_t n_keys = t->form->n_keys, n_flat = 0;
    vonk_status st = VONK_OK;
    VONK_TRY(vonk_arena_array(lane->scratch, rows.n, sizeof *at, &at, err));
    VONK_TRY(vonk_arena_array(lane->scratch, n_keys, sizeof(vonk_column *), &flat, err));
    VONK_TRY(room_for_candidates(lane->scratch, rows.n, &c, err));
    vonk__join_kernels->hashed(&t->dir, rows.n, keys, first, counts, at);
    for (uint32_t k = 0; k < rows.n; k++) {
        if (counts[k] == 0) continue;
        c.who[c.n] = k;
        c.build_rows[c.n] = counts[k] == 1 ? first[k] : t->list[first[k]];
        c.probe_rows[c.n] = vonk_row_at(rows, k);
        c.match[c.n++] = 1;
    }
    for (; st == VONK_OK && n_flat < n_keys; n_flat++)
        st = vonk_column_flatten(lane->budget, columns[n_flat], &flat[n_flat], err);
    if (st == VONK_OK) {
        vonk__join_match(t->flat_keys, c.build_rows, flat, c.probe_rows, n_keys, c.n, c.match);
        for (uint32_t i = 0; i < c.n; i++) {
            uint32_t k = c.who[i];
            if (!c.match[i]) look_further(t, flat, c.probe_rows[i], keys[k], at[k], &first[k], &counts[k]);
        }
    }
    for (uint32_t i = 0; i < n_flat; i++) vonk_column_unref(flat[i]);
    return st;
}

/* ---- look-up */

static vonk_status look_up_keys(const join_table *t, vonk_lane *lane, vonk_column *const *columns, vonk_rows rows,
                                const uint64_t *keys, uint32_t *first, uint32_t *counts, vonk_error *err)
{
    uint32_t n = rows.n;
    switch (t->kind) {
    case JOIN_RANGE:
        for (uint32_t k = 0; k < n; k++) first[k] = keys[k] <= t->most ? (uint32_t)keys[k] : JOIN_NONE;
        return VONK_OK;
    case JOIN_RANKED: vonk__join_kernels->ranked(t->words, t->most, n, keys, first); return VONK_OK;
    case JOIN_DIRECT: vonk__join_kernels->direct(t->cells, t->most, n, keys, first); return VONK_OK;
    case JOIN_DIRECT_LISTS:
        vonk__join_kernels->direct_lists(t->cells, t->list, t->most, n, keys, first, counts);
        return VONK_OK;
    case JOIN_HASHED:
        if (t->packed && t->unique) {
            vonk__join_kernels->hashed_unique(&t->dir, n, keys, first);
        } else if (t->packed) {
            uint64_t *at = NULL;
            VONK_TRY(vonk_arena_array(lane->scratch, n, sizeof *at, &at, err));
            vonk__join_kernels->hashed(&t->dir, n, keys, first, counts, at);
        } else {
            VONK_TRY(look_up_hashes(t, lane, columns, rows, keys, first, counts, err));
            for (uint32_t k = 0; t->unique && k < n; k++) first[k] = counts[k] ? first[k] : JOIN_NONE;
        }
        return VONK_OK;
    default: break;
    }
    assert(t->kind == JOIN_EMPTY);
    for (uint32_t k = 0; k < n; k++) first[k] = JOIN_NONE;
    for (uint32_t k = 0; k < n; k++) counts[k] = 0;
    return VONK_OK;
}

/* A word of a dictionary is looked up once. */
static vonk_status look_up_words(const join_table *t, vonk_lane *lane, const vonk_column *column, vonk_rows rows,
                                 uint32_t *first, uint32_t *counts, vonk_error *err)
{
    vonk_column *words = column->children[0];
    const uint32_t *codes = column->data;
    uint32_t *word_first = NULL, *word_counts = NULL;
    uint64_t *keys = NULL;
    vonk_rows all = VONK_ALL_ROWS(words->n_rows);
    VONK_TRY(vonk_arena_array(lane->scratch, all.n, sizeof *keys, &keys, err));
    VONK_TRY(vonk_arena_array(lane->scratch, all.n, sizeof *word_first, &word_first, err));
    VONK_TRY(vonk_arena_array(lane->scratch, all.n, sizeof *word_counts, &word_counts, err));
    VONK_TRY(vonk__join_pack_keys(t, lane->budget, &words, all, keys, err));
    VONK_TRY(look_up_keys(t, lane, &words, all, keys, word_first, word_counts, err));
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t row = vonk_row_at(rows, k);
        bool valid = !column->validity || vonk_bit_get(column->validity, row);
        first[k] = valid ? word_first[codes[row]] : JOIN_NONE;
        counts[k] = valid ? word_counts[codes[row]] : 0;
    }
    return VONK_OK;
}

vonk_status vonk__join_lookup(const join_table *t, vonk_lane *lane, vonk_column *const *columns, vonk_rows rows,
                              uint64_t *keys, uint32_t *first, uint32_t *counts, vonk_error *err)
{
    const vonk_column *c = columns[0];
    if (t->form->n_keys == 1 && c->encoding == VONK_DICTIONARY && c->children[0]->n_rows <= rows.n &&
        c->children[0]->n_rows > 0)
        return look_up_words(t, lane, c, rows, first, counts, err);
    if (t->kind != JOIN_EMPTY) VONK_TRY(vonk__join_pack_keys(t, lane->budget, columns, rows, keys, err));
    return look_up_keys(t, lane, columns, rows, keys, first, counts, err);
}

/* ---- end */

void vonk__join_table_free(join_table *t)
{
    if (!t) return;
    for (uint32_t i = 0; t->columns && i < t->n_columns; i++) vonk_column_unref(t->columns[i]);
    for (uint32_t i = 0; t->flat_keys && i < t->form->n_keys; i++) vonk_column_unref(t->flat_keys[i]);
    vonk_free(t->columns);
    vonk_free(t->flat_keys);
    vonk_free(t->packs);
    vonk_free(t->words);
    vonk_free(t->cells);
    vonk_free(t->list);
    vonk_free(t->bases);
    vonk_free(t->entries);
    vonk_free(t->null_rows);
    vonk_free((void *)t->flags);
    vonk_free(t);
}
