/* rdd/rdd_packed.c -- packed files as streams: by the end of their name, as Hadoop chooses its codecs. */
#include "rdd/rdd_int.h"

enum { PACKED_READ_BYTES = 256 << 10 };
#define MOST_BLOCK_BYTES ((uint32_t)256 << 20) /* Hadoop's writers make blocks of 256 KiB */

bool vonk__rdd_codec_of(vonk_str path, vonk_compression *ret)
{
    static const struct {
        const char *ending;
        vonk_compression codec;
    } rows[] = {{".gz", VONK_COMPRESS_GZIP},   {".deflate", VONK_COMPRESS_ZLIB},  {".zst", VONK_COMPRESS_ZSTD},
                {".bz2", VONK_COMPRESS_BZIP2}, {".snappy", VONK_COMPRESS_SNAPPY}, {".lz4", VONK_COMPRESS_LZ4_HADOOP}};
    *ret = VONK_COMPRESS_NONE;
    for (size_t i = 0; i < VONK_COUNTOF(rows); i++)
        if (vonk_str_ends(path, vonk_str_of(rows[i].ending))) *ret = rows[i].codec;
    return *ret != VONK_COMPRESS_NONE;
}

struct rdd_packed {
    vonk_file *file;
    vonk_compressor *compressor;
    vonk_compression codec;
    char name[512];
    int64_t at;     /* of the file: what is read next */
    vonk_buf piece; /* of the file */
    vonk_cursor in; /* what is left of it */
    /* Hadoop's blocks: be32 plain bytes, then chunks (be32 packed bytes, bytes) until that many have come. */
    uint32_t owed;
    vonk_buf chunk, plain;
    size_t plain_at;
};

static bool in_blocks(vonk_compression codec)
{
    return codec == VONK_COMPRESS_SNAPPY || codec == VONK_COMPRESS_LZ4_HADOOP;
}

vonk_status vonk__rdd_packed_open(vonk_budget *budget, vonk_str path, vonk_compression codec, rdd_packed **ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk__rdd_packed_close) rdd_packed *p = NULL;
    VONK_TRY(VONK_NEW(budget, &p, err));
    p->codec = codec;
    vonk_buf *const all[] = {&p->piece, &p->chunk, &p->plain};
    for (size_t i = 0; i < VONK_COUNTOF(all); i++) vonk_buf_init(all[i], budget, SIZE_MAX);
    p->in = vonk_cursor_of("", 0, vonk_format(p->name, sizeof p->name, "%.*s", VONK_STR_ARGS(path)));
    VONK_TRY(vonk_file_open(budget, path, VONK_FILE_READ, &p->file, err));
    VONK_TRY(vonk_compressor_new(budget, &p->compressor, err));
    if (!in_blocks(codec)) VONK_TRY(vonk_unpack_start(p->compressor, codec, err));
    *ret = VONK_STEAL(p);
    return VONK_OK;
}

void vonk__rdd_packed_close(rdd_packed *p)
{
    if (!p) return;
    vonk_file_free(p->file);
    vonk_compressor_free(p->compressor);
    vonk_buf_done(&p->piece);
    vonk_buf_done(&p->chunk);
    vonk_buf_done(&p->plain);
    vonk_free(p);
}

/* The next piece of the file; *ret false: there is none. */
static vonk_status next_piece(rdd_packed *p, bool *ret, vonk_error *err)
{
    char *to = NULL;
    size_t got = 0;
    vonk_buf_reset(&p->piece);
    VONK_TRY(vonk_buf_extend(&p->piece, PACKED_READ_BYTES, &to, err));
    VONK_TRY(vonk_file_read_at(p->file, p->at, to, PACKED_READ_BYTES, &got, err));
    p->at += (int64_t)got;
    p->in = vonk_cursor_of(to, got, p->name);
    *ret = got > 0;
    return VONK_OK;
}

/* ---- Hadoop's blocks */

/* Exactly n bytes of the file into `chunk`; *ret false: the file has ended before the first of them. */
static vonk_status take(rdd_packed *p, size_t n, bool *ret, vonk_error *err)
{
    vonk_buf_reset(&p->chunk);
    *ret = true;
    while (p->chunk.len < n) {
        bool is_more = true;
        if (!vonk_cursor_left(&p->in)) VONK_TRY(next_piece(p, &is_more, err));
        if (!is_more && p->chunk.len) return vonk_cursor_fail(&p->in, "the packed data is cut off", err);
        if (!is_more) {
            *ret = false;
            return VONK_OK;
        }
        const size_t some = vonk_min_size(n - p->chunk.len, vonk_cursor_left(&p->in));
        VONK_TRY(vonk_buf_append(&p->chunk, p->in.at, some, err));
        p->in.at += some;
    }
    return VONK_OK;
}

static vonk_status take_number(rdd_packed *p, bool *ret, uint32_t *ret_n, vonk_error *err)
{
    VONK_TRY(take(p, 4, ret, err));
    if (*ret) *ret_n = (uint32_t)vonk__be32(p->chunk.data);
    if (*ret && *ret_n > MOST_BLOCK_BYTES) return vonk_cursor_fail(&p->in, "a block of it is too large", err);
    return VONK_OK;
}

static vonk_status unpack_chunk(rdd_packed *p, vonk_error *err)
{
    vonk_cursor in = vonk_cursor_of(p->chunk.data, p->chunk.len, p->name);
    char *to = NULL;
    size_t got = 0;
    vonk_buf_reset(&p->plain);
    VONK_TRY(vonk_buf_extend(&p->plain, p->owed, &to, err));
    VONK_TRY(vonk_decompress_chunk(p->codec, &in, to, p->owed, &got, err));
    p->plain.len = got;
    p->owed -= (uint32_t)got;
    return VONK_OK;
}

/* The next chunk's bytes into `plain`: none at the end of the file. */
static vonk_status next_chunk(rdd_packed *p, vonk_error *err)
{
    bool is_there = true;
    uint32_t n = 0;
    vonk_buf_reset(&p->plain);
    p->plain_at = 0;
    while (!p->owed) {
        VONK_TRY(take_number(p, &is_there, &p->owed, err));
        if (!is_there) return VONK_OK;
    }
    VONK_TRY(take_number(p, &is_there, &n, err));
    if (is_there && n) VONK_TRY(take(p, n, &is_there, err));
    if (!is_there || !n) return vonk_cursor_fail(&p->in, "the packed data is cut off", err);
    return unpack_chunk(p, err);
}

static vonk_status read_blocks(rdd_packed *p, char *to, size_t room, size_t *ret_got, vonk_error *err)
{
    if (p->plain_at == p->plain.len) VONK_TRY(next_chunk(p, err));
    *ret_got = vonk_min_size(room, p->plain.len - p->plain_at);
    if (*ret_got) memcpy(to, p->plain.data + p->plain_at, *ret_got);
    p->plain_at += *ret_got;
    return VONK_OK;
}

/* ---- either */

static vonk_status read_stream(rdd_packed *p, char *to, size_t room, size_t *ret_got, vonk_error *err)
{
    for (bool is_more = true; is_more;) {
        VONK_TRY(vonk_unpack(p->compressor, &p->in, to, room, ret_got, err));
        if (*ret_got) return VONK_OK;
        VONK_TRY(next_piece(p, &is_more, err));
    }
    return vonk_unpack_end(p->compressor, &p->in, err);
}

vonk_status vonk__rdd_packed_read(rdd_packed *p, char *to, size_t room, size_t *ret_got, vonk_error *err)
{
    *ret_got = 0;
    while (*ret_got < room) {
        size_t got = 0;
        if (in_blocks(p->codec))
            VONK_TRY(read_blocks(p, to + *ret_got, room - *ret_got, &got, err));
        else
            VONK_TRY(read_stream(p, to + *ret_got, room - *ret_got, &got, err));
        if (!got) break;
        *ret_got += got;
    }
    return VONK_OK;
}
