/* plan/python_env.h -- what settings say of Python workers. */
#ifndef VONK_PLAN_PYTHON_ENV_H
#define VONK_PLAN_PYTHON_ENV_H

#include "plan/conf.h"
#include "python/pool.h"

/* Modules, reuse, memory, silence, crash reports: everything in the environment but interpreter, variables, folder and
 * owner. `sql`: keys of SQL come before those of the core. Texts in `arena`. */
vonk_status vonk_conf_python_env(const vonk_conf *conf, bool sql, vonk_arena *arena, vonk_py_env *ret, vonk_error *err);
/* Seconds between the tracebacks that a worker writes to its stderr (PYTHON_TRACEBACK_DUMP_INTERVAL_SECONDS); 0: none. */
int64_t vonk_conf_python_traceback_seconds(const vonk_conf *conf, bool sql);
/* Most idle workers that are kept (spark.python.factory.idleWorkerMaxPoolSize). */
uint32_t vonk_conf_python_most_idle(const vonk_conf *conf);
/* Workers that are started ahead of time, when a function is made known (vonk.python.prefork). */
uint32_t vonk_conf_python_prefork(const vonk_conf *conf);

#endif
