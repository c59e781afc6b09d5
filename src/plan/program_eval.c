/* plan/program_eval.c -- running a program over a batch: slots, scopes, outputs. */
#include "column/kernel/kernel.h"
#include "plan/program_int.h"
#include "sys/clock.h"

/* ---- what a thread holds */

static vonk_status fill_local(vonk_program_local *l, vonk_error *err)
{
    const vonk_program *p = l->program;
    uint32_t n = p->n_steps;
    VONK_TRY(vonk_arena_new(l->budget, &l->scratch, err));
    VONK_TRY(vonk_alloc_zeroed(l->budget, n * sizeof(*l->slots), &l->slots, err));
    VONK_TRY(vonk_alloc_zeroed(l->budget, n * sizeof(*l->flats), &l->flats, err));
    VONK_TRY(vonk_alloc_zeroed(l->budget, n * sizeof(*l->locals), &l->locals, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk__step *s = &p->steps[i];
        if (s->kind == VONK__STEP_CALL && s->call->local_bytes)
            VONK_TRY(vonk_alloc_zeroed(l->budget, s->call->local_bytes, &l->locals[i], err));
    }
    VONK_TRY(vonk_alloc_zeroed(l->budget, (p->n_lambdas + 1) * sizeof(*l->lambdas), &l->lambdas, err));
    for (uint32_t i = 0; i < p->n_lambdas; i++)
        VONK_TRY(vonk_program_local_new(p->lambdas[i]->body, l->budget, &l->lambdas[i], err));
    VONK_TRY(vonk_alloc_zeroed(l->budget, (p->n_terms + 1) * sizeof(*l->term_costs), &l->term_costs, err));
    VONK_TRY(vonk_alloc_zeroed(l->budget, (p->n_terms + 1) * sizeof(*l->term_order), &l->term_order, err));
    for (uint32_t i = 0; i < p->n_terms; i++) l->term_order[i] = i;
    return VONK_OK;
}

vonk_status vonk_program_local_new(const vonk_program *program, vonk_budget *budget, vonk_program_local **ret,
                                   vonk_error *err)
{
    vonk_program_local *l = NULL;
    VONK_TRY(VONK_NEW(budget, &l, err));
    l->program = program;
    l->budget = budget;
    vonk_status st = fill_local(l, err);
    if (st != VONK_OK) {
        vonk_program_local_free(l);
        return st;
    }
    *ret = l;
    return VONK_OK;
}

static void drop_flats(vonk_program_local *l)
{
    for (uint32_t i = 0; l->flats && i < l->program->n_steps; i++) {
        vonk_column_unref(l->flats[i]);
        l->flats[i] = NULL;
    }
}

void vonk_program_local_free(vonk_program_local *l)
{
    if (!l) return;
    if (l->slots) vonk__clear_slots(l);
    drop_flats(l);
    for (uint32_t i = 0; l->locals && i < l->program->n_steps; i++) {
        const vonk__step *s = &l->program->steps[i];
        if (l->locals[i] && s->call->local_done) s->call->local_done(l->locals[i]);
        vonk_free(l->locals[i]);
    }
    for (uint32_t i = 0; l->lambdas && i < l->program->n_lambdas; i++) vonk_program_local_free(l->lambdas[i]);
    vonk_free(l->slots);
    vonk_free(l->flats);
    vonk_free(l->locals);
    vonk_free(l->lambdas);
    vonk_free(l->term_costs);
    vonk_free(l->term_order);
    vonk_arena_free(l->scratch);
    vonk_free(l);
}

void vonk_program_start_partition(vonk_program_local *l, int32_t partition)
{
    l->partition = partition;
    l->row_base = 0;
    for (uint32_t i = 0; i < l->program->n_steps; i++) {
        const vonk__step *s = &l->program->steps[i];
        if (!l->locals[i]) continue;
        if (s->call->local_done) s->call->local_done(l->locals[i]);
        memset(l->locals[i], 0, s->call->local_bytes);
    }
    for (uint32_t i = 0; i < l->program->n_lambdas; i++) vonk_program_start_partition(l->lambdas[i], partition);
}

void vonk_program_set_cancel(vonk_program_local *l, bool (*cancelled)(void *query), void *query)
{
    l->cancelled = cancelled;
    l->query = query;
    for (uint32_t i = 0; i < l->program->n_lambdas; i++) vonk_program_set_cancel(l->lambdas[i], cancelled, query);
}

void vonk__clear_slots(vonk_program_local *l)
{
    for (uint32_t i = 0; i < l->program->n_steps; i++) {
        if (!l->slots[i].value) continue;
        vonk_column_unref(l->slots[i].value);
        l->slots[i].value = NULL;
    }
}

/* ---- values */

vonk__scope vonk__narrowed(vonk_program_local *local, const vonk__scope *outer, vonk_rows rows)
{
    return (vonk__scope){.rows = rows, .id = ++local->next_scope, .outer = outer};
}

/* What was computed for a scope around this one holds for its rows, too. */
static bool holds_in(uint32_t computed_in, const vonk__scope *scope)
{
    for (; scope; scope = scope->outer)
        if (scope->id == computed_in) return true;
    return false;
}

vonk_status vonk__compute(vonk_program_local *local, const vonk__step *s, const vonk__scope *scope, vonk_column **ret,
                          vonk_error *err)
{
    vonk_status st;
    switch (s->kind) {
    case VONK__STEP_INPUT: *ret = vonk_column_ref(local->batch->columns[s->index]); return VONK_OK;
    case VONK__STEP_CONST: return vonk_column_constant_of(local->budget, s->value, 0, local->n_rows, ret, err);
    case VONK__STEP_CALL:
        if (vonk_expr_has(s->expr, VONK_EXF_CATCHES)) return vonk__run_caught(local, s, scope, ret, err);
        st = vonk__run_call(local, s, scope, ret, err);
        return st == VONK_OK || st == VONK_E_MEMORY_BUDGET_EXCEEDED ? st : vonk_expr_failed_running(s->expr, st, err);
    case VONK__STEP_CASE: return vonk__run_case(local, s, scope, ret, err);
    case VONK__STEP_COALESCE: return vonk__run_coalesce(local, s, scope, ret, err);
    case VONK__STEP_IN: return vonk__run_in(local, s, scope, ret, err);
    case VONK__STEP_FIELD: return vonk__run_field(local, s, scope, ret, err);
    default: return vonk__run_logic(local, s, scope, ret, err);
    }
}

vonk_status vonk__value(vonk_program_local *local, uint32_t step, const vonk__scope *scope, vonk_column **ret,
                        vonk_error *err)
{
    const vonk__step *s = &local->program->steps[step];
    if (s->kind == VONK__STEP_INPUT) {
        assert(s->index < local->batch->n_columns);
        *ret = local->batch->columns[s->index];
        return VONK_OK;
    }
    if (!local->slots) { /* folding: all arguments are constants of one row */
        assert(s->kind == VONK__STEP_CONST);
        *ret = s->value;
        return VONK_OK;
    }
    vonk__slot *slot = &local->slots[step];
    if (slot->value && holds_in(slot->scope, scope)) {
        *ret = slot->value;
        return VONK_OK;
    }
    vonk_column *value = NULL;
    VONK_TRY(vonk__compute(local, s, scope, &value, err));
    vonk_column_unref(slot->value);
    *slot = (vonk__slot){value, scope->id};
    *ret = value;
    return VONK_OK;
}

/* ---- batches */

static void begin(vonk_program_local *local, const vonk_batch *batch)
{
    local->batch = batch;
    if (local->flat_rows != batch->n_rows) drop_flats(local);
    local->n_rows = local->flat_rows = batch->n_rows;
    local->next_scope = 0;
}

static void end(vonk_program_local *local)
{
    vonk__clear_slots(local);
    vonk_arena_reset(local->scratch);
    local->row_base += local->batch->n_sel;
    local->batch = NULL;
}

static vonk_status eval_all(vonk_program_local *local, const vonk_batch *batch, vonk_column **ret, uint32_t *ret_n,
                            vonk_error *err)
{
    const vonk_program *p = local->program;
    vonk__scope root = {.rows = vonk_batch_rows(batch), .id = 0};
    for (; *ret_n < p->n_outputs; ++*ret_n) {
        vonk_column *value = NULL;
        if (batch->n_sel == 0)
            VONK_TRY(
                vonk_column_new_nulls(local->budget, p->steps[p->outputs[*ret_n]].type, batch->n_rows, &value, err));
        else
            VONK_TRY(vonk__value(local, p->outputs[*ret_n], &root, &value, err));
        ret[*ret_n] = batch->n_sel == 0 ? value : vonk_column_ref(value);
    }
    return VONK_OK;
}

vonk_status vonk_program_eval(vonk_program_local *local, const vonk_batch *batch, vonk_column **ret, vonk_error *err)
{
    uint32_t n = 0;
    begin(local, batch);
    vonk_status st = eval_all(local, batch, ret, &n, err);
    while (st != VONK_OK && n > 0) {
        vonk_column_unref(ret[--n]);
        ret[n] = NULL; /* callers give up what is there */
    }
    end(local);
    return st;
}

/* ---- filters */

static bool timed(const vonk_program_local *local)
{
    return local->program->terms_movable && local->program->n_terms > 1;
}

/* Cost of finding out that a row is not wanted: time a row / share of rows that go. */
static double rank(const vonk__term_cost *c)
{
    double in = (double)c->rows_in + 1, gone = in - (double)c->rows_out;
    return (double)c->ns / in / (gone / in + 1e-3);
}

static void reorder(vonk_program_local *local)
{
    for (uint32_t i = 1; i < local->program->n_terms; i++) {
        uint32_t t = local->term_order[i], k = i;
        for (; k > 0 && rank(&local->term_costs[local->term_order[k - 1]]) > rank(&local->term_costs[t]); k--)
            local->term_order[k] = local->term_order[k - 1];
        local->term_order[k] = t;
    }
    for (uint32_t i = 0; i < local->program->n_terms; i++) { /* what was long ago counts less */
        vonk__term_cost *c = &local->term_costs[i];
        *c = (vonk__term_cost){c->ns / 2, c->rows_in / 2, c->rows_out / 2};
    }
}

static vonk_status run_term(vonk_program_local *local, uint32_t term, const vonk__scope *scope, vonk_rows *ret,
                            vonk_error *err)
{
    vonk_column *value = NULL;
    VONK_AUTO(vonk_column_unref) vonk_column *keep = NULL;
    const uint8_t *bits, *validity;
    VONK_TRY(vonk__value(local, local->program->terms[term], scope, &value, err));
    VONK_TRY(vonk__bool_bits(local, value, &bits, &validity, &keep, err));
    return vonk__rows_where(local, scope->rows, bits, validity, true, ret, err);
}

/* Each term sees the rows that the ones before have left. */
static vonk_status run_terms(vonk_program_local *local, const vonk__scope *root, vonk_rows *ret, vonk_error *err)
{
    const vonk__scope *outer = root;
    vonk_rows rows = root->rows;
    bool measure = timed(local);
    for (uint32_t i = 0; i < local->program->n_terms && rows.n > 0; i++) {
        uint32_t term = local->term_order[i];
        vonk__scope *scope;
        VONK_TRY(VONK_ARENA_NEW(local->scratch, &scope, err));
        *scope = i == 0 ? *root : vonk__narrowed(local, outer, rows);
        int64_t start = measure ? vonk_clock_mono_ns() : 0;
        VONK_TRY(run_term(local, term, scope, &rows, err));
        outer = scope;
        if (!measure) continue;
        vonk__term_cost *c = &local->term_costs[term];
        c->ns += (uint64_t)(vonk_clock_mono_ns() - start);
        c->rows_in += scope->rows.n;
        c->rows_out += rows.n;
    }
    *ret = rows;
    return VONK_OK;
}

static vonk_status copy_rows(vonk_program_local *local, vonk_rows rows, vonk_buffer **ret, vonk_error *err)
{
    VONK_TRY(vonk_buffer_new(local->budget, rows.n * sizeof(uint32_t), ret, err));
    memcpy((*ret)->data, rows.idx, rows.n * sizeof(uint32_t));
    return VONK_OK;
}

vonk_status vonk_program_filter(vonk_program_local *local, const vonk_batch *batch, vonk_buffer **ret_sel,
                                uint32_t *ret_n, vonk_error *err)
{
    static const uint32_t none[1] = {0};
    assert(local->program->n_terms > 0);
    vonk_rows rows = {none, 0};
    begin(local, batch);
    vonk__scope root = {.rows = vonk_batch_rows(batch), .id = 0};
    vonk_status st = VONK_OK;
    vonk_buffer *sel = NULL;
    if (batch->n_sel > 0) st = run_terms(local, &root, &rows, err);
    bool all = st == VONK_OK && rows.n == batch->n_sel;
    if (st == VONK_OK && !all) st = copy_rows(local, rows.n ? rows : (vonk_rows){none, 0}, &sel, err);
    end(local);
    if (timed(local) && ++local->n_batches % 16 == 0) reorder(local);
    if (st != VONK_OK) return st;
    *ret_sel = sel;
    *ret_n = rows.n;
    return VONK_OK;
}
