/* base/forward.h -- every opaque name that crosses folders, so that headers include little else. */
#ifndef VONK_BASE_FORWARD_H
#define VONK_BASE_FORWARD_H

typedef struct vonk_arena   vonk_arena;   /* base/arena.h   memory with one lifespan */
typedef struct vonk_budget  vonk_budget;  /* base/budget.h  node of the memory budget tree */
typedef struct vonk_error   vonk_error;   /* base/error.h   what went wrong, for a client */
typedef struct vonk_buf     vonk_buf;     /* base/buf.h     growing byte buffer */
typedef struct vonk_cursor  vonk_cursor;  /* base/cursor.h  bounds-checked reading of foreign bytes */

typedef struct vonk_type    vonk_type;    /* column/type.h   a Spark SQL type, immutable */
typedef struct vonk_buffer  vonk_buffer;  /* column/buffer.h refcounted bytes, charged to a budget */
typedef struct vonk_column  vonk_column;  /* column/column.h values of one type */
typedef struct vonk_batch   vonk_batch;   /* column/batch.h  columns of equal length */

typedef struct vonk_fn      vonk_fn;      /* func/func.h     one SQL function */
typedef struct vonk_expr    vonk_expr;    /* plan/expr.h     expression, immutable */
typedef struct vonk_plan    vonk_plan;    /* plan/plan.h     plan node, immutable */
typedef struct vonk_program vonk_program; /* plan/program.h  flattened bound expressions */
typedef struct vonk_conf    vonk_conf;    /* plan/conf.h     immutable snapshot of a session's configuration */

#endif
