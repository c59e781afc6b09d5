/* sql/sql.h -- text to unresolved plan, unresolved plan to resolved plan.
 *
 * Parsing needs nothing but the text and two settings. Analysis resolves names, types, coercions, subqueries and commands' arguments against a catalog; it is
 * memoised by (node, catalog version, configuration version), so eager analysis of a long DataFrame chain stays linear. */
#ifndef VONK_SQL_SQL_H
#define VONK_SQL_SQL_H

#include "catalog/catalog.h"
#include "plan/conf.h"
#include "plan/plan.h"

/* What takes the places of ? and of :name, borrowed; a parameter without an argument is an error of the analysis. */
typedef struct vonk_sql_args {
    vonk_expr_list positional, named; /* named: NAMED_ARGs */
} vonk_sql_args;
/* One statement; trailing ';' allowed; args or NULL. Errors: PARSE_SYNTAX_ERROR and friends with a query context; INVALID_SQL_ARG. */
vonk_status vonk_sql_parse(vonk_budget *budget, const vonk_conf *conf, vonk_str text, const vonk_sql_args *args, const vonk_plan **ret, vonk_error *err);
/* An expression with optional alias (selectExpr, expr()), a sort order (orderBy text), a multi-part identifier. */
vonk_status vonk_sql_parse_expr(vonk_budget *budget, const vonk_conf *conf, vonk_str text, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_sql_parse_name(vonk_arena *arena, vonk_str text, const vonk_str **ret_parts, uint32_t *ret_n, vonk_error *err);
/* Where the first statement of a script ends: position behind its ';', or text.len. Quotes and comments are honoured. */
size_t vonk_sql_statement_end(vonk_str text);

/* ---- table functions that say their columns when they are asked */
typedef struct vonk_udtf_arg {
    const vonk_type *type; /* of a table: a struct */
    vonk_column     *value; /* of a constant: one row; NULL: it is none */
    bool             is_table;
    vonk_str         name; /* empty: by position */
} vonk_udtf_arg;
typedef struct vonk_udtf_order {
    vonk_str name;
    bool     ascending;
    int32_t  nulls; /* 0: as usual, 1: first, 2: last */
} vonk_udtf_order;
typedef struct vonk_udtf_select {
    vonk_str name, alias; /* an expression; empty alias: its own name */
} vonk_udtf_select;
typedef struct vonk_udtf_answer {
    const vonk_type        *schema; /* a struct, new reference */
    vonk_str                pickled; /* the whole answer, for the function when it runs */
    bool                    single; /* all rows of the table in one partition */
    const vonk_str         *partition;
    const vonk_udtf_order  *order;
    const vonk_udtf_select *select; /* none: all columns */
    uint32_t                n_partition, n_order, n_select;
} vonk_udtf_answer;

typedef struct vonk_analyzer {
    vonk_budget       *budget; /* of the session: resolved plans outlive queries */
    vonk_catalog      *catalog;
    const vonk_conf   *conf;
    const vonk_fn_env *env;
    /* Runs a resolved plan now and gives all rows: PIVOT without values, TRANSPOSE, statistics that need data. */
    vonk_status (*run)(void *session, const vonk_plan *resolved, vonk_batch **ret, vonk_error *err);
    /* Asks a table function for its columns; all but the schema in `arena`. May be NULL. */
    vonk_status (*ask_udtf)(void *session, const vonk_python_fn *fn, const vonk_udtf_arg *args, uint32_t n, vonk_arena *arena, vonk_udtf_answer *ret,
                            vonk_error *err);
    /* READ from a data source of Python: makes it with the options and says its columns. *ret: its pickled instance as the command, its columns as
     * `returns`. NULL: there are none. */
    vonk_status (*open_source)(void *session, const vonk_python_fn *source, const vonk_read_info *read, const vonk_python_fn **ret, vonk_error *err);
    /* A data source of Python by its name, new reference, or NULL. The function itself may be NULL: those of the catalog. */
    const vonk_python_fn *(*find_source)(void *session, vonk_str format);
    void *session;
    uint32_t view_depth; /* of views that are analysed for views; 0 from outside */
} vonk_analyzer;

vonk_status vonk_analyze(const vonk_analyzer *analyzer, const vonk_plan *unresolved, const vonk_plan **ret, vonk_error *err);
/* An expression against a given input (one node's output), e.g. for schema-only questions. */
vonk_status vonk_analyze_expr(const vonk_analyzer *analyzer, const vonk_expr *unresolved, const vonk_plan *input, const vonk_expr **ret, vonk_error *err);

#endif
