/* plan/expr_equal.c -- are two expressions the same? Ids, values and structure count; origins, shown texts,
 * names and ids of aliases do not.
 * Parameters of lambdas are compared by where they are bound. */
#include "base/hash.h"
#include "plan/expr_int.h"

enum {
    FLAGS_THAT_COUNT = VONK_EXF_DISTINCT | VONK_EXF_IGNORE_NULLS | VONK_EXF_HAS_FILTER | VONK_EXF_WITHIN_GROUP |
                       VONK_EXF_OUTER | VONK_EXF_DESCENDING | VONK_EXF_NULLS_LAST | VONK_EXF_METADATA_COLUMN |
                       VONK_EXF_CATCHES
};

/* Lambdas that surround the two nodes being compared, innermost first. */
typedef struct scope {
    const vonk_expr *a, *b;
    const struct scope *outer;
} scope;

static bool names_equal(const vonk_expr *a, const vonk_expr *b)
{
    if (!vonk_str_eq(a->name, b->name) || a->n_parts != b->n_parts) return false;
    for (uint32_t i = 0; i < a->n_parts; i++)
        if (!vonk_str_eq(a->parts[i], b->parts[i])) return false;
    return true;
}

static bool values_equal(const vonk_column *a, const vonk_column *b)
{
    if (!vonk_type_eq_exact(a->type, b->type)) return false;
    if (vonk_column_is_null(a, 0) || vonk_column_is_null(b, 0))
        return vonk_column_is_null(a, 0) && vonk_column_is_null(b, 0);
    if (a->type->storage == VONK_STORE_F64 ||
        a->type->storage == VONK_STORE_F32) { /* -0.0 is another literal than 0.0 */
        double x = vonk_column_f64(a, 0), y = vonk_column_f64(b, 0);
        uint64_t x_bits, y_bits;
        memcpy(&x_bits, &x, sizeof(x));
        memcpy(&y_bits, &y, sizeof(y));
        return x_bits == y_bits;
    }
    return vonk_column_row_eq(a, 0, b, 0);
}

static int parameter_index(const vonk_expr *lambda, uint64_t id)
{
    for (uint32_t i = 0; lambda->ids && i < lambda->n_parts; i++)
        if (lambda->ids[i] == id) return (int)i;
    return -1;
}

static bool variables_equal(const vonk_expr *a, const vonk_expr *b, const scope *around)
{
    for (const scope *s = around; s; s = s->outer) {
        int i = parameter_index(s->a, a->id), k = parameter_index(s->b, b->id);
        if (i >= 0 || k >= 0) return i == k;
    }
    return a->id == b->id && vonk_str_eq(a->name, b->name);
}

static bool functions_equal(const vonk_expr *a, const vonk_expr *b)
{
    return (a->fn == b->fn || vonk_fn_canonical(a->fn) == vonk_fn_canonical(b->fn)) && a->mode == b->mode &&
           a->n_args == b->n_args && a->n_order == b->n_order;
}

static bool nodes_equal(const vonk_expr *a, const vonk_expr *b, const scope *around)
{
    switch (a->kind) {
    case VONK_EX_ALIAS: return true;
    case VONK_EX_LITERAL: return values_equal(a->value, b->value);
    case VONK_EX_COLUMN: return a->id == b->id;
    case VONK_EX_BOUND: return a->index == b->index && vonk_type_same(a->type, b->type);
    case VONK_EX_FUNCTION: return functions_equal(a, b);
    case VONK_EX_PYTHON: return vonk_python_fn_equal(a->python, b->python);
    case VONK_EX_CAST: return a->mode == b->mode && a->type && b->type && vonk_type_eq(a->type, b->type);
    case VONK_EX_GET_FIELD: return a->index == b->index;
    case VONK_EX_LAMBDA: return a->n_parts == b->n_parts;
    case VONK_EX_LAMBDA_VAR: return variables_equal(a, b, around);
    case VONK_EX_WINDOW:
        return a->n_partition == b->n_partition && a->n_order == b->n_order && a->frame.given == b->frame.given &&
               a->frame.rows == b->frame.rows && a->frame.lower == b->frame.lower && a->frame.upper == b->frame.upper;
    case VONK_EX_SUBQUERY:
        return a->sub_kind == b->sub_kind && (a->plan == b->plan || vonk_plan_equal(a->plan, b->plan));
    default: return names_equal(a, b) && a->plan_id == b->plan_id && a->n_args == b->n_args && a->n_order == b->n_order;
    }
}

/* Operands are tried in any order this often in one comparison, and in trees of at most that depth; beyond that, their
 * order counts. */
enum { MOST_TRIES = 4096, MOST_OPERANDS = 16, MOST_DEPTH = 64 };

static bool equal(const vonk_expr *a, const vonk_expr *b, const scope *around, uint32_t *tries);

/* The operation that is the same with its operands swapped; NULL: there is none. */
static const char *swapped(const vonk_expr *e)
{
    if (e->kind == VONK_EX_AND || e->kind == VONK_EX_OR) return "";
    return e->kind == VONK_EX_FUNCTION ? vonk_fn_canonical(e->fn)->swapped : NULL;
}

static bool is_same_operation(const vonk_expr *a, const vonk_expr *b)
{
    if (a->kind != b->kind || (a->flags & FLAGS_THAT_COUNT) != (b->flags & FLAGS_THAT_COUNT)) return false;
    return a->kind != VONK_EX_FUNCTION || functions_equal(a, b);
}

static bool is_chained(const vonk_expr *e, const vonk_expr *c)
{
    return is_same_operation(c, e) && vonk_type_same(c->type, e->type) &&
           (e->kind != VONK_EX_FUNCTION || e->type->id != VONK_T_BOOLEAN); /* (a <=> b) <=> c */
}

/* Of a + (b + c): a, b, c. More than there is room for: MOST_OPERANDS + 1. */
static uint32_t operands(const vonk_expr *e, const vonk_expr **ret, uint32_t n)
{
    for (uint32_t i = 0; i < e->n_children && n <= MOST_OPERANDS; i++) {
        const vonk_expr *c = e->children[i];
        if (is_chained(e, c))
            n = operands(c, ret, n);
        else if (n < MOST_OPERANDS)
            ret[n++] = c;
        else
            n = MOST_OPERANDS + 1;
    }
    return n;
}

static bool equal_in_any_order(const vonk_expr *a, const vonk_expr *b, const scope *around, uint32_t *tries)
{
    const vonk_expr *of_a[MOST_OPERANDS], *of_b[MOST_OPERANDS];
    uint32_t n = operands(a, of_a, 0), taken = 0;
    if (n > MOST_OPERANDS || operands(b, of_b, 0) != n) return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 0;
        if (a->type->id != VONK_T_BOOLEAN && !vonk_type_is_numeric(of_a[i]->type) &&
            !vonk_type_same(of_a[i]->type, a->type))
            return false; /* date + interval */
        while (k < n && ((taken >> k & 1) || !equal(of_a[i], of_b[k], around, tries))) k++;
        if (k == n || ++*tries > MOST_TRIES) return false;
        taken |= UINT32_C(1) << k;
    }
    return true;
}

static bool equal_swapped(const vonk_expr *a, const vonk_expr *b, const scope *around, uint32_t *tries)
{
    const char *other = swapped(a);
    if (!other || !swapped(b) || !a->resolved || !b->resolved || ++*tries > MOST_TRIES) return false;
    if (is_same_operation(a, b))
        return strcmp(other, a->kind == VONK_EX_FUNCTION ? vonk_fn_canonical(a->fn)->name : "") == 0 &&
               equal_in_any_order(a, b, around, tries);
    return a->kind == VONK_EX_FUNCTION && b->kind == VONK_EX_FUNCTION && a->n_children == 2 && b->n_children == 2 &&
           strcmp(vonk_fn_canonical(b->fn)->name, other) == 0 && equal(a->children[0], b->children[1], around, tries) &&
           equal(a->children[1], b->children[0], around, tries);
}

/* tries: NULL where the order of operands counts. */
static bool equal(const vonk_expr *a, const vonk_expr *b, const scope *around, uint32_t *tries)
{
    if (a == b && !around) return true;
    const bool any_order = tries && a->depth <= MOST_DEPTH && b->depth <= MOST_DEPTH;
    if (any_order && equal_swapped(a, b, around, tries)) return true;
    if (a->kind != b->kind || a->n_children != b->n_children || (!any_order && a->depth != b->depth)) return false;
    if ((a->flags & FLAGS_THAT_COUNT) != (b->flags & FLAGS_THAT_COUNT) || !nodes_equal(a, b, around)) return false;
    scope inner = {a, b, around};
    const scope *below = a->kind == VONK_EX_LAMBDA ? &inner : around;
    for (uint32_t i = 0; i < a->n_children; i++)
        if (!equal(a->children[i], b->children[i], below, tries)) return false;
    return true;
}

bool vonk_expr_equal(const vonk_expr *a, const vonk_expr *b) { return equal(a, b, NULL, NULL); }

bool vonk_expr_same(const vonk_expr *a, const vonk_expr *b)
{
    uint32_t tries = 0;
    return equal(a, b, NULL, &tries);
}

static uint64_t value_hash(const vonk_column *v)
{
    if (vonk_column_is_null(v, 0)) return 1;
    switch (v->type->storage) {
    case VONK_STORE_VIEW: {
        vonk_str s = vonk_column_str(v, 0);
        return vonk_hash64(s.data, s.len, 2);
    }
    case VONK_STORE_F32:
    case VONK_STORE_F64: {
        double x = vonk_column_f64(v, 0);
        return vonk_hash64(&x, sizeof(x), 3);
    }
    case VONK_STORE_BIT:
    case VONK_STORE_I8:
    case VONK_STORE_I16:
    case VONK_STORE_I32:
    case VONK_STORE_I64: return vonk_hash_mix((uint64_t)vonk_column_i64(v, 0));
    default: return (uint64_t)v->type->id; /* rare: told apart by comparison */
    }
}

static uint64_t node_hash(const vonk_expr *e)
{
    uint64_t h = vonk_hash_combine((uint64_t)e->kind, e->flags & FLAGS_THAT_COUNT);
    switch (e->kind) {
    case VONK_EX_LITERAL: return vonk_hash_combine(h, value_hash(e->value));
    case VONK_EX_COLUMN: return vonk_hash_combine(h, e->id);
    case VONK_EX_BOUND:
    case VONK_EX_GET_FIELD: return vonk_hash_combine(h, e->index);
    case VONK_EX_FUNCTION: return vonk_hash_combine(h, (uint64_t)(uintptr_t)vonk_fn_canonical(e->fn));
    case VONK_EX_PYTHON: return vonk_hash_combine(h, e->python->command.len);
    case VONK_EX_CAST: return vonk_hash_combine(h, e->type ? (uint64_t)e->type->id : 0);
    case VONK_EX_NAME:
    case VONK_EX_CALL:
        for (uint32_t i = 0; i < e->n_parts; i++)
            h = vonk_hash_combine(h, vonk_hash64(e->parts[i].data, e->parts[i].len, 4));
        return h;
    default: return h;
    }
}

/* Who asks for the hash of every part of an expression must not pay the square of its depth: far below, only the depth
 * counts. Equal expressions still have equal hashes. */
enum { HASHED_LEVELS = 6 };

static uint64_t hash_down_to(const vonk_expr *e, uint32_t levels)
{
    uint64_t h = vonk_hash_combine(node_hash(e), e->depth);
    for (uint32_t i = 0; levels > 0 && i < e->n_children; i++)
        h = vonk_hash_combine(h, hash_down_to(e->children[i], levels - 1));
    return h;
}

uint64_t vonk_expr_hash(const vonk_expr *e) { return hash_down_to(e, HASHED_LEVELS); }
