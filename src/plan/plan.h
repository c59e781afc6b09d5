/* plan/plan.h -- a plan node: what is asked (unresolved), what it means (logical), how it runs (physical). Immutable once handed on, reference-counted.
 *
 * One struct for all kinds (plan/node.def says which children, lists and payload a kind uses), so that rules rewrite any tree generically. Columns of resolved
 * nodes have process-wide unique ids: `output` lists them as COLUMN expressions; an expression refers to a column of its node's children by id. Physical nodes
 * refer by position (BOUND). A node's texts and arrays lie in its own arena; a changed copy keeps the original alive. Depth is bounded as for expressions. */
#ifndef VONK_PLAN_PLAN_H
#define VONK_PLAN_PLAN_H

#include <stdatomic.h>

#include "column/batch.h"
#include "plan/expr.h"
#include "plan/scan.h"

typedef enum vonk_node_kind {
#define NODE(kind, name, phase) VONK_PN_##kind,
#include "plan/node.def"
#undef NODE
    VONK_N_NODE
} vonk_node_kind;
typedef enum vonk_node_phase { VONK_PHASE_UNRESOLVED, VONK_PHASE_LOGICAL, VONK_PHASE_COMMAND, VONK_PHASE_PHYSICAL } vonk_node_phase;

#define VONK_MAX_PLAN_DEPTH 2048
/* What a plan may weigh: a unit for each so many bytes of its memory budget. A node of an expression and a column that is made weigh VONK_PLAN_NODE_WEIGHT (while a plan is
 * analysed and optimised a few kB are made of each), a column that is handed on weighs 1. Short requests can ask for plans of any size: `SELECT *, *` of itself. */
#define VONK_MEMORY_PER_PLAN_WEIGHT 512
#define VONK_PLAN_NODE_WEIGHT       16

typedef struct vonk_option {
    vonk_str key, value;
} vonk_option;

typedef struct vonk_expr_list {
    const vonk_expr **at; /* referenced */
    uint32_t          n;
} vonk_expr_list;

/* ---- payloads */
typedef struct vonk_name_info { /* TABLE, TABLE_CALL, SUBQUERY_ALIAS, VIEW, HINT, most commands, ... */
    uint32_t           n_parts, n_columns, n_options;
    const vonk_str    *parts, *columns;
    const vonk_option *options;
} vonk_name_info;
typedef struct vonk_read_info {
    vonk_str           format; /* empty: the session's default source */
    uint32_t           n_paths, n_options;
    const vonk_str    *paths;
    const vonk_option *options;
    const vonk_type   *schema; /* given by the user, or NULL; owned by the arena */
} vonk_read_info;
typedef struct vonk_local_info {
    vonk_batch *const *batches; /* referenced */
    uint32_t           n_batches;
    bool               one_partition; /* else as many as Spark's parallelize makes */
} vonk_local_info;
typedef struct vonk_range_info {
    int64_t start, end, step;
    int32_t n_partitions; /* <= 0: the session's default parallelism */
} vonk_range_info;
typedef struct vonk_scan_info {
    vonk_table      *table;     /* referenced */
    vonk_scan       *scan;      /* P_SCAN: the planned scan, referenced */
    const uint32_t  *columns;   /* output i = column columns[i] of the table's schema */
    uint32_t         n_columns;
    const vonk_type *pruned;    /* struct of the columns read, nested fields pruned; NULL: whole columns */
    int64_t          limit;     /* rows are enough, -1: all */
    uint32_t         n_files, n_options; /* shown by EXPLAIN and inputFiles */
} vonk_scan_info;
typedef enum vonk_group_kind { VONK_GROUP_BY, VONK_GROUP_ROLLUP, VONK_GROUP_CUBE, VONK_GROUP_SETS } vonk_group_kind;
typedef struct vonk_group_info {
    vonk_group_kind        kind;
    uint32_t               n_sets;
    const vonk_expr_list  *sets; /* GROUP_SETS: each set's expressions (l0: those outside of sets); owned by the arena */
    bool                   by_all; /* GROUP BY ALL */
} vonk_group_info;
typedef struct vonk_sample_info {
    double  lower, upper;
    bool    replacement, deterministic_order;
    int64_t seed;
} vonk_sample_info;
typedef enum vonk_repartition_kind { VONK_REPARTITION_SHUFFLE, VONK_REPARTITION_COALESCE, VONK_REPARTITION_BY, VONK_REPARTITION_RANGE, VONK_REPARTITION_REBALANCE } vonk_repartition_kind;
typedef struct vonk_repartition_info {
    vonk_repartition_kind kind;
    int32_t               n; /* <= 0: the session's shuffle partitions */
} vonk_repartition_info;
typedef struct vonk_generate_info {
    bool             outer;
    bool             lateral_view;   /* qualifier and columns come from LATERAL VIEW */
    vonk_str         qualifier;
    uint32_t         n_columns;
    const vonk_str  *columns;        /* names asked for */
    vonk_expr_list   generated;      /* COLUMNs the generator puts out; owned by the arena */
} vonk_generate_info;
typedef enum vonk_join_type {
    VONK_JOIN_INNER, VONK_JOIN_LEFT, VONK_JOIN_RIGHT, VONK_JOIN_FULL, VONK_JOIN_SEMI, VONK_JOIN_ANTI, VONK_JOIN_CROSS,
    VONK_JOIN_SINGLE, /* left outer, at most one match, else SCALAR_SUBQUERY_TOO_MANY_ROWS: from unnesting */
    VONK_JOIN_MARK    /* left rows with one more boolean column: does a match exist (three-valued for null-aware IN): from unnesting */
} vonk_join_type;
typedef struct vonk_join_info {
    vonk_join_type  type;
    bool            natural, lateral;
    uint32_t        n_using;
    const vonk_str *using_columns;
    bool            null_aware;  /* anti and mark joins of NOT IN / IN */
    bool            build_left;  /* physical: the build side is the left input of the join type */
    bool            broadcast;   /* physical: build side goes to every partition */
    double          probe_rows, build_rows; /* physical: the optimizer's guess; 0: unknown. For replanning, not encoded */
    vonk_str        hint_left, hint_right; /* BROADCAST, MERGE, SHUFFLE_HASH, SHUFFLE_REPLICATE_NL or empty */
    uint64_t        mark_id;     /* MARK: id of the extra column */
    bool            as_of;       /* joinAsOf comes as unresolved JOIN with the details in options */
} vonk_join_info;
typedef enum vonk_set_kind { VONK_SET_UNION, VONK_SET_INTERSECT, VONK_SET_EXCEPT } vonk_set_kind;
typedef struct vonk_set_info {
    vonk_set_kind kind;
    bool          all, by_name, allow_missing;
} vonk_set_info;
typedef struct vonk_stat_info {
    vonk_str         kind; /* describe, summary, crosstab, cov, corr, approx_quantile, freq_items, sample_by */
    uint32_t         n_names, n_numbers;
    const vonk_str  *names;   /* columns, statistics, method */
    const double    *numbers; /* probabilities, support, error, fractions */
    int64_t          seed;
} vonk_stat_info;
typedef struct vonk_show_info {
    int32_t n_rows, truncate; /* truncate 0: whole values */
    bool    vertical, html;
} vonk_show_info;
typedef struct vonk_limit_info {
    int64_t limit, offset; /* limit -1: none */
} vonk_limit_info;
/* Name of the SUBQUERY_ALIAS of a subquery in FROM that was given none; columns cannot be qualified by it. */
#define VONK_NO_ALIAS "__auto_generated_subquery_name"
typedef enum vonk_agg_mode { VONK_AGG_PARTIAL, VONK_AGG_FINAL, VONK_AGG_COMPLETE, VONK_AGG_MERGE /* saved in, saved out */ } vonk_agg_mode;
typedef struct vonk_agg_info {
    vonk_agg_mode mode;
    double        rows, groups; /* physical: the optimizer's guess of what comes in and of what comes out; 0: unknown */
} vonk_agg_info;
typedef enum vonk_exchange_kind { VONK_EXCHANGE_HASH, VONK_EXCHANGE_RANGE, VONK_EXCHANGE_ROUND_ROBIN, VONK_EXCHANGE_SINGLE, VONK_EXCHANGE_BROADCAST, VONK_EXCHANGE_COALESCE } vonk_exchange_kind;
typedef struct vonk_exchange_info {
    vonk_exchange_kind kind;
    int32_t            n_partitions;
    bool               fixed; /* asked for by the user: adaptive execution may not change the number */
} vonk_exchange_info;
typedef struct vonk_view_info {
    vonk_name_info name;
    bool           temporary, global, replace, if_not_exists;
    vonk_str       text, comment;
} vonk_view_info;
typedef struct vonk_write_info {
    vonk_name_info name;       /* of the table, or none */
    vonk_str       format, path, mode /* append, overwrite, ignore, error */, compression;
    uint32_t       n_partition_by, n_sort_by, n_bucket_by, n_cluster_by;
    const vonk_str *partition_by, *sort_by, *bucket_by, *cluster_by;
    int32_t        n_buckets;
    bool           by_name, if_not_exists, dynamic_overwrite;
    const vonk_type *schema;   /* CREATE_TABLE: columns given by the statement, or NULL; WRITE_FILES, P_WRITE: columns of the rows; owned by the arena */
    vonk_str       location, comment;
    bool           replace;    /* CREATE OR REPLACE, REPLACE */
} vonk_write_info;
typedef struct vonk_command_info {
    vonk_str       kind; /* lower case */
    vonk_name_info name;
    bool           if_exists, extended;
    vonk_str       pattern;
} vonk_command_info;
typedef struct vonk_text_info {
    vonk_str text;
} vonk_text_info;

struct vonk_plan {
    _Atomic int64_t   refs;
    vonk_node_kind    kind;
    bool              resolved; /* itself and everything below; set by vonk_plan_finish */
    uint16_t          depth;
    uint32_t          weight;  /* of itself and everything below, see VONK_PLAN_NODE_WEIGHT; set by vonk_plan_finish, stops at UINT32_MAX */
    uint32_t          n_children, n_lists, n_output;
    const vonk_plan **children; /* referenced */
    vonk_expr_list   *lists;
    const uint32_t   *output_by_id; /* positions in output, ordered by column id; NULL: see vonk_plan_column_at */
    bool              output_ascends; /* its ids do */
    const vonk_expr **output;   /* resolved logical and command nodes: COLUMNs; physical: BOUND 0..n-1 with names. Referenced */
    vonk_expr_list    hidden;   /* COLUMNs of children that * does not show but a qualified name reaches (right keys of USING); held by the arena */
    int64_t           plan_id;  /* Connect's, -1: none */
    int64_t           number;   /* see node.def */
    vonk_origin       origin;
    union {
        vonk_name_info        name;
        vonk_read_info        read;
        vonk_local_info       local;
        vonk_range_info       range;
        vonk_scan_info        scan;
        vonk_group_info       group;
        vonk_sample_info      sample;
        vonk_repartition_info repartition;
        vonk_generate_info    generate;
        vonk_join_info        join;
        vonk_set_info         set;
        vonk_stat_info        stat;
        vonk_show_info        show;
        vonk_limit_info       limit;
        vonk_agg_info         agg;
        vonk_exchange_info    exchange;
        vonk_view_info        view;
        vonk_write_info       write;
        vonk_command_info     command;
        vonk_text_info        text;
        const vonk_type      *schema; /* TO_SCHEMA; owned by the arena */
    };
    double            est_rows; /* logical: the optimizer's guess, kept by it; < 0: nobody has asked. Not copied */
    vonk_arena       *arena;
    const vonk_plan  *base;     /* the node whose arena our texts lie in, or NULL */
    bool              analyzed; /* made by the analyzer, which takes it as it is */
    bool              owns_texts;
    uint32_t          lists_room;
    _Atomic int64_t   holders;  /* one for all refs, one for each copy whose base we are: the arena's life */
    atomic_flag       memo_lock;
    struct vonk_plan_memo *memo;
};

/* ---- making: a new node is writable until finish, which sets `resolved`, `depth` and, for logical kinds whose output follows from children and lists (FILTER, SORT, LIMIT,
 * PROJECT, AGGREGATE, JOIN, SET_OP, WINDOW, ...), `output`. Leaves set their output themselves first. Physical nodes: likewise (BOUND). */
vonk_status vonk_plan_new(vonk_budget *budget, vonk_node_kind kind, const vonk_plan *const *children /* referenced */, uint32_t n_children, vonk_plan **ret, vonk_error *err);
/* Writable copy with other children (NULL: the same). Lists and payload are shared until replaced. */
vonk_status vonk_plan_copy(vonk_budget *budget, const vonk_plan *p, const vonk_plan *const *children, uint32_t n_children, vonk_plan **ret, vonk_error *err);
vonk_status vonk_plan_set_list(vonk_plan *p, uint32_t list, const vonk_expr *const *exprs /* referenced */, uint32_t n, vonk_error *err); /* lists grow as needed */
vonk_status vonk_plan_set_output(vonk_plan *p, const vonk_expr *const *columns, uint32_t n, vonk_error *err);
/* Copies into the node's arena, for payload fields. */
vonk_status vonk_plan_str(vonk_plan *p, vonk_str text, vonk_str *ret, vonk_error *err);
vonk_status vonk_plan_strs(vonk_plan *p, const vonk_str *texts, uint32_t n, const vonk_str **ret, vonk_error *err);
vonk_status vonk_plan_options(vonk_plan *p, const vonk_option *options, uint32_t n, const vonk_option **ret, vonk_error *err);
vonk_status vonk_plan_hold_type(vonk_plan *p, const vonk_type *type, const vonk_type **ret, vonk_error *err);  /* referenced until the node dies */
vonk_status vonk_plan_hold_exprs(vonk_plan *p, const vonk_expr *const *exprs, uint32_t n, vonk_expr_list *ret, vonk_error *err);
vonk_status vonk_plan_hold_batches(vonk_plan *p, vonk_batch *const *batches, uint32_t n, vonk_batch *const **ret, vonk_error *err);
vonk_status vonk_plan_hold_table(vonk_plan *p, vonk_table *table, vonk_error *err);
vonk_status vonk_plan_hold_scan(vonk_plan *p, vonk_scan *scan, vonk_error *err);
void        vonk_plan_set_origin(vonk_plan *p, const vonk_origin *origin);
vonk_status vonk_plan_finish(vonk_plan *take_p, const vonk_plan **ret, vonk_error *err);

const vonk_plan *vonk_plan_ref(const vonk_plan *p);
void             vonk_plan_unref(const vonk_plan *p); /* NULL is fine; deep trees are freed in a loop */
static inline void vonk_plan_unref_auto(const vonk_plan **p) { vonk_plan_unref(*p); }

/* ---- one remembered result per node (the analyzer's): valid while `key` and `conf` are the same. Thread-safe. Get: NULL or a new reference. */
const vonk_plan *vonk_plan_memo_get(const vonk_plan *p, uint64_t key, const vonk_conf *conf);
/* Optional work: without memory nothing is kept. take_conf is given back through drop_conf, at once when nothing is kept. */
void vonk_plan_memo_put(const vonk_plan *p, uint64_t key, const vonk_conf *take_conf, void (*drop_conf)(const vonk_conf *conf), const vonk_plan *result);

/* ---- the usual nodes in one call; new reference out */
vonk_status vonk_pn_project(vonk_budget *budget, const vonk_plan *child, const vonk_expr *const *exprs, uint32_t n, const vonk_plan **ret, vonk_error *err);
vonk_status vonk_pn_filter(vonk_budget *budget, const vonk_plan *child, const vonk_expr *condition, const vonk_plan **ret, vonk_error *err);
vonk_status vonk_pn_aggregate(vonk_budget *budget, const vonk_plan *child, const vonk_expr *const *keys, uint32_t n_keys, const vonk_expr *const *outputs, uint32_t n_outputs,
                              const vonk_plan **ret, vonk_error *err);
vonk_status vonk_pn_join(vonk_budget *budget, const vonk_plan *left, const vonk_plan *right, vonk_join_type type, const vonk_expr *condition /* or NULL */, const vonk_plan **ret,
                         vonk_error *err);
vonk_status vonk_pn_sort(vonk_budget *budget, const vonk_plan *child, const vonk_expr *const *orders, uint32_t n, bool global, const vonk_plan **ret, vonk_error *err);
vonk_status vonk_pn_limit(vonk_budget *budget, const vonk_plan *child, int64_t count, const vonk_plan **ret, vonk_error *err);
vonk_status vonk_pn_alias(vonk_budget *budget, const vonk_plan *child, vonk_str name, const vonk_plan **ret, vonk_error *err); /* SUBQUERY_ALIAS */
/* LOCAL from batches whose columns are the fields of a struct type; fresh ids. */
vonk_status vonk_pn_local(vonk_budget *budget, const vonk_type *struct_type, vonk_batch *const *batches, uint32_t n, const vonk_plan **ret, vonk_error *err);

/* ---- looking and rewriting */
/* Position in the output of the (first) column with this id; n_output: there is none. */
uint32_t    vonk_plan_column_at(const vonk_plan *p, uint64_t id);
static inline bool vonk_plan_has_column(const vonk_plan *p, uint64_t id) { return vonk_plan_column_at(p, id) < p->n_output; }
static inline const vonk_expr *vonk_plan_column(const vonk_plan *p, uint64_t id) /* borrowed; NULL: there is none */
{
    const uint32_t at = vonk_plan_column_at(p, id);
    return at < p->n_output ? p->output[at] : NULL;
}
vonk_status vonk_plan_schema(const vonk_plan *p, const vonk_type **ret_struct, vonk_error *err); /* of the output; new reference */
bool        vonk_plan_walk(const vonk_plan *p, vonk_walk (*visit)(const vonk_plan *p, void *arg), void *arg); /* pre-order, not into subquery expressions */
typedef vonk_status (*vonk_plan_step)(const vonk_plan *p, void *arg, const vonk_plan **ret, vonk_error *err);
/* Post-order (bottom-up) / pre-order (top-down); step returns p itself (new reference) or another node. Untouched subtrees are shared. */
vonk_status vonk_plan_rewrite(vonk_budget *budget, const vonk_plan *p, vonk_plan_step step, void *arg, const vonk_plan **ret, vonk_error *err);
vonk_status vonk_plan_rewrite_down(vonk_budget *budget, const vonk_plan *p, vonk_plan_step step, void *arg, const vonk_plan **ret, vonk_error *err);
/* Every expression of this one node rewritten by `step`. */
vonk_status vonk_plan_rewrite_exprs(vonk_budget *budget, const vonk_plan *p, vonk_expr_step step, void *arg, const vonk_plan **ret, vonk_error *err);
/* Same result, ids normalised (cache, sameSemantics). They fail only for want of memory. */
vonk_status vonk_plan_same(const vonk_plan *a, const vonk_plan *b, bool *ret, vonk_error *err);
vonk_status vonk_plan_hash(const vonk_plan *p, uint64_t *ret, vonk_error *err); /* goes with vonk_plan_same */
/* For optional work: without memory ids are compared as they are, so that the same plan can be told to be another. */
bool vonk_plan_equal(const vonk_plan *a, const vonk_plan *b);
/* A copy whose columns all have fresh ids (the right side of a self join, a view used twice). */
vonk_status vonk_plan_fresh_ids(vonk_budget *budget, const vonk_plan *p, const vonk_plan **ret, vonk_error *err);
vonk_node_phase vonk_node_phase_of(vonk_node_kind kind);
const char     *vonk_node_name(vonk_node_kind kind);

/* ---- texts: Spark's tree form ("== Analyzed Logical Plan ==" bodies), one node a line. */
vonk_status vonk_plan_explain(const vonk_plan *p, vonk_buf *out, vonk_error *err);
/* The same with a remark behind each node: `remark` appends it. */
typedef vonk_status (*vonk_plan_remark)(const vonk_plan *p, void *arg, vonk_buf *out, vonk_error *err);
vonk_status vonk_plan_explain_with(const vonk_plan *p, vonk_plan_remark remark, void *arg, vonk_buf *out, vonk_error *err);

/* ---- encode / decode of physical plans (docs/format/plan.md): what goes to executors. Tables and scans encode themselves through their class. */
vonk_status vonk_plan_encode(const vonk_plan *physical, vonk_buf *out, vonk_error *err);
vonk_status vonk_plan_decode(vonk_budget *budget, vonk_str bytes, const vonk_plan **ret, vonk_error *err);
/* Same for a stage: where leaves[i] stands in the plan only its number is written; decoding puts (a reference to) leaves[i] there. */
vonk_status vonk_plan_encode_above(const vonk_plan *physical, const vonk_plan *const *leaves, uint32_t n_leaves, vonk_buf *out, vonk_error *err);
vonk_status vonk_plan_decode_above(vonk_budget *budget, vonk_str bytes, const vonk_plan *const *leaves, uint32_t n_leaves, const vonk_plan **ret,
                                   vonk_error *err);

#endif
