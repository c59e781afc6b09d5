/* exec/op_aggregate.c -- P_AGGREGATE with keys: what happens to a batch in a lane. Form of rows and tables: agg_int.h;
 * the end: agg_final.c.
 *
 * Three ways for a batch, the first that fits:
 *   direct  all keys are small dictionaries: their codes lead to the group; rows are dealt out by group and each
 * function runs over one group at a time. Per row: 1.5 ns for codes and dealing, 0.7 ns per function (4 groups: a state
 * in memory would cost 5 cycles of store forwarding per function and row) table   hash, find, update pass    most rows
 * are groups of their own: no table, rows go on to be merged once at the end */
#include "exec/agg_int.h"

#define PASS_WINDOWS 8 /* a lane without luck skips its table for that many tables' worth of rows */

static vonk_status open_values(vonk_op *op, agg_shared *s, vonk_error *err);
static vonk_status open_forms(vonk_op *op, agg_shared *s, vonk_error *err);

/* ---- open */

static const vonk_expr *unnamed(const vonk_expr *e)
{
    while (e->kind == VONK_EX_ALIAS) e = e->children[0];
    return e;
}

static vonk_status open_fn(vonk_op *op, agg_shared *s, const vonk_expr *e, agg_fn *f, vonk_error *err)
{
    const vonk_type *types[AGG_MAX_SAVED];
    e = unnamed(e);
    if (e->kind != VONK_EX_FUNCTION || e->fn->kind != VONK_FN_AGGREGATE)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "an aggregate node computes something that is no aggregate function");
    VONK_TRY(vonk_call_prepare(op->arena, vonk_exec_fn_env(op->exec), e, &f->call, err));
    f->agg = e->fn->agg;
    if (vonk_expr_has(e, VONK_EXF_DISTINCT) && !f->agg->ignores_duplicates)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a DISTINCT aggregate has reached execution");
    if (e->n_order > 0)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("ORDER BY inside the aggregate function %s", e->fn->name));
    f->n_args = e->n_children - (vonk_expr_has(e, VONK_EXF_HAS_FILTER) ? 1 : 0);
    f->filter = UINT32_MAX;
    VONK_TRY(vonk_agg_state_types(f->call, types, &f->n_saved, err));
    f->first_saved = s->n_saved;
    for (uint32_t i = 0; i < f->n_saved; i++) s->saved_types[s->n_saved++] = types[i];
    if (f->agg->order_sensitive && !s->saved_in) s->ordered = true;
    return VONK_OK;
}

static vonk_status open_modes(vonk_op *op, agg_shared *s, vonk_agg_mode mode, vonk_error *err)
{
    s->saved_in = mode == VONK_AGG_FINAL || mode == VONK_AGG_MERGE;
    s->saved_out = mode == VONK_AGG_PARTIAL || mode == VONK_AGG_MERGE;
    s->n_keys = s->key_list->n;
    s->n_fns = s->fn_list->n;
    s->partitioned = s->n_keys > 0 && s->saved_in && op->children[0]->by_hash && op->children[0]->n_partitions > 1;
    op->n_partitions = s->partitioned ? op->children[0]->n_partitions : 1;
    op->by_hash = s->partitioned;
    VONK_TRY(vonk_arena_array(op->arena, s->n_fns, sizeof *s->fns, &s->fns, err));
    VONK_TRY(
        vonk_arena_array(op->arena, (size_t)s->n_fns * AGG_MAX_SAVED, sizeof *s->saved_types, &s->saved_types, err));
    for (uint32_t i = 0; i < s->n_fns; i++) VONK_TRY(open_fn(op, s, s->fn_list->at[i], &s->fns[i], err));
    /* Saved columns of order-sensitive functions must be merged in order too. */
    for (uint32_t i = 0; i < s->n_fns; i++) s->ordered |= s->fns[i].agg->order_sensitive;
    return VONK_OK;
}

/* hash() over the node's own key columns. */
static vonk_status open_hash(vonk_op *op, agg_shared *s, vonk_error *err)
{
    const vonk_expr **bound = NULL;
    VONK_TRY(vonk_arena_array(op->arena, s->n_keys, sizeof *bound, &bound, err));
    for (uint32_t i = 0; i < s->n_keys; i++) bound[i] = op->node->output[i];
    return vonk__spark_hash_program(op, bound, s->n_keys, &s->hash_program, err);
}

vonk_status vonk__agg_open_lists(vonk_op *op, const vonk_expr_list *keys, const vonk_expr_list *fns, vonk_agg_mode mode,
                                 vonk_error *err)
{
    agg_shared *s = op->shared;
    vonk_mutex_init(&s->lock);
    s->key_list = keys;
    s->fn_list = fns;
    VONK_TRY(open_modes(op, s, mode, err));
    VONK_TRY(open_values(op, s, err));
    return open_forms(op, s, err);
}

vonk_status vonk__agg_open(vonk_op *op, vonk_error *err)
{
    static const vonk_expr_list none;
    agg_shared *s = op->shared;
    const vonk_plan *node = op->node, *from = node;
    vonk_agg_mode mode = node->agg.mode;
    if (op->fused && op->fused->kind == VONK_PN_P_AGGREGATE) { /* both phases at once */
        from = op->fused;
        mode = VONK_AGG_COMPLETE;
    }
    VONK_TRY(vonk__agg_open_lists(op, &from->lists[0], from->n_lists > 1 ? &from->lists[1] : &none, mode, err));
    uint32_t n_out = s->n_keys + (s->saved_out ? s->n_saved : s->n_fns);
    if (op->n_columns != n_out || (s->saved_in && op->children[0]->n_columns != s->n_keys + s->n_saved))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "the columns of an aggregate node do not fit its functions");
    const vonk_conf *conf = vonk_exec_conf(op->exec);
    s->n_shuffle = conf ? (uint32_t)vonk_conf_i64(conf, "spark.sql.shuffle.partitions") : 200;
    if (s->n_shuffle == 0) s->n_shuffle = 1;
    if (s->n_keys > 0 && !s->saved_out && !s->partitioned && s->n_shuffle > 1) VONK_TRY(open_hash(op, s, err));
    const double groups = node->agg.groups, rows = node->agg.rows;
    s->lane_slots = AGG_LANE_SLOTS;
    while (groups > 0 && rows > groups * 4 && s->lane_slots < AGG_LANE_SLOTS_MAX &&
           (double)(1u << s->lane_slots) < groups * 2.5)
        s->lane_slots++;
    return VONK_OK;
}

/* The program: keys, then (unless saved columns come in) arguments and filters. */
static vonk_status open_values(vonk_op *op, agg_shared *s, vonk_error *err)
{
    const vonk_expr **exprs = NULL;
    uint32_t n = s->n_keys;
    for (uint32_t i = 0; i < s->n_fns; i++) n += s->fns[i].n_args + 1;
    VONK_TRY(vonk_arena_array(op->arena, n, sizeof *exprs, &exprs, err));
    VONK_TRY(vonk_arena_array(op->arena, n + s->n_saved, sizeof *s->value_types, &s->value_types, err));
    n = 0;
    for (uint32_t i = 0; i < s->n_keys; i++) exprs[n++] = s->key_list->at[i];
    for (uint32_t i = 0; i < s->n_fns && !s->saved_in; i++) {
        agg_fn *f = &s->fns[i];
        const vonk_expr *e = unnamed(s->fn_list->at[i]);
        f->first_arg = n;
        for (uint32_t a = 0; a < f->n_args; a++) exprs[n++] = e->children[a];
        if (!vonk_expr_has(e, VONK_EXF_HAS_FILTER)) continue;
        f->filter = n;
        exprs[n++] = e->children[f->n_args];
    }
    for (uint32_t i = 0; i < n; i++) {
        s->value_types[i] = exprs[i]->type;
        s->float_keys |= i < s->n_keys && (exprs[i]->type->id == VONK_T_FLOAT || exprs[i]->type->id == VONK_T_DOUBLE);
    }
    s->n_values = n;
    VONK_TRY(vonk_op_program(op, exprs, n, &s->program, err));
    for (uint32_t i = 0; i < s->n_saved && s->saved_in; i++) s->value_types[s->n_values++] = s->saved_types[i];
    for (uint32_t i = 0; i < s->n_fns && s->saved_in; i++) s->fns[i].first_arg = s->n_keys + s->fns[i].first_saved;
    return VONK_OK;
}

static vonk_status new_form(vonk_op *op, agg_shared *s, uint32_t n_columns, uint32_t state_bytes, agg_form *ret,
                            vonk_error *err)
{
    uint32_t head = s->partitioned ? 32 : 16;
    VONK_TRY(vonk_row_layout_new(op->budget, s->value_types, n_columns, head + state_bytes, &ret->layout, err));
    ret->hash_at = ret->layout->extra_at;
    ret->position_at = ret->layout->extra_at + 8;
    ret->partition_at = s->partitioned ? ret->layout->extra_at + 16 : 0;
    return VONK_OK;
}

static vonk_status open_forms(vonk_op *op, agg_shared *s, vonk_error *err)
{
    uint32_t state_bytes = 0;
    for (uint32_t i = 0; i < s->n_fns; i++)
        state_bytes += (uint32_t)((vonk_agg_state_bytes(s->fns[i].call) + 15) & ~(size_t)15);
    VONK_TRY(new_form(op, s, s->n_keys, state_bytes, &s->groups, err));
    s->groups.with_states = true;
    uint32_t at = s->groups.layout->extra_at + (s->partitioned ? 32 : 16);
    for (uint32_t i = 0; i < s->n_fns; i++) {
        s->fns[i].state_at = at;
        at += (uint32_t)((vonk_agg_state_bytes(s->fns[i].call) + 15) & ~(size_t)15);
    }
    if (s->ordered) VONK_TRY(new_form(op, s, s->n_values, 0, &s->raw, err));
    VONK_TRY(vonk_arena_array(op->arena, s->n_keys, sizeof *s->zero_specs, &s->zero_specs, err));
    if (s->n_keys == 1) {
        vonk_storage storage = s->value_types[0]->storage;
        s->int_key = storage == VONK_STORE_I32 ? 4 : storage == VONK_STORE_I64 ? 8 : 0;
    }
    /* What a spilled row looks like. */
    uint32_t n_first = s->ordered ? s->n_values : s->n_keys, n_saved = s->ordered ? 0 : s->n_saved;
    s->n_spill_types = n_first + n_saved + 3;
    VONK_TRY(vonk_arena_array(op->arena, s->n_spill_types, sizeof *s->spill_types, &s->spill_types, err));
    memcpy(s->spill_types, s->value_types, n_first * sizeof *s->spill_types);
    for (uint32_t i = 0; i < n_saved; i++) s->spill_types[n_first + i] = s->saved_types[i];
    s->spill_types[n_first + n_saved] = &vonk_type_long;
    s->spill_types[n_first + n_saved + 1] = &vonk_type_long;
    s->spill_types[n_first + n_saved + 2] = &vonk_type_int;
    return VONK_OK;
}

void vonk__agg_close(vonk_op *op)
{
    agg_shared *s = op->shared;
    for (uint32_t i = 0; i < AGG_PARTS; i++) {
        vonk__agg_part_free(s, &s->parts[i]);
        vonk_free(s->spilled[i].refs.at);
    }
    vonk__agg_part_free(s, &s->all);
    vonk_spill_free(s->file);
    vonk_error_reset(&s->spill_error);
    vonk_program_free(s->program);
    vonk_program_free(s->hash_program);
    vonk_free(s->partition_first);
    vonk_row_layout_free(s->groups.layout);
    vonk_row_layout_free(s->raw.layout);
    vonk_mutex_done(&s->lock);
}

/* ---- lanes */

vonk_status vonk__agg_locals(const agg_shared *s, vonk_budget *budget, void ***ret, vonk_error *err)
{
    VONK_TRY(vonk_alloc_zeroed(budget, (s->n_fns + 1) * sizeof **ret, ret, err));
    for (uint32_t i = 0; i < s->n_fns; i++) {
        if (s->fns[i].call->local_bytes)
            VONK_TRY(vonk_alloc_zeroed(budget, s->fns[i].call->local_bytes, &(*ret)[i], err));
    }
    return VONK_OK;
}

void vonk__agg_locals_free(const agg_shared *s, void **locals)
{
    for (uint32_t i = 0; i < s->n_fns && locals; i++) {
        if (locals[i] && s->fns[i].call->local_done) s->fns[i].call->local_done(locals[i]);
        vonk_free(locals[i]);
    }
    vonk_free(locals);
}

vonk_status vonk__agg_lane_open(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    agg_shared *s = op->shared;
    agg_lane *l = local;
    l->op = op;
    l->ordinal = UINT64_MAX;
    vonk_mutex_init(&l->lock);
    vonk_mutex_lock(&s->lock);
    l->next = s->lanes;
    s->lanes = l;
    vonk_mutex_unlock(&s->lock);
    VONK_TRY(vonk_alloc_zeroed(op->budget, (s->n_values + 1) * sizeof *l->values, &l->values, err));
    VONK_TRY(
        vonk_alloc_zeroed(op->budget, (s->n_keys + 1) * sizeof *l->direct.dictionaries, &l->direct.dictionaries, err));
    VONK_TRY(vonk__agg_locals(s, op->budget, &l->fn_locals, err));
    VONK_TRY(vonk__program_open(op, lane, s->program, &l->program, err));
    VONK_TRY(vonk_arena_new(op->budget, &l->heap, err));
    if (s->n_keys == 0) return VONK_OK;
    l->dest.form = s->ordered ? &s->raw : &s->groups;
    VONK_TRY(vonk_row_store_new(op->budget, l->dest.form->layout, &l->dest.one, err));
    return s->ordered ? VONK_OK : vonk__agg_table_room(s, &l->table, op->budget, 2048, err);
}

void vonk__agg_lane_close(vonk_op *op, void *local)
{
    agg_shared *s = op->shared;
    agg_lane *l = local;
    vonk__agg_drop_values(s, l);
    vonk_free(l->values);
    for (uint32_t i = 0; i < s->n_keys && l->direct.dictionaries; i++) vonk_column_unref(l->direct.dictionaries[i]);
    vonk_free(l->direct.dictionaries);
    vonk__agg_locals_free(s, l->fn_locals);
    vonk__program_close(&l->program);
    vonk_free(l->table.slots);
    vonk__agg_scratch_done(&l->scratch);
    vonk_free(l->scattered);
    vonk_row_store_free(l->dest.one);
    for (uint32_t p = 0; p < AGG_PARTS; p++) vonk_row_store_free(l->parts[p]);
    vonk_arena_free(l->heap);
    vonk_mutex_done(&l->lock);
}

/* ---- values */

/* -0.0 becomes 0.0 and every NaN the same one, as Spark does with grouping keys. */
static vonk_status normalize_floats(vonk_budget *budget, vonk_column **inout, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *flat = NULL, *out = NULL;
    void *data = NULL;
    uint8_t *validity = NULL;
    VONK_TRY(vonk_column_flatten(budget, *inout, &flat, err));
    uint32_t n = flat->n_rows;
    VONK_TRY(vonk_column_new(budget, flat->type, n, flat->validity != NULL, &out, &data, &validity, err));
    if (flat->validity) memcpy(validity, flat->validity, vonk_bits_bytes(n));
    if (flat->type->id == VONK_T_DOUBLE) {
        const double *from = VONK_VALUES(flat, double);
        double *to = data;
        for (uint32_t i = 0; i < n; i++) to[i] = from[i] != from[i] ? __builtin_nan("") : from[i] + 0.0;
    } else {
        const float *from = VONK_VALUES(flat, float);
        float *to = data;
        for (uint32_t i = 0; i < n; i++) to[i] = from[i] != from[i] ? __builtin_nanf("") : from[i] + 0.0f;
    }
    vonk_column_unref(*inout);
    *inout = VONK_STEAL(out);
    return VONK_OK;
}

static vonk_status flatten(vonk_budget *budget, vonk_column **inout, vonk_error *err)
{
    vonk_column *flat = NULL;
    if ((*inout)->encoding == VONK_FLAT) return VONK_OK;
    VONK_TRY(vonk_column_flatten(budget, *inout, &flat, err));
    vonk_column_unref(*inout);
    *inout = flat;
    return VONK_OK;
}

vonk_status vonk__agg_eval(vonk_op *op, vonk_lane *lane, agg_lane *l, const vonk_batch *in, vonk_error *err)
{
    const agg_shared *s = op->shared;
    vonk__program_place(&l->program, lane);
    VONK_TRY(vonk_program_eval(l->program.at, in, l->values, err));
    for (uint32_t i = 0; i < s->n_saved && s->saved_in; i++)
        l->values[s->n_keys + i] = vonk_column_ref(in->columns[s->n_keys + i]);
    for (uint32_t i = s->n_keys; i < s->n_values; i++) VONK_TRY(flatten(lane->budget, &l->values[i], err));
    for (uint32_t i = 0; i < s->n_keys && s->float_keys; i++) {
        vonk_type_id id = l->values[i]->type->id;
        if (id == VONK_T_DOUBLE || id == VONK_T_FLOAT) VONK_TRY(normalize_floats(lane->budget, &l->values[i], err));
    }
    return VONK_OK;
}

void vonk__agg_drop_values(const agg_shared *s, agg_lane *l)
{
    for (uint32_t i = 0; i < s->n_values && l->values; i++) {
        vonk_column_unref(l->values[i]);
        l->values[i] = NULL;
    }
}

uint32_t vonk__agg_filter(const agg_fn *f, vonk_column *const *values, vonk_rows rows, uint32_t *list)
{
    const vonk_column *c = values[f->filter];
    const uint8_t *bits = c->data;
    uint32_t n = 0;
    for (uint32_t k = 0; k < rows.n; k++) {
        uint32_t row = vonk_row_at(rows, k);
        bool on = vonk_bit_get(bits, row) && (!c->validity || vonk_bit_get(c->validity, row));
        list[n] = k;
        n += on;
    }
    return n;
}

/* ---- update */

static vonk_status update_fn(const agg_shared *s, const agg_fn *f, vonk_lane *lane, vonk_column *const *values,
                             vonk_rows rows, uint8_t *const *groups, agg_scratch *x, vonk_arena *heap, vonk_error *err)
{
    vonk_column *const *args = values + f->first_arg;
    if (f->filter != UINT32_MAX) {
        uint32_t n = vonk__agg_filter(f, values, rows, x->left);
        for (uint32_t i = 0; i < n; i++) {
            x->idx[i] = vonk_row_at(rows, x->left[i]);
            x->states[i] = groups[x->left[i]] + f->state_at;
        }
        rows = (vonk_rows){x->idx, n};
        if (n == 0) return VONK_OK;
    } else {
        for (uint32_t k = 0; k < rows.n; k++) x->states[k] = groups[k] + f->state_at;
    }
    if (s->saved_in) return f->agg->merge(f->call, &lane->ev, heap, args, rows, x->states, err);
    return f->agg->update(f->call, &lane->ev, heap, args, rows, x->states, err);
}

vonk_status vonk__agg_update(const agg_shared *s, vonk_lane *lane, void *const *fn_locals, vonk_column *const *values,
                             vonk_rows rows, uint8_t *const *groups, agg_scratch *x, vonk_arena *heap, vonk_error *err)
{
    for (uint32_t i = 0; i < s->n_fns; i++) {
        lane->ev.local = fn_locals[i];
        VONK_TRY(update_fn(s, &s->fns[i], lane, values, rows, groups, x, heap, err));
    }
    return VONK_OK;
}

/* ---- direct: dictionary codes */

static bool direct_dictionaries(const agg_shared *s, agg_lane *l)
{
    uint64_t n = 1;
    for (uint32_t i = 0; i < s->n_keys; i++) {
        const vonk_column *c = l->values[i];
        if (c->encoding != VONK_DICTIONARY) return false;
        n *= (uint64_t)c->children[0]->n_rows + 1;
        if (n > AGG_DIRECT_CODES) return false;
    }
    for (uint32_t i = 0; i < s->n_keys; i++) {
        vonk_column *d = l->values[i]->children[0];
        if (l->direct.dictionaries[i] == d) continue;
        vonk_column_unref(l->direct.dictionaries[i]);
        l->direct.dictionaries[i] = vonk_column_ref(d);
        l->direct.valid = false;
    }
    if (!l->direct.valid) memset(l->direct.rows, 0, n * sizeof l->direct.rows[0]);
    l->direct.valid = true;
    l->direct.n_codes = (uint32_t)n;
    return true;
}

static void direct_codes(const agg_shared *s, agg_lane *l, vonk_rows rows)
{
    uint32_t *restrict codes = l->scratch.codes;
    for (uint32_t i = 0; i < s->n_keys; i++) {
        const vonk_column *c = l->values[i];
        const uint32_t *restrict from = VONK_VALUES(c, uint32_t);
        uint32_t n_values = c->children[0]->n_rows, size = n_values + 1;
        for (uint32_t k = 0; k < rows.n; k++) {
            uint32_t row = rows.idx ? rows.idx[k] : k;
            uint32_t code = c->validity && !vonk_bit_get(c->validity, row) ? n_values : from[row];
            codes[k] = i == 0 ? code : codes[k] * size + code;
        }
    }
    memset(l->direct.counts, 0, (l->direct.n_codes + 1) * sizeof l->direct.counts[0]);
    for (uint32_t k = 0; k < rows.n; k++) l->direct.counts[codes[k]]++;
}

static vonk_status hash_keys(const agg_shared *s, vonk_column *const *keys, vonk_rows rows, uint64_t *hashes,
                             vonk_error *err)
{
    for (uint32_t i = 0; i < s->n_keys; i++) VONK_TRY(vonk_column_hash(keys[i], rows, hashes, i == 0, err));
    return VONK_OK;
}

/* Groups of codes that are seen for the first time with these dictionaries: one row each goes through the table. */
static vonk_status direct_find(vonk_op *op, agg_lane *l, vonk_lane *lane, vonk_rows rows, vonk_error *err)
{
    const agg_shared *s = op->shared;
    agg_scratch *x = &l->scratch;
    agg_direct *d = &l->direct;
    uint32_t n = 0, missing = 0, added = 0;
    uint32_t picked[AGG_DIRECT_CODES], codes[AGG_DIRECT_CODES];
    for (uint32_t c = 0; c < d->n_codes; c++) missing += d->counts[c] > 0 && !d->rows[c];
    if (missing == 0) return VONK_OK;
    for (uint32_t k = 0; n < missing; k++) {
        uint32_t c = x->codes[k];
        if (d->rows[c]) continue;
        d->rows[c] = (uint8_t *)d; /* picked; replaced below */
        codes[n] = c;
        x->positions[n] = lane->ordinal << 32 | (l->row_in_morsel + k);
        picked[n++] = vonk_row_at(rows, k);
    }
    vonk_rows some = {picked, n};
    agg_input in = {
        .keys = l->values, .rows = some, .hashes = x->hashes, .positions = x->positions, .partition = lane->partition};
    vonk_status st = hash_keys(s, l->values, some, x->hashes, err);
    if (st == VONK_OK) st = vonk__agg_find(s, op, &l->table, x, &l->dest, &in, &added, err);
    for (uint32_t i = 0; i < n; i++) d->rows[codes[i]] = st == VONK_OK ? x->rows[i] : NULL;
    l->n_added += added;
    return st;
}

/* Rows dealt out by code into x->order, then each function over one group at a time. */
static vonk_status direct_update_one(const agg_shared *s, agg_lane *l, vonk_lane *lane, vonk_rows rows, vonk_error *err)
{
    agg_scratch *x = &l->scratch;
    agg_direct *d = &l->direct;
    uint32_t start[AGG_DIRECT_CODES + 1], sum = 0;
    for (uint32_t c = 0; c < d->n_codes; c++) {
        start[c] = sum;
        sum += d->counts[c];
    }
    for (uint32_t k = 0; k < rows.n; k++)
        x->order[start[x->codes[k]]++] = rows.idx ? rows.idx[k] : k; /* start[c] ends where c ends */
    for (uint32_t i = 0; i < s->n_fns; i++) {
        const agg_fn *f = &s->fns[i];
        lane->ev.local = l->fn_locals[i];
        if (!f->agg->update_one || f->filter != UINT32_MAX) {
            for (uint32_t k = 0; k < rows.n; k++) x->rows[k] = d->rows[x->codes[k]];
            VONK_TRY(update_fn(s, f, lane, l->values, rows, x->rows, x, l->heap, err));
            continue;
        }
        for (uint32_t c = 0; c < d->n_codes; c++) {
            vonk_rows some = {x->order + (start[c] - d->counts[c]), d->counts[c]};
            if (some.n == 0) continue;
            VONK_TRY(f->agg->update_one(f->call, &lane->ev, l->heap, l->values + f->first_arg, some,
                                        d->rows[c] + f->state_at, err));
        }
    }
    return VONK_OK;
}

static vonk_status direct_push(vonk_op *op, agg_lane *l, vonk_lane *lane, vonk_rows rows, vonk_error *err)
{
    const agg_shared *s = op->shared;
    uint32_t present = 0;
    direct_codes(s, l, rows);
    VONK_TRY(direct_find(op, l, lane, rows, err));
    for (uint32_t c = 0; c < l->direct.n_codes; c++) present += l->direct.counts[c] > 0;
    if (!s->saved_in && present <= 64 && present * 16 <= rows.n) return direct_update_one(s, l, lane, rows, err);
    for (uint32_t k = 0; k < rows.n; k++) l->scratch.rows[k] = l->direct.rows[l->scratch.codes[k]];
    return vonk__agg_update(s, lane, l->fn_locals, l->values, rows, l->scratch.rows, &l->scratch, l->heap, err);
}

/* ---- a batch */

static vonk_status go_large(vonk_op *op, agg_lane *l, vonk_error *err)
{
    if (l->dest.parts) return VONK_OK;
    for (uint32_t p = 0; p < AGG_PARTS; p++)
        VONK_TRY(vonk_row_store_new(op->budget, l->dest.form->layout, &l->parts[p], err));
    l->dest.parts = l->parts;
    return VONK_OK;
}

/* Room for n more groups in the lane's table: it grows up to lane_slots, then it is emptied and rows go to parts. */
static vonk_status make_room(vonk_op *op, agg_lane *l, uint32_t n, vonk_error *err)
{
    const agg_shared *s = op->shared;
    uint64_t need = (uint64_t)l->table.n_groups + n;
    if (need * 2 <= UINT64_C(1) << l->table.log2) return VONK_OK;
    if (need * 2 <= UINT64_C(1) << s->lane_slots)
        return vonk__agg_table_room(s, &l->table, op->budget,
                                    need * 2 <= UINT64_C(1) << (s->lane_slots - 1) ? need * 2 : need, err);
    VONK_TRY(go_large(op, l, err));
    if (l->n_added * 8 > l->n_seen * 7) l->n_pass = PASS_WINDOWS * l->n_seen;
    vonk__agg_table_clear(&l->table);
    l->direct.valid = false;
    l->n_seen = l->n_added = 0;
    return (uint64_t)n * 2 <= UINT64_C(1) << l->table.log2 ? VONK_OK
                                                           : vonk__agg_table_room(s, &l->table, op->budget, n, err);
}

static vonk_status push_groups(vonk_op *op, agg_lane *l, vonk_lane *lane, const vonk_batch *in, vonk_error *err)
{
    const agg_shared *s = op->shared;
    vonk_rows rows = vonk_batch_rows(in);
    agg_scratch *x = &l->scratch;
    bool direct = direct_dictionaries(s, l);
    uint32_t added = 0;
    if (!direct && s->int_key) VONK_TRY(flatten(lane->budget, &l->values[0], err));
    if (l->n_pass == 0 || direct) {
        VONK_TRY(make_room(op, l, direct ? l->direct.n_codes : rows.n, err));
        if (direct && !l->direct.valid) direct = direct_dictionaries(s, l);
    }
    l->n_seen += rows.n;
    if (direct) return direct_push(op, l, lane, rows, err);
    VONK_TRY(hash_keys(s, l->values, rows, x->hashes, err));
    agg_input what = {.keys = l->values,
                      .rows = rows,
                      .hashes = x->hashes,
                      .first_position = lane->ordinal << 32 | l->row_in_morsel,
                      .partition = lane->partition};
    if (l->n_pass > 0) {
        l->n_pass = l->n_pass > rows.n ? l->n_pass - rows.n : 0;
        l->n_seen = 0;
        VONK_TRY(vonk__agg_append(s, op, x, &l->dest, &what, err));
    } else {
        VONK_TRY(vonk__agg_find(s, op, &l->table, x, &l->dest, &what, &added, err));
        l->n_added += added;
    }
    return vonk__agg_update(s, lane, l->fn_locals, l->values, rows, x->rows, x, l->heap, err);
}

static vonk_status push_raw(vonk_op *op, agg_lane *l, vonk_lane *lane, const vonk_batch *in, vonk_error *err)
{
    const agg_shared *s = op->shared;
    vonk_rows rows = vonk_batch_rows(in);
    VONK_TRY(go_large(op, l, err));
    VONK_TRY(hash_keys(s, l->values, rows, l->scratch.hashes, err));
    agg_input what = {.keys = l->values,
                      .rows = rows,
                      .hashes = l->scratch.hashes,
                      .first_position = lane->ordinal << 32 | l->row_in_morsel,
                      .partition = lane->partition};
    return vonk__agg_append(s, op, &l->scratch, &l->dest, &what, err);
}

static int64_t lane_bytes(const agg_lane *l)
{
    size_t bytes = vonk_row_store_bytes(l->dest.one);
    for (uint32_t p = 0; p < AGG_PARTS && l->dest.parts; p++) bytes += vonk_row_store_bytes(l->parts[p]);
    return (int64_t)bytes;
}

/* A batch must not run out of memory half-way: what is kept goes to disk when there is little room left. */
static bool room_is_short(const vonk_op *op, const agg_lane *l)
{
    int64_t limit = vonk_budget_limit(op->budget), kept = atomic_load_explicit(&l->bytes, memory_order_relaxed);
    if (limit == VONK_NO_LIMIT || kept < (256 << 10)) return false;
    int64_t reserve = limit / 8 < (32 << 20) ? limit / 8 : 32 << 20;
    return vonk_budget_room(op->budget) < reserve;
}

static vonk_status keyed_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                              vonk_flow *ret_flow, vonk_error *err)
{
    agg_shared *s = op->shared;
    agg_lane *l = local;
    VONK_LOCKED(&l->lock);
    if (s->spill_status != VONK_OK) {
        vonk_error_copy(err, &s->spill_error);
        return s->spill_status;
    }
    if (l->ordinal != lane->ordinal) {
        l->ordinal = lane->ordinal;
        l->row_in_morsel = 0;
    }
    if (room_is_short(op, l)) VONK_TRY(vonk__agg_lane_spill(l, err));
    VONK_TRY(
        vonk__agg_scratch(&l->scratch, op->budget, in->n_sel > AGG_DIRECT_CODES ? in->n_sel : AGG_DIRECT_CODES, err));
    vonk_status st = vonk__agg_eval(op, lane, l, in, err);
    if (st == VONK_OK) st = s->ordered ? push_raw(op, l, lane, in, err) : push_groups(op, l, lane, in, err);
    vonk__agg_drop_values(s, l);
    l->row_in_morsel += in->n_sel;
    atomic_store_explicit(&l->bytes, lane_bytes(l), memory_order_relaxed);
    return st;
}

static vonk_status keyed_end(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                             vonk_error *err)
{
    agg_lane *l = local;
    if (!vonk_exec_force_spill(op->exec)) return VONK_OK;
    VONK_LOCKED(&l->lock);
    return vonk__agg_lane_spill(l, err);
}

static vonk_status keyed_merge(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    agg_lane *l = local;
    VONK_LOCKED(&l->lock);
    l->merged = true;
    return vonk__agg_lane_merge(l, err);
}

/* ---- asked to spill, by any thread */

static int64_t keyed_spillable(vonk_op *op)
{
    agg_shared *s = op->shared;
    int64_t bytes = 0;
    if (!vonk_mutex_try_lock(&s->lock)) return 0;
    for (agg_lane *l = s->lanes; l; l = l->next) bytes += atomic_load_explicit(&l->bytes, memory_order_relaxed);
    vonk_mutex_unlock(&s->lock);
    return bytes;
}

static int64_t keyed_spill(vonk_op *op, int64_t bytes_wanted)
{
    agg_shared *s = op->shared;
    int64_t freed = 0;
    if (!vonk_mutex_try_lock(&s->lock)) return 0;
    agg_lane *l = s->lanes;
    vonk_mutex_unlock(&s->lock); /* lanes are only added at the front and live until close */
    for (; l && freed < bytes_wanted; l = l->next) {
        vonk_error err = VONK_ERROR_INIT;
        if (!vonk_mutex_try_lock(&l->lock)) continue;
        int64_t bytes = atomic_load_explicit(&l->bytes, memory_order_relaxed);
        if (!l->merged && bytes > 0) {
            vonk_status st = vonk__agg_lane_spill(l, &err);
            if (st == VONK_OK)
                freed += bytes;
            else if (s->spill_status == VONK_OK) {
                vonk_error_move(&s->spill_error, &err);
                s->spill_status = st;
            }
            vonk_error_reset(&err);
        }
        vonk_mutex_unlock(&l->lock);
    }
    return freed;
}

static const vonk_op_class *aggregate_choose(const vonk_plan *node, bool root)
{
    return node->lists[0].n == 0 ? &vonk__op_global_aggregate : NULL; /* both phases have the same keys */
}

static const vonk_input_class keyed_input = {.sink = true,
                                             .order = VONK_ORDER_BREAKS,
                                             .local_size = sizeof(agg_lane),
                                             .local_open = vonk__agg_lane_open,
                                             .push = keyed_push,
                                             .end_morsel = keyed_end,
                                             .merge = keyed_merge,
                                             .finish = vonk__agg_finish,
                                             .step = vonk__agg_step,
                                             .local_close = vonk__agg_lane_close};
const vonk_op_class vonk_op_aggregate = {.name = "aggregate",
                                         .shared_size = sizeof(agg_shared),
                                         .open = vonk__agg_open,
                                         .close = vonk__agg_close,
                                         .spillable = keyed_spillable,
                                         .spill = keyed_spill,
                                         .choose = aggregate_choose,
                                         .n_inputs = 1,
                                         .inputs = &keyed_input,
                                         .source = &vonk__agg_source};
