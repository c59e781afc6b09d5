/* plan/scan.h -- what a table is to the engine: a schema, statistics, and scans cut into Spark's partitions and, inside those, morsels.
 *
 * A vonk_table is opened by a source (source/), named in SCAN nodes, and shared. A vonk_scan is one planned reading of it: columns, predicates that
 * the source applies wholly (the plan keeps no filter for them), partitions. Readers belong to one thread. Object structs embed the base struct first. */
#ifndef VONK_PLAN_SCAN_H
#define VONK_PLAN_SCAN_H

#include "column/batch.h"
#include "plan/expr.h"

typedef struct vonk_table  vonk_table;
typedef struct vonk_scan   vonk_scan;
typedef struct vonk_reader vonk_reader;

typedef struct vonk_column_stats {
    double       distinct;  /* estimated different values; < 0 unknown */
    double       null_fraction; /* < 0 unknown */
    vonk_column *min, *max; /* one row each, or NULL; owned by the table */
} vonk_column_stats;
typedef struct vonk_table_stats {
    double                   n_rows;  /* < 0: unknown */
    const vonk_column_stats *columns;         /* of the table's schema, or NULL; owned by the table */
} vonk_table_stats;

typedef struct vonk_scan_spec {
    const vonk_conf        *conf;
    const vonk_fn_env      *env;     /* outlives the scan */
    const uint32_t         *columns; /* of the table's schema, in output order; pushed predicates may use others (BOUND to table columns) */
    uint32_t                n_columns;
    const vonk_type        *pruned;  /* struct of the output columns with unneeded nested fields left out, or NULL */
    const vonk_expr *const *predicates; /* conjunction; BOUND index = table column */
    uint32_t                n_predicates;
    int64_t                 limit;   /* enough rows, or -1 */
    uint32_t                n_threads;
} vonk_scan_spec;

/* A filter that becomes known while the query runs (hash join's build side, top-N bound): readers look at it before each morsel and batch. Immutable once published. */
typedef struct vonk_runtime_filter {
    _Atomic int64_t  refs;
    vonk_column     *min, *max;  /* one row each or NULL: rows outside are not wanted; nulls are not wanted */
    const uint64_t  *bloom;      /* filter over vonk_column_hash of the value (vonk_bloom_has), or NULL; n_words is a power of two */
    size_t           n_words;
    vonk_budget     *budget;
} vonk_runtime_filter;
void vonk_runtime_filter_unref(vonk_runtime_filter *filter); /* NULL is fine; gives up columns and bloom (vonk_free) */

/* A value sets four bits of one word: with six values a word, one in thirty absent values seems to be there. */
static inline uint64_t vonk_bloom_bits(uint64_t hash)
{
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) | UINT64_C(1) << (hash >> 12 & 63) | UINT64_C(1) << (hash >> 18 & 63);
}
static inline size_t vonk_bloom_word(uint64_t hash, size_t n_words) { return (size_t)(hash >> 24) & (n_words - 1); }
static inline bool   vonk_bloom_has(const uint64_t *bloom, size_t n_words, uint64_t hash)
{
    uint64_t bits = vonk_bloom_bits(hash);
    return (bloom[vonk_bloom_word(hash, n_words)] & bits) == bits;
}

typedef struct vonk_table_class {
    const char *name; /* "parquet", "memory": in EXPLAIN */
    bool prunes_nested; /* vonk_scan_spec.pruned is heeded */
    void (*free)(vonk_table *table);
    vonk_status (*stats)(vonk_table *table, vonk_table_stats *ret, vonk_error *err); /* cheap: footers only */
    /* wholly[i]: the source will apply predicate i exactly; the others stay in the plan (the source may still prune by them). */
    vonk_status (*pushable)(vonk_table *table, const vonk_scan_spec *spec, bool *ret_wholly, vonk_error *err);
    vonk_status (*plan_scan)(vonk_table *table, const vonk_scan_spec *spec, vonk_budget *budget, vonk_scan **ret, vonk_error *err);
    vonk_status (*files)(vonk_table *table, vonk_arena *arena, vonk_str **ret, uint32_t *ret_n, vonk_error *err); /* inputFiles; may be NULL */
    vonk_status (*describe)(vonk_table *table, vonk_buf *out, vonk_error *err); /* "Location: ..." for EXPLAIN */
    const vonk_type *(*read_schema)(const vonk_scan *scan); /* struct of what is really read, for EXPLAIN; borrowed; may be NULL */
    vonk_status (*encode_scan)(const vonk_scan *scan, vonk_buf *out, vonk_error *err); /* see vonk_plan_encode */
    vonk_status (*decode_scan)(vonk_budget *budget, vonk_cursor *in, vonk_scan **ret, vonk_error *err);
} vonk_table_class;

/* Classes that vonk_plan_decode may meet, by name. Static storage; a second one of the same name is ignored. Thread-safe. */
void                    vonk_table_class_register(const vonk_table_class *cls);
const vonk_table_class *vonk_table_class_find(vonk_str name); /* NULL: none */

struct vonk_table {
    const vonk_table_class *cls;
    _Atomic int64_t         refs;
    const vonk_type        *schema; /* struct; referenced */
    uint64_t                identity; /* equal for two tables that read the same thing (paths, options): cache and plan equality */
};
vonk_table *vonk_table_ref(vonk_table *table);
void        vonk_table_unref(vonk_table *table);
VONK_DEFINE_AUTO(vonk_table, vonk_table_unref)

typedef struct vonk_scan_class {
    void (*free)(vonk_scan *scan);
    uint32_t (*n_morsels)(vonk_scan *scan, uint32_t partition);
    /* filters[i] belongs to output column filter_columns[i]; slots may be empty (NULL) and be filled later: load each atomically. */
    vonk_status (*open)(vonk_scan *scan, uint32_t partition, uint32_t morsel, uint32_t batch_rows, vonk_budget *budget, vonk_reader **ret, vonk_error *err);
} vonk_scan_class;
struct vonk_scan {
    const vonk_scan_class *cls;
    _Atomic int64_t        refs;
    vonk_table            *table; /* referenced */
    uint32_t               n_partitions, n_filters;
    const uint32_t        *filter_columns;
    _Atomic(vonk_runtime_filter *) *filters;
};
vonk_scan *vonk_scan_ref(vonk_scan *scan);
void       vonk_scan_unref(vonk_scan *scan);
VONK_DEFINE_AUTO(vonk_scan, vonk_scan_unref)

struct vonk_reader {
    /* *ret = NULL at the end. Rows may carry a selection. Partition and sequence are set by the caller. */
    vonk_status (*next)(vonk_reader *reader, vonk_batch **ret, vonk_error *err);
    void (*free)(vonk_reader *reader);
    /* Whom next() asks now and then whether to stop, with OPERATION_CANCELED. May be NULL where it never takes long. */
    void (*set_cancel)(vonk_reader *reader, bool (*cancelled)(void *query), void *query);
    uint64_t bytes_read; /* so far: progress and metrics */
    /* Where rows may have to be waited for (both NULL: nowhere): is next() worth asking; else wake(arg) is called exactly once when it is, from any
     * thread, at the latest by free(). */
    bool is_over; /* heeded where is_ready is there: NULL from next() before that means that rows have to be waited for */
    bool (*is_ready)(vonk_reader *reader);
    vonk_status (*watch)(vonk_reader *reader, void (*wake)(void *arg), void *arg, vonk_error *err);
};

#endif
