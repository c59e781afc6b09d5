/* rdd/rdd_no_python.c -- in the place of rdd_python.c as long as python/ has no workers: functions of Python are
 * refused. */
#include "rdd/rdd_int.h"

static vonk_status no_workers(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "functions of Python over RDDs");
}

vonk_status vonk_rdd_python_map(vonk_rdd *parent, const vonk_rdd_python *function, bool preserves_partitioning,
                                bool barrier, vonk_rdd **ret, vonk_error *err)
{
    (void)parent, (void)function, (void)preserves_partitioning, (void)barrier, (void)ret;
    return no_workers(err);
}

vonk_status vonk__rdd_compute_python(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                     vonk_error *err)
{
    (void)rdd, (void)partition, (void)task, (void)sink;
    return no_workers(err);
}
