/* rdd/rdd_packed.c -- packed files as streams: by the end of their name, as Hadoop chooses its codecs. */
#include "rdd/rdd_int.h"

enum { PACKED_READ_BYTES = 256 << 10 };

struct rdd_packed {
    vonk_file *file;
    vonk_compressor *compressor;
    char name[512];
    int64_t at;     /* of the file: what is read next */
    vonk_buf piece; /* of the file */
    vonk_cursor in; /* what is left of it */
};

vonk_status vonk__rdd_packed_open(vonk_budget *budget, vonk_str path, vonk_compression codec, rdd_packed **ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk__rdd_packed_close) rdd_packed *p = NULL;
    VONK_TRY(VONK_NEW(budget, &p, err));
    vonk_buf_init(&p->piece, budget, SIZE_MAX);
    p->in = vonk_cursor_of("", 0, vonk_format(p->name, sizeof p->name, "%.*s", VONK_STR_ARGS(path)));
    VONK_TRY(vonk_file_open(budget, path, VONK_FILE_READ, &p->file, err));
    VONK_TRY(vonk_compressor_new(budget, &p->compressor, err));
    VONK_TRY(vonk_unpack_start(p->compressor, codec, err));
    *ret = VONK_STEAL(p);
    return VONK_OK;
}

void vonk__rdd_packed_close(rdd_packed *p)
{
    if (!p) return;
    vonk_file_free(p->file);
    vonk_compressor_free(p->compressor);
    vonk_buf_done(&p->piece);
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
        VONK_TRY(read_stream(p, to + *ret_got, room - *ret_got, &got, err));
        if (!got) break;
        *ret_got += got;
    }
    return VONK_OK;
}
