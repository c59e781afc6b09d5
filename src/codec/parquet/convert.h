/* codec/parquet/convert.h -- inside codec: from Parquet's physical values to the storage of a Spark type. */
#ifndef VONK_CODEC_PARQUET_CONVERT_H
#define VONK_CODEC_PARQUET_CONVERT_H

#include "codec/parquet/file.h"

typedef enum pq_convert_kind {
    PQ_TO_COPY,       /* the same 4 or 8 bytes */
    PQ_TO_BITS,       /* booleans */
    PQ_TO_VIEWS,      /* byte arrays and fixed byte arrays as they are */
    PQ_TO_NOTHING,    /* void: always null */
    PQ_I32_TO_I8,
    PQ_I32_TO_I16,
    PQ_I32_TO_I64,    /* times `factor` */
    PQ_U32_TO_I64,
    PQ_I32_TO_I128,   /* times `factor` */
    PQ_I32_TO_F64,
    PQ_F32_TO_F64,
    PQ_I64_TO_I64,    /* times `factor`, refused when it does not fit */
    PQ_I64_TO_I128,   /* times `factor` */
    PQ_U64_TO_I128,
    PQ_I64_CUT,       /* cut down to a multiple of `factor` */
    PQ_I64_CUT_I128,  /* same, to 128 bits */
    PQ_INT96_TO_MICROS,
    PQ_BIG_TO_I64,    /* big-endian two's complement, times `factor` */
    PQ_BIG_TO_I128
} pq_convert_kind;

typedef enum pq_rebase { PQ_REBASE_NONE, PQ_REBASE_DAYS, PQ_REBASE_MICROS } pq_rebase;

typedef struct pq_convert {
    uint8_t             kind, rebase;
    uint8_t             out_bytes; /* of one value; 0 for bits */
    bool                int96;
    uint32_t            in_bytes;  /* of one value in PLAIN; 0 for bits and byte arrays */
    vonk_parquet_rebase mode;
    vonk_i128           factor;
    const vonk_parquet_meta *meta; /* for errors */
} pq_convert;

/* How leaf `node` is read as `want`. PARQUET_COLUMN_DATA_TYPE_MISMATCH when Spark cannot. */
vonk_status vonk__pq_convert_init(const vonk_parquet_meta *meta, const pq_node *node, const vonk_type *want, pq_convert *ret, vonk_error *err);
vonk_status vonk__pq_mismatch(const vonk_parquet_meta *meta, const pq_node *node, const vonk_type *want, vonk_error *err);

/* n values of fixed size from PLAIN bytes (any alignment) to `out`. */
vonk_status vonk__pq_convert_fixed(const pq_convert *c, const uint8_t *in, size_t n, void *out, vonk_error *err);
/* One value out of a byte array (decimals only). */
vonk_status vonk__pq_convert_bytes(const pq_convert *c, const uint8_t *in, size_t bytes, void *out, vonk_error *err);

#endif
