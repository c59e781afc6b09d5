/* exec/op_write.c -- P_WRITE: rows into files (source/write.h), each partition by one task. Puts out nothing; when all
 * rows are written the job is committed. */
#include "exec/op_int.h"
#include "source/write.h"

typedef struct write_shared {
    vonk_write_job *job;
    uint64_t n_files, n_bytes;
} write_shared;
typedef struct write_local {
    vonk_write_task *task;
    int32_t partition;
} write_local;

static vonk_status write_open(vonk_op *op, vonk_error *err)
{
    write_shared *s = op->shared;
    op->n_partitions = 1;
    return vonk_write_job_new(op->budget, vonk_exec_conf(op->exec), vonk_exec_fn_env(op->exec), &op->node->write,
                              &s->job, err);
}

static void write_close(vonk_op *op)
{
    write_shared *s = op->shared;
    vonk_write_job_free(s->job);
}

static vonk_status end_task(write_local *l, vonk_error *err)
{
    if (!l->task) return VONK_OK;
    vonk_status st = vonk_write_task_end(l->task, err);
    vonk_write_task_free(VONK_STEAL(l->task));
    return st;
}

static vonk_status write_push(vonk_op *op, vonk_lane *lane, void *local, const vonk_batch *in, vonk_out *out,
                              vonk_flow *ret_flow, vonk_error *err)
{
    write_shared *s = op->shared;
    write_local *l = local;
    if (!l->task || l->partition != lane->partition) {
        VONK_TRY(end_task(l, err));
        VONK_TRY(vonk_write_task_new(s->job, op->budget, (uint32_t)lane->partition, &l->task, err));
        l->partition = lane->partition;
    }
    return vonk_write_task_put(l->task, in, err);
}

static vonk_status write_merge(vonk_op *op, vonk_lane *lane, void *local, vonk_error *err)
{
    return end_task(local, err);
}

static vonk_status write_finish(vonk_op *op, vonk_lane *lane, uint32_t *ret_steps, vonk_error *err)
{
    write_shared *s = op->shared;
    uint64_t rows = 0;
    if (vonk_exec_cancelled(op->exec)) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    VONK_TRY(vonk_write_job_commit(s->job, err));
    vonk_write_job_counts(s->job, &s->n_files, &rows, &s->n_bytes);
    atomic_store(&op->metrics.rows_out, rows);
    return VONK_OK;
}

static void write_local_close(vonk_op *op, void *local) { vonk_write_task_free(((write_local *)local)->task); }

static vonk_status write_metrics(vonk_op *op, vonk_buf *out, vonk_error *err)
{
    const write_shared *s = op->shared;
    return vonk_buf_printf(out, err, "written files: %llu, written bytes: %llu", (unsigned long long)s->n_files,
                           (unsigned long long)s->n_bytes);
}

/* ---- no rows come out */

static vonk_status write_n_morsels(vonk_op *op, uint32_t partition, uint32_t *ret_n, vonk_error *err)
{
    *ret_n = 0;
    return VONK_OK;
}

static vonk_status write_start(vonk_op *op, vonk_lane *lane, void *local, uint32_t partition, uint32_t morsel,
                               vonk_error *err)
{
    return VONK_OK;
}
static vonk_status write_next(vonk_op *op, vonk_lane *lane, void *local, vonk_out *out, vonk_flow *ret_flow,
                              vonk_error *err)
{
    return VONK_OK;
}

static const vonk_input_class write_input = {.sink = true,
                                             .order = VONK_ORDER_NEEDS,
                                             .local_size = sizeof(write_local),
                                             .push = write_push,
                                             .merge = write_merge,
                                             .finish = write_finish,
                                             .local_close = write_local_close};
static const vonk_source_class write_source = {.n_morsels = write_n_morsels, .start = write_start, .next = write_next};
const vonk_op_class vonk_op_write = {.name = "write",
                                     .shared_size = sizeof(write_shared),
                                     .open = write_open,
                                     .close = write_close,
                                     .n_inputs = 1,
                                     .inputs = &write_input,
                                     .source = &write_source,
                                     .metrics = write_metrics};
