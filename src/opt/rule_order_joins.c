/* opt/rule_order_joins.c -- inner joins in the cheapest order.
 *
 *   Join [c = d]                                    Join [a = b]
 *   :- Join [a = b]            small d makes   =>   :- Join [c = d]
 *   :  :- A   B                                     :  :- B   D
 *   +- D                                            +- A
 *
 * A group of inner joins is taken apart into relations and conditions. Up to DP_MOST relations the best bushy tree is
 * found by dynamic programming over subsets (G. Moerkotte, T. Neumann, "Analysis of Two Existing and One New Dynamic
 * Programming Algorithm ...", 2006: DPsub), above that greedily. Semi and anti joins on top of the group take part:
 * each is a relation that may be joined as soon as the columns of its condition are there, and only shrinks the rows.
 * Cost: rows that come out of each join, and rows that are built into hash tables. */
#include <math.h>

#include "opt/rules.h"
#include "opt/scratch.h"
#include "opt/stats.h"

#define DP_MOST 10
#define MOST 60
#define BUILD_WEIGHT 1.5 /* building a row into a hash table costs more than probing with one */

typedef struct relation {
    const vonk_plan *plan;
    const vonk_plan *semi; /* the SEMI or ANTI join that it is the right side of; NULL: an ordinary input */
    uint64_t needs;        /* semi: relations whose columns its condition uses */
    double rows;
    double share;      /* semi: of the rows that stay */
    double log_factor; /* of what a set's rows are multiplied by: these rows, or this share */
} relation;

typedef struct condition {
    const vonk_expr *expr;
    uint64_t uses; /* relations */
    double log_share;
    int column_class;  /* of an equality between two columns of one type, else -1 */
    uint32_t sides[2]; /* class: the relations of the two columns */
} condition;

/* Columns that are all equal, at most one of a relation: a = b and b = c imply a = c. */
typedef struct column_class {
    uint64_t relations;
    const vonk_expr *columns[MOST]; /* of each relation */
    double log_distinct[MOST];      /* values of each column, upper bounds */
    bool doubled;                   /* two columns of one relation: not a class after all */
} column_class;

typedef struct graph {
    vonk__scratch s;
    relation relations[MOST];
    uint32_t n_relations;
    uint32_t n_waiting; /* right sides of joins that are being taken apart: one relation each at least */
    VONK_VEC(condition) conditions;
    column_class *classes;
    int n_classes;
} graph;

typedef struct best {
    double cost, rows;
    uint64_t left; /* subset; 0: a single relation */
    bool known;
} best;

static uint64_t bit(uint32_t i) { return UINT64_C(1) << i; }
static bool is_inner(const vonk_plan *p)
{
    return p->kind == VONK_PN_JOIN && (p->join.type == VONK_JOIN_INNER || p->join.type == VONK_JOIN_CROSS) &&
           !p->join.lateral;
}
static bool is_semi(const vonk_plan *p)
{
    return p->kind == VONK_PN_JOIN && (p->join.type == VONK_JOIN_SEMI || p->join.type == VONK_JOIN_ANTI) &&
           !p->join.null_aware;
}

static vonk_status order(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err);

/* ---- taking a group apart */
static vonk_status add_relation(graph *g, const vonk_plan *p, const vonk_plan *semi, vonk_error *err)
{
    const vonk_plan *ordered = NULL;

    assert(g->n_relations < MOST);
    VONK_TRY(order(g->s.env, p, &ordered, err));
    VONK_TRY(vonk__scratch_keep_plan(&g->s, ordered, err));
    g->relations[g->n_relations++] =
        (relation){.plan = ordered, .semi = semi, .rows = vonk__opt_rows(g->s.env, ordered), .share = 1};
    return VONK_OK;
}

static vonk_status take_apart(graph *g, const vonk_plan *p, vonk__exprs *terms, vonk_error *err)
{
    const bool two_more = g->n_relations + g->n_waiting + 2 <= MOST;

    if (two_more && (is_semi(p) || is_inner(p))) {
        if (is_inner(p) && p->n_lists > 0 && p->lists[0].n > 0)
            VONK_TRY(vonk__opt_conjuncts(g->s.arena, p->lists[0].at[0], terms, err));
        g->n_waiting++;
        VONK_TRY(take_apart(g, p->children[0], terms, err)); /* depth <= MOST */
        g->n_waiting--;
        return is_semi(p) ? add_relation(g, p->children[1], p, err) : take_apart(g, p->children[1], terms, err);
    }
    if (p->kind == VONK_PN_FILTER && (is_inner(p->children[0]) || is_semi(p->children[0])) &&
        vonk_expr_is_deterministic(p->lists[0].at[0])) {
        VONK_TRY(vonk__opt_conjuncts(g->s.arena, p->lists[0].at[0], terms, err));
        return take_apart(g, p->children[0], terms, err);
    }
    if (p->kind == VONK_PN_PROJECT &&
        is_inner(p->children[0])) { /* one that only drops columns stands in nobody's way */
        bool plain = true;
        for (uint32_t i = 0; i < p->lists[0].n && plain; i++) plain = p->lists[0].at[i]->kind == VONK_EX_COLUMN;
        if (plain) return take_apart(g, p->children[0], terms, err);
    }
    return add_relation(g, p, NULL, err);
}

static uint64_t relations_of(const graph *g, uint64_t id)
{
    for (uint32_t r = 0; r < g->n_relations; r++)
        if (!g->relations[r].semi && vonk_plan_has_column(g->relations[r].plan, id)) return bit(r);
    return 0;
}

static vonk_status uses_of(graph *g, const vonk_expr *e, uint64_t *ret, vonk_error *err)
{
    vonk_ids ids = {0};

    *ret = 0;
    VONK_TRY(vonk_expr_column_ids(e, g->s.arena, &ids, err));
    for (size_t i = 0; i < ids.n; i++) *ret |= relations_of(g, ids.at[i]);
    return VONK_OK;
}

static uint32_t only(uint64_t set) { return (uint32_t)__builtin_ctzll(set); }

static double log_distinct(const graph *g, uint32_t r, const vonk_expr *column)
{
    return log(vonk__opt_distinct(g->s.env, g->relations[r].plan, column->id));
}

static bool equal_columns(const vonk_expr *e)
{
    bool null_safe;
    return vonk__opt_is_equality(e, &null_safe) && !null_safe && e->children[0]->kind == VONK_EX_COLUMN &&
           e->children[1]->kind == VONK_EX_COLUMN && vonk_type_same(e->children[0]->type, e->children[1]->type);
}

static vonk_status add_condition(graph *g, const vonk_expr *e, vonk_error *err)
{
    condition c = {.expr = e, .log_share = log(0.33), .column_class = -1};

    VONK_TRY(uses_of(g, e, &c.uses, err));
    if (equal_columns(e) && __builtin_popcountll(c.uses) == 2) {
        c.log_share = -INFINITY;
        c.column_class = g->n_classes++;
        for (uint32_t side = 0; side < 2; side++) {
            c.sides[side] = only(relations_of(g, e->children[side]->id));
            c.log_share = fmax(c.log_share, -log_distinct(g, c.sides[side], e->children[side]));
        }
    } else if (__builtin_popcountll(c.uses) == 1) {
        c.log_share = log(vonk__opt_selectivity(g->s.env, g->relations[only(c.uses)].plan, e));
    }
    return VONK_VEC_ARENA_PUSH(&g->conditions, g->s.arena, c, err);
}

static bool share_column(const vonk_expr *x, const vonk_expr *y)
{
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t k = 0; k < 2; k++)
            if (x->children[i]->id == y->children[k]->id) return true;
    return false;
}

static void merge_classes(graph *g)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < g->conditions.n; i++)
            for (size_t k = 0; k < g->conditions.n; k++) {
                condition *x = &g->conditions.at[i], *y = &g->conditions.at[k];
                if (x->column_class < 0 || y->column_class < 0 || x->column_class <= y->column_class ||
                    !share_column(x->expr, y->expr))
                    continue;
                x->column_class = y->column_class;
                changed = true;
            }
    }
}

static void add_column(const graph *g, column_class *to, uint32_t r, const vonk_expr *column)
{
    if (to->columns[r] && to->columns[r]->id != column->id) to->doubled = true;
    to->relations |= bit(r);
    to->columns[r] = column;
    to->log_distinct[r] = log_distinct(g, r, column);
}

static vonk_status describe_classes(graph *g, vonk_error *err)
{
    VONK_TRY(vonk_arena_array(g->s.arena, (size_t)g->n_classes, sizeof *g->classes, &g->classes, err));
    for (size_t i = 0; i < g->conditions.n; i++) {
        const condition *c = &g->conditions.at[i];
        for (uint32_t side = 0; side < 2 && c->column_class >= 0; side++)
            add_column(g, &g->classes[c->column_class], c->sides[side], c->expr->children[side]);
    }
    return VONK_OK;
}

/* Two columns of one relation in a class (a.x = b.y and a.z = b.y): no join makes those two equal, so that one
 * condition would not do for all. Such classes are dissolved: each condition stands for itself. What is left is
 * numbered anew. */
static vonk_status dissolve_classes(graph *g, vonk_error *err)
{
    int *numbers = NULL, n = 0;

    VONK_TRY(vonk_arena_array(g->s.arena, (size_t)g->n_classes, sizeof *numbers, &numbers, err));
    for (int k = 0; k < g->n_classes; k++) {
        const bool stays = g->classes[k].relations && !g->classes[k].doubled;
        numbers[k] = stays ? n : -1;
        if (stays) g->classes[n++] = g->classes[k];
    }
    g->n_classes = n;
    for (size_t i = 0; i < g->conditions.n; i++) {
        condition *c = &g->conditions.at[i];
        if (c->column_class >= 0) c->column_class = numbers[c->column_class];
    }
    return VONK_OK;
}

static vonk_status describe_relations(graph *g, vonk_error *err)
{
    for (uint32_t r = 0; r < g->n_relations; r++) {
        relation *rel = &g->relations[r];
        rel->log_factor = log(rel->rows);
        if (!rel->semi) continue;
        const vonk_plan *join = rel->semi;
        if (join->n_lists > 0 && join->lists[0].n > 0) VONK_TRY(uses_of(g, join->lists[0].at[0], &rel->needs, err));
        if (rel->needs == 0) rel->needs = bit(0); /* no condition: whether there is any row at all; any place will do */
        const double before = vonk__opt_rows(g->s.env, join->children[0]), after = vonk__opt_rows(g->s.env, join);
        rel->share = before > 0 ? after / before : 1;
        if (rel->share > 1) rel->share = 1;
        rel->log_factor = log(rel->share);
    }
    return VONK_OK;
}

/* ---- sizes */
/* Logarithms: the product of sixty tables is more than a double holds. */
#define LOG_MOST_ROWS 690.0

/* A class leaves one row in as many as each of its columns has values, but for the column with the most: the others'
 * values are among its own. */
static double log_class_share(const column_class *c, uint64_t set)
{
    double sum = 0, most = 0;

    for (uint64_t rest = c->relations & set; rest; rest &= rest - 1) {
        const double distinct = c->log_distinct[only(rest)];
        sum += distinct;
        most = fmax(most, distinct);
    }
    return most - sum;
}

static double rows_of(const graph *g, uint64_t set)
{
    double rows = 0;

    for (uint64_t rest = set; rest; rest &= rest - 1) rows += g->relations[only(rest)].log_factor;
    for (size_t i = 0; i < g->conditions.n; i++) {
        const condition *c = &g->conditions.at[i];
        if (c->column_class < 0 && c->uses && (c->uses & ~set) == 0 && __builtin_popcountll(c->uses) > 1)
            rows += c->log_share;
    }
    for (int k = 0; k < g->n_classes; k++) rows += log_class_share(&g->classes[k], set);
    return exp(fmin(fmax(rows, 0), LOG_MOST_ROWS));
}

static bool connected(const graph *g, uint64_t a, uint64_t b)
{
    for (int k = 0; k < g->n_classes; k++)
        if ((g->classes[k].relations & a) && (g->classes[k].relations & b)) return true;
    for (size_t i = 0; i < g->conditions.n; i++) {
        const uint64_t uses = g->conditions.at[i].uses;
        if ((uses & a) && (uses & b) && (uses & ~(a | b)) == 0) return true;
    }
    return false;
}

/* Can these two be joined? A semi relation stands alone on the right, over what it needs. */
static bool may_join(const graph *g, uint64_t a, uint64_t b)
{
    if (__builtin_popcountll(b) == 1 && g->relations[only(b)].semi) return (g->relations[only(b)].needs & ~a) == 0;
    if (__builtin_popcountll(a) == 1 && g->relations[only(a)].semi) return false;
    return true;
}

static double join_cost(const graph *g, const best *a, const best *b, uint64_t b_set, double rows)
{
    if (__builtin_popcountll(b_set) == 1 && g->relations[only(b_set)].semi)
        return a->cost + b->cost + rows + BUILD_WEIGHT * g->relations[only(b_set)].rows + a->rows * 0.5;
    const double build = a->rows < b->rows ? a->rows : b->rows, probe = a->rows < b->rows ? b->rows : a->rows;
    return a->cost + b->cost + rows + BUILD_WEIGHT * build + probe * 0.5;
}

static best single(const graph *g, uint32_t r)
{
    return (best){
        .cost = 0, .rows = g->relations[r].semi ? g->relations[r].share : g->relations[r].rows, .known = true};
}

/* ---- dynamic programming over subsets */
static void try_split(const graph *g, best *table, uint64_t set, uint64_t left, bool cross_allowed)
{
    const uint64_t right = set & ~left;

    if (!table[left].known || !table[right].known || !may_join(g, left, right)) return;
    const bool semi = __builtin_popcountll(right) == 1 && g->relations[only(right)].semi;
    if (!semi && !cross_allowed && !connected(g, left, right)) return;
    const double rows = table[set].known ? table[set].rows : rows_of(g, set);
    const double cost = join_cost(g, &table[left], &table[right], right, rows);
    if (!table[set].known || cost < table[set].cost)
        table[set] = (best){.cost = cost, .rows = rows, .left = left, .known = true};
}

static void fill_table(const graph *g, best *table)
{
    const uint64_t all = bit(g->n_relations) - 1;

    for (uint32_t r = 0; r < g->n_relations; r++) table[bit(r)] = single(g, r);
    for (uint64_t set = 3; set <= all; set++) {
        if ((set & (set - 1)) == 0) continue;
        for (int cross = 0; cross < 2 && !table[set].known; cross++)
            for (uint64_t left = (set - 1) & set; left; left = (left - 1) & set)
                try_split(g, table, set, left, cross == 1);
    }
}

/* ---- building the tree */
/* Conditions that become decidable by joining a and b. Of each class one will do: a given one, or one that follows. */
static vonk_status terms_between(graph *g, uint64_t a, uint64_t b, vonk__exprs *ret, vonk_error *err)
{
    bool *used = NULL;

    VONK_TRY(vonk_arena_array(g->s.arena, (size_t)g->n_classes + 1, sizeof *used, &used, err));
    for (size_t i = 0; i < g->conditions.n; i++) {
        const condition *c = &g->conditions.at[i];
        if ((c->uses & ~(a | b)) != 0 || (c->uses & ~a) == 0 || (c->uses & ~b) == 0) continue;
        if (c->column_class >= 0 && used[c->column_class]) continue;
        if (c->column_class >= 0) used[c->column_class] = true;
        VONK_TRY(VONK_VEC_ARENA_PUSH(ret, g->s.arena, c->expr, err));
    }
    for (int k = 0; k < g->n_classes; k++) {
        const column_class *c = &g->classes[k];
        const vonk_expr *e = NULL;
        if (used[k] || !(c->relations & a) || !(c->relations & b)) continue;
        VONK_TRY(vonk__mk_equal(&g->s, c->columns[only(c->relations & a)], c->columns[only(c->relations & b)], false,
                                &e, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(ret, g->s.arena, e, err));
    }
    return VONK_OK;
}

static vonk_status join_sets(graph *g, uint64_t a, const vonk_plan *left, uint64_t b, const vonk_plan *right,
                             const vonk_plan **ret, vonk_error *err)
{
    vonk__exprs terms = {0};

    if (__builtin_popcountll(b) == 1 && g->relations[only(b)].semi) {
        const vonk_plan *children[2] = {left, right};
        return vonk__mk_over(&g->s, g->relations[only(b)].semi, children, ret, err);
    }
    VONK_TRY(terms_between(g, a, b, &terms, err));
    return vonk__mk_join(&g->s, left, right, terms.n > 0 ? VONK_JOIN_INNER : VONK_JOIN_CROSS, terms.at, terms.n, ret,
                         err);
}

static vonk_status build(graph *g, const best *table, uint64_t set, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan *left = NULL, *right = NULL;

    if (table[set].left == 0) {
        *ret = g->relations[only(set)].plan;
        return VONK_OK;
    }
    const uint64_t a = table[set].left, b = set & ~a;
    VONK_TRY(build(g, table, a, &left, err)); /* depth <= DP_MOST */
    VONK_TRY(build(g, table, b, &right, err));
    return join_sets(g, a, left, b, right, ret, err);
}

/* ---- greedy: again and again the cheapest pair */
typedef struct part {
    uint64_t set; /* 0: it has become part of another one */
    const vonk_plan *plan;
    best best;
} part;

typedef struct pair {
    double rows;
    bool connected;
} pair;

typedef struct parts {
    uint32_t n;
    part at[MOST];
    pair pairs[MOST][MOST]; /* the smaller index first */
} parts;

static pair *pair_of(parts *p, uint32_t i, uint32_t k) { return i < k ? &p->pairs[i][k] : &p->pairs[k][i]; }

static void look_at(const graph *g, parts *p, uint32_t i, uint32_t k)
{
    if (i == k || p->at[k].set == 0) return;
    *pair_of(p, i, k) = (pair){rows_of(g, p->at[i].set | p->at[k].set), connected(g, p->at[i].set, p->at[k].set)};
}

static bool cheapest(const graph *g, parts *p, bool cross, uint32_t *ret_x, uint32_t *ret_y, double *ret_cost)
{
    *ret_cost = INFINITY;
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t k = 0; k < p->n; k++) {
            const part *a = &p->at[i], *b = &p->at[k];
            if (i == k || a->set == 0 || b->set == 0 || !may_join(g, a->set, b->set)) continue;
            const bool semi = __builtin_popcountll(b->set) == 1 && g->relations[only(b->set)].semi;
            if (!cross && !semi && !pair_of(p, i, k)->connected) continue;
            const double cost = join_cost(g, &a->best, &b->best, b->set, pair_of(p, i, k)->rows);
            if (cost >= *ret_cost) continue;
            *ret_cost = cost;
            *ret_x = i;
            *ret_y = k;
        }
    return *ret_cost < INFINITY;
}

static vonk_status greedy(graph *g, const vonk_plan **ret, vonk_error *err)
{
    parts *p = NULL;
    uint32_t x = 0, y = 0;
    double cost;

    assert(g->n_relations > 0);
    VONK_TRY(VONK_ARENA_NEW(g->s.arena, &p, err));
    for (; p->n < g->n_relations; p->n++) p->at[p->n] = (part){bit(p->n), g->relations[p->n].plan, single(g, p->n)};
    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t k = i + 1; k < p->n; k++) look_at(g, p, i, k);
    for (uint32_t left = p->n; left > 1; left--) {
        if (!cheapest(g, p, false, &x, &y, &cost) && !cheapest(g, p, true, &x, &y, &cost))
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "joins could not be put in an order");
        part *a = &p->at[x], *b = &p->at[y];
        VONK_TRY(join_sets(g, a->set, a->plan, b->set, b->plan, &a->plan, err));
        a->best = (best){.cost = cost, .rows = pair_of(p, x, y)->rows, .known = true};
        a->set |= b->set;
        b->set = 0;
        for (uint32_t k = 0; k < p->n; k++) look_at(g, p, x, k);
    }
    *ret = p->at[x].plan;
    return VONK_OK;
}

/* ---- one group */
static vonk_status order_group(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_plan *done = NULL, *filtered = NULL;
    vonk__exprs terms = {0}, constant = {0};
    best *table = NULL;

    VONK_TRY(vonk_arena_new(env->budget, &arena, err));
    graph *g = NULL;
    VONK_TRY(VONK_ARENA_NEW(arena, &g, err));
    g->s = (vonk__scratch){env, arena};
    VONK_TRY(take_apart(g, p, &terms, err));
    for (size_t i = 0; i < terms.n; i++) VONK_TRY(add_condition(g, terms.at[i], err));
    merge_classes(g);
    VONK_TRY(describe_classes(g, err));
    VONK_TRY(dissolve_classes(g, err));
    VONK_TRY(describe_relations(g, err));
    if (g->n_relations <= DP_MOST) {
        VONK_TRY(vonk_arena_array(arena, (size_t)1 << g->n_relations, sizeof *table, &table, err));
        fill_table(g, table);
        const uint64_t all = bit(g->n_relations) - 1;
        if (!table[all].known)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "joins could not be put in an order");
        VONK_TRY(build(g, table, all, &done, err));
    } else {
        VONK_TRY(greedy(g, &done, err));
    }
    for (size_t i = 0; i < g->conditions.n; i++) /* on one relation or none: joins do not pick them up */
        if (__builtin_popcountll(g->conditions.at[i].uses) <= 1)
            VONK_TRY(VONK_VEC_ARENA_PUSH(&constant, arena, g->conditions.at[i].expr, err));
    VONK_TRY(vonk__mk_filter(&g->s, done, constant.at, constant.n, &filtered, err));
    VONK_TRY(vonk__mk_output_like(&g->s, filtered, p, &done, err));
    *ret = vonk_plan_ref(done);
    return VONK_OK;
}

static vonk_status order(const vonk_opt_env *env, const vonk_plan *p, const vonk_plan **ret, vonk_error *err)
{
    const vonk_plan **children = NULL;
    uint32_t n = 0;
    vonk_plan *copy = NULL;

    if (is_inner(p) || (is_semi(p) && (is_inner(p->children[0]) || is_semi(p->children[0]))))
        return order_group(env, p, ret, err);
    if (p->n_children == 0) {
        *ret = vonk_plan_ref(p);
        return VONK_OK;
    }
    vonk_status status = vonk_alloc_array(env->budget, p->n_children, sizeof *children, &children, err);
    bool changed = false;
    while (status == VONK_OK && n < p->n_children) {
        status = order(env, p->children[n], &children[n], err); /* depth: VONK_MAX_PLAN_DEPTH */
        if (status != VONK_OK) break;
        changed = changed || children[n] != p->children[n];
        n++;
    }
    if (status == VONK_OK && !changed)
        *ret = vonk_plan_ref(p);
    else if (status == VONK_OK) {
        status = vonk_plan_copy(env->budget, p, children, n, &copy, err);
        if (status == VONK_OK) status = vonk_plan_finish(copy, ret, err);
    }
    for (uint32_t i = 0; i < n; i++) vonk_plan_unref(children[i]);
    vonk_free(children);
    return status;
}

vonk_status vonk__rule_order_joins(const vonk_opt_env *env, const vonk_plan *plan, const vonk_plan **ret,
                                   vonk_error *err)
{
    return order(env, plan, ret, err);
}
