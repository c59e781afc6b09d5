/* codec/sequence.h -- Hadoop's SequenceFile, version 6: pairs of bytes under two class names, plain or compressed by
 * record or by block, cut into splits at sync marks.
 *
 * Bytes from outside: lengths are checked against the file, what does not fit is MALFORMED_INPUT with the file's path.
 * One thread per reader or writer. */
#ifndef VONK_CODEC_SEQUENCE_H
#define VONK_CODEC_SEQUENCE_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/bytes.h"
#include "codec/compress.h"

typedef enum vonk_sequence_packing {
    VONK_SEQUENCE_PLAIN,
    VONK_SEQUENCE_RECORD,
    VONK_SEQUENCE_BLOCK
} vonk_sequence_packing;

/* Codecs by the name of their class (empty: none); *ret_ending as text files have it (".gz"). UNSUPPORTED_FEATURE names
 * others. */
vonk_status vonk_hadoop_codec(vonk_str class_name, vonk_compression *ret, vonk_str *ret_ending, vonk_error *err);
/* By the end of a file's name. */
vonk_compression vonk_hadoop_codec_of_file(vonk_str path);

typedef struct vonk_sequence_reader vonk_sequence_reader;
/* Records that begin in [start, end) of the file: those after the first sync mark from `start` on, up to the first one
 * behind `end`. `in` is borrowed. */
vonk_status vonk_sequence_reader_new(vonk_budget *budget, const vonk_bytes_in *in, uint64_t start, uint64_t end,
                                     vonk_sequence_reader **ret, vonk_error *err);
vonk_str vonk_sequence_key_class(const vonk_sequence_reader *reader);
vonk_str vonk_sequence_value_class(const vonk_sequence_reader *reader);
/* *ret_there false: the end. The bytes are valid until the next call. */
vonk_status vonk_sequence_next(vonk_sequence_reader *reader, bool *ret_there, vonk_str *ret_key, vonk_str *ret_value,
                               vonk_error *err);
void vonk_sequence_reader_free(vonk_sequence_reader *reader);
VONK_DEFINE_AUTO(vonk_sequence_reader, vonk_sequence_reader_free)

typedef struct vonk_sequence_options {
    vonk_str key_class, value_class;
    vonk_sequence_packing packing;
    vonk_str codec_class; /* where it is packed */
    uint8_t sync[16];     /* the file's mark: random */
} vonk_sequence_options;
typedef struct vonk_sequence_writer vonk_sequence_writer;
vonk_status vonk_sequence_writer_new(vonk_budget *budget, const vonk_sequence_options *options,
                                     const vonk_bytes_out *out, vonk_sequence_writer **ret, vonk_error *err);
vonk_status vonk_sequence_append(vonk_sequence_writer *writer, vonk_str key, vonk_str value, vonk_error *err);
vonk_status vonk_sequence_finish(vonk_sequence_writer *writer, vonk_error *err); /* once, at the end */
void vonk_sequence_writer_free(vonk_sequence_writer *writer);
VONK_DEFINE_AUTO(vonk_sequence_writer, vonk_sequence_writer_free)

/* Hadoop's numbers of one to nine bytes. */
vonk_status vonk_hadoop_put_vint(vonk_buf *out, int64_t x, vonk_error *err);
vonk_status vonk_hadoop_vint(vonk_cursor *in, int64_t *ret, vonk_error *err);

#endif
