/* exec/agg_table.c -- finding the groups of a batch: linear probing over (tag, row) slots, in rounds over the rows that
 * are not settled yet.
 *
 * Arithmetic (per row, 4096 rows a batch): hash read + slot read (L2: 4 ns) + one stored row (L2/L3: 5 to 20 ns,
 * overlapping), compared once. 6 M rows of Q1 do not come here (agg_direct); 6 M of Q18 do, about 25 ns each: 75 ms on
 * two threads. */
#include "exec/agg_int.h"

#define TAG_SHIFT 48
#define ROW_MASK ((UINT64_C(1) << TAG_SHIFT) - 1)
#define CLAIMED UINT64_C(1) /* row is being made */

static inline uint64_t tag_of(uint64_t hash) { return hash << TAG_SHIFT; }
static inline uint8_t *row_of(uint64_t slot) { return (uint8_t *)(uintptr_t)(slot & ROW_MASK); }

vonk_status vonk__agg_scratch(agg_scratch *x, vonk_budget *budget, uint32_t n, vonk_error *err)
{
    if (n <= x->room) return VONK_OK;
    uint32_t room = n < 64 ? 64 : n;
    char *p = NULL;
    /* one block: 8-byte arrays first */
    VONK_TRY(vonk_alloc(budget, (size_t)room * (5 * 8 + 7 * 4 + 1), &p, err));
    vonk_free(x->hashes);
    x->room = room;
    x->hashes = (uint64_t *)(void *)p;
    x->positions = x->hashes + room;
    x->rows = (uint8_t **)(void *)(x->positions + room);
    x->states = x->rows + room;
    x->sub_rows = x->states + room;
    x->left = (uint32_t *)(void *)(x->sub_rows + room);
    x->compare = x->left + room;
    x->fresh = x->compare + room;
    x->slot_of = x->fresh + room;
    x->idx = x->slot_of + room;
    x->codes = x->idx + room;
    x->order = x->codes + room;
    x->match = (uint8_t *)(x->order + room);
    return VONK_OK;
}

void vonk__agg_scratch_done(agg_scratch *x)
{
    vonk_free(x->hashes);
    *x = (agg_scratch){0};
}

static void put(agg_table *t, uint64_t hash, uint8_t *row)
{
    uint32_t mask = (1u << t->log2) - 1;
    uint32_t at = agg_slot(hash, t->log2);
    while (t->slots[at]) at = (at + 1) & mask;
    t->slots[at] = tag_of(hash) | (uint64_t)(uintptr_t)row;
}

/* Room for `groups` groups altogether at half load. */
vonk_status vonk__agg_table_room(const agg_shared *s, agg_table *t, vonk_budget *budget, uint64_t groups,
                                 vonk_error *err)
{
    uint32_t log2 = t->slots ? t->log2 : 8;
    while ((UINT64_C(1) << log2) < groups * 2 && log2 < 31) log2++;
    if (t->slots && log2 == t->log2) return VONK_OK;
    agg_table bigger = {.log2 = log2, .n_groups = t->n_groups};
    VONK_TRY(vonk_alloc_zeroed(budget, sizeof(uint64_t) << log2, &bigger.slots, err));
    for (uint64_t i = 0; t->slots && i < UINT64_C(1) << t->log2; i++) {
        if (t->slots[i]) put(&bigger, *agg_hash_of(&s->groups, row_of(t->slots[i])), row_of(t->slots[i]));
    }
    vonk_free(t->slots);
    *t = bigger;
    return VONK_OK;
}

void vonk__agg_table_clear(agg_table *t)
{
    if (t->n_groups) memset(t->slots, 0, sizeof(uint64_t) << t->log2);
    t->n_groups = 0;
}

/* ---- new groups */

static void init_row(const agg_form *f, const agg_input *in, uint32_t k, uint8_t *row)
{
    *agg_hash_of(f, row) = in->hashes[k];
    *agg_position_of(f, row) = in->positions ? in->positions[k] : in->first_position + k;
    if (f->partition_at) *agg_partition_of(f, row) = in->partitions ? in->partitions[k] : in->partition;
}

static void init_states(const agg_shared *s, uint8_t *const *rows, uint32_t n)
{
    for (uint32_t f = 0; f < s->n_fns; f++) {
        const agg_fn *fn = &s->fns[f];
        if (!fn->agg->init) continue;
        for (uint32_t i = 0; i < n; i++) fn->agg->init(fn->call, rows[i] + fn->state_at);
    }
}

static uint32_t part_at(const agg_shared *s, const vonk_op *op, const agg_input *in, uint32_t k)
{
    return agg_part_of(s, op, in->hashes[k], in->partitions ? in->partitions[k] : in->partition);
}

/* Appends the rows k in list[0..n) (ascending; NULL: 0..n-1) to `store`; their addresses go to x->rows[k]. Uses x->idx
 * and x->sub_rows from `at` on. */
static vonk_status append_to(vonk_row_store *store, agg_scratch *x, const agg_input *in, const uint32_t *list,
                             uint32_t n, vonk_error *err)
{
    vonk_rows some = in->rows;
    if (list) {
        for (uint32_t i = 0; i < n; i++) x->idx[i] = vonk_row_at(in->rows, list[i]);
        some = (vonk_rows){x->idx, n};
    }
    VONK_TRY(vonk_row_store_append(store, in->keys, some, x->sub_rows, err));
    for (uint32_t i = 0; i < n; i++) x->rows[list ? list[i] : i] = x->sub_rows[i];
    return VONK_OK;
}

/* list[0..n) sorted stably by part into x->order; first[p] .. first[p + 1] is part p's piece. */
static void sort_by_part(const agg_shared *s, const vonk_op *op, agg_scratch *x, const agg_input *in,
                         const uint32_t *list, uint32_t n, uint32_t first[AGG_PARTS + 1])
{
    uint32_t at[AGG_PARTS] = {0};
    for (uint32_t i = 0; i < n; i++) at[part_at(s, op, in, list ? list[i] : i)]++;
    first[0] = 0;
    for (uint32_t p = 0; p < AGG_PARTS; p++) {
        first[p + 1] = first[p] + at[p];
        at[p] = first[p];
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = list ? list[i] : i;
        x->order[at[part_at(s, op, in, k)]++] = k;
    }
}

static vonk_status append(const agg_shared *s, const vonk_op *op, agg_scratch *x, const agg_dest *dest,
                          const agg_input *in, const uint32_t *list, uint32_t n, vonk_error *err)
{
    uint32_t first[AGG_PARTS + 1];
    if (n == 0) return VONK_OK;
    if (!dest->parts) {
        VONK_TRY(append_to(dest->one, x, in, list, n, err));
    } else {
        sort_by_part(s, op, x, in, list, n, first);
        for (uint32_t p = 0; p < AGG_PARTS; p++) {
            if (first[p + 1] > first[p])
                VONK_TRY(append_to(dest->parts[p], x, in, x->order + first[p], first[p + 1] - first[p], err));
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = list ? list[i] : i;
        x->sub_rows[i] = x->rows[k];
        init_row(dest->form, in, k, x->rows[k]);
    }
    if (dest->form->with_states) init_states(s, x->sub_rows, n);
    return VONK_OK;
}

vonk_status vonk__agg_append(const agg_shared *s, vonk_op *op, agg_scratch *x, const agg_dest *dest,
                             const agg_input *in, vonk_error *err)
{
    return append(s, op, x, dest, in, NULL, in->rows.n, err);
}

/* ---- rounds */

typedef struct round_result {
    uint32_t n_fresh, n_compare;
} round_result;

/* Walks each row of left[0..n) from its slot on to a free slot, which it claims, or to one with its tag. */
static round_result probe(agg_table *t, agg_scratch *x, const uint64_t *hashes, const uint32_t *left, uint32_t n)
{
    uint64_t *restrict slots = t->slots;
    uint32_t mask = (1u << t->log2) - 1;
    round_result r = {0};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = left[i], at = x->slot_of[k];
        uint64_t tag = tag_of(hashes[k]), slot;
        while ((slot = slots[at]) != 0 && (slot & ~ROW_MASK) != tag) at = (at + 1) & mask;
        x->slot_of[k] = at;
        if (slot == 0) {
            slots[at] = tag | CLAIMED;
            x->fresh[r.n_fresh++] = k;
        } else {
            x->compare[r.n_compare++] = k;
        }
    }
    return r;
}

/* The same for one integral key without nulls among the rows: a stored row with that key settles the row at once. Reads
 * one cache line of the stored row. */
#define DEFINE_PROBE(name, ctype)                                                                                      \
    static round_result name(const agg_shared *s, agg_table *t, agg_scratch *x, const agg_input *in, uint32_t n)       \
    {                                                                                                                  \
        uint64_t *restrict slots = t->slots;                                                                           \
        const uint64_t *restrict hashes = in->hashes;                                                                  \
        const ctype *restrict keys = VONK_VALUES(in->keys[0], ctype);                                                  \
        const uint32_t *idx = in->rows.idx;                                                                            \
        uint32_t mask = (1u << t->log2) - 1, key_at = s->groups.layout->offsets[0];                                    \
        round_result r = {0};                                                                                          \
        for (uint32_t k = 0; k < n; k++) {                                                                             \
            uint32_t at = agg_slot(hashes[k], t->log2);                                                                \
            uint64_t tag = tag_of(hashes[k]), slot;                                                                    \
            ctype key = keys[idx ? idx[k] : k];                                                                        \
            for (;; at = (at + 1) & mask) {                                                                            \
                slot = slots[at];                                                                                      \
                if (slot == 0) {                                                                                       \
                    slots[at] = tag | CLAIMED;                                                                         \
                    x->slot_of[k] = at;                                                                                \
                    x->fresh[r.n_fresh++] = k;                                                                         \
                    break;                                                                                             \
                }                                                                                                      \
                if ((slot & ~ROW_MASK) != tag) continue;                                                               \
                const uint8_t *row = row_of(slot);                                                                     \
                if ((slot & ROW_MASK) == CLAIMED) { /* by a row of this batch: settled in the next round */            \
                    x->slot_of[k] = at;                                                                                \
                    x->compare[r.n_compare++] = k;                                                                     \
                    break;                                                                                             \
                }                                                                                                      \
                if (*(const ctype *)(const void *)(row + key_at) == key && (row[0] & 1)) {                             \
                    x->rows[k] = (uint8_t *)(uintptr_t)row;                                                            \
                    break;                                                                                             \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
        return r;                                                                                                      \
    }
DEFINE_PROBE(probe_i32, int32_t)
DEFINE_PROBE(probe_i64, int64_t)

/* Settles rows of x->compare whose group is in their slot; the others move on by one slot and are left in x->left. */
static vonk_status compare(const agg_shared *s, agg_table *t, agg_scratch *x, const agg_input *in, uint32_t n,
                           uint32_t *ret_left, vonk_error *err)
{
    uint32_t mask = (1u << t->log2) - 1, n_left = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = x->compare[i];
        x->sub_rows[i] = row_of(t->slots[x->slot_of[k]]);
        x->idx[i] = vonk_row_at(in->rows, k);
        x->match[i] = *agg_hash_of(&s->groups, x->sub_rows[i]) == in->hashes[k];
    }
    VONK_TRY(vonk_rows_match(s->groups.layout, s->n_keys, x->sub_rows, in->keys, (vonk_rows){x->idx, n}, true, x->match,
                             err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = x->compare[i];
        if (x->match[i]) {
            x->rows[k] = x->sub_rows[i];
        } else {
            x->slot_of[k] = (x->slot_of[k] + 1) & mask;
            x->left[n_left++] = k;
        }
    }
    *ret_left = n_left;
    return VONK_OK;
}

vonk_status vonk__agg_find(const agg_shared *s, vonk_op *op, agg_table *t, agg_scratch *x, const agg_dest *dest,
                           const agg_input *in, uint32_t *ret_added, vonk_error *err)
{
    uint32_t n = in->rows.n, added = 0;
    bool by_int = s->int_key && in->keys[0]->encoding == VONK_FLAT && !in->keys[0]->validity;
    for (uint32_t k = 0; k < n && !by_int; k++) {
        x->slot_of[k] = agg_slot(in->hashes[k], t->log2);
        x->left[k] = k;
    }
    for (uint32_t n_left = n; n_left > 0; by_int = false) {
        round_result r;
        if (by_int)
            r = s->int_key == 4 ? probe_i32(s, t, x, in, n) : probe_i64(s, t, x, in, n);
        else
            r = probe(t, x, in->hashes, x->left, n_left);
        vonk_status st = append(s, op, x, dest, in, x->fresh, r.n_fresh, err);
        for (uint32_t i = 0; i < r.n_fresh; i++) { /* also after a failure: no claimed slot stays */
            uint32_t k = x->fresh[i];
            t->slots[x->slot_of[k]] = st == VONK_OK ? tag_of(in->hashes[k]) | (uint64_t)(uintptr_t)x->rows[k] : 0;
        }
        VONK_TRY(st);
        added += r.n_fresh;
        t->n_groups += r.n_fresh;
        n_left = 0;
        if (r.n_compare > 0) VONK_TRY(compare(s, t, x, in, r.n_compare, &n_left, err));
    }
    *ret_added = added;
    return VONK_OK;
}
