/* source/parquet_terms.c -- predicates as conditions that Parquet's statistics, indexes and dictionaries can decide:
 * column op literal, IN, IS [NOT] NULL, LIKE 'x%', and OR of such. What is not understood is left out: terms only help
 * to skip, the predicates themselves are evaluated on every row that is read. */
#include "base/vec.h"
#include "source/parquet_int.h"

#define MOST_ALTERNATIVES 64

typedef struct term_list {
    const parquet_table *table;
    vonk_arena *arena;
    struct {
        vonk_parquet_term *at;
        size_t n, capacity;
    } terms;
    uint32_t clause;
} term_list;

/* The path of a column, or of a field inside one, that lies in the files; false: something else. */
static vonk_status column_path(const term_list *l, const vonk_expr *e, const vonk_str **ret, uint32_t *ret_n,
                               bool *ret_is, vonk_error *err)
{
    uint32_t n = 1;
    const vonk_expr *at = e;
    vonk_str *path = NULL;
    *ret_is = false;
    for (; at->kind == VONK_EX_GET_FIELD; at = at->children[0]) n++;
    if (at->kind != VONK_EX_BOUND || l->table->columns[at->index].partition >= 0) return VONK_OK;
    VONK_TRY(vonk_arena_array(l->arena, n, sizeof *path, &path, err));
    path[0] = l->table->data->fields[l->table->columns[at->index].data].name;
    for (at = e; n > 1; at = at->children[0]) {
        const vonk_type *in = at->children[0]->type;
        if (in->id != VONK_T_STRUCT || at->index >= in->n_fields) return VONK_OK;
        VONK_TRY(vonk_arena_str(l->arena, in->fields[at->index].name, &path[--n],
                                err)); /* the scan outlives the expression */
        *ret_n += 1;
    }
    *ret = path;
    *ret_n += 1;
    *ret_is = true;
    return VONK_OK;
}

static bool is_value(const vonk_expr *e) { return e->kind == VONK_EX_LITERAL && !vonk_column_is_null(e->value, 0); }

static void drop_column(void *column) { vonk_column_unref(column); }

static vonk_status add_term(term_list *l, const vonk_expr *column, vonk_parquet_op op, const vonk_column *values,
                            bool *ret_done, vonk_error *err)
{
    vonk_parquet_term term = {.op = op, .values = values, .clause = l->clause};
    VONK_TRY(column_path(l, column, &term.path, &term.n_path, ret_done, err));
    if (values && !vonk_type_same(values->type, column->type)) *ret_done = false;
    if (!*ret_done) return VONK_OK;
    if (values) VONK_TRY(vonk_arena_on_free(l->arena, drop_column, vonk_column_ref(values), err));
    return VONK_VEC_ARENA_PUSH(&l->terms, l->arena, term, err);
}

static bool comparison_of(const char *name, vonk_parquet_op *ret, vonk_parquet_op *ret_swapped)
{
    static const struct {
        const char *name;
        vonk_parquet_op op, swapped;
    } known[] = {{"=", VONK_PARQUET_EQ, VONK_PARQUET_EQ}, {"<=>", VONK_PARQUET_EQ, VONK_PARQUET_EQ},
                 {"<", VONK_PARQUET_LT, VONK_PARQUET_GT}, {"<=", VONK_PARQUET_LE, VONK_PARQUET_GE},
                 {">", VONK_PARQUET_GT, VONK_PARQUET_LT}, {">=", VONK_PARQUET_GE, VONK_PARQUET_LE}};
    for (size_t i = 0; i < VONK_COUNTOF(known); i++) {
        if (!vonk_str_is(vonk_str_of(name), known[i].name)) continue;
        *ret = known[i].op;
        *ret_swapped = known[i].swapped;
        return true;
    }
    return false;
}

/* The text that every match of a LIKE pattern starts with, as a one-row column of the column's type. */
static vonk_status like_prefix(term_list *l, const vonk_expr *e, const vonk_column **ret, vonk_error *err)
{
    vonk_str pattern = vonk_column_str(e->children[1]->value, 0);
    size_t n = 0;
    *ret = NULL;
    if (e->n_children > 2) return VONK_OK; /* an escape of its own */
    while (n < pattern.len && !strchr("%_\\", pattern.data[n])) n++;
    if (n == 0 || n == pattern.len) return VONK_OK;
    vonk_buffer *heap = NULL;
    vonk_view *view = NULL;
    vonk_column *value = NULL;
    VONK_TRY(vonk_column_new(l->table->budget, e->children[0]->type, 1, false, &value, (void **)&view, NULL, err));
    if (n <= VONK_VIEW_INLINE) {
        *view = vonk_view_inline(pattern.data, (uint32_t)n);
    } else {
        *view = (vonk_view){.len = (uint32_t)n};
        memcpy(view->prefix, pattern.data, 4);
        vonk_status st = vonk_buffer_new(l->table->budget, n, &heap, err);
        if (st == VONK_OK) {
            memcpy(heap->data, pattern.data, n);
            st = vonk_column_add_heap(value, heap, err);
        }
        if (st != VONK_OK) {
            vonk_column_unref(value);
            return st;
        }
    }
    *ret = value;
    return vonk_arena_on_free(l->arena, drop_column, value, err);
}

static vonk_status function_term(term_list *l, const vonk_expr *e, bool *ret_done, vonk_error *err)
{
    vonk_parquet_op op, swapped;
    const char *name = vonk_fn_canonical(e->fn)->name;
    const vonk_column *prefix = NULL;
    if (e->n_children < 2) return VONK_OK;
    const vonk_expr *a = e->children[0], *b = e->children[1];
    if (comparison_of(name, &op, &swapped)) {
        if (is_value(b)) return add_term(l, a, op, b->value, ret_done, err);
        if (is_value(a)) return add_term(l, b, swapped, a->value, ret_done, err);
        return VONK_OK;
    }
    if (!is_value(b) || !vonk_type_is_stringy(a->type) || a->type->collation != VONK_COLLATION_UTF8_BINARY)
        return VONK_OK;
    if (vonk_str_is(vonk_str_of(name), "startswith"))
        return add_term(l, a, VONK_PARQUET_STARTS_WITH, b->value, ret_done, err);
    if (!vonk_str_is(vonk_str_of(name), "like")) return VONK_OK;
    VONK_TRY(like_prefix(l, e, &prefix, err));
    return prefix ? add_term(l, a, VONK_PARQUET_STARTS_WITH, prefix, ret_done, err) : VONK_OK;
}

static vonk_status in_term(term_list *l, const vonk_expr *e, bool *ret_done, vonk_error *err)
{
    const vonk_column **values = NULL;
    vonk_column *all = NULL;
    VONK_TRY(vonk_arena_array(l->arena, e->n_children, sizeof *values, &values, err));
    for (uint32_t i = 1; i < e->n_children; i++) {
        if (e->children[i]->kind != VONK_EX_LITERAL) return VONK_OK;
        values[i - 1] = e->children[i]->value;
    }
    if (e->n_children < 2 || !vonk_type_same(values[0]->type, e->children[0]->type)) return VONK_OK;
    VONK_TRY(vonk_column_concat(l->table->budget, values, e->n_children - 1, &all, err));
    VONK_TRY(vonk_arena_on_free(l->arena, drop_column, all, err));
    return add_term(l, e->children[0], VONK_PARQUET_IN, all, ret_done, err);
}

/* One alternative of the current clause; *ret_done false: not understood. */
static vonk_status one_term(term_list *l, const vonk_expr *e, bool *ret_done, vonk_error *err)
{
    *ret_done = false;
    switch (e->kind) {
    case VONK_EX_FUNCTION: return function_term(l, e, ret_done, err);
    case VONK_EX_IN: return in_term(l, e, ret_done, err);
    case VONK_EX_IS_NULL: return add_term(l, e->children[0], VONK_PARQUET_IS_NULL, NULL, ret_done, err);
    case VONK_EX_IS_NOT_NULL: return add_term(l, e->children[0], VONK_PARQUET_IS_NOT_NULL, NULL, ret_done, err);
    default: return VONK_OK;
    }
}

/* OR of terms: all of them, or none. */
static vonk_status clause(term_list *l, const vonk_expr *e, vonk_error *err)
{
    const vonk_expr *open[MOST_ALTERNATIVES];
    uint32_t n = 0;
    size_t before = l->terms.n;
    bool done = true;
    open[n++] = e;
    while (n > 0 && done) {
        const vonk_expr *at = open[--n];
        if (at->kind != VONK_EX_OR) {
            VONK_TRY(one_term(l, at, &done, err));
            continue;
        }
        done = n + at->n_children <= MOST_ALTERNATIVES;
        for (uint32_t i = 0; i < at->n_children && done; i++) open[n++] = at->children[i];
    }
    if (done)
        l->clause++;
    else
        l->terms.n = before;
    return VONK_OK;
}

vonk_status vonk__parquet_terms(const parquet_table *table, const vonk_expr *const *predicates, uint32_t n,
                                vonk_arena *arena, vonk_parquet_term **ret, size_t *ret_n, uint32_t *inout_clauses,
                                vonk_error *err)
{
    term_list l = {.table = table, .arena = arena, .clause = *inout_clauses};
    for (uint32_t i = 0; i < n; i++) {
        const vonk_expr *const *terms = &predicates[i];
        uint32_t n_terms = 1;
        if (predicates[i]->kind == VONK_EX_AND) {
            terms = predicates[i]->children;
            n_terms = predicates[i]->n_children;
        }
        for (uint32_t k = 0; k < n_terms; k++) VONK_TRY(clause(&l, terms[k], err));
    }
    *ret = l.terms.at;
    *ret_n = l.terms.n;
    *inout_clauses = l.clause;
    return VONK_OK;
}
