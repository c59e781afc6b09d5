/* codec/parquet/page.h -- inside codec: the values of one data page, read in order. */
#ifndef VONK_CODEC_PARQUET_PAGE_H
#define VONK_CODEC_PARQUET_PAGE_H

#include "codec/parquet/delta.h"
#include "codec/parquet/rle.h"
#include "codec/parquet/sink.h"

typedef enum pq_values {
    PQ_VALUES_FIXED,   /* values of convert->in_bytes bytes behind each other */
    PQ_VALUES_BITS,    /* booleans */
    PQ_VALUES_CODES,   /* of the dictionary */
    PQ_VALUES_BYTES,   /* length and bytes, behind each other */
    PQ_VALUES_STRINGS  /* lengths apart from bytes */
} pq_values;

/* Storage belongs to the caller; zeroed storage is an empty page. */
typedef struct pq_page {
    vonk_buffer *buffer;  /* uncompressed page */
    vonk_buffer *made;    /* memory of decoded values: deltas, joined streams, prefixed strings */
    vonk_buffer *heap;    /* borrowed: where the bytes of long strings lie (buffer or made) */
    uint8_t      kind;    /* pq_values */
    vonk_cursor  bytes;   /* FIXED, BYTES, STRINGS: what is left */
    pq_rle       runs;    /* BITS, CODES */
    pq_strings   strings; /* STRINGS: lens */
    uint32_t     n_strings_used;
    uint32_t     n_dictionary; /* CODES: entries */
} pq_page;

/* The values lie in `bytes`, inside page->buffer, with slack; at most n_most of them. */
vonk_status vonk__pq_page_start(pq_page *page, vonk_budget *budget, const pq_node *node, const pq_convert *convert, pq_encoding encoding,
                                vonk_cursor bytes, uint32_t n_most, vonk_error *err);
void vonk__pq_page_done(pq_page *page); /* drops the buffers */
VONK_DEFINE_AUTO_DONE(pq_page, vonk__pq_page_done)

/* The next n values to the end of the sink, dense (vonk__pq_sink_commit is the caller's); room was reserved. */
vonk_status vonk__pq_page_read(pq_page *page, const pq_convert *convert, uint32_t n, pq_sink *sink, vonk_error *err);
vonk_status vonk__pq_page_skip(pq_page *page, const pq_convert *convert, uint32_t n, vonk_error *err);

#endif
