/* source/write.h -- rows into files: one job per query, one task per partition, all or nothing.
 *
 *   check    before anything runs: format, options, columns, and what the mode says about the path
 *   job      a staging folder, hidden from readers; commit makes its content visible, anything else removes it
 *   task     the rows of one partition, in order; one thread at a time, many tasks at once
 *
 * A new or overwritten path appears in one step (a rename, or an exchange of names: then what was there is removed afterwards). Appended files
 * are renamed one by one; a failure on the way takes them back. Partitions overwritten dynamically are exchanged one by one, likewise. What a killed
 * process leaves is hidden, and removed by the next write to that path. */
#ifndef VONK_SOURCE_WRITE_H
#define VONK_SOURCE_WRITE_H

#include "plan/conf.h"
#include "plan/plan.h"

typedef struct vonk_write_job vonk_write_job;
typedef struct vonk_write_task vonk_write_task;

/* info->schema: the columns of the rows. *ret_skip: nothing is to be done (mode ignore). PATH_ALREADY_EXISTS, DATA_SOURCE_NOT_FOUND, ALL_PARTITION_COLUMNS_NOT_ALLOWED,
 * UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE, CODEC_NOT_AVAILABLE, ... */
vonk_status vonk_write_check(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env, const vonk_write_info *info, bool *ret_skip,
                             vonk_error *err);

/* `env` and `info` outlive the job. Makes the staging folder. */
vonk_status vonk_write_job_new(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env, const vonk_write_info *info, vonk_write_job **ret,
                               vonk_error *err);
/* All tasks are at their end. */
vonk_status vonk_write_job_commit(vonk_write_job *job, vonk_error *err);
void        vonk_write_job_free(vonk_write_job *job); /* what was not committed is gone; NULL is fine */
VONK_DEFINE_AUTO(vonk_write_job, vonk_write_job_free)
void        vonk_write_job_counts(const vonk_write_job *job, uint64_t *ret_files, uint64_t *ret_rows, uint64_t *ret_bytes);

vonk_status vonk_write_task_new(vonk_write_job *job, vonk_budget *budget, uint32_t partition, vonk_write_task **ret, vonk_error *err);
/* Columns as info->schema; with partition columns equal ones must come one after the other. */
vonk_status vonk_write_task_put(vonk_write_task *task, const vonk_batch *batch, vonk_error *err);
vonk_status vonk_write_task_end(vonk_write_task *task, vonk_error *err); /* closes its files */
void        vonk_write_task_free(vonk_write_task *task);
VONK_DEFINE_AUTO(vonk_write_task, vonk_write_task_free)

#endif
