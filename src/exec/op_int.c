/* exec/op_int.c -- see op_int.h. */
#include "exec/op_int.h"

vonk_status vonk__program_open(vonk_op *op, vonk_lane *lane, const vonk_program *program, op_program_local *ret,
                               vonk_error *err)
{
    VONK_TRY(vonk_program_local_new(program, lane->budget, &ret->at, err));
    vonk_program_set_cancel(ret->at, lane->ev.cancelled, lane->ev.query);
    ret->partition = lane->partition;
    vonk_program_start_partition(ret->at, lane->partition);
    return VONK_OK;
}

void vonk__program_close(op_program_local *l)
{
    if (l->at) vonk_program_local_free(l->at);
    l->at = NULL;
}

vonk_status vonk__batch_like(vonk_lane *lane, const vonk_batch *like, vonk_column **take_columns, uint32_t n,
                             vonk_batch **ret, vonk_error *err)
{
    VONK_TRY(vonk_op_batch(lane, like->n_rows, take_columns, n, ret, err));
    if (like->sel) {
        (*ret)->sel_buffer = vonk_buffer_ref(like->sel_buffer);
        (*ret)->sel = like->sel;
        (*ret)->n_sel = like->n_sel;
    }
    return VONK_OK;
}

vonk_status vonk__spark_hash_expr(vonk_budget *budget, const vonk_expr *const *exprs, uint32_t n, const vonk_expr **ret,
                                  vonk_error *err)
{
    vonk_expr *e = NULL;
    const vonk_fn *fn = vonk_fn_find(VONK_STR("hash"));
    if (!fn) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "there is no function hash");
    VONK_TRY(vonk_expr_new(budget, VONK_EX_FUNCTION, exprs, n, &e, err));
    e->fn = fn;
    e->n_args = n;
    e->nullable = false;
    vonk_status st = vonk_expr_set_name(e, VONK_STR("hash"), err);
    if (st == VONK_OK) st = vonk_expr_set_type(e, &vonk_type_int, err);
    if (st != VONK_OK) {
        vonk_expr_unref(e);
        return st;
    }
    return vonk_expr_finish(e, ret, err);
}

vonk_status vonk__spark_hash_program(vonk_op *op, const vonk_expr *const *exprs, uint32_t n, vonk_program **ret,
                                     vonk_error *err)
{
    VONK_AUTO(vonk_expr_unref) const vonk_expr *hash = NULL;
    VONK_TRY(vonk__spark_hash_expr(op->budget, exprs, n, &hash, err));
    return vonk_op_program(op, &hash, 1, ret, err);
}

uint32_t vonk__default_parallelism(const vonk_exec *exec)
{
    static const char *const keys[] = {"spark.sql.leafNodeDefaultParallelism", "spark.default.parallelism"};
    for (size_t i = 0; exec->env.conf && i < VONK_COUNTOF(keys); i++) {
        if (!vonk_conf_get_set(exec->env.conf, vonk_str_of(keys[i])).data) continue;
        int64_t n = vonk_conf_i64(exec->env.conf, keys[i]);
        if (n > 0 && n < INT32_MAX) return (uint32_t)n;
    }
    return vonk_pool_n_threads(exec->env.pool);
}

vonk_status vonk__ordered_slot(ordered *o, uint64_t ordinal, ordered_slot **ret, vonk_error *err)
{
    if (ordinal >= o->capacity) {
        uint64_t capacity = o->capacity ? o->capacity : 16;
        while (capacity <= ordinal) capacity *= 2;
        VONK_TRY(vonk_realloc(o->budget, &o->slots, capacity * sizeof *o->slots, err));
        memset(o->slots + o->capacity, 0, (capacity - o->capacity) * sizeof *o->slots);
        o->capacity = capacity;
    }
    if (ordinal >= o->n) o->n = ordinal + 1;
    *ret = &o->slots[ordinal];
    return VONK_OK;
}

void vonk__ordered_clear(ordered_slot *slot)
{
    for (size_t i = 0; i < slot->batches.n; i++) vonk_batch_unref(slot->batches.at[i]);
    vonk_free(slot->batches.at);
    slot->batches.at = NULL;
    slot->batches.n = slot->batches.capacity = 0;
}

void vonk__ordered_done(ordered *o)
{
    for (uint64_t i = 0; i < o->n; i++) vonk__ordered_clear(&o->slots[i]);
    vonk_free(o->slots);
}
