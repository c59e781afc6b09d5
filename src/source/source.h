/* source/source.h -- where tables come from: files now, other stores later. A source opens a table (plan/scan.h); what it cannot do it refuses by name. */
#ifndef VONK_SOURCE_SOURCE_H
#define VONK_SOURCE_SOURCE_H

#include "plan/conf.h"
#include "plan/plan.h"

/* The table that read->format reads from read->paths (globs, folders, partition columns); an empty format is spark.sql.sources.default. New reference.
 * `env` is the session's; nothing of it is kept. Errors: DATA_SOURCE_NOT_FOUND, PATH_NOT_FOUND, UNABLE_TO_INFER_SCHEMA, UNSUPPORTED_FEATURE, ... */
vonk_status vonk_source_open(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env, const vonk_read_info *read, vonk_table **ret, vonk_error *err);
/* Is there a source of that name (any case)? `SELECT * FROM parquet.`path`` asks. */
/* "parquet" of a class of Spark's such as org.apache.spark.sql.execution.datasources.parquet.ParquetFileFormat; else the name as it is. */
vonk_str vonk_source_short_name(vonk_str format);
bool vonk_source_known(vonk_str format);

/* Rows at hand as a table (kept frames). Batches are referenced; their columns are the fields of `schema`. New reference. */
vonk_status vonk_source_memory_table(vonk_budget *budget, const vonk_type *schema, vonk_batch *const *batches, uint32_t n, vonk_table **ret, vonk_error *err);

#endif
