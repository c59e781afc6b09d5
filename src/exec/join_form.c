/* exec/join_form.c -- a join node as seen from its probe and build sides: what goes out, what must be kept of build
 * rows, keys and the residual condition bound to what is kept. */
#include "exec/join_int.h"

static void set_kind(join_form *f)
{
    vonk_join_type t = f->type;
    bool left_is_probe = !f->build_left, one_side = t == VONK_JOIN_SEMI || t == VONK_JOIN_ANTI || t == VONK_JOIN_MARK;
    bool outer_left = t == VONK_JOIN_LEFT || t == VONK_JOIN_SINGLE || t == VONK_JOIN_FULL;
    bool outer_right = t == VONK_JOIN_RIGHT || t == VONK_JOIN_FULL;
    f->by_probe = one_side && left_is_probe;
    f->by_build = one_side && !left_is_probe;
    f->puts_probe = !f->by_build;
    f->puts_build = !f->by_probe;
    f->puts_mark = t == VONK_JOIN_MARK;
    f->outer_probe = left_is_probe ? outer_left : outer_right;
    f->outer_build = left_is_probe ? outer_right : outer_left;
    f->flags = f->outer_build || f->by_build;
}

static bool is_integer(const vonk_type *t)
{
    switch (t->storage) {
    case VONK_STORE_BIT:
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32:
    case VONK_STORE_I64: return true;
    default: return false;
    }
}

static const vonk_expr *unnamed(const vonk_expr *e)
{
    while (e->kind == VONK_EX_ALIAS) e = e->children[0];
    return e;
}

static vonk_status open_keys(vonk_op *op, const vonk_expr_list *exprs, join_keys *ret, vonk_error *err)
{
    const vonk_expr **computed = NULL;
    uint32_t *column = NULL, n = 0;
    VONK_TRY(vonk_arena_array(op->arena, exprs->n, sizeof *column, &column, err));
    VONK_TRY(vonk_arena_array(op->arena, exprs->n, sizeof *computed, &computed, err));
    for (uint32_t i = 0; i < exprs->n; i++) {
        const vonk_expr *e = unnamed(exprs->at[i]);
        column[i] = e->kind == VONK_EX_BOUND ? e->index : JOIN_NONE;
        if (column[i] == JOIN_NONE) computed[n++] = e;
    }
    ret->column = column;
    return n > 0 ? vonk_op_program(op, computed, n, &ret->program, err) : VONK_OK;
}

static void store(join_form *f, uint32_t column, const vonk_type *type)
{
    f->stored[f->n_stored] = column;
    f->stored_types[f->n_stored] = type;
    if (column != JOIN_NONE) f->stored_of[column] = f->n_stored;
    f->n_stored++;
}

/* ---- residual: looks at a batch of just the columns that it uses */

typedef struct rebinding {
    join_form *form;
    const vonk_op *op;
    bool collect;
} rebinding;

static vonk_walk collect_used(const vonk_expr *e, void *arg)
{
    join_form *f = arg;
    if (e->kind != VONK_EX_BOUND) return VONK_WALK_ON;
    if (e->index >= f->n_probe && f->stored_of[e->index - f->n_probe] == JOIN_NONE)
        store(f, e->index - f->n_probe, e->type);
    return VONK_WALK_ON;
}

static uint32_t use(join_form *f, bool build, uint32_t column)
{
    for (uint32_t i = 0; i < f->n_used; i++)
        if (f->used[i].build == build && f->used[i].column == column) return i;
    f->used[f->n_used] = (join_used){build, column};
    return f->n_used++;
}

static vonk_status rebind(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err)
{
    join_form *f = arg;
    if (e->kind != VONK_EX_BOUND) {
        *ret = vonk_expr_ref(e);
        return VONK_OK;
    }
    bool build = e->index >= f->n_probe;
    uint32_t at = use(f, build, build ? f->stored_of[e->index - f->n_probe] : e->index);
    return vonk_ex_bound(f->op->budget, at, e->type, e->nullable, e->name, ret, err);
}

static vonk_status open_residual(vonk_op *op, join_form *f, const vonk_expr *residual, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(op->arena, (size_t)f->n_probe + f->n_build, sizeof *f->used, &f->used, err));
    if (!residual) return VONK_OK;
    VONK_TRY(vonk_expr_rewrite(op->budget, residual, rebind, f, &f->residual_expr, err));
    return vonk_op_program(op, &f->residual_expr, 1, &f->residual, err);
}

/* ---- open */

static vonk_status open_stored(vonk_op *op, join_form *f, const vonk_expr_list *keys, const vonk_expr *residual,
                               vonk_error *err)
{
    size_t room = (size_t)f->n_build + f->n_keys + 1;
    VONK_TRY(vonk_arena_array(op->arena, room, sizeof *f->stored, &f->stored, err));
    VONK_TRY(vonk_arena_array(op->arena, room, sizeof *f->stored_types, &f->stored_types, err));
    VONK_TRY(vonk_arena_array(op->arena, f->n_build, sizeof *f->stored_of, &f->stored_of, err));
    VONK_TRY(vonk_arena_array(op->arena, f->n_keys, sizeof *f->key_stored, &f->key_stored, err));
    for (uint32_t c = 0; c < f->n_build; c++) f->stored_of[c] = JOIN_NONE;
    for (uint32_t c = 0; c < f->n_build && f->puts_build; c++) store(f, c, op->children[1]->types[c]);
    if (residual) vonk_expr_walk(residual, collect_used, f);
    for (uint32_t i = 0; i < f->n_keys; i++) {
        uint32_t c = f->build_keys.column[i];
        if (c == JOIN_NONE || f->stored_of[c] == JOIN_NONE) {
            f->key_stored[i] = f->n_stored;
            store(f, c, keys->at[i]->type);
        } else {
            f->key_stored[i] = f->stored_of[c];
        }
    }
    return VONK_OK;
}

static vonk_status check_output(const vonk_op *op, const join_form *f, vonk_error *err)
{
    uint32_t n = (f->puts_probe ? f->n_probe : 0) + (f->puts_build ? f->n_build : 0) + f->puts_mark;
    if (n != op->n_columns)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "the columns of a join node do not fit its inputs");
    return VONK_OK;
}

vonk_status vonk__join_form_open(vonk_op *op, join_form *f, const vonk_expr_list *probe_keys,
                                 const vonk_expr_list *build_keys, const vonk_expr *residual, vonk_error *err)
{
    const vonk_join_info *info = &op->node->join;
    f->op = op;
    f->type = info->type == VONK_JOIN_CROSS ? VONK_JOIN_INNER : info->type;
    f->build_left = info->build_left;
    f->null_aware = info->null_aware;
    f->n_probe = op->children[0]->n_columns;
    f->n_build = op->children[1]->n_columns;
    f->n_keys = probe_keys ? probe_keys->n : 0;
    set_kind(f);
    VONK_TRY(check_output(op, f, err));
    if (f->null_aware && !f->by_probe && !f->by_build)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "only anti and mark joins can be null-aware");
    f->null_pairs = f->null_aware && (f->n_keys != 1 || residual);
    f->drop_nulls = !f->outer_build && !(f->by_build && f->type != VONK_JOIN_SEMI) && !f->null_pairs;
    f->int_keys = f->n_keys > 0;
    if (f->n_keys > 0) {
        VONK_TRY(vonk_op_types(op, build_keys->at, f->n_keys, &f->key_types, err));
        for (uint32_t i = 0; i < f->n_keys; i++) f->int_keys &= is_integer(f->key_types[i]);
        VONK_TRY(open_keys(op, probe_keys, &f->probe_keys, err));
        VONK_TRY(open_keys(op, build_keys, &f->build_keys, err));
    }
    VONK_TRY(open_stored(op, f, build_keys, residual, err));
    return open_residual(op, f, residual, err);
}

void vonk__join_form_close(join_form *f)
{
    vonk_program_free(f->probe_keys.program);
    vonk_program_free(f->build_keys.program);
    vonk_program_free(f->residual);
    vonk_expr_unref(f->residual_expr);
}

vonk_status vonk__join_key_columns(const join_keys *keys, uint32_t n_keys, op_program_local *program, vonk_lane *lane,
                                   const vonk_batch *in, vonk_column **ret, vonk_error *err)
{
    vonk_column **computed = NULL;
    if (keys->program) {
        VONK_TRY(vonk_arena_array(lane->scratch, n_keys, sizeof(vonk_column *), &computed, err));
        vonk__program_place(program, lane);
        VONK_TRY(vonk_program_eval(program->at, in, computed, err));
    }
    for (uint32_t i = 0, at = 0; i < n_keys; i++) {
        assert(computed || keys->column[i] != JOIN_NONE);
        ret[i] = keys->column[i] == JOIN_NONE ? computed[at++] : vonk_column_ref(in->columns[keys->column[i]]);
    }
    return VONK_OK;
}
