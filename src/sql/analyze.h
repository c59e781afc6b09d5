/* sql/analyze.h -- the analyzer's inside. Bottom up: a node is resolved over resolved children; an expression over resolved operands, so types are known at once and
 * coercion needs no second pass. What is made on the way belongs to the analysis until its end (an->exprs, an->plans): functions pass borrowed pointers. */
#ifndef VONK_SQL_ANALYZE_H
#define VONK_SQL_ANALYZE_H

#include "sql/lists.h"
#include "base/buf.h"
#include "base/vec.h"
#include "plan/origin.h"
#include "sql/sql.h"


/* WITH: names that stand for plans, innermost frame first. */
typedef struct vonk_cte {
    vonk_str                name;
    const vonk_plan        *plan; /* resolved */
    uint32_t                uses;
    const struct vonk_cte  *next;
} vonk_cte;

typedef struct vonk_an {
    const vonk_analyzer *api;
    vonk_budget         *budget;
    vonk_arena          *arena; /* scratch */
    const vonk_conf     *conf;
    bool                 ansi, case_sensitive;
    vonk_cte            *ctes;
    uint64_t             memo_key;
    uint32_t             depth; /* nested subqueries and views */
    vonk_exprs           exprs;
    vonk_plans           plans;
    const vonk_plan     *subplans; /* WITH_RELATIONS: children 1.. are what plan ids of subqueries refer to */
    const vonk_plan     *origin; /* the node whose text messages about a whole select show */
    struct {
        const vonk_expr *e, *literal; /* kept; NULL: evaluating it raises */
    } folded[8];                      /* the latest constants found, over and over from the start */
    uint32_t             n_folded;
    uint64_t             random; /* of this analysis, 0: not drawn yet: what seeds that are not written are made of */
    const vonk_expr     *parameters; /* a CALL whose children are the arguments of a SQL text: NAMED_ARGs or positional ones */
} vonk_an;

/* Where names are looked up. */
typedef struct vonk_scope {
    const vonk_plan *const  *inputs;  /* their output columns are visible */
    uint32_t                 n_inputs;
    const struct vonk_scope *outer;   /* of the enclosing query */
    struct vonk_above       *above;   /* sorting, HAVING ...: what else may be reached below the inputs */
    struct vonk_lateral     *lateral; /* select list: the aliases so far */
    const vonk_exprs        *items;   /* GROUP BY: the select list as written, whose aliases may be grouped by */
    const struct vonk_lambda_names *lambdas;
    const struct vonk_grouping_sets *grouping; /* GROUPING SETS: what grouping() and grouping_id() mean */
    bool                     is_window;    /* the function of an OVER */
} vonk_scope;

typedef struct vonk_lambda_names {
    const vonk_expr *const         *variables; /* LAMBDA_VARs */
    uint32_t                        n;
    const struct vonk_lambda_names *next;
} vonk_lambda_names;

typedef struct vonk_grouping_sets {
    vonk_exprs       keys;    /* as written, resolved over the input */
    vonk_exprs       columns; /* of EXPAND: the keys, null where they are not grouped by */
    const vonk_expr *id;      /* spark_grouping_id */
} vonk_grouping_sets;

/* Aliases of a select list that later items may use (analyze_lateral.c). */
typedef struct vonk_lateral {
    vonk_exprs aliases; /* ALIASes, resolved, in order */
    bool       used;
} vonk_lateral;

/* Columns below `plan` that an operator above it needs although plan does not put them out (analyze_above.c). */
typedef struct vonk_above {
    const vonk_plan *plan;
    const vonk_plan *aggregate; /* the AGGREGATE that plan comes from, or NULL */
    const vonk_plan *sets;      /* the AGGREGATE over grouping sets that grouping() is about, or NULL */
    vonk_exprs       wanted;    /* COLUMNs that must come up through plan */
    vonk_exprs       added;     /* ALIASes that the aggregate must have too */
} vonk_above;

/* ---- keeping (analyze.c) */
vonk_status vonk__an_keep(vonk_an *an, const vonk_expr *take_e, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_keep_plan(vonk_an *an, const vonk_plan *take_plan, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_new(vonk_an *an, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n, vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_copy(vonk_an *an, const vonk_expr *e, const vonk_expr *const *children, uint32_t n, vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_finish(vonk_an *an, vonk_expr *e, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_node(vonk_an *an, vonk_node_kind kind, const vonk_plan *const *children, uint32_t n, vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_copy_node(vonk_an *an, const vonk_plan *p, const vonk_plan *const *children, uint32_t n, vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_finish_node(vonk_an *an, vonk_plan *p, const vonk_plan **ret, vonk_error *err); /* marks it as analysed */
#define VONK_AN_PUSH(an, vec, value, err) VONK_VEC_ARENA_PUSH((vec), (an)->arena, (value), (err))

/* ---- making resolved expressions (analyze_make.c); origins are those of `like` (may be NULL) */
vonk_status vonk__an_alias(vonk_an *an, const vonk_expr *child, vonk_str name, const vonk_expr **ret, vonk_error *err); /* fresh id; keeps metadata of columns */
vonk_status vonk__an_cast(vonk_an *an, const vonk_expr *e, const vonk_type *type, const vonk_expr **ret, vonk_error *err); /* implicit; e itself when nothing changes */
/* The same, made for an operand of `whole`: its errors point there. */
vonk_status vonk__an_cast_in(vonk_an *an, const vonk_expr *whole, const vonk_expr *e, const vonk_type *type, const vonk_expr **ret, vonk_error *err);
/* The same in a mode of its own. */
vonk_status vonk__an_cast_as(vonk_an *an, const vonk_expr *whole, const vonk_expr *e, const vonk_type *type, vonk_eval_mode mode, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_call(vonk_an *an, const char *name, const vonk_expr *const *args, uint32_t n, const vonk_expr *like, const vonk_expr **ret, vonk_error *err); /* resolved */
vonk_status vonk__an_simple(vonk_an *an, vonk_expr_kind kind, const vonk_expr *const *children, uint32_t n, const vonk_expr *like, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_null(vonk_an *an, const vonk_type *type, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_int(vonk_an *an, int64_t value, const vonk_type *type, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_string(vonk_an *an, vonk_str value, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_equal(vonk_an *an, const vonk_expr *a, const vonk_expr *b, const vonk_expr **ret, vonk_error *err); /* coerced a = b */
vonk_status vonk__an_and(vonk_an *an, const vonk_exprs *terms, const vonk_expr **ret, vonk_error *err); /* n > 0 */
vonk_status vonk__an_column_of(vonk_an *an, const vonk_expr *named, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_new_column(vonk_an *an, vonk_str name, const vonk_type *type, bool nullable, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_variable(vonk_an *an, vonk_str name, const vonk_type *type, bool nullable, const vonk_expr **ret, vonk_error *err); /* a lambda's, with a fresh id */
vonk_status vonk__an_get_field(vonk_an *an, const vonk_expr *e, uint32_t index, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_named(vonk_an *an, const vonk_expr *e, const vonk_expr **ret, vonk_error *err); /* ALIAS with the text as name, unless it has one */
vonk_status vonk__an_sql(vonk_an *an, const vonk_expr *e, vonk_str *ret, vonk_error *err); /* its text */
vonk_status vonk__an_quoted_sql(vonk_an *an, const vonk_expr *e, const char **ret, vonk_error *err); /* "\"text\"" for messages */
vonk_status vonk__an_hold_type(vonk_an *an, const vonk_type *take_type, const vonk_type **ret, vonk_error *err);
vonk_status vonk__an_sorted_columns(vonk_an *an, const vonk_plan *const *plans, uint32_t n, vonk_exprs *ret, vonk_error *err); /* all of them by (name, id), as Spark lists them */
bool        vonk__an_name_eq(const vonk_an *an, vonk_str a, vonk_str b);
vonk_status vonk__an_quote_written(vonk_an *an, vonk_str name, vonk_str *ret, vonk_error *err); /* as a program writes it, in quoted parts: a.b is `a`.`b`, so is `a`.b */
vonk_status vonk__an_refuse_stars(const vonk_expr *const *items, uint32_t n, const char *node, vonk_error *err); /* none is a star or a regular expression */
/* count(t.*), which could mean the rows as well as the values; s.* of a struct is no such thing. */
vonk_status vonk__an_refuse_counted_table(vonk_an *an, const vonk_scope *scope, const vonk_expr *counted, vonk_error *err);
vonk_status vonk__an_common_type(vonk_an *an, const vonk_type *const *types, uint32_t n, const vonk_type **ret /* borrowed; NULL: none */, vonk_error *err);

/* ---- making nodes */
vonk_status vonk__an_project(vonk_an *an, const vonk_plan *child, const vonk_expr *const *exprs, uint32_t n, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_filter(vonk_an *an, const vonk_plan *child, const vonk_expr *condition, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_aggregate(vonk_an *an, const vonk_plan *child, const vonk_exprs *keys, const vonk_exprs *outputs, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_join(vonk_an *an, const vonk_plan *left, const vonk_plan *right, const vonk_join_info *info, const vonk_expr *condition, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_distinct(vonk_an *an, const vonk_plan *child, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_one_row(vonk_an *an, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_aliased(vonk_an *an, const vonk_plan *child, const vonk_str *parts, uint32_t n, const vonk_plan **ret, vonk_error *err); /* SUBQUERY_ALIAS */
/* Projection to new names, one per column; same ids where the name is the same. */
vonk_status vonk__an_rename(vonk_an *an, const vonk_plan *child, const vonk_str *names, const vonk_plan **ret, vonk_error *err);

/* `right`, with fresh ids when it shares columns with `left`. */
vonk_status vonk__an_distinct_ids(vonk_an *an, const vonk_plan *left, const vonk_plan *right, const vonk_plan **ret, vonk_error *err);

/* ---- nodes (analyze.c dispatches) */
vonk_status vonk__an_plan(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
typedef vonk_status (*vonk_an_step)(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
/* The view of that name that a text defines; *ret stays as it is when there is none. */
vonk_status vonk__an_sql_view(vonk_an *an, const vonk_plan *p, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_select(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);       /* PROJECT */
vonk_status vonk__an_group(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);        /* AGGREGATE */
vonk_status vonk__an_having(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);       /* FILTER over the groups of an AGGREGATE */
vonk_status vonk__an_filter_rows(vonk_an *an, const vonk_plan *p, const vonk_plan *child, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err); /* FILTER, its child resolved */
vonk_status vonk__an_filter_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
/* A call of a Python function (EX_PYTHON), and its rows over partitions (PYTHON_MAP): analyze_python.c */
vonk_status vonk__an_python(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_python_map(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_python_groups(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);  /* PYTHON_GROUPS */
/* A call of a table function of Python (TABLE_CALL): analyze_table_function.c */
vonk_status vonk__an_python_table(vonk_an *an, const vonk_plan *p, const vonk_python_fn *fn, const vonk_scope *scope, const vonk_plan **ret, vonk_error *err);
/* The plan of a SUBQUERY: its own, or the one that came along by id. */
vonk_status vonk__an_subplan(vonk_an *an, const vonk_expr *e, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_sort_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_limit_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);    /* LIMIT, OFFSET, TAIL */
vonk_status vonk__an_repartition(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_distinct_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_join_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_set_op(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_with(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_table(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_read(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_values(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_table_call(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_generate_node(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);  /* LATERAL VIEW */
vonk_status vonk__an_subquery_alias(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_pivot(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_unpivot(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_with_columns(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_rename_columns(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_drop_columns(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_deduplicate(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_to_df(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_to_schema(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_na_fill(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_na_drop(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_na_replace(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_transpose(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_stat(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_sql_text(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_with_relations(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_hint(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_metrics(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_command(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_sample(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_expand(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_show_string(vonk_an *an, const vonk_plan *p, const vonk_scope *outer, const vonk_plan **ret, vonk_error *err);

/* ---- expressions (analyze_expr.c and others) */
vonk_status vonk__an_expr(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_exprs(vonk_an *an, const vonk_scope *scope, const vonk_expr *const *exprs, uint32_t n, vonk_exprs *ret, vonk_error *err);
/* Boolean; `node`: FILTER or JOIN, NULL for an aggregate's FILTER. */
vonk_status vonk__an_condition(vonk_an *an, const vonk_scope *scope, const vonk_plan *node, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_coerce(vonk_an *an, const vonk_expr *e, const vonk_expr *const *children, uint32_t n, const vonk_expr **ret, vonk_error *err); /* CASE, COALESCE, IN, AND ... */
vonk_status vonk__an_check_cast(vonk_an *an, const vonk_expr *cast, vonk_error *err);
vonk_status vonk__an_name(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);
/* Columns of `inputs` that a subquery's resolved plan refers to. */
vonk_status vonk__an_outer_columns(vonk_an *an, const vonk_plan *plan, const vonk_plan *const *inputs, uint32_t n, vonk_exprs *ret, vonk_error *err);
vonk_status vonk__an_function(vonk_an *an, const vonk_scope *scope, const vonk_expr *call, const vonk_expr **ret, vonk_error *err);
/* A call of a known row over resolved arguments (children: n_args arguments, [filter], orders). */
vonk_status vonk__an_bind(vonk_an *an, const vonk_fn *fn, const vonk_expr *like, const vonk_expr *const *children, uint32_t n, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_extract(vonk_an *an, const vonk_expr *like, const vonk_expr *base, const vonk_expr *what, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_update_field(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_subquery(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_window(vonk_an *an, const vonk_scope *scope, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_template(vonk_an *an, const vonk_fn *fn, const vonk_scope *scope, const vonk_expr *like, const vonk_expr *const *args, uint32_t n, const vonk_expr **ret, vonk_error *err);
/* An aggregate function in a subquery of HAVING over columns of the groups' input alone: *ret is its value, a column of the query outside. NULL: it is none. */
vonk_status vonk__an_outer_aggregate(vonk_an *an, const vonk_scope *scope, const vonk_expr *call, const vonk_expr **ret, vonk_error *err);
bool        vonk__an_is_grouping_call(const vonk_expr *call); /* grouping(a), grouping_id(a, b) */
/* Hive's name of spark_grouping_id, where `name` is it: otherwise *ret stays. */
vonk_status vonk__an_hive_grouping_id(vonk_an *an, const vonk_scope *scope, const vonk_expr *name, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_grouping_call(vonk_an *an, const vonk_scope *scope, const vonk_expr *call, const vonk_expr **ret, vonk_error *err);

/* ---- names (analyze_name.c) */
/* A column of one plan by name; *ret NULL: none. AMBIGUOUS_REFERENCE. Nested fields are extracted. */
vonk_status vonk__an_lookup(vonk_an *an, const vonk_plan *const *plans, uint32_t n, const vonk_expr *name, const vonk_expr **ret, vonk_error *err);
/* The column of the plan whose id the name tells; NULL where these plans do not put it out.
 * `ret_matched`: they contain that plan. */
vonk_status vonk__an_by_plan_id(vonk_an *an, const vonk_plan *const *plans, uint32_t n, const vonk_expr *name, bool *ret_matched, const vonk_expr **ret, vonk_error *err);
const vonk_expr *vonk__an_visible_column(const vonk_plan *p, uint64_t id); /* put out or hidden; NULL: neither */
vonk_status vonk__an_unknown_column(vonk_an *an, const vonk_plan *const *plans, uint32_t n, const vonk_expr *name, vonk_error *err);
vonk_status vonk__an_suggest(vonk_an *an, vonk_str wanted, const vonk_str *candidates, uint32_t n, vonk_str *ret, vonk_error *err);
vonk_status vonk__an_quote_parts(vonk_an *an, const vonk_str *parts, uint32_t n, vonk_str *ret, vonk_error *err); /* `a`.`b`, NUL-terminated */
vonk_status vonk__an_expand_stars(vonk_an *an, const vonk_scope *scope, const vonk_expr *const *items, uint32_t n, vonk_exprs *ret, vonk_error *err);

/* ---- select lists (analyze_select.c, analyze_window.c, analyze_group.c, analyze_above.c) */
/* Resolved, named items of a select list; stars expanded, aliases visible further right. */
vonk_status vonk__an_items(vonk_an *an, vonk_scope *scope, const vonk_expr *const *list, uint32_t n, vonk_exprs *ret, vonk_error *err);
/* PROJECT over `child` of resolved named expressions; generators and windows become nodes of their own below. */
vonk_status vonk__an_build_project(vonk_an *an, const vonk_plan *child, const vonk_exprs *items, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_build_aggregate(vonk_an *an, const vonk_plan *child, const vonk_exprs *keys, const vonk_exprs *items, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_extract_windows(vonk_an *an, const vonk_plan *child, vonk_exprs *inout_items, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_extract_generator(vonk_an *an, const vonk_plan *child, vonk_exprs *inout_items, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_make_generate(vonk_an *an, const vonk_plan *child, const vonk_expr *generator, bool outer, vonk_str qualifier, const vonk_str *names, uint32_t n_names, const vonk_plan **ret,
                                   vonk_error *err);
vonk_status vonk__an_split_lateral(vonk_an *an, const vonk_plan *child, vonk_exprs *inout_items, const vonk_plan **ret, vonk_error *err);
bool        vonk__an_has_aggregate(const vonk_expr *e); /* also below window functions */
bool        vonk__an_is_aggregate(const vonk_expr *e);
vonk_status vonk__an_replace(vonk_an *an, const vonk_expr *e, const vonk_exprs *from, const vonk_exprs *to, const vonk_expr **ret, vonk_error *err); /* top down, by equality */

#define VONK_AGGREGATE_DEDUPLICATES 1 /* number of the AGGREGATE that dropDuplicates() is: its first(c) AS c are columns of the frame still */
#define VONK_PROJECT_OF_GROUPS 2 /* number of a PROJECT that is a select list whose parts the AGGREGATE below computes: HAVING and ORDER BY look through it */
#define VONK_PROJECT_INTERNAL 1 /* number of a PROJECT that only drops or keeps columns: ORDER BY looks through it */
vonk_status vonk__an_drop_extra(vonk_an *an, const vonk_plan *child, const vonk_plan *like, const vonk_plan **ret, vonk_error *err); /* back to like's columns */
void        vonk__an_above_init(vonk_above *above, const vonk_plan *plan);
bool        vonk__an_is_wanted(const vonk_above *above, const vonk_expr *column);
/* A name that is not among plan's output: from below it. *ret NULL: not there either. */
vonk_status vonk__an_above_name(vonk_an *an, vonk_above *above, const vonk_expr *name, const vonk_expr **ret, vonk_error *err);
/* An aggregate function over columns below: the aggregate puts it out too. */
vonk_status vonk__an_above_aggregate(vonk_an *an, vonk_above *above, const vonk_expr *function, const vonk_expr **ret, vonk_error *err);
/* Window functions in what `operator` goes by are refused. */
vonk_status vonk__an_check_windows(vonk_an *an, const vonk_plan *p, const char *operator, const vonk_exprs *by, vonk_error *err);
/* Grouping expressions in e become columns of the aggregate. */
vonk_status vonk__an_above_expr(vonk_an *an, vonk_above *above, const vonk_expr *e, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__an_above_grouping_id(vonk_an *an, vonk_above *above, const vonk_expr *id, const vonk_expr **ret, vonk_error *err);
/* What grouping() means above an aggregate over grouping sets. */
vonk_status vonk__an_above_grouping(vonk_an *an, const vonk_above *above, vonk_grouping_sets *ret, bool *ret_found, vonk_error *err);
/* A column that is neither in plan's output nor grouped by: reported as unknown, with the name as it was written. */
vonk_status vonk__an_check_above(vonk_an *an, const vonk_above *above, const vonk_expr *e, const vonk_expr *written, vonk_error *err);
/* above->plan with all that is wanted in its output. */
vonk_status vonk__an_above_plan(vonk_an *an, vonk_above *above, const vonk_plan **ret, vonk_error *err);
/* Where an aggregate's arguments are looked up: what the aggregate reads, without EXPAND. */
const vonk_plan *vonk__an_below_aggregate(const vonk_plan *aggregate);

/* Does it put out its child's columns, whatever it adds? */
bool        vonk__an_keeps_columns(const vonk_plan *p);
/* plan with those hidden columns in its output that the expressions use (analyze_hidden.c). */
vonk_status vonk__an_expose(vonk_an *an, const vonk_plan *plan, const vonk_expr *const *exprs, size_t n, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__an_inherit_hidden(vonk_plan *p, vonk_error *err);

/* ---- errors */
void vonk__an_add_context(const vonk_plan *p, vonk_error *err);
/* Adds the node's context; returns status. */
static inline vonk_status vonk__an_at(const vonk_plan *p, vonk_status status, vonk_error *err)
{
    vonk__an_add_context(p, err);
    return status;
}
#define VONK_PLAN_FAIL(p, err, cls, ...) vonk__an_at((p), VONK_FAIL((err), (cls), ##__VA_ARGS__), (err))
static inline vonk_status vonk__an_unsupported(const vonk_plan *p, const char *feature, vonk_error *err)
{
    return VONK_PLAN_FAIL(p, err, VONK_E_UNSUPPORTED_FEATURE, "feature", feature);
}

#endif
