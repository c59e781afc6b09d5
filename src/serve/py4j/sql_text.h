/* serve/py4j/sql_text.h -- an Expression as Column.toString shows it. */
#ifndef VONK_SERVE_PY4J_SQL_TEXT_H
#define VONK_SERVE_PY4J_SQL_TEXT_H

#include "serve/py4j/sql.h"

vonk_status vonk__j_column_text(const vonk__j_column *column, vonk_buf *out, vonk_error *err);
/* "[id: bigint, name: string]", as Dataset.toString has it. */
vonk_status vonk__j_dataset_text(const vonk__j_dataset *dataset, vonk_buf *out, vonk_error *err);

#endif
