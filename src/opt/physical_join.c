/* opt/physical_join.c -- JOIN: equal keys of both sides become a hash join, anything else a nested loop; the smaller
 * side is built. */
#include "opt/stats.h"

typedef struct join_parts {
    const vonk_opt_env *env;
    const vonk_plan *node; /* logical */
    vonk_arena *arena;
    vonk__exprs left_keys, right_keys; /* unbound, pairwise */
    vonk__exprs rest;                  /* conjuncts that are no key */
} join_parts;

/* ---- keys */
static vonk_status push(join_parts *j, vonk__exprs *list, const vonk_expr *e, vonk_error *err)
{
    return VONK_VEC_ARENA_PUSH(list, j->arena, e, err);
}

static vonk_status push_pair(join_parts *j, const vonk_expr *left, const vonk_expr *right, vonk_error *err)
{
    VONK_TRY(push(j, &j->left_keys, left, err));
    return push(j, &j->right_keys, right, err);
}

/* a <=> b as two ordinary keys: is it null, and its value or a stand-in. */
static vonk_status null_safe_side(join_parts *j, const vonk_expr *e, const vonk_expr **ret_value,
                                  const vonk_expr **ret_is_null, vonk_error *err)
{
    const vonk_expr *stand_in = NULL;
    vonk_expr *node = NULL;

    VONK_TRY(vonk__opt_stand_in(j->env, e->type, &stand_in, err));
    VONK_TRY(vonk__opt_keep(j->arena, stand_in, err));
    VONK_TRY(vonk_expr_new(j->env->budget, VONK_EX_COALESCE, (const vonk_expr *[]){e, stand_in}, 2, &node, err));
    VONK_TRY(vonk_expr_finish(node, ret_value, err));
    VONK_TRY(vonk__opt_keep(j->arena, *ret_value, err));
    VONK_TRY(vonk_expr_new(j->env->budget, VONK_EX_IS_NULL, &e, 1, &node, err));
    VONK_TRY(vonk_expr_finish(node, ret_is_null, err));
    return vonk__opt_keep(j->arena, *ret_is_null, err);
}

static vonk_status add_key(join_parts *j, const vonk_expr *left, const vonk_expr *right, bool null_safe,
                           vonk_error *err)
{
    const vonk_expr *lv = NULL, *ln = NULL, *rv = NULL, *rn = NULL;

    if (!null_safe || (!left->nullable && !right->nullable)) return push_pair(j, left, right, err);
    VONK_TRY(null_safe_side(j, left, &lv, &ln, err));
    VONK_TRY(null_safe_side(j, right, &rv, &rn, err));
    VONK_TRY(push_pair(j, lv, rv, err));
    return push_pair(j, ln, rn, err);
}

static vonk_status sort_out(join_parts *j, vonk_error *err)
{
    const vonk_plan *left = j->node->children[0], *right = j->node->children[1];
    vonk__exprs terms = {0};

    if (j->node->n_lists == 0 || j->node->lists[0].n == 0) return VONK_OK;
    VONK_TRY(vonk__opt_conjuncts(j->arena, j->node->lists[0].at[0], &terms, err));
    for (size_t i = 0; i < terms.n; i++) {
        const vonk_expr *e = terms.at[i];
        bool null_safe = false;
        if (vonk__opt_is_equality(e, &null_safe) && vonk_type_same(e->children[0]->type, e->children[1]->type) &&
            (!null_safe || vonk__opt_has_stand_in(e->children[0]->type))) {
            const vonk_expr *a = e->children[0], *b = e->children[1];
            const bool straight = vonk__opt_covered(a, left) && vonk__opt_covered(b, right);
            const bool crossed = !straight && vonk__opt_covered(b, left) && vonk__opt_covered(a, right);
            const bool constant = vonk_expr_is_foldable(a) || vonk_expr_is_foldable(b);
            if ((straight || crossed) && !constant) {
                VONK_TRY(add_key(j, straight ? a : b, straight ? b : a, null_safe, err));
                continue;
            }
        }
        VONK_TRY(push(j, &j->rest, e, err));
    }
    return VONK_OK;
}

/* ---- which side is built */
#define SMALL_ROWS 10000 /* whatever their width, within Spark's limit for broadcasts */

static bool hint_builds(vonk_str hint)
{
    return vonk_str_is_nocase(hint, "BROADCAST") || vonk_str_is_nocase(hint, "BROADCASTJOIN") ||
           vonk_str_is_nocase(hint, "MAPJOIN") || vonk_str_is_nocase(hint, "SHUFFLE_HASH");
}

static bool choose_build_left(const join_parts *j)
{
    const vonk_join_info *info = &j->node->join;

    if (info->type == VONK_JOIN_SINGLE || info->type == VONK_JOIN_MARK || info->null_aware) return false;
    if (hint_builds(info->hint_right)) return false;
    if (hint_builds(info->hint_left)) return true;
    /* Spark broadcasts a small side that an outer join does not keep; rows then come in the other side's order, as its
     * users see it. */
    if (info->type == VONK_JOIN_RIGHT && vonk__opt_rows(j->env, j->node->children[0]) <= SMALL_ROWS) return true;
    if ((info->type == VONK_JOIN_LEFT || info->type == VONK_JOIN_SEMI || info->type == VONK_JOIN_ANTI) &&
        vonk__opt_rows(j->env, j->node->children[1]) <= SMALL_ROWS)
        return false;
    return vonk__opt_rows(j->env, j->node->children[0]) < vonk__opt_rows(j->env, j->node->children[1]);
}

/* ---- nodes */
static vonk_status set_join(vonk_plan *node, const join_parts *j, bool build_left, const vonk_plan **ret,
                            vonk_error *err)
{
    node->join = j->node->join;
    node->join.build_left = build_left;
    node->join.broadcast = true;
    node->join.probe_rows = vonk__opt_rows(j->env, j->node->children[build_left ? 1 : 0]);
    node->join.build_rows = vonk__opt_rows(j->env, j->node->children[build_left ? 0 : 1]);
    node->join.using_columns = NULL;
    node->join.n_using = 0;
    node->join.hint_left = node->join.hint_right = VONK_STR_NONE;
    return vonk_plan_finish(node, ret, err);
}

static vonk_status hash_join(join_parts *j, const vonk_plan *const *sides /* physical: left, right */, bool build_left,
                             const vonk_expr *rest, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *placed = NULL;
    const vonk_expr **keys[2] = {0};
    const vonk__exprs *unbound[2] = {&j->left_keys, &j->right_keys};
    const uint32_t probe = build_left ? 1 : 0, build = 1 - probe, n = (uint32_t)j->left_keys.n;
    vonk_plan *node = NULL;

    for (uint32_t side = 0; side < 2; side++)
        VONK_TRY(vonk__opt_bind_list(j->env, j->arena, unbound[side]->at, unbound[side]->n, j->node->children[side],
                                     VONK__BIND_NAMED, &keys[side], err));
    VONK_TRY(vonk__opt_exchange(j->env, sides[build], VONK_EXCHANGE_BROADCAST, NULL, 0, 1, false, &placed, err));
    const vonk__lists lists = {.at = {keys[probe], keys[build], &rest}, .n = {n, n, rest ? 1 : 0}, .n_lists = 3};
    VONK_TRY(vonk__opt_node(j->env, VONK_PN_P_HASH_JOIN, (const vonk_plan *[]){sides[probe], placed}, 2, &lists, &node,
                            err));
    return set_join(node, j, build_left, ret, err);
}

static vonk_status loop_join(join_parts *j, const vonk_plan *const *sides, bool build_left, const vonk_expr *rest,
                             const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *placed = NULL;
    const uint32_t stream = build_left ? 1 : 0;
    vonk_plan *node = NULL;

    VONK_TRY(vonk__opt_exchange(j->env, sides[1 - stream], VONK_EXCHANGE_BROADCAST, NULL, 0, 1, false, &placed, err));
    VONK_TRY(vonk__opt_node(j->env, VONK_PN_P_LOOP_JOIN, (const vonk_plan *[]){sides[stream], placed}, 2,
                            &(vonk__lists){.at = {&rest}, .n = {rest ? 1 : 0}, .n_lists = 1}, &node, err));
    return set_join(node, j, build_left, ret, err);
}

/* What is left of the condition, bound to (probe columns, build columns). */
static vonk_status bind_rest(join_parts *j, bool build_left, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_expr_unref) const vonk_expr *all = NULL;
    const vonk_plan *const inputs[2] = {j->node->children[build_left ? 1 : 0], j->node->children[build_left ? 0 : 1]};

    *ret = NULL;
    if (j->rest.n == 0) return VONK_OK;
    VONK_TRY(vonk_ex_and(j->env->budget, j->rest.at, (uint32_t)j->rest.n, &all, err));
    VONK_TRY(vonk__opt_bind(j->env, all, inputs, 2, ret, err));
    return vonk__opt_keep(j->arena, *ret, err);
}

vonk_status vonk__opt_lower_join(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *left = NULL, *right = NULL;
    const vonk_expr *rest = NULL;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    join_parts j = {.env = env, .node = p, .arena = arena};
    VONK_TRY(sort_out(&j, err));
    VONK_TRY(vonk__opt_lower(env, p->children[0], &left, err));
    VONK_TRY(vonk__opt_lower(env, p->children[1], &right, err));
    const bool build_left = choose_build_left(&j);
    VONK_TRY(bind_rest(&j, build_left, &rest, err));
    const vonk_plan *const sides[2] = {left, right};
    return j.left_keys.n > 0 ? hash_join(&j, sides, build_left, rest, ret, err)
                             : loop_join(&j, sides, build_left, rest, ret, err);
}
