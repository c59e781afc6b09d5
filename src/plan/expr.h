/* plan/expr.h -- an expression: a name as written, or resolved to columns and functions. Immutable once handed on, reference-counted, shared between threads.
 *
 * One struct for all kinds (plan/expr.def says which fields a kind uses), so that rules rewrite any tree by children alone. A node and what it points to lie in
 * one small arena of its own; a changed copy (vonk_expr_copy) keeps the original alive instead of copying texts.
 * Every walk over a tree must bound its depth: vonk_expr_walk and vonk_expr_rewrite do (VONK_MAX_EXPR_DEPTH, checked when a node is made: depth is stored). */
#ifndef VONK_PLAN_EXPR_H
#define VONK_PLAN_EXPR_H

#include "base/vec.h"
#include "column/column.h"
#include "func/func.h"
#include "plan/python_fn.h"

typedef enum vonk_expr_kind {
#define EXPR(kind, phase) VONK_EX_##kind,
#include "plan/expr.def"
#undef EXPR
    VONK_N_EXPR
} vonk_expr_kind;
#define VONK_EX_BIT(kind) ((uint64_t)1 << (kind))
_Static_assert(VONK_N_EXPR <= 64, "vonk_expr.kinds has a bit for each");

typedef enum vonk_expr_flag {
    VONK_EXF_DISTINCT = 1 << 0,
    VONK_EXF_IGNORE_NULLS = 1 << 1,
    VONK_EXF_RESPECT_NULLS = 1 << 2,
    VONK_EXF_HAS_FILTER = 1 << 3,
    VONK_EXF_USER_DEFINED = 1 << 4, /* call came as an unresolved function that may not shadow (Connect: is_user_defined_function) */
    VONK_EXF_WITHIN_GROUP = 1 << 5, /* order children belong to WITHIN GROUP */
    VONK_EXF_OUTER = 1 << 6,
    VONK_EXF_IMPLICIT = 1 << 7,
    VONK_EXF_DESCENDING = 1 << 8,
    VONK_EXF_NULLS_LAST = 1 << 9,
    VONK_EXF_METADATA_COLUMN = 1 << 10,
    VONK_EXF_INTERNAL = 1 << 11, /* Connect is_internal; names invented by the analyzer */
    VONK_EXF_OPERATOR = 1 << 12, /* written as an operator: a + b */
    VONK_EXF_NEGATED = 1 << 13,  /* SUBQUERY of IN, while it is unnested: NOT IN */
    VONK_EXF_CHECKED = 1 << 14,  /* WINDOW: function and frame fit. Not resolved without it: one of literals alone would pass unseen */
    VONK_EXF_CATCHES = 1 << 15   /* FUNCTION: NULL for rows in which it or an argument raises */
} vonk_expr_flag;

typedef enum vonk_sub_kind { VONK_SUB_SCALAR, VONK_SUB_EXISTS, VONK_SUB_IN, VONK_SUB_TABLE_ARG } vonk_sub_kind;

typedef enum vonk_bound_kind {
    VONK_FRAME_UNBOUNDED, VONK_FRAME_CURRENT, VONK_FRAME_VALUE /* child: offset, negative = preceding */,
    VONK_FRAME_WRONG_END /* starts UNBOUNDED FOLLOWING or ends UNBOUNDED PRECEDING: as written, the analyzer refuses it */
} vonk_bound_kind;
typedef struct vonk_frame {
    bool            given, rows; /* not given: Spark's default; rows: ROWS, else RANGE */
    vonk_bound_kind lower, upper;
    int32_t         start, stop; /* place of the specification behind OVER, as in vonk_origin; 0, 0: unknown */
} vonk_frame;

/* Where an expression comes from, for error contexts. The text is shared by all expressions of one statement. */
typedef struct vonk_origin_text vonk_origin_text; /* plan/origin.h: refcounted SQL text, view name, or DataFrame call site */
typedef struct vonk_origin {
    vonk_origin_text *text; /* referenced; NULL: unknown */
    int32_t           start, stop; /* characters, inclusive; -1: the whole text */
} vonk_origin;

#define VONK_MAX_EXPR_DEPTH 2048

struct vonk_expr {
    _Atomic int64_t  refs;
    vonk_expr_kind   kind;
    uint32_t         flags;  /* vonk_expr_flag */
    bool             resolved; /* itself and everything below; set by vonk_expr_finish */
    bool             nullable;
    uint16_t         depth;  /* 1 + deepest child */
    uint32_t         n_nodes; /* of the tree, subqueries' plans included, literals and their casts left out; stops at UINT32_MAX; set by vonk_expr_finish */
    uint64_t         kinds;  /* VONK_EX_BIT of this node and of all below; set by vonk_expr_finish */
    const vonk_type *type;   /* resolved kinds; CAST: the target */
    uint32_t         n_children;
    const vonk_expr **children; /* referenced */
    vonk_str         name;
    uint32_t         n_parts;
    const vonk_str  *parts;
    uint64_t         id;     /* of an attribute: unique in the process (vonk_expr_new_id) */
    const uint64_t  *ids;    /* LAMBDA: n_parts parameter ids */
    int64_t          plan_id; /* Connect's plan id, -1: none */
    uint32_t         n_args, n_order, n_partition, index;
    vonk_eval_mode   mode;
    vonk_sub_kind    sub_kind;
    vonk_frame       frame;
    const vonk_fn   *fn;
    const vonk_python_fn *python; /* PYTHON, referenced */
    vonk_column     *value;   /* LITERAL, referenced */
    const vonk_plan *plan;    /* SUBQUERY, referenced */
    vonk_str         metadata; /* ALIAS, COLUMN: JSON object or empty */
    vonk_str         shown;    /* text to show instead of the usual one: "nvl(a, 1)" on the COALESCE that replaced it; empty: none */
    vonk_origin      origin;
    vonk_arena      *arena;   /* holds this struct; free = unref of everything referenced */
    const vonk_expr *base;    /* the node whose arena our texts lie in, or NULL */
    bool             own_texts; /* some texts lie in our own arena */
    vonk_expr       *dying;   /* of vonk_expr_unref: next node to free */
};

static inline bool vonk_expr_has(const vonk_expr *e, vonk_expr_flag flag) { return (e->flags & (uint32_t)flag) != 0; }

/* ---- making. A new node is writable until vonk_expr_finish, which computes `resolved`, depth and (for kinds that derive them from children: ALIAS, AND, OR, NOT, IS_NULL,
 * CASE, COALESCE, SORT, GET_FIELD, ...) type and nullability, and refuses too deep trees with FAILED_TO_PARSE_TOO_COMPLEX. A node of a resolved kind whose
 * children do not fit it (CASE with two result types, AND over a number) stays unresolved with resolved children: the analyzer coerces or refuses it. */
vonk_status vonk_expr_new(vonk_budget *budget, vonk_expr_kind kind, const vonk_expr *const *children /* referenced */, uint32_t n_children, vonk_expr **ret, vonk_error *err);
/* A writable copy: children may be NULL to keep the same ones; else n_children of `e` new ones (referenced). */
vonk_status vonk_expr_copy(vonk_budget *budget, const vonk_expr *e, const vonk_expr *const *children, uint32_t n_children, vonk_expr **ret, vonk_error *err);
vonk_status vonk_expr_set_name(vonk_expr *e, vonk_str name, vonk_error *err);       /* copied */
vonk_status vonk_expr_set_parts(vonk_expr *e, const vonk_str *parts, uint32_t n, vonk_error *err);
vonk_status vonk_expr_set_ids(vonk_expr *e, const uint64_t *ids, uint32_t n, vonk_error *err); /* LAMBDA: n_parts of them */
vonk_status vonk_expr_set_metadata(vonk_expr *e, vonk_str json, vonk_error *err);
vonk_status vonk_expr_set_shown(vonk_expr *e, vonk_str text, vonk_error *err);      /* copied */
vonk_status vonk_expr_set_type(vonk_expr *e, const vonk_type *type, vonk_error *err);   /* referenced */
vonk_status vonk_expr_set_value(vonk_expr *e, const vonk_column *value, vonk_error *err); /* referenced */
void        vonk_expr_set_python(vonk_expr *e, const vonk_python_fn *python);              /* referenced */
vonk_status vonk_expr_set_plan(vonk_expr *e, const vonk_plan *plan, vonk_error *err);   /* referenced */
void        vonk_expr_set_origin(vonk_expr *e, const vonk_origin *origin);              /* text referenced */
vonk_status vonk_expr_finish(vonk_expr *take_e, const vonk_expr **ret, vonk_error *err);

const vonk_expr *vonk_expr_ref(const vonk_expr *e);
void             vonk_expr_unref(const vonk_expr *e); /* NULL is fine; deep trees are freed in a loop */
static inline void vonk_expr_unref_auto(const vonk_expr **p) { vonk_expr_unref(*p); }
uint64_t         vonk_expr_new_id(void);

/* ---- the usual kinds in one call (budget first, new reference out) */
vonk_status vonk_ex_literal(vonk_budget *budget, const vonk_column *one_row, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_ex_null(vonk_budget *budget, const vonk_type *type, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_ex_bool(vonk_budget *budget, bool value, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_ex_int(vonk_budget *budget, int64_t value, const vonk_type *type, const vonk_expr **ret, vonk_error *err); /* any I8..I64 storage */
vonk_status vonk_ex_double(vonk_budget *budget, double value, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_ex_string(vonk_budget *budget, vonk_str value, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_ex_name(vonk_budget *budget, const vonk_str *parts, uint32_t n, int64_t plan_id, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_ex_call(vonk_budget *budget, vonk_str name, const vonk_expr *const *args, uint32_t n, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_ex_alias(vonk_budget *budget, const vonk_expr *child, vonk_str name, const vonk_expr **ret, vonk_error *err); /* fresh id */
vonk_status vonk_ex_cast(vonk_budget *budget, const vonk_expr *child, const vonk_type *type, vonk_eval_mode mode, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_ex_sort(vonk_budget *budget, const vonk_expr *child, bool descending, bool nulls_last, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_ex_and(vonk_budget *budget, const vonk_expr *const *terms, uint32_t n, const vonk_expr **ret, vonk_error *err); /* flattens; n == 0: true, 1: itself */
vonk_status vonk_ex_bound(vonk_budget *budget, uint32_t index, const vonk_type *type, bool nullable, vonk_str name, const vonk_expr **ret, vonk_error *err);
/* A resolved call of a function by name: argument rules, implicit casts, result type. Not for SPECIAL, REWRITE and lambda-taking rows. */
vonk_status vonk_ex_function(vonk_budget *budget, const vonk_fn_env *env, vonk_str name, const vonk_expr *const *args, uint32_t n, const vonk_expr **ret,
                             vonk_error *err);
/* The same for a FUNCTION node that is not resolved yet: fn, name, flags, n_args and resolved children (args, [filter], orders) are given. */
vonk_status vonk_ex_resolve_function(vonk_budget *budget, const vonk_fn_env *env, const vonk_expr *call, const vonk_expr **ret, vonk_error *err);
/* COLUMN that refers to what a named expression (ALIAS, COLUMN) puts out. */
vonk_status vonk_ex_column_of(vonk_budget *budget, const vonk_expr *named, const vonk_expr **ret, vonk_error *err);

/* ---- looking */
typedef enum vonk_walk { VONK_WALK_ON, VONK_WALK_SKIP /* not below this one */, VONK_WALK_STOP } vonk_walk;
/* Pre-order over e and everything below (not into subquery plans). Returns false if stopped. */
bool vonk_expr_walk(const vonk_expr *e, vonk_walk (*visit)(const vonk_expr *e, void *arg), void *arg);
static inline bool vonk_expr_contains(const vonk_expr *e, vonk_expr_kind kind) { return (e->kinds & VONK_EX_BIT(kind)) != 0; }
/* Does `is` hold for a node of these kinds (VONK_EX_BIT)? Looks only where there are some. */
bool vonk_expr_any(const vonk_expr *e, uint64_t kinds, bool (*is)(const vonk_expr *e));
bool vonk_expr_equal(const vonk_expr *a, const vonk_expr *b);    /* same tree: ids and values count, origins, names of aliases do not */
/* ... and operands may stand in another order: a + b and b + a, a > b and b < a, (a AND b) AND c and (c AND a) AND b. Not for hash tables. */
bool vonk_expr_same(const vonk_expr *a, const vonk_expr *b);
uint64_t vonk_expr_hash(const vonk_expr *e);                     /* goes with vonk_expr_equal */
bool vonk_expr_is_foldable(const vonk_expr *e);                  /* resolved, pure, without columns, aggregates, subqueries */
bool vonk_expr_is_deterministic(const vonk_expr *e);
bool vonk_expr_may_raise(const vonk_expr *e);                    /* evaluating it on some row could raise an error */
/* Borrowed: a child that is evaluated on every row that e is, so that e raises what it raises: the first, or behind values
 * that are known not to be null. NULL: there is none. An operator with a NULL behind it raises nothing all the same: it is asked when it runs. */
const vonk_expr *vonk_expr_leading_child(const vonk_expr *e);
bool vonk_expr_has_aggregate(const vonk_expr *e);                /* outside of window functions */
bool vonk_expr_has_window(const vonk_expr *e);
bool vonk_expr_has_generator(const vonk_expr *e);
typedef VONK_VEC(uint64_t) vonk_ids; /* of columns: sorted, each once, in an arena */
bool vonk_ids_has(const vonk_ids *ids, uint64_t id);
void vonk_ids_sort(vonk_ids *inout); /* of ids in any order; afterwards each is there once */
/* Adds every COLUMN id below (subquery plans' outer references too). */
vonk_status vonk_expr_column_ids(const vonk_expr *e, vonk_arena *arena, vonk_ids *inout, vonk_error *err);

/* Post-order rewrite: `step` gets a node whose children are done and sets *ret to it (a new reference) or to something else. Untouched subtrees are shared. */
typedef vonk_status (*vonk_expr_step)(const vonk_expr *e, void *arg, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_expr_rewrite(vonk_budget *budget, const vonk_expr *e, vonk_expr_step step, void *arg, const vonk_expr **ret, vonk_error *err);

/* ---- texts (plan/expr_text.c). Timestamp literals are shown in UTC unless their `shown` says otherwise (the parser sets it: the session zone's text).
 * `sql`: as column names are made ("(a + 1)", "CAST(x AS INT)", "count(DISTINCT x)"). `explain`: with ids ("a#12"), as in plans. */
vonk_status vonk_expr_sql(const vonk_expr *e, vonk_buf *out, vonk_error *err);
vonk_status vonk_expr_explain(const vonk_expr *e, vonk_buf *out, vonk_error *err);
/* Name of the column that a select item gives: alias, attribute's name, or the pretty SQL. */
vonk_status vonk_expr_output_name(const vonk_expr *e, vonk_buf *out, vonk_error *err);

/* ---- errors with the expression's query context: like VONK_FAIL. */
#define VONK_EXPR_FAIL(e, err, cls, ...) vonk_expr_failed((e), VONK_FAIL((err), (cls), ##__VA_ARGS__), (err))
void vonk_expr_add_context(const vonk_expr *e, vonk_status status, vonk_error *err);
/* The same for what fails while it runs: there Spark gives a place always, one of a SQL text without positions where it knows none. */
vonk_status vonk_expr_failed_running(const vonk_expr *e, vonk_status status, vonk_error *err);
/* Adds e's context; returns status. */
static inline vonk_status vonk_expr_failed(const vonk_expr *e, vonk_status status, vonk_error *err)
{
    vonk_expr_add_context(e, status, err);
    return status;
}

#endif
