/* plan/expr_type.c -- resolved or not, type and nullability of the kinds that follow from their children. */
#include "func/coerce.h"
#include "plan/expr_int.h"

vonk_expr_phase vonk__expr_phase(vonk_expr_kind kind)
{
    static const uint8_t phases[VONK_N_EXPR] = {
#define EXPR(kind, phase) [VONK_EX_##kind] = VONK_EXP_##phase,
#include "plan/expr.def"
#undef EXPR
    };
    return (vonk_expr_phase)phases[kind];
}

static bool any_nullable(const vonk_expr *e, uint32_t from)
{
    for (uint32_t i = from; i < e->n_children; i++)
        if (e->children[i]->nullable) return true;
    return false;
}

static bool all_of(const vonk_expr *e, vonk_type_id id)
{
    for (uint32_t i = 0; i < e->n_children; i++)
        if (e->children[i]->type->id != id) return false;
    return true;
}

static void set_type(vonk_expr *e, const vonk_type *type, bool nullable)
{
    const vonk_type *old = e->type;
    e->type = type ? vonk_type_ref(type) : NULL;
    e->nullable = nullable;
    vonk_type_unref(old);
}

/* The type of several values that are one result; NULL when they do not fit together. */
static vonk_status merged_type(const vonk_type *const *types, uint32_t n, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *got = vonk_type_ref(types[0]);
    for (uint32_t i = 1; i < n && got; i++) {
        const vonk_type *wider = NULL;
        if (vonk_type_eq(got, types[i])) continue;
        vonk_status st = vonk_coerce_merge_nulls(got, types[i], &wider, err);
        vonk_type_unref(got);
        if (st != VONK_OK) return st;
        got = wider;
    }
    *ret = got;
    return VONK_OK;
}

static bool is_true(const vonk_expr *e)
{
    return e->kind == VONK_EX_LITERAL && e->type->id == VONK_T_BOOLEAN && !vonk_column_is_null(e->value, 0) &&
           vonk_column_i64(e->value, 0) == 1;
}

/* Results of CASE are children 1, 3, ... and the last one if their number is odd; of COALESCE all. */
static vonk_status derive_choice(vonk_expr *e, vonk_error *err)
{
    const vonk_type **types = NULL;
    uint32_t n = 0;
    bool is_case = e->kind == VONK_EX_CASE, is_if = vonk_str_is(e->name, "if"), any = false, all = true, reached = true;

    VONK_TRY(vonk_alloc_array(vonk_arena_budget(e->arena), e->n_children, sizeof(*types), &types, err));
    for (uint32_t i = 0; i < e->n_children; i++) {
        bool is_else = i + 1 == e->n_children && i % 2 == 0;
        const vonk_expr *c = e->children[i];
        if (is_case && i % 2 == 0 && !is_else) {
            if (c->type->id != VONK_T_BOOLEAN) n = UINT32_MAX;
            if (n == UINT32_MAX) break;
            continue;
        }
        types[n++] = c->type;
        any |= reached && c->nullable;
        all &= c->nullable;
        if (is_case && !is_if && !is_else && is_true(e->children[i - 1])) reached = false; /* behind WHEN true */
    }
    const vonk_type *type = NULL;
    vonk_status st = VONK_OK;
    if (n > 0 && n != UINT32_MAX) st = merged_type(types, n, &type, err);
    vonk_free(types);
    if (st != VONK_OK) return st;
    set_type(e, type, is_case ? any || (reached && e->n_children % 2 == 0) : all);
    vonk_type_unref(type);
    return VONK_OK;
}

static void derive_in(vonk_expr *e)
{
    bool fits = e->n_children > 0;
    for (uint32_t i = 1; i < e->n_children; i++) fits &= vonk_type_same(e->children[0]->type, e->children[i]->type);
    set_type(e, fits ? &vonk_type_boolean : NULL, any_nullable(e, 0));
}

static void derive_field(vonk_expr *e)
{
    const vonk_expr *c = e->children[0];
    bool fits = c->type->id == VONK_T_STRUCT && e->index < c->type->n_fields;
    set_type(e, fits ? c->type->fields[e->index].type : NULL,
             fits && (c->nullable || c->type->fields[e->index].nullable));
}

static vonk_status derive(vonk_expr *e, vonk_error *err)
{
    const vonk_expr *c = e->n_children ? e->children[0] : NULL;
    switch (e->kind) {
    case VONK_EX_ALIAS:
    case VONK_EX_SORT:
    case VONK_EX_LAMBDA:
    case VONK_EX_WINDOW:
        assert(c);
        set_type(e, c->type, c->nullable);
        break;
    case VONK_EX_CAST:
        assert(c);
        e->nullable = c->nullable || vonk_coerce_cast_nullable(c->type, e->type, (int)e->mode);
        break;
    case VONK_EX_CASE:
    case VONK_EX_COALESCE: return derive_choice(e, err);
    case VONK_EX_AND:
    case VONK_EX_OR:
    case VONK_EX_NOT: set_type(e, all_of(e, VONK_T_BOOLEAN) ? &vonk_type_boolean : NULL, any_nullable(e, 0)); break;
    case VONK_EX_IN: derive_in(e); break;
    case VONK_EX_IS_NULL:
    case VONK_EX_IS_NOT_NULL: set_type(e, &vonk_type_boolean, false); break;
    case VONK_EX_GET_FIELD: derive_field(e); break;
    case VONK_EX_PYTHON: set_type(e, e->python ? e->python->returns : NULL, true); break;
    case VONK_EX_LITERAL:
        if (e->value) set_type(e, e->value->type, vonk_column_is_null(e->value, 0));
        break;
    default: break; /* set by whoever made the node */
    }
    return VONK_OK;
}

vonk_status vonk__expr_derive(vonk_expr *e, vonk_error *err)
{
    e->resolved = false;
    if (vonk__expr_phase(e->kind) == VONK_EXP_UNRESOLVED) return VONK_OK;
    for (uint32_t i = 0; i < e->n_children; i++)
        if (!e->children[i]->resolved) return VONK_OK;
    if (e->kind == VONK_EX_CAST && (!e->type || !vonk_coerce_can_cast(e->children[0]->type, e->type, (int)e->mode)))
        return VONK_OK;
    VONK_TRY(derive(e, err));
    e->resolved = e->type != NULL && (e->kind != VONK_EX_FUNCTION || e->fn != NULL) &&
                  (e->kind != VONK_EX_ALIAS || e->id != 0) &&
                  (e->kind != VONK_EX_WINDOW || vonk_expr_has(e, VONK_EXF_CHECKED));
    return VONK_OK;
}
