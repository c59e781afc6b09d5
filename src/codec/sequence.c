/* codec/sequence.c -- SequenceFile, read and written.
 *
 * File: "SEQ" 6, key class, value class (vint and text), packed?, by blocks?, [codec class], metadata (int32 pairs of
 * texts), sync mark of 16 bytes. Then records: int32 length of both, int32 length of the key, key, value (packed each
 * by itself where packed by record); -1 and the mark now and then. By blocks: -1, mark, vint records, and four packed
 * pieces with their lengths before them: lengths of keys, keys, lengths of values, values. */
#include "codec/sequence.h"

enum { SYNC_BYTES = 16, SYNC_EVERY = 102400, BLOCK_BYTES = 1000000, READ_AHEAD = 64 << 10, MOST_BYTES = INT32_MAX };

#define CODEC "org.apache.hadoop.io.compress."
static const struct {
    const char *class_name, *ending;
    vonk_compression codec;
} codecs[] = {
    {CODEC "GzipCodec", ".gz", VONK_COMPRESS_GZIP},
    {CODEC "DefaultCodec", ".deflate", VONK_COMPRESS_ZLIB},
    {CODEC "DeflateCodec", ".deflate", VONK_COMPRESS_ZLIB},
    {CODEC "ZStandardCodec", ".zst", VONK_COMPRESS_ZSTD},
    {CODEC "BZip2Codec", ".bz2", VONK_COMPRESS_BZIP2},
    {CODEC "SnappyCodec", ".snappy", VONK_COMPRESS_SNAPPY_HADOOP},
    {CODEC "Lz4Codec", ".lz4", VONK_COMPRESS_LZ4_HADOOP},
};

vonk_status vonk_hadoop_codec(vonk_str name, vonk_compression *ret, vonk_str *ret_ending, vonk_error *err)
{
    *ret = VONK_COMPRESS_NONE;
    *ret_ending = VONK_STR("");
    if (!name.len) return VONK_OK;
    for (size_t i = 0; i < VONK_COUNTOF(codecs); i++)
        if (vonk_str_is(name, codecs[i].class_name)) {
            *ret = codecs[i].codec;
            *ret_ending = vonk_str_of(codecs[i].ending);
            return VONK_OK;
        }
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("the codec %.*s", VONK_STR_ARGS(name)));
}

vonk_compression vonk_hadoop_codec_of_file(vonk_str path)
{
    for (size_t i = 0; i < VONK_COUNTOF(codecs); i++)
        if (vonk_str_ends(path, vonk_str_of(codecs[i].ending))) return codecs[i].codec;
    return VONK_COMPRESS_NONE;
}

/* ---- numbers */

vonk_status vonk_hadoop_put_vint(vonk_buf *out, int64_t x, vonk_error *err)
{
    int tag = -112;
    if (x >= -112 && x <= 127) return vonk_buf_add_byte(out, (char)x, err);
    if (x < 0) {
        x = ~x;
        tag = -120;
    }
    int n = 0;
    for (uint64_t rest = (uint64_t)x; rest; rest >>= 8) n++;
    VONK_TRY(vonk_buf_add_byte(out, (char)(tag - n), err));
    for (int i = n - 1; i >= 0; i--) VONK_TRY(vonk_buf_add_byte(out, (char)((uint64_t)x >> 8 * i), err));
    return VONK_OK;
}

vonk_status vonk_hadoop_vint(vonk_cursor *in, int64_t *ret, vonk_error *err)
{
    uint8_t byte;
    VONK_TRY(vonk_cursor_u8(in, &byte, err));
    const int first = (int8_t)byte;
    *ret = first;
    if (first >= -112) return VONK_OK;
    const bool negative = first < -120;
    uint64_t x = 0;
    for (int n = negative ? -120 - first : -112 - first; n > 0; n--) {
        VONK_TRY(vonk_cursor_u8(in, &byte, err));
        x = x << 8 | byte;
    }
    *ret = (int64_t)(negative ? ~x : x);
    return VONK_OK;
}

static vonk_status put_be32(vonk_buf *out, int64_t x, vonk_error *err)
{
    const uint32_t be = __builtin_bswap32((uint32_t)x);
    return vonk_buf_append(out, &be, sizeof be, err);
}
static vonk_status put_text(vonk_buf *out, vonk_str text, vonk_error *err)
{
    VONK_TRY(vonk_hadoop_put_vint(out, (int64_t)text.len, err));
    return vonk_buf_add_str(out, text, err);
}

/* ---- reading */

struct vonk_sequence_reader {
    vonk_budget *budget;
    vonk_bytes_in in;
    vonk_arena *arena;
    char path[512];
    vonk_str key_class, value_class;
    vonk_sequence_packing packing;
    vonk_compression codec;
    vonk_compressor *compressor;
    uint8_t sync[SYNC_BYTES];
    uint64_t at, end;
    bool is_over;
    vonk_buf ahead, record; /* ahead: of the file, from ahead_from on */
    uint64_t ahead_from;
    uint32_t n_left; /* records of the block */
    vonk_buf piece[4];
    vonk_cursor cut[4];
};

/* `bytes` bytes of the file at r->at, in one piece until the next call. */
static vonk_status look(vonk_sequence_reader *r, size_t bytes, const char **ret, vonk_error *err)
{
    if (bytes > r->in.size - r->at)
        return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", r->path, "problem", "the file is cut off");
    const uint64_t off = r->at - r->ahead_from;
    if (r->at < r->ahead_from || off > r->ahead.len || bytes > r->ahead.len - off) {
        char *to = NULL;
        const uint64_t left = r->in.size - r->at;
        const size_t want = bytes > READ_AHEAD ? bytes : left < READ_AHEAD ? (size_t)left : READ_AHEAD;
        vonk_buf_reset(&r->ahead);
        VONK_TRY(vonk_buf_extend(&r->ahead, want, &to, err));
        r->ahead_from = r->at;
        VONK_TRY(r->in.read_at(r->in.self, r->at, want, to, err));
    }
    *ret = r->ahead.data + (r->at - r->ahead_from);
    return VONK_OK;
}

static vonk_status take_be32(vonk_sequence_reader *r, int32_t *ret, vonk_error *err)
{
    const char *at = NULL;
    uint32_t x;
    VONK_TRY(look(r, 4, &at, err));
    memcpy(&x, at, 4);
    r->at += 4;
    *ret = (int32_t)__builtin_bswap32(x);
    return VONK_OK;
}

static vonk_status take_vint(vonk_sequence_reader *r, int64_t *ret, vonk_error *err)
{
    const char *at = NULL;
    const uint64_t left = r->in.size - r->at;
    const size_t n = left < 9 ? (size_t)left : 9;
    VONK_TRY(look(r, n, &at, err));
    vonk_cursor in = vonk_cursor_of(at, n, r->path);
    VONK_TRY(vonk_hadoop_vint(&in, ret, err));
    r->at += n - vonk_cursor_left(&in);
    if (*ret < 0 || *ret > MOST_BYTES)
        return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", r->path, "problem", "a length is none");
    return VONK_OK;
}

static vonk_status take_text(vonk_sequence_reader *r, vonk_str *ret, vonk_error *err)
{
    int64_t n = 0;
    const char *at = NULL;
    VONK_TRY(take_vint(r, &n, err));
    VONK_TRY(look(r, (size_t)n, &at, err));
    r->at += (uint64_t)n;
    return vonk_arena_str(r->arena, (vonk_str){at, (size_t)n}, ret, err);
}

static vonk_status read_head(vonk_sequence_reader *r, vonk_error *err)
{
    const char *at = NULL;
    vonk_str codec = VONK_STR_NONE, ending;
    int32_t n_pairs = 0;
    VONK_TRY(look(r, 4, &at, err));
    if (memcmp(at, "SEQ", 3) != 0)
        return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", r->path, "problem", "it is no SequenceFile");
    if (at[3] != 6)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("SequenceFiles of version %d", at[3]));
    r->at += 4;
    VONK_TRY(take_text(r, &r->key_class, err));
    VONK_TRY(take_text(r, &r->value_class, err));
    VONK_TRY(look(r, 2, &at, err));
    r->packing = at[1] ? VONK_SEQUENCE_BLOCK : at[0] ? VONK_SEQUENCE_RECORD : VONK_SEQUENCE_PLAIN;
    r->at += 2;
    if (r->packing != VONK_SEQUENCE_PLAIN) VONK_TRY(take_text(r, &codec, err));
    VONK_TRY(vonk_hadoop_codec(codec, &r->codec, &ending, err));
    VONK_TRY(take_be32(r, &n_pairs, err));
    for (int32_t i = 0; i < 2 * (int64_t)n_pairs; i++) {
        vonk_str unused;
        VONK_TRY(take_text(r, &unused, err));
    }
    VONK_TRY(look(r, SYNC_BYTES, &at, err));
    memcpy(r->sync, at, SYNC_BYTES);
    r->at += SYNC_BYTES;
    return VONK_OK;
}

/* To behind the first mark that begins at `start` or later, less the -1 before it. */
static vonk_status seek_sync(vonk_sequence_reader *r, uint64_t start, vonk_error *err)
{
    for (r->at = start + 4; r->at + SYNC_BYTES <= r->in.size;) {
        const char *at = NULL;
        const uint64_t left = r->in.size - r->at;
        const size_t n = left < READ_AHEAD ? (size_t)left : READ_AHEAD;
        VONK_TRY(look(r, n, &at, err));
        const size_t found = vonk_str_find((vonk_str){at, n}, (vonk_str){(const char *)r->sync, SYNC_BYTES}, 0);
        if (found != SIZE_MAX) {
            r->at += found - 4;
            return VONK_OK;
        }
        r->at += n - SYNC_BYTES + 1;
    }
    r->is_over = true;
    return VONK_OK;
}

vonk_status vonk_sequence_reader_new(vonk_budget *budget, const vonk_bytes_in *in, uint64_t start, uint64_t end,
                                     vonk_sequence_reader **ret, vonk_error *err)
{
    VONK_AUTO(vonk_sequence_reader_free) vonk_sequence_reader *r = NULL;
    VONK_TRY(VONK_NEW(budget, &r, err));
    r->budget = budget;
    r->in = *in;
    r->end = end;
    vonk_format(r->path, sizeof r->path, "%.*s", VONK_STR_ARGS(in->path));
    vonk_buf_init(&r->ahead, budget, SIZE_MAX);
    vonk_buf_init(&r->record, budget, SIZE_MAX);
    for (int i = 0; i < 4; i++) vonk_buf_init(&r->piece[i], budget, MOST_BYTES);
    VONK_TRY(vonk_arena_new(budget, &r->arena, err));
    VONK_TRY(vonk_compressor_new(budget, &r->compressor, err));
    VONK_TRY(read_head(r, err));
    if (start > r->at) VONK_TRY(seek_sync(r, start, err));
    *ret = VONK_STEAL(r);
    return VONK_OK;
}

vonk_str vonk_sequence_key_class(const vonk_sequence_reader *r) { return r->key_class; }
vonk_str vonk_sequence_value_class(const vonk_sequence_reader *r) { return r->value_class; }

/* A mark at r->at, if one is there: what follows is ours only if the mark begins before the end. */
static vonk_status pass_mark(vonk_sequence_reader *r, bool *ret_was, vonk_error *err)
{
    const char *at = NULL;
    *ret_was = false;
    if (r->in.size - r->at < 4 + SYNC_BYTES) return VONK_OK;
    VONK_TRY(look(r, 4 + SYNC_BYTES, &at, err));
    if (memcmp(at, "\xff\xff\xff\xff", 4) != 0) return VONK_OK;
    if (memcmp(at + 4, r->sync, SYNC_BYTES) != 0)
        return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", r->path, "problem", "a sync mark is damaged");
    *ret_was = true;
    if (r->at >= r->end) r->is_over = true;
    r->at += 4 + SYNC_BYTES;
    return VONK_OK;
}

static vonk_status unpack(vonk_sequence_reader *r, vonk_str packed, vonk_buf *out, vonk_error *err)
{
    vonk_cursor in = vonk_cursor_of(packed.data, packed.len, r->path);
    vonk_buf_reset(out);
    return packed.len ? vonk_decompress_all(r->compressor, r->codec, &in, out, err) : VONK_OK;
}

static vonk_status read_block(vonk_sequence_reader *r, vonk_error *err)
{
    int64_t n = 0;
    VONK_TRY(take_vint(r, &n, err));
    for (int i = 0; i < 4; i++) {
        int64_t bytes = 0;
        const char *at = NULL;
        VONK_TRY(take_vint(r, &bytes, err));
        VONK_TRY(look(r, (size_t)bytes, &at, err));
        VONK_TRY(unpack(r, (vonk_str){at, (size_t)bytes}, &r->piece[i], err));
        r->at += (uint64_t)bytes;
        r->cut[i] = vonk_cursor_of(r->piece[i].data, r->piece[i].len, r->path);
    }
    r->n_left = (uint32_t)n;
    return VONK_OK;
}

static vonk_status next_of_block(vonk_sequence_reader *r, vonk_str *ret_key, vonk_str *ret_value, vonk_error *err)
{
    vonk_str *const to[2] = {ret_key, ret_value};
    for (size_t i = 0; i < 2; i++) {
        int64_t n = 0;
        const uint8_t *at = NULL;
        VONK_TRY(vonk_hadoop_vint(&r->cut[2 * i], &n, err));
        if (n < 0) return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", r->path, "problem", "a length is none");
        VONK_TRY(vonk_cursor_take(&r->cut[2 * i + 1], (size_t)n, &at, err));
        *to[i] = (vonk_str){(const char *)at, (size_t)n};
    }
    r->n_left--;
    return VONK_OK;
}

static vonk_status next_record(vonk_sequence_reader *r, vonk_str *ret_key, vonk_str *ret_value, vonk_error *err)
{
    int32_t both = 0, key = 0;
    const char *at = NULL;
    VONK_TRY(take_be32(r, &both, err));
    VONK_TRY(take_be32(r, &key, err));
    if (both < 0 || key < 0 || key > both)
        return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", r->path, "problem", "a record's length is none");
    VONK_TRY(look(r, (size_t)both, &at, err));
    r->at += (uint64_t)both;
    *ret_key = (vonk_str){at, (size_t)key};
    *ret_value = (vonk_str){at + key, (size_t)(both - key)};
    if (r->packing != VONK_SEQUENCE_RECORD) return VONK_OK;
    VONK_TRY(unpack(r, *ret_value, &r->record, err));
    *ret_value = vonk_buf_str(&r->record);
    return VONK_OK;
}

vonk_status vonk_sequence_next(vonk_sequence_reader *r, bool *ret_there, vonk_str *ret_key, vonk_str *ret_value,
                               vonk_error *err)
{
    bool mark = true;
    *ret_there = true;
    if (r->n_left) return next_of_block(r, ret_key, ret_value, err);
    while (mark && !r->is_over) VONK_TRY(pass_mark(r, &mark, err));
    if (!r->is_over && r->at == r->in.size) r->is_over = true;
    if (r->is_over) {
        *ret_there = false;
        return VONK_OK;
    }
    if (r->packing != VONK_SEQUENCE_BLOCK) return next_record(r, ret_key, ret_value, err);
    VONK_TRY(read_block(r, err));
    return r->n_left ? next_of_block(r, ret_key, ret_value, err)
                     : VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", r->path, "problem", "a block has no records");
}

void vonk_sequence_reader_free(vonk_sequence_reader *r)
{
    if (!r) return;
    vonk_buf_done(&r->ahead);
    vonk_buf_done(&r->record);
    for (int i = 0; i < 4; i++) vonk_buf_done(&r->piece[i]);
    vonk_compressor_free(r->compressor);
    vonk_arena_free(r->arena);
    vonk_free(r);
}

/* ---- writing */

struct vonk_sequence_writer {
    vonk_bytes_out out;
    vonk_sequence_packing packing;
    vonk_compression codec;
    vonk_compressor *compressor;
    uint8_t sync[SYNC_BYTES];
    uint64_t since_sync; /* bytes */
    vonk_buf buf, packed, piece[4];
    uint32_t n;
};

static vonk_status flush(vonk_sequence_writer *w, vonk_error *err)
{
    VONK_TRY(w->out.append(w->out.self, w->buf.data, w->buf.len, err));
    vonk_buf_reset(&w->buf);
    return VONK_OK;
}

vonk_status vonk_sequence_writer_new(vonk_budget *budget, const vonk_sequence_options *o, const vonk_bytes_out *out,
                                     vonk_sequence_writer **ret, vonk_error *err)
{
    VONK_AUTO(vonk_sequence_writer_free) vonk_sequence_writer *w = NULL;
    vonk_str ending;
    VONK_TRY(VONK_NEW(budget, &w, err));
    w->out = *out;
    w->packing = o->packing;
    memcpy(w->sync, o->sync, SYNC_BYTES);
    vonk_buf_init(&w->buf, budget, SIZE_MAX);
    vonk_buf_init(&w->packed, budget, SIZE_MAX);
    for (int i = 0; i < 4; i++) vonk_buf_init(&w->piece[i], budget, SIZE_MAX);
    VONK_TRY(vonk_compressor_new(budget, &w->compressor, err));
    const bool is_packed = o->packing != VONK_SEQUENCE_PLAIN;
    VONK_TRY(vonk_hadoop_codec(is_packed ? o->codec_class : VONK_STR_NONE, &w->codec, &ending, err));
    VONK_TRY(vonk_buf_append(&w->buf, "SEQ\6", 4, err));
    VONK_TRY(put_text(&w->buf, o->key_class, err));
    VONK_TRY(put_text(&w->buf, o->value_class, err));
    VONK_TRY(vonk_buf_add_byte(&w->buf, is_packed, err));
    VONK_TRY(vonk_buf_add_byte(&w->buf, o->packing == VONK_SEQUENCE_BLOCK, err));
    if (is_packed) VONK_TRY(put_text(&w->buf, o->codec_class, err));
    VONK_TRY(put_be32(&w->buf, 0, err));
    VONK_TRY(vonk_buf_append(&w->buf, w->sync, SYNC_BYTES, err));
    w->since_sync = w->buf.len; /* as Hadoop counts, so that splits have the same records */
    *ret = VONK_STEAL(w);
    return VONK_OK;
}

static vonk_status put_mark(vonk_sequence_writer *w, vonk_error *err)
{
    VONK_TRY(put_be32(&w->buf, -1, err));
    w->since_sync = 0;
    return vonk_buf_append(&w->buf, w->sync, SYNC_BYTES, err);
}

static vonk_status end_block(vonk_sequence_writer *w, vonk_error *err)
{
    if (!w->n) return VONK_OK;
    VONK_TRY(put_mark(w, err));
    VONK_TRY(vonk_hadoop_put_vint(&w->buf, w->n, err));
    for (int i = 0; i < 4; i++) {
        vonk_buf_reset(&w->packed);
        VONK_TRY(vonk_compress(w->compressor, w->codec, VONK_COMPRESS_LEVEL_DEFAULT, w->piece[i].data, w->piece[i].len,
                               &w->packed, err));
        VONK_TRY(vonk_hadoop_put_vint(&w->buf, (int64_t)w->packed.len, err));
        VONK_TRY(vonk_buf_add_str(&w->buf, vonk_buf_str(&w->packed), err));
        vonk_buf_reset(&w->piece[i]);
    }
    w->n = 0;
    return flush(w, err);
}

static vonk_status append_to_block(vonk_sequence_writer *w, vonk_str key, vonk_str value, vonk_error *err)
{
    VONK_TRY(vonk_hadoop_put_vint(&w->piece[0], (int64_t)key.len, err));
    VONK_TRY(vonk_buf_add_str(&w->piece[1], key, err));
    VONK_TRY(vonk_hadoop_put_vint(&w->piece[2], (int64_t)value.len, err));
    VONK_TRY(vonk_buf_add_str(&w->piece[3], value, err));
    w->n++;
    return w->piece[1].len + w->piece[3].len >= BLOCK_BYTES ? end_block(w, err) : VONK_OK;
}

vonk_status vonk_sequence_append(vonk_sequence_writer *w, vonk_str key, vonk_str value, vonk_error *err)
{
    if (w->packing == VONK_SEQUENCE_BLOCK) return append_to_block(w, key, value, err);
    if (w->packing == VONK_SEQUENCE_RECORD) {
        vonk_buf_reset(&w->packed);
        VONK_TRY(vonk_compress(w->compressor, w->codec, VONK_COMPRESS_LEVEL_DEFAULT, value.data, value.len, &w->packed,
                               err));
        value = vonk_buf_str(&w->packed);
    }
    if (key.len + value.len > MOST_BYTES)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "records of 2 GiB in a SequenceFile");
    if (w->since_sync >= SYNC_EVERY) VONK_TRY(put_mark(w, err));
    VONK_TRY(put_be32(&w->buf, (int64_t)(key.len + value.len), err));
    VONK_TRY(put_be32(&w->buf, (int64_t)key.len, err));
    VONK_TRY(vonk_buf_add_str(&w->buf, key, err));
    VONK_TRY(vonk_buf_add_str(&w->buf, value, err));
    w->since_sync += 8 + key.len + value.len;
    return w->buf.len >= BLOCK_BYTES ? flush(w, err) : VONK_OK;
}

vonk_status vonk_sequence_finish(vonk_sequence_writer *w, vonk_error *err)
{
    VONK_TRY(end_block(w, err));
    return flush(w, err);
}

void vonk_sequence_writer_free(vonk_sequence_writer *w)
{
    if (!w) return;
    vonk_buf_done(&w->buf);
    vonk_buf_done(&w->packed);
    for (int i = 0; i < 4; i++) vonk_buf_done(&w->piece[i]);
    vonk_compressor_free(w->compressor);
    vonk_free(w);
}
