/* source/parquet_int.h -- inside source/: a table over Parquet files, its scans and readers. Vocabulary of plan/scan.h.
 *
 * Table columns: the fields of the files (`data`), then partition columns that are not among them. A unit is a row group, the morsel of a scan. */
#ifndef VONK_SOURCE_PARQUET_INT_H
#define VONK_SOURCE_PARQUET_INT_H

#include <stdatomic.h>

#include "codec/parquet.h"
#include "plan/program.h"
#include "source/files.h"
#include "sys/files.h"
#include "sys/thread.h"

/* An open file as Parquet's reader wants it; the storage must stay where it is. */
typedef struct parquet_file {
    vonk_bytes_in in;
    vonk_file *file;
    _Atomic uint64_t bytes_read;
} parquet_file;
vonk_status vonk__parquet_file_open(vonk_budget *budget, vonk_str path, int64_t bytes, parquet_file *ret, vonk_error *err);
void        vonk__parquet_file_done(parquet_file *f);

/* Footers of files that were read before (path, time of change, size, options); a new reference. Thread-safe. */
vonk_status vonk__footer_get(const source_file *file, const vonk_parquet_options *options, vonk_parquet_meta **ret, vonk_error *err);

typedef struct parquet_column { /* of the table */
    int32_t data;      /* field of table->data, -1: none */
    int32_t partition; /* partition column, -1: none; goes before data */
} parquet_column;

typedef struct parquet_table {
    vonk_table base;
    vonk_budget *budget;
    source_files files;
    const vonk_type *data; /* struct of what the files hold; referenced */
    parquet_column *columns;
    vonk_parquet_options options;
    bool case_sensitive;
    vonk_mutex lock;
    bool has_stats;
    vonk_table_stats stats;
    vonk_column_stats *column_stats;
} parquet_table;
extern const vonk_table_class vonk__parquet_class;
vonk_status vonk__parquet_open(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env, const vonk_read_info *read, vonk_table **ret,
                               vonk_error *err);
vonk_status vonk__parquet_stats(vonk_table *table, vonk_table_stats *ret, vonk_error *err);
void        vonk__parquet_options_of(const vonk_conf *conf, vonk_parquet_options *ret);

/* ---- scans */
typedef struct parquet_unit {
    uint32_t file, group;
} parquet_unit;

typedef struct parquet_step { /* some predicates and the columns they need */
    vonk_program *program;
    uint32_t *columns; /* read columns */
    uint32_t n_columns;
} parquet_step;

typedef struct parquet_scan {
    vonk_scan base;
    vonk_budget *budget;
    vonk_arena *arena;
    parquet_table *table;
    const vonk_type *want;   /* struct: the columns that are read */
    uint32_t n_output, n_read;
    int32_t *output_read;    /* [output]: read column, -1: a partition column */
    int32_t *output_partition;
    const vonk_type **output_types;
    parquet_step *steps;
    uint32_t n_steps;
    vonk_parquet_term *terms;
    size_t n_terms;
    uint32_t n_clauses;
    parquet_unit *units;
    uint32_t n_units, *first_unit; /* [partition]; one more at the end */
    uint32_t n_pruned;             /* units that statistics left out */
    vonk_parquet_meta **metas;     /* [file], referenced; NULL: not needed */
} parquet_scan;
vonk_status vonk__parquet_plan_scan(vonk_table *table, const vonk_scan_spec *spec, vonk_budget *budget, vonk_scan **ret, vonk_error *err);
vonk_status vonk__parquet_pushable(vonk_table *table, const vonk_scan_spec *spec, bool *ret_wholly, vonk_error *err);
/* Conditions that Parquet's pruning understands, out of a conjunction: terms in the arena, clauses numbered from *inout_clauses on. */
vonk_status vonk__parquet_terms(const parquet_table *table, const vonk_expr *const *predicates, uint32_t n, vonk_arena *arena, vonk_parquet_term **ret,
                                size_t *ret_n, uint32_t *inout_clauses, vonk_error *err);

/* ---- readers */
vonk_status vonk__parquet_open_reader(vonk_scan *scan, uint32_t partition, uint32_t morsel, uint32_t batch_rows, vonk_budget *budget, vonk_reader **ret,
                                      vonk_error *err);

#endif
