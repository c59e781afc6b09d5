/* tests/faults/python.h -- functions of Python for scenarios: those of functions.py, registered with a session, and plans
 * over them that SQL cannot say. */
#ifndef FAULTS_PYTHON_H
#define FAULTS_PYTHON_H

#include "session/session.h"

/* Workers will find functions.py in `folder`; which version of Python they are is asked. Once, before the first session. */
void python_prepare(const char *folder);
/* All functions and data sources of functions.py. */
vonk_status python_register(vonk_session *session, vonk_error *err);
/* `form`: "map:F" (mapInPandas, mapInArrow), "barrier:F", "groups:F" (applyInPandas by the column k), "cogroups:F" (`rows`
 * with itself), "write" (into the data source); or "read" (of the data source, without `rows`). */
vonk_status python_plan(vonk_session *session, vonk_str form, const vonk_plan *rows, const vonk_plan **ret,
                        vonk_error *err);

#endif
