/* serve/py4j/archive.h -- what SparkContext.addArchive unpacks: zip (and jar), tar, tar.gz. */
#ifndef VONK_SERVE_PY4J_ARCHIVE_H
#define VONK_SERVE_PY4J_ARCHIVE_H

#include "base/budget.h"

/* By the end of its name, into a folder that is made. Names that lead out of it are refused. A file that is none of
 * these is copied, as Spark does. */
vonk_status vonk__j_unpack(vonk_budget *budget, vonk_str archive, vonk_str folder, vonk_error *err);

#endif
