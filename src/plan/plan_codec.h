/* plan/plan_codec.h -- inside plan/: the records of docs/format/plan.md. */
#ifndef VONK_PLAN_PLAN_CODEC_H
#define VONK_PLAN_PLAN_CODEC_H

#include "plan/plan.h"

#define VONK__PLAN_MAGIC "VPL1"
#define VONK__PLAN_VERSION 1

/* Each record of a tag has the next number of its tag, from 1 on; 0 means none. The last NODE record is the plan. */
typedef enum vonk__plan_tag {
    VONK__TAG_END,
    VONK__TAG_TYPE,
    VONK__TAG_ORIGIN,
    VONK__TAG_EXPR,
    VONK__TAG_NODE,
    VONK__TAG_LEAF,
    VONK__N_PLAN_TAG
} vonk__plan_tag;

/* Which expressions' fields are written: bits. */
enum {
    VONK__EXPR_NAME = 1,
    VONK__EXPR_PARTS = 2,
    VONK__EXPR_IDS = 4,
    VONK__EXPR_PLAN_ID = 8,
    VONK__EXPR_COUNTS = 16, /* n_args, n_order, n_partition, index */
    VONK__EXPR_FRAME = 32,
    VONK__EXPR_FN = 64,
    VONK__EXPR_VALUE = 128,
    VONK__EXPR_METADATA = 256,
    VONK__EXPR_ORIGIN = 512,
    VONK__EXPR_PYTHON = 1024
};

#endif
