/* rdd/rdd_lines.c -- text files as lines, or as records that a text of the user's ends: those that begin in a split. */
#include "base/utf8.h"
#include "codec/bzip2.h"
#include "codec/sequence.h"
#include "rdd/rdd_int.h"

enum { READ_BYTES = 1 << 20 };

typedef struct lines {
    vonk_task *task;
    vonk_rdd_sink *sink;
    vonk_buf record, line;       /* line: one that is not whole yet */
    vonk_str delimiter;          /* what ends records; empty: any end of a line */
    bool enough, after_cr, skip; /* skip: the first line belongs to the split before */
    int64_t at, end; /* of the file: where `at` is what comes next; lines that begin behind `end` are not ours */
    int64_t begin;   /* of the line that is being read */
    int64_t *ret_begin;
} lines;

static vonk_status put_line(lines *l, vonk_str text, vonk_error *err)
{
    char *to = NULL;
    if (l->skip) {
        l->skip = false;
        return VONK_OK;
    }
    vonk_buf_reset(&l->record);
    VONK_TRY(vonk_buf_extend(&l->record, 4, &to, err));
    if (vonk_utf8_valid(text))
        VONK_TRY(vonk_buf_add_str(&l->record, text, err));
    else
        VONK_TRY(vonk_utf8_clean(text, &l->record, err));
    if (l->record.len - 4 > INT32_MAX) return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "lines of 2 GiB");
    vonk__put_be32(l->record.data, (int32_t)(l->record.len - 4));
    if (l->ret_begin) *l->ret_begin = l->begin;
    return l->sink->put(l->sink->self, vonk_buf_str(&l->record), &l->enough, err);
}

static vonk_status end_line(lines *l, vonk_str rest, vonk_error *err)
{
    if (l->line.len) {
        VONK_TRY(vonk_buf_add_str(&l->line, rest, err));
        rest = vonk_buf_str(&l->line);
    }
    VONK_TRY(put_line(l, rest, err));
    vonk_buf_reset(&l->line);
    return VONK_OK;
}

/* Lines end with \n, \r\n or \r. */
static vonk_status push_lines(lines *l, vonk_str bytes, vonk_error *err)
{
    size_t from = 0;
    for (size_t i = 0; i < bytes.len && !l->enough; i++) {
        char c = bytes.data[i];
        if (l->after_cr) {
            l->after_cr = false;
            if (c == '\n') {
                from = i + 1;
                l->begin = l->at + (int64_t)from;
                continue;
            }
        }
        if (l->begin > l->end) {
            l->enough = true;
            break;
        }
        if (c != '\n' && c != '\r') continue;
        VONK_TRY(end_line(l, vonk_str_sub(bytes, from, i), err));
        from = i + 1;
        l->begin = l->at + (int64_t)from;
        l->after_cr = c == '\r';
    }
    l->at += (int64_t)bytes.len;
    return l->enough ? VONK_OK : vonk_buf_add_str(&l->line, vonk_str_sub(bytes, from, bytes.len), err);
}

/* A record is ours if the delimiter before it begins in our split: the next split looks for whole ones only. */
static int64_t last_begin(const lines *l, int64_t end)
{
    return end + (l->delimiter.len ? (int64_t)l->delimiter.len - 1 : 0);
}

static vonk_status push_records(lines *l, vonk_str bytes, vonk_error *err)
{
    const size_t had = l->line.len, d = l->delimiter.len;
    VONK_TRY(vonk_buf_add_str(&l->line, bytes, err));
    l->at += (int64_t)bytes.len;
    size_t from = 0, look = had < d ? 0 : had - (d - 1); /* what there was has no whole one */
    while (!l->enough && l->begin <= l->end) {
        const size_t found = vonk_str_find(vonk_buf_str(&l->line), l->delimiter, look);
        if (found == SIZE_MAX) break;
        VONK_TRY(put_line(l, vonk_str_sub(vonk_buf_str(&l->line), from, found), err));
        l->begin += (int64_t)(found + d - from);
        from = look = found + d;
    }
    if (l->begin > l->end) l->enough = true;
    l->line.len -= from;
    if (from && l->line.len) memmove(l->line.data, l->line.data + from, l->line.len);
    return VONK_OK;
}

static vonk_str without_mark(vonk_str bytes)
{
    return vonk_str_starts(bytes, VONK_STR("\xef\xbb\xbf")) ? vonk_str_sub(bytes, 3, bytes.len) : bytes;
}

/* The next piece of the split's file into `to`. */
static vonk_status read_piece(vonk_file *file, rdd_packed *packed, int64_t at, char *to, size_t *ret_got,
                              vonk_error *err)
{
    return packed ? vonk__rdd_packed_read(packed, to, READ_BYTES, ret_got, err)
                  : vonk_file_read_at(file, at, to, READ_BYTES, ret_got, err);
}

/* Bytes of the file at l->at; a byte order mark at its beginning is no part of a line. */
static vonk_status take_piece(lines *l, vonk_str bytes, vonk_error *err)
{
    if (l->at == 0) {
        const vonk_str text = without_mark(bytes);
        l->at = l->begin = (int64_t)(bytes.len - text.len);
        bytes = text;
    }
    return l->delimiter.len ? push_records(l, bytes, err) : push_lines(l, bytes, err);
}

static vonk_status read_file_at(void *self, uint64_t offset, size_t bytes, void *dst, vonk_error *err)
{
    return vonk_file_read_exact(self, (int64_t)offset, dst, bytes, err);
}

/* A part of a bzip2 file: the lines that begin in the blocks that begin in it, and the one at their end. Places are
 * Hadoop's: the part's start and plain bytes. */
static vonk_status read_bzip2(lines *l, const rdd_split *split, vonk_file *file, int64_t file_bytes, vonk_error *err)
{
    VONK_AUTO(vonk_bzip2_reader_free) vonk_bzip2_reader *r = NULL;
    const vonk_bytes_in in = {.self = file, .size = (uint64_t)file_bytes, .path = split->path, .read_at = read_file_at};
    const uint64_t end = (uint64_t)(split->start + split->bytes);
    uint64_t at = 0;
    vonk_str plain = VONK_STR_NONE;
    VONK_TRY(vonk_bzip2_reader_new(l->task->budget, &in, (uint64_t)split->start, &r, err));
    if (vonk_bzip2_peek(r, &at) && at >= end) l->enough = true; /* none begins in it */
    while (!l->enough && vonk_bzip2_peek(r, &at) && !vonk_task_cancelled(l->task)) {
        if (at >= end && l->end == INT64_MAX) l->end = last_begin(l, l->at);
        VONK_TRY(vonk_bzip2_next(r, &plain, err));
        VONK_TRY(take_piece(l, plain, err));
    }
    return VONK_OK;
}

static vonk_status read_pieces(lines *l, vonk_file *file, rdd_packed *packed, vonk_buf *buf, vonk_error *err)
{
    while (!l->enough && !vonk_task_cancelled(l->task)) {
        char *to = NULL;
        size_t got = 0;
        vonk_buf_reset(buf);
        VONK_TRY(vonk_buf_extend(buf, READ_BYTES, &to, err));
        VONK_TRY(read_piece(file, packed, l->at, to, &got, err));
        if (!got) break;
        VONK_TRY(take_piece(l, (vonk_str){to, got}, err));
    }
    return VONK_OK;
}

static vonk_status read_split(lines *l, const rdd_split *split, vonk_buf *buf, vonk_error *err)
{
    VONK_AUTO(vonk__rdd_packed_close) rdd_packed *packed = NULL;
    VONK_AUTO(vonk_file_free) vonk_file *file = NULL;
    const vonk_compression codec = vonk_hadoop_codec_of_file(split->path);
    const bool is_packed = codec != VONK_COMPRESS_NONE;
    vonk_file_info info = {0};
    if (is_packed) VONK_TRY(vonk_file_stat(split->path, &info, err));
    if (is_packed && (codec != VONK_COMPRESS_BZIP2 || split->bytes == info.size_bytes)) {
        /* The whole of it: places count plain bytes. */
        VONK_TRY(vonk__rdd_packed_open(l->task->budget, split->path, codec, &packed, err));
        return read_pieces(l, NULL, packed, buf, err);
    }
    VONK_TRY(vonk_file_open(l->task->budget, split->path, VONK_FILE_READ, &file, err));
    l->at = l->begin = split->start;
    l->skip = split->start > 0;
    if (is_packed) return read_bzip2(l, split, file, info.size_bytes, err);
    l->end = last_begin(l, split->start + split->bytes);
    return read_pieces(l, file, NULL, buf, err);
}

static vonk_status read_lines(lines *l, const rdd_split *split, vonk_buf *buf, vonk_error *err)
{
    VONK_TRY(read_split(l, split, buf, err));
    return l->enough || !l->line.len || l->begin > l->end ? VONK_OK : end_line(l, VONK_STR_NONE, err);
}

vonk_status vonk__rdd_compute_lines(const rdd_split *split, vonk_str delimiter, vonk_task *task, vonk_rdd_sink *sink,
                                    int64_t *ret_begin, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf buf = {0};
    lines l = {.task = task, .sink = sink, .end = INT64_MAX, .delimiter = delimiter, .ret_begin = ret_begin};
    vonk_buf_init(&buf, task->budget, SIZE_MAX);
    vonk_buf_init(&l.record, task->budget, SIZE_MAX);
    vonk_buf_init(&l.line, task->budget, SIZE_MAX);
    const vonk_status st = read_lines(&l, split, &buf, err);
    vonk_buf_done(&l.record);
    vonk_buf_done(&l.line);
    return st;
}
