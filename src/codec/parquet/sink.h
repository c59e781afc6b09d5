/* codec/parquet/sink.h -- inside codec: a column that grows by pieces: dense values and where the nulls are.
 *
 * Values stay dictionary codes as long as every piece is coded; the first other piece turns them into values. Storage belongs to the caller. */
#ifndef VONK_CODEC_PARQUET_SINK_H
#define VONK_CODEC_PARQUET_SINK_H

#include "codec/parquet/convert.h"

typedef struct pq_sink {
    vonk_budget       *budget;
    const vonk_type   *type;
    const vonk_column *dictionary; /* borrowed; FLAT; set before coded pieces */
    uint32_t           each;       /* bytes of one value as stored; 0: bits */
    uint32_t           n, capacity;
    uint32_t           n_nulls;
    bool               started;    /* false: only nulls so far, no memory */
    bool               coded, keep_codes;
    vonk_buffer       *data, *validity; /* validity NULL: no nulls so far */
    vonk_buffer      **heaps;
    uint32_t           n_heaps, heaps_capacity;
    bool               has_dictionary_heaps; /* heaps 0.. are the dictionary's */
} pq_sink;

void vonk__pq_sink_init(pq_sink *s, vonk_budget *budget, const vonk_type *type, bool keep_codes);
void vonk__pq_sink_done(pq_sink *s); /* accepts zeroed storage */
VONK_DEFINE_AUTO_DONE(pq_sink, vonk__pq_sink_done)

/* Room for n more places; before anything else of a piece. */
vonk_status vonk__pq_sink_reserve(pq_sink *s, uint32_t n, vonk_error *err);
/* The bits of the validity bitmap from place s->n on will be written by the caller. */
vonk_status vonk__pq_sink_need_validity(pq_sink *s, vonk_error *err);
/* Where the dense values of this piece go: codes (coded) or values. Fixes the form of the column: when false is asked for and codes are there, they
 * become values. */
vonk_status vonk__pq_sink_begin(pq_sink *s, bool coded, vonk_error *err);
static inline void *vonk__pq_sink_at(const pq_sink *s) { return s->data->data + (size_t)s->n * (s->coded ? sizeof(uint32_t) : s->each); }
/* n places, of which n_dense have a value; when those are fewer, the bits must have been written. Dense values of coded pieces into a column of
 * values were put there by the caller. */
void vonk__pq_sink_commit(pq_sink *s, uint32_t n, uint32_t n_dense);
/* n nulls; writes the bits itself. */
vonk_status vonk__pq_sink_nulls(pq_sink *s, uint32_t n, vonk_error *err);
/* Index of a heap in the column; the heap is referenced. The last one is found again. */
vonk_status vonk__pq_sink_heap(pq_sink *s, vonk_buffer *heap, uint32_t *ret, vonk_error *err);
/* Values of codes into a column of values, dense, at vonk__pq_sink_at(). */
vonk_status vonk__pq_sink_put_codes(pq_sink *s, const uint32_t *codes, uint32_t n, vonk_error *err);
/* The column; the sink is empty afterwards. */
vonk_status vonk__pq_sink_finish(pq_sink *s, vonk_column **ret, vonk_error *err);

#endif
