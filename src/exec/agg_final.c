/* exec/agg_final.c -- the end of a hash aggregate: rows of all lanes and of the disk become groups, part by part;
 * groups go out.
 *
 * Rows in memory are not copied: the first row of a group is the group, the others are combined into it. */
#include "exec/agg_int.h"

#define COMBINE_ROWS 1024
#define SMALL_ROWS 8192 /* fewer rows are merged at once, without steps */

typedef struct merging {
    vonk_op *op;
    agg_shared *s;
    vonk_lane *lane;
    agg_part *part;
    agg_table table;
    agg_scratch scratch;
    void **fn_locals;
    uint32_t n_pairs;
    uint8_t *from[COMBINE_ROWS], *into[COMBINE_ROWS], *states[2][COMBINE_ROWS];
} merging;

static vonk_status merge_range(vonk_op *op, vonk_lane *lane, uint32_t from, uint32_t to, agg_part *part,
                               vonk_error *err);

vonk_status vonk__agg_lane_merge(agg_lane *l, vonk_error *err)
{
    vonk_free(l->table.slots);
    l->table = (agg_table){0};
    l->direct.valid = false;
    atomic_store(&l->bytes, 0);
    vonk__agg_scratch_done(&l->scratch);
    return vonk__agg_scatter(l, l->op->budget, err);
}

static uint64_t part_rows(const agg_shared *s, uint32_t p)
{
    uint64_t n = s->spilled[p].n_rows;
    for (const agg_lane *l = s->lanes; l; l = l->next)
        n += l->first[p + 1] - l->first[p] + (l->dest.parts ? vonk_row_store_n(l->parts[p]) : 0);
    return n;
}

/* Few groups: in Spark's order. Runs once, when everything is merged. */
static vonk_status decide_order(vonk_op *op, vonk_lane *lane, vonk_error *err)
{
    agg_shared *s = op->shared;
    if (s->n_groups > AGG_ORDERED_GROUPS) return VONK_OK;
    return vonk__agg_order_groups(op, lane, err);
}

vonk_status vonk__agg_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    agg_shared *s = op->shared;
    uint64_t n = 0;
    if (s->spill_status != VONK_OK) {
        vonk_error_copy(err, &s->spill_error);
        return s->spill_status;
    }
    for (uint32_t p = 0; p < AGG_PARTS; p++) n += part_rows(s, p);
    if (n > SMALL_ROWS) {
        *ret_steps = AGG_PARTS;
        return VONK_OK;
    }
    VONK_TRY(merge_range(op, lane, 0, AGG_PARTS, &s->parts[0], err));
    for (uint32_t p = 1; p < AGG_PARTS; p++) s->parts[p].merged = true;
    return decide_order(op, lane, err);
}

vonk_status vonk__agg_step(vonk_op *op, vonk_lane *lane, uint32_t i, vonk_error *err)
{
    agg_shared *s = op->shared;
    /* Many groups: their order is that of parts, so what is not merged yet is merged when it goes out. */
    if (s->partitioned || s->n_groups <= AGG_ORDERED_GROUPS)
        VONK_TRY(merge_range(op, lane, i, i + 1, &s->parts[i], err));
    if (atomic_fetch_add(&s->n_stepped, 1) + 1 == AGG_PARTS) return decide_order(op, lane, err);
    return VONK_OK;
}

void vonk__agg_part_free(agg_shared *s, agg_part *part)
{
    vonk_free(part->rows);
    vonk_row_store_free(part->own);
    vonk_arena_free(part->heap);
    part->rows = NULL;
    part->own = NULL;
    part->heap = NULL;
    part->n_rows = 0;
}

/* ---- combining */

static vonk_status combine_fn(merging *m, const agg_fn *f, vonk_error *err)
{
    vonk_column *saved[AGG_MAX_SAVED] = {NULL};
    for (uint32_t i = 0; i < m->n_pairs; i++) {
        m->states[0][i] = m->from[i] + f->state_at;
        m->states[1][i] = m->into[i] + f->state_at;
    }
    if (f->agg->combine)
        return f->agg->combine(f->call, &m->lane->ev, m->part->heap, m->states[0], m->states[1], m->n_pairs, err);
    VONK_TRY(vonk__agg_save(f, &m->lane->ev, m->states[0], m->n_pairs, saved, err));
    vonk_status st =
        f->agg->merge(f->call, &m->lane->ev, m->part->heap, saved, VONK_ALL_ROWS(m->n_pairs), m->states[1], err);
    for (uint32_t i = 0; i < f->n_saved; i++) vonk_column_unref(saved[i]);
    return st;
}

static vonk_status combine(merging *m, vonk_error *err)
{
    const agg_form *form = &m->s->groups;
    if (m->n_pairs == 0) return VONK_OK;
    for (uint32_t i = 0; i < m->n_pairs; i++) {
        uint64_t *a = agg_position_of(form, m->into[i]), *b = agg_position_of(form, m->from[i]);
        if (*b < *a) *a = *b;
    }
    for (uint32_t f = 0; f < m->s->n_fns; f++) {
        m->lane->ev.local = m->fn_locals[f];
        VONK_TRY(combine_fn(m, &m->s->fns[f], err));
    }
    m->n_pairs = 0;
    vonk_arena_reset(m->lane->scratch);
    return VONK_OK;
}

/* Are the keys of two stored rows (with equal hashes) equal? Equal bytes are enough; else nulls, strings and floats
 * decide. */
static bool keys_equal(const agg_shared *s, const uint8_t *a, const uint8_t *b)
{
    const vonk_row_layout *layout = s->groups.layout;
    if (memcmp(a, b, layout->extra_at) == 0) return true;
    return vonk_rows_compare(layout, s->zero_specs, s->n_keys, a, b) == 0;
}

static vonk_status adopt(merging *m, uint8_t *row, vonk_error *err)
{
    const agg_form *form = &m->s->groups;
    uint64_t hash = *agg_hash_of(form, row), slot;
    uint32_t mask = (1u << m->table.log2) - 1, at = agg_slot(hash, m->table.log2);
    for (; (slot = m->table.slots[at]) != 0; at = (at + 1) & mask) {
        if (slot >> 48 != (hash & 0xffff)) continue;
        uint8_t *group = (uint8_t *)(uintptr_t)(slot & ((UINT64_C(1) << 48) - 1));
        if (*agg_hash_of(form, group) != hash || !keys_equal(m->s, group, row)) continue;
        m->from[m->n_pairs] = row;
        m->into[m->n_pairs++] = group;
        return m->n_pairs == COMBINE_ROWS ? combine(m, err) : VONK_OK;
    }
    m->table.slots[at] = hash << 48 | (uint64_t)(uintptr_t)row;
    m->table.n_groups++;
    return VONK_OK;
}

static vonk_status adopt_lane(merging *m, const agg_lane *l, uint32_t p, vonk_error *err)
{
    for (uint64_t i = l->first[p]; i < l->first[p + 1]; i++) VONK_TRY(adopt(m, l->scattered[i], err));
    if (!l->dest.parts) return VONK_OK;
    uint8_t *rows[512];
    uint64_t n = vonk_row_store_n(l->parts[p]);
    for (uint64_t i = 0; i < n;) {
        uint32_t some = n - i < VONK_COUNTOF(rows) ? (uint32_t)(n - i) : (uint32_t)VONK_COUNTOF(rows);
        vonk_row_store_addresses(l->parts[p], i, some, rows);
        for (uint32_t k = 0; k < some; k++) VONK_TRY(adopt(m, rows[k], err));
        i += some;
    }
    return VONK_OK;
}

/* ---- rows from disk */

/* Groups of the columns' rows, then their states or values into them. */
static vonk_status take_columns(merging *m, vonk_column *const *columns, uint32_t n, const uint64_t *hashes,
                                const uint64_t *positions, const int32_t *partitions, bool as_saved, vonk_error *err)
{
    agg_shared *s = m->s;
    agg_scratch *x = &m->scratch;
    agg_dest dest = {.form = &s->groups, .one = m->part->own};
    vonk_rows rows = VONK_ALL_ROWS(n);
    uint32_t added = 0;
    agg_input in = {.keys = columns, .rows = rows, .hashes = hashes, .positions = positions, .partitions = partitions};
    VONK_TRY(vonk__agg_scratch(x, m->op->budget, n, err));
    VONK_TRY(vonk__agg_table_room(s, &m->table, m->op->budget, (uint64_t)m->table.n_groups + n, err));
    VONK_TRY(vonk__agg_find(s, m->op, &m->table, x, &dest, &in, &added, err));
    for (uint32_t k = 0; k < n; k++) {
        uint64_t *at = agg_position_of(&s->groups, x->rows[k]);
        if (positions[k] < *at) *at = positions[k];
    }
    if (!as_saved) return vonk__agg_update(s, m->lane, m->fn_locals, columns, rows, x->rows, x, m->part->heap, err);
    for (uint32_t f = 0; f < s->n_fns; f++) {
        const agg_fn *fn = &s->fns[f];
        for (uint32_t k = 0; k < n; k++) x->states[k] = x->rows[k] + fn->state_at;
        m->lane->ev.local = m->fn_locals[f];
        VONK_TRY(fn->agg->merge(fn->call, &m->lane->ev, m->part->heap, columns + s->n_keys + fn->first_saved, rows,
                                x->states, err));
    }
    return VONK_OK;
}

static vonk_status flat_columns(vonk_batch *b, vonk_budget *budget, vonk_error *err)
{
    for (uint32_t i = 0; i < b->n_columns; i++) {
        vonk_column *flat = NULL;
        if (b->columns[i]->encoding == VONK_FLAT) continue;
        VONK_TRY(vonk_column_flatten(budget, b->columns[i], &flat, err));
        vonk_column_unref(b->columns[i]);
        b->columns[i] = flat;
    }
    return VONK_OK;
}

static vonk_status read_states(merging *m, vonk_spill_ref ref, vonk_error *err)
{
    agg_shared *s = m->s;
    VONK_AUTO(vonk_batch_unref) vonk_batch *b = NULL;
    VONK_TRY(vonk_spill_get(s->file, ref, m->op->budget, &b, err));
    VONK_TRY(flat_columns(b, m->op->budget, err)); /* ours alone: it was just made */
    uint32_t tail = s->n_spill_types - 3;
    VONK_TRY(take_columns(m, b->columns, b->n_rows, VONK_VALUES(b->columns[tail + 1], uint64_t),
                          VONK_VALUES(b->columns[tail], uint64_t), VONK_VALUES(b->columns[tail + 2], int32_t), true,
                          err));
    vonk_arena_reset(m->lane->scratch);
    return VONK_OK;
}

static vonk_status merge_states(merging *m, uint32_t p, vonk_error *err)
{
    for (const agg_lane *l = m->s->lanes; l; l = l->next) VONK_TRY(adopt_lane(m, l, p, err));
    VONK_TRY(combine(m, err));
    for (size_t i = 0; i < m->s->spilled[p].refs.n; i++) VONK_TRY(read_states(m, m->s->spilled[p].refs.at[i], err));
    return VONK_OK;
}

/* ---- raw rows, in order of position */

typedef struct placed_row {
    uint64_t position;
    uint8_t *row;
} placed_row;

/* Stable, by position; 8 bits at a time, digits that are all equal are skipped. */
static placed_row *sort_rows(placed_row *a, placed_row *b, uint64_t n)
{
    for (uint32_t shift = 0; shift < 64; shift += 8) {
        uint64_t at[256] = {0}, sum = 0;
        for (uint64_t i = 0; i < n; i++) at[a[i].position >> shift & 255]++;
        if (n == 0 || at[a[0].position >> shift & 255] == n) continue;
        for (uint32_t d = 0; d < 256; d++) {
            uint64_t count = at[d];
            at[d] = sum;
            sum += count;
        }
        for (uint64_t i = 0; i < n; i++) b[at[a[i].position >> shift & 255]++] = a[i];
        placed_row *t = a;
        a = b;
        b = t;
    }
    return a;
}

static vonk_status read_raw(merging *m, uint32_t p, vonk_row_store *store, vonk_error *err)
{
    agg_shared *s = m->s;
    uint32_t tail = s->n_spill_types - 3;
    for (size_t i = 0; i < s->spilled[p].refs.n; i++) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *b = NULL;
        VONK_TRY(vonk_spill_get(s->file, s->spilled[p].refs.at[i], m->op->budget, &b, err));
        VONK_TRY(flat_columns(b, m->op->budget, err));
        VONK_TRY(vonk__agg_scratch(&m->scratch, m->op->budget, b->n_rows, err));
        VONK_TRY(vonk_row_store_append(store, b->columns, VONK_ALL_ROWS(b->n_rows), m->scratch.rows, err));
        for (uint32_t k = 0; k < b->n_rows; k++) {
            uint8_t *row = m->scratch.rows[k];
            *agg_position_of(&s->raw, row) = VONK_VALUES(b->columns[tail], uint64_t)[k];
            *agg_hash_of(&s->raw, row) = VONK_VALUES(b->columns[tail + 1], uint64_t)[k];
            if (s->raw.partition_at) *agg_partition_of(&s->raw, row) = VONK_VALUES(b->columns[tail + 2], int32_t)[k];
        }
    }
    return VONK_OK;
}

static vonk_status take_raw(merging *m, const placed_row *rows, uint32_t n, vonk_error *err)
{
    agg_shared *s = m->s;
    vonk_arena *scratch = m->lane->scratch;
    uint8_t **at = NULL;
    uint64_t *hashes = NULL, *positions = NULL;
    int32_t *partitions = NULL;
    vonk_column **columns = NULL;
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *at, &at, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *hashes, &hashes, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *positions, &positions, err));
    VONK_TRY(vonk_arena_array(scratch, n, sizeof *partitions, &partitions, err));
    VONK_TRY(vonk_arena_array(scratch, s->n_values, sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < n; i++) {
        at[i] = rows[i].row;
        hashes[i] = *agg_hash_of(&s->raw, at[i]);
        positions[i] = rows[i].position;
        partitions[i] = s->raw.partition_at ? *agg_partition_of(&s->raw, at[i]) : 0;
    }
    vonk_status st = VONK_OK;
    for (uint32_t c = 0; c < s->n_values && st == VONK_OK; c++)
        st = vonk_rows_gather(m->op->budget, s->raw.layout, c, at, n, &columns[c], err);
    if (st == VONK_OK) st = take_columns(m, columns, n, hashes, positions, partitions, false, err);
    for (uint32_t c = 0; c < s->n_values; c++) vonk_column_unref(columns[c]);
    vonk_arena_reset(scratch);
    return st;
}

static uint64_t place_rows(const agg_shared *s, const vonk_row_store *store, placed_row *into)
{
    uint8_t *rows[512];
    uint64_t n = vonk_row_store_n(store);
    for (uint64_t i = 0; i < n;) {
        uint32_t some = n - i < VONK_COUNTOF(rows) ? (uint32_t)(n - i) : (uint32_t)VONK_COUNTOF(rows);
        vonk_row_store_addresses(store, i, some, rows);
        for (uint32_t k = 0; k < some; k++) into[i + k] = (placed_row){*agg_position_of(&s->raw, rows[k]), rows[k]};
        i += some;
    }
    return n;
}

static vonk_status merge_sorted(merging *m, uint32_t p, vonk_row_store *from_disk, placed_row *a, placed_row *b,
                                vonk_error *err)
{
    agg_shared *s = m->s;
    uint64_t n = 0, batch = vonk_exec_batch_rows(m->op->exec);
    for (const agg_lane *l = s->lanes; l; l = l->next) n += l->dest.parts ? place_rows(s, l->parts[p], a + n) : 0;
    n += place_rows(s, from_disk, a + n);
    a = sort_rows(a, b, n);
    for (uint64_t i = 0; i < n; i += batch)
        VONK_TRY(take_raw(m, a + i, (uint32_t)(n - i < batch ? n - i : batch), err));
    return VONK_OK;
}

static vonk_status merge_raw(merging *m, uint32_t p, vonk_error *err)
{
    VONK_AUTO(vonk_row_store_free) vonk_row_store *from_disk = NULL;
    placed_row *a = NULL;
    uint64_t n = part_rows(m->s, p);
    VONK_TRY(vonk_row_store_new(m->op->budget, m->s->raw.layout, &from_disk, err));
    VONK_TRY(read_raw(m, p, from_disk, err));
    VONK_TRY(vonk_alloc_array(m->op->budget, 2 * n + 1, sizeof *a, &a, err));
    vonk_status st = merge_sorted(m, p, from_disk, a, a + n, err);
    vonk_free(a);
    return st;
}

/* ---- a part's groups, sorted by (partition, hash, keys) */

typedef struct hashed_row {
    uint64_t hash;
    uint8_t *row;
} hashed_row;

static bool before(const agg_shared *s, const hashed_row *a, const hashed_row *b)
{
    if (s->partitioned) {
        int32_t pa = *agg_partition_of(&s->groups, a->row), pb = *agg_partition_of(&s->groups, b->row);
        if (pa != pb) return pa < pb;
    }
    if (a->hash != b->hash) return a->hash < b->hash;
    return vonk_rows_compare(s->groups.layout, s->zero_specs, s->n_keys, a->row, b->row) < 0;
}

/* Read from front to back the table is sorted but for collisions: insertion is enough. With partitions it is not: those
 * are sorted by position first, which is cheap. */
static vonk_status collect(merging *m, vonk_error *err)
{
    agg_shared *s = m->s;
    hashed_row *rows = NULL;
    uint64_t n = 0;
    VONK_TRY(vonk_alloc_array(m->op->budget, (uint64_t)m->table.n_groups * 2 + 1, sizeof *rows, &rows, err));
    for (uint64_t i = 0; m->table.slots && i < UINT64_C(1) << m->table.log2; i++) {
        if (!m->table.slots[i]) continue;
        rows[n].row = (uint8_t *)(uintptr_t)(m->table.slots[i] & ((UINT64_C(1) << 48) - 1));
        rows[n].hash = *agg_hash_of(&s->groups, rows[n].row);
        n++;
    }
    hashed_row *sorted = rows;
    if (s->partitioned) { /* stable radix passes: positions grow with partitions; then partitions are together and
                             hashes decide inside */
        placed_row *placed = (placed_row *)rows;
        for (uint64_t i = 0; i < n; i++)
            placed[i].position = (uint64_t)(uint32_t)*agg_partition_of(&s->groups, placed[i].row);
        sorted = (hashed_row *)sort_rows(placed, placed + n, n);
        for (uint64_t i = 0; i < n; i++) sorted[i].hash = *agg_hash_of(&s->groups, sorted[i].row);
    }
    vonk_status st = vonk_alloc_array(m->op->budget, n + 1, sizeof *m->part->rows, &m->part->rows, err);
    for (uint64_t i = 1; i < n && st == VONK_OK; i++) {
        hashed_row moving = sorted[i];
        uint64_t at = i;
        for (; at > 0 && before(s, &moving, &sorted[at - 1]); at--) sorted[at] = sorted[at - 1];
        sorted[at] = moving;
    }
    for (uint64_t i = 0; i < n && st == VONK_OK; i++) m->part->rows[i] = sorted[i].row;
    m->part->n_rows = n;
    vonk_free(rows);
    return st;
}

static vonk_status merge_parts(merging *m, uint32_t from, uint32_t to, vonk_error *err)
{
    agg_shared *s = m->s;
    uint64_t n = 0;
    for (uint32_t p = from; p < to; p++) n += part_rows(s, p);
    VONK_TRY(vonk__agg_locals(s, m->op->budget, &m->fn_locals, err));
    VONK_TRY(vonk_arena_new(m->op->budget, &m->part->heap, err));
    VONK_TRY(vonk_row_store_new(m->op->budget, s->groups.layout, &m->part->own, err));
    VONK_TRY(vonk__agg_table_room(s, &m->table, m->op->budget, s->ordered ? 256 : n, err));
    for (uint32_t p = from; p < to; p++) {
        if (vonk_exec_cancelled(m->op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
        VONK_TRY(s->ordered ? merge_raw(m, p, err) : merge_states(m, p, err));
    }
    VONK_TRY(collect(m, err));
    m->part->merged = true;
    atomic_fetch_add(&s->n_groups, m->part->n_rows);
    return VONK_OK;
}

static vonk_status merge_range(vonk_op *op, vonk_lane *lane, uint32_t from, uint32_t to, agg_part *part,
                               vonk_error *err)
{
    agg_shared *s = op->shared;
    merging *m = NULL;
    VONK_TRY(VONK_NEW(op->budget, &m, err));
    m->op = op;
    m->s = s;
    m->lane = lane;
    m->part = part;
    vonk_status st = merge_parts(m, from, to, err);
    vonk_free(m->table.slots);
    vonk__agg_scratch_done(&m->scratch);
    vonk__agg_locals_free(s, m->fn_locals);
    vonk_free(m);
    return st;
}

/* ---- putting out */

typedef struct agg_out {
    uint8_t **rows;
    uint64_t at, end;
    uint32_t part; /* AGG_PARTS: `all` */
} agg_out;

#define ORDERED_MORSEL 16 /* batches */

static vonk_status agg_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    const agg_shared *s = op->shared;
    uint64_t some = (uint64_t)ORDERED_MORSEL * vonk_exec_batch_rows(op->exec);
    if (s->in_order && s->partitioned)
        *ret_n = s->partition_first[partition + 1] > s->partition_first[partition];
    else if (s->in_order)
        *ret_n = (uint32_t)((s->all.n_rows + some - 1) / some);
    else
        *ret_n = s->partitioned ? 1 : AGG_PARTS;
    return VONK_OK;
}

/* Rows of one Spark partition inside a part that is sorted by partition. */
static void find_partition(const agg_shared *s, const agg_part *part, int32_t partition, agg_out *o)
{
    uint64_t at = 0;
    while (at < part->n_rows && *agg_partition_of(&s->groups, part->rows[at]) < partition) at++;
    o->at = at;
    while (at < part->n_rows && *agg_partition_of(&s->groups, part->rows[at]) == partition) at++;
    o->end = at;
}

static vonk_status agg_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                             vonk_error *err)
{
    agg_shared *s = op->shared;
    agg_out *o = local;
    uint64_t some = (uint64_t)ORDERED_MORSEL * vonk_exec_batch_rows(op->exec);
    o->part = AGG_PARTS;
    if (s->in_order) {
        o->rows = s->all.rows;
        o->at = s->partitioned ? s->partition_first[partition] : morsel * some;
        o->end = s->partitioned                 ? s->partition_first[partition + 1]
                 : o->at + some < s->all.n_rows ? o->at + some
                                                : s->all.n_rows;
        return VONK_OK;
    }
    uint32_t p = s->partitioned ? agg_part_of(s, op, 0, (int32_t)partition) : morsel;
    agg_part *part = &s->parts[p];
    if (!part->merged) VONK_TRY(merge_range(op, lane, p, p + 1, part, err));
    o->rows = part->rows;
    if (s->partitioned) {
        find_partition(s, part, (int32_t)partition, o);
        return VONK_OK;
    }
    o->part = p;
    o->at = 0;
    o->end = part->n_rows;
    return VONK_OK;
}

/* The part has gone out: its memory goes back, and that of unsorted rows with the last part. */
static void part_given(agg_shared *s, uint32_t p)
{
    vonk__agg_part_free(s, &s->parts[p]);
    bool last = atomic_fetch_add(&s->n_given, 1) + 1 == AGG_PARTS;
    for (agg_lane *l = s->lanes; l; l = l->next) {
        if (l->dest.parts) vonk_row_store_reset(l->parts[p]);
        if (last) vonk_row_store_reset(l->dest.one);
    }
}

static vonk_status agg_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                            vonk_error *err)
{
    agg_shared *s = op->shared;
    agg_out *o = local;
    vonk_batch *batch = NULL;
    uint64_t left = o->end - o->at;
    uint32_t n = left < vonk_exec_batch_rows(op->exec) ? (uint32_t)left : vonk_exec_batch_rows(op->exec);
    if (n == 0) {
        if (o->part < AGG_PARTS) part_given(s, o->part);
        return VONK_OK;
    }
    VONK_TRY(vonk__agg_output(op, lane, o->rows + o->at, n, &batch, err));
    o->at += n;
    vonk_out_put(out, batch);
    return VONK_OK;
}

const vonk_source_class vonk__agg_source = {
    .local_size = sizeof(agg_out), .n_morsels = agg_n_morsels, .start = agg_start, .next = agg_next};
