#include "codec/bzip2.h"

#include <bzlib.h>

#include "sys/module.h"

#define MARK_BITS 48
#define BLOCK_MARK UINT64_C(0x314159265359) /* before a block */
#define END_MARK UINT64_C(0x177245385090)   /* before a stream's checksum */
#define ONES_48 (((uint64_t)1 << MARK_BITS) - 1)
enum {
    HEAD_BYTES = 4, /* "BZh9" */
    SUM_BITS = 32,  /* behind either mark: the checksum of the block or the stream */
    READ_BYTES = 256 << 10,
    MOST_PACKED = 4 << 20, /* of a block: 900,000 symbols of at most 20 bits */
    LEVEL = 9
};

typedef int start_fn(bz_stream *, int verbosity, int small);
typedef int step_fn(bz_stream *);
typedef int pack_start_fn(bz_stream *, int level, int verbosity, int work_factor);
typedef int pack_fn(bz_stream *, int action);

enum { UNPACK_START, UNPACK, UNPACK_END, PACK_START, PACK, PACK_END, N_CALLS };
static const char *const names[] = {"BZ2_bzDecompressInit", "BZ2_bzDecompress", "BZ2_bzDecompressEnd",
                                    "BZ2_bzCompressInit",   "BZ2_bzCompress",   "BZ2_bzCompressEnd"};
static vonk_module_fn calls[N_CALLS];
static vonk_module library = {"libbz2.so.1.0", "libbz2-1.0", names, N_CALLS, calls, 0};

static void *bzip2_alloc(void *budget, int n, int each) { return vonk_lib_alloc(budget, (size_t)n * (size_t)each); }

static vonk_status no_memory(vonk_budget *budget, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", "4000000", "receivedBytes",
                     VONK_F("%lld", (long long)vonk_budget_room(budget)), "budget", "bzip2");
}

/* ---- streams */

struct vonk__bunzip {
    vonk_budget *budget;
    bz_stream stream;
    bool is_open;
};

vonk_status vonk__bunzip_start(vonk_budget *budget, vonk__bunzip **inout, vonk_error *err)
{
    VONK_TRY(vonk_module_need(&library, err));
    if (!*inout) VONK_TRY(VONK_NEW(budget, inout, err));
    vonk__bunzip *b = *inout;
    b->budget = budget;
    if (b->is_open) ((step_fn *)calls[UNPACK_END])(&b->stream);
    b->stream = (bz_stream){.bzalloc = bzip2_alloc, .bzfree = vonk_lib_free, .opaque = budget};
    b->is_open = ((start_fn *)calls[UNPACK_START])(&b->stream, 0, 0) == BZ_OK;
    return b->is_open ? VONK_OK : no_memory(budget, err);
}

vonk_status vonk__bunzip_step(vonk__bunzip *b, vonk_cursor *in, void *to, size_t room, size_t *ret_got, bool *ret_end,
                              vonk_error *err)
{
    bz_stream *s = &b->stream;
    s->next_in = (char *)(uintptr_t)in->at; /* libbz2 reads only */
    s->avail_in = (unsigned)vonk_min_size(vonk_cursor_left(in), 1u << 30);
    s->next_out = to;
    s->avail_out = (unsigned)vonk_min_size(room, 1u << 30);
    const unsigned had_in = s->avail_in, had_out = s->avail_out;
    const int got = ((step_fn *)calls[UNPACK])(s);
    in->at += had_in - s->avail_in;
    *ret_got = had_out - s->avail_out;
    *ret_end = got == BZ_STREAM_END;
    if (got == BZ_MEM_ERROR) return no_memory(b->budget, err);
    if (got == BZ_DATA_ERROR_MAGIC) return vonk_cursor_fail(in, "it is no bzip2 data", err);
    return got == BZ_OK || got == BZ_STREAM_END ? VONK_OK : vonk_cursor_fail(in, "corrupt bzip2 data", err);
}

void vonk__bunzip_free(vonk__bunzip *b)
{
    if (!b) return;
    if (b->is_open) ((step_fn *)calls[UNPACK_END])(&b->stream);
    vonk_free(b);
}

static vonk_status pack(bz_stream *s, vonk_buf *out, vonk_error *err)
{
    for (int got = BZ_FINISH_OK; got != BZ_STREAM_END;) {
        VONK_TRY(vonk_buf_reserve(out, READ_BYTES, err));
        s->next_out = out->data + out->len;
        s->avail_out = READ_BYTES;
        got = ((pack_fn *)calls[PACK])(s, BZ_FINISH);
        if (got != BZ_FINISH_OK && got != BZ_STREAM_END)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "bzip2 could not compress");
        out->len += READ_BYTES - s->avail_out;
    }
    return VONK_OK;
}

vonk_status vonk__bzip2_compress(vonk_budget *budget, int32_t level, const void *data, size_t bytes, vonk_buf *out,
                                 vonk_error *err)
{
    bz_stream s = {.bzalloc = bzip2_alloc, .bzfree = vonk_lib_free, .opaque = budget};
    if (bytes > UINT32_MAX / 2)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "piece to compress is too large");
    VONK_TRY(vonk_module_need(&library, err));
    if (((pack_start_fn *)calls[PACK_START])(&s, level < 1 || level > 9 ? LEVEL : (int)level, 0, 0) != BZ_OK)
        return no_memory(budget, err);
    s.next_in = (char *)(uintptr_t)data;
    s.avail_in = (unsigned)bytes;
    const vonk_status st = pack(&s, out, err);
    ((step_fn *)calls[PACK_END])(&s);
    return st;
}

/* ---- blocks */

struct vonk_bzip2_reader {
    vonk_budget *budget;
    vonk_bytes_in in;
    char path[512];
    vonk_buf ahead; /* of the file, from `ahead_at` (bytes) on */
    uint64_t ahead_at;
    uint64_t bit; /* of the file: where the next block's mark begins, if is_there */
    bool is_there;
    vonk__bunzip *bunzip;
    vonk_buf packed, plain; /* a block as a stream of its own, and unpacked */
};

static vonk_status bad(const vonk_bzip2_reader *r, const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", r->path, "problem", problem);
}

/* More of the file behind what is there; *ret false: it has ended. */
static vonk_status read_more(vonk_bzip2_reader *r, bool *ret, vonk_error *err)
{
    const uint64_t at = r->ahead_at + r->ahead.len;
    const size_t n = at >= r->in.size ? 0 : (size_t)(r->in.size - at < READ_BYTES ? r->in.size - at : READ_BYTES);
    char *to = NULL;
    *ret = n > 0;
    if (!n) return VONK_OK;
    VONK_TRY(vonk_buf_extend(&r->ahead, n, &to, err));
    return r->in.read_at(r->in.self, at, n, to, err);
}

/* What lies before byte `at` is not wanted any more. */
static void forget(vonk_bzip2_reader *r, uint64_t at)
{
    const size_t n = at - r->ahead_at < r->ahead.len ? (size_t)(at - r->ahead_at) : r->ahead.len;
    if (n) memmove(r->ahead.data, r->ahead.data + n, r->ahead.len - n);
    r->ahead.len -= n;
    r->ahead_at += n;
}

/* Bits [bit, bit + n) of the file, n at most 56, which are there. */
static uint64_t bits_at(const vonk_bzip2_reader *r, uint64_t bit, unsigned n)
{
    const uint8_t *at = (const uint8_t *)r->ahead.data + (bit / 8 - r->ahead_at);
    const unsigned skip = (unsigned)(bit % 8), bytes = (skip + n + 7) / 8;
    uint64_t x = 0;
    for (unsigned i = 0; i < bytes; i++) x = x << 8 | at[i];
    return x >> (8 * bytes - skip - n) & (((uint64_t)1 << n) - 1);
}

/* The same, where they may not be there: cut off. */
static vonk_status take_bits(vonk_bzip2_reader *r, uint64_t bit, unsigned n, uint64_t *ret, vonk_error *err)
{
    for (bool is_more = true; (r->ahead_at + r->ahead.len) * 8 < bit + n;) {
        VONK_TRY(read_more(r, &is_more, err));
        if (!is_more) return bad(r, "the packed data is cut off", err);
    }
    *ret = bits_at(r, bit, n);
    return VONK_OK;
}

/* The first mark that begins within bits [from, to) and is there. */
static bool find_mark(const vonk_bzip2_reader *r, uint64_t from, uint64_t to, bool wants_end, uint64_t *ret)
{
    const uint8_t *at = (const uint8_t *)r->ahead.data;
    uint64_t window = 0;
    for (size_t i = (size_t)(from / 8 - r->ahead_at); i < r->ahead.len; i++) {
        window = window << 8 | at[i];
        const uint64_t behind = (r->ahead_at + i + 1) * 8;
        if (behind < from + MARK_BITS) continue;
        for (unsigned s = 8; s-- > 0;) {
            const uint64_t mark = window >> s & ONES_48, begin = behind - s - MARK_BITS;
            if (mark != BLOCK_MARK && !(wants_end && mark == END_MARK)) continue;
            if (behind < from + s + MARK_BITS) continue;
            *ret = begin;
            return begin < to;
        }
    }
    return false;
}

/* A stream's head and its first mark at byte `at`; the file may end there. Streams without blocks are passed over. */
static vonk_status enter_stream(vonk_bzip2_reader *r, uint64_t at, vonk_error *err)
{
    for (r->is_there = false; at < r->in.size; at += HEAD_BYTES + (MARK_BITS + SUM_BITS) / 8) {
        uint64_t head = 0, mark = 0;
        forget(r, at);
        VONK_TRY(take_bits(r, at * 8, 8 * HEAD_BYTES, &head, err));
        if (head >> 8 != 0x425a68 || (head & 0xff) < '1' || (head & 0xff) > '9')
            return bad(r, "it is no bzip2 data", err);
        r->bit = (at + HEAD_BYTES) * 8;
        VONK_TRY(take_bits(r, r->bit, MARK_BITS, &mark, err));
        r->is_there = mark == BLOCK_MARK;
        if (r->is_there) return VONK_OK;
        if (mark != END_MARK) return bad(r, "corrupt bzip2 data", err);
        VONK_TRY(take_bits(r, r->bit + MARK_BITS, SUM_BITS, &mark, err));
    }
    return VONK_OK;
}

/* The first block whose mark begins at byte `start` or later. */
static vonk_status seek_block(vonk_bzip2_reader *r, uint64_t start, vonk_error *err)
{
    r->ahead_at = start;
    for (bool is_more = true; is_more && !r->is_there;) {
        const uint64_t known = r->ahead_at + r->ahead.len;
        if (r->ahead.len >= 8) forget(r, known - 8); /* a mark may have begun there */
        VONK_TRY(read_more(r, &is_more, err));
        if (is_more) r->is_there = find_mark(r, r->ahead_at * 8, UINT64_MAX, false, &r->bit);
    }
    return VONK_OK;
}

vonk_status vonk_bzip2_reader_new(vonk_budget *budget, const vonk_bytes_in *in, uint64_t start, vonk_bzip2_reader **ret,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_bzip2_reader_free) vonk_bzip2_reader *r = NULL;
    VONK_TRY(VONK_NEW(budget, &r, err));
    vonk_buf *const all[] = {&r->ahead, &r->packed, &r->plain};
    for (size_t i = 0; i < VONK_COUNTOF(all); i++) vonk_buf_init(all[i], budget, SIZE_MAX);
    r->budget = budget;
    r->in = *in;
    vonk_format(r->path, sizeof r->path, "%.*s", VONK_STR_ARGS(in->path));
    VONK_TRY(start ? seek_block(r, start, err) : enter_stream(r, 0, err));
    *ret = VONK_STEAL(r);
    return VONK_OK;
}

bool vonk_bzip2_peek(const vonk_bzip2_reader *r, uint64_t *ret_at)
{
    *ret_at = r->bit / 8;
    return r->is_there;
}

static vonk_status add_bits(vonk_buf *out, uint64_t *inout_rest, unsigned *inout_n, uint64_t x, unsigned n,
                            vonk_error *err)
{
    *inout_rest = *inout_rest << n | x;
    for (*inout_n += n; *inout_n >= 8; *inout_n -= 8)
        VONK_TRY(vonk_buf_add_byte(out, (char)(*inout_rest >> (*inout_n - 8)), err));
    *inout_rest &= 0xff;
    return VONK_OK;
}

/* The block of bits [r->bit, end) as a stream of its own: the stream's checksum is the block's then. */
static vonk_status wrap(vonk_bzip2_reader *r, uint64_t end, vonk_error *err)
{
    const uint64_t sum = bits_at(r, r->bit + MARK_BITS, SUM_BITS);
    uint64_t bit = r->bit, rest = 0;
    unsigned n = 0;
    vonk_buf_reset(&r->packed);
    VONK_TRY(vonk_buf_append(&r->packed, "BZh9", HEAD_BYTES, err));
    VONK_TRY(vonk_buf_reserve(&r->packed, (size_t)((end - bit) / 8) + 32, err));
    for (; end - bit >= 32; bit += 32) {
        const uint32_t word = __builtin_bswap32((uint32_t)bits_at(r, bit, 32));
        VONK_TRY(vonk_buf_append(&r->packed, &word, sizeof word, err));
    }
    VONK_TRY(add_bits(&r->packed, &rest, &n, bits_at(r, bit, (unsigned)(end - bit)), (unsigned)(end - bit), err));
    VONK_TRY(add_bits(&r->packed, &rest, &n, END_MARK, MARK_BITS, err));
    VONK_TRY(add_bits(&r->packed, &rest, &n, sum, SUM_BITS, err));
    return n ? add_bits(&r->packed, &rest, &n, 0, 8 - n, err) : VONK_OK;
}

static vonk_status unpack_block(vonk_bzip2_reader *r, uint64_t end, vonk_error *err)
{
    bool is_over = false;
    VONK_TRY(wrap(r, end, err));
    vonk_cursor in = vonk_cursor_of(r->packed.data, r->packed.len, r->path);
    vonk_buf_reset(&r->plain);
    VONK_TRY(vonk__bunzip_start(r->budget, &r->bunzip, err));
    while (!is_over) {
        size_t got = 0;
        VONK_TRY(vonk_buf_reserve(&r->plain, READ_BYTES, err));
        VONK_TRY(vonk__bunzip_step(r->bunzip, &in, r->plain.data + r->plain.len, READ_BYTES, &got, &is_over, err));
        r->plain.len += got;
        if (!is_over && !got && !vonk_cursor_left(&in)) return bad(r, "corrupt bzip2 data", err);
    }
    return VONK_OK;
}

/* The next mark from `from` on, which a block that begins at r->bit can reach. */
static vonk_status next_mark(vonk_bzip2_reader *r, uint64_t from, uint64_t *ret, vonk_error *err)
{
    const uint64_t most = r->bit + (uint64_t)MOST_PACKED * 8;
    for (bool is_more = true; !find_mark(r, from, most, true, ret);) {
        const uint64_t known = (r->ahead_at + r->ahead.len) * 8;
        if (known > most) return bad(r, "corrupt bzip2 data", err);
        if (known > from + 64) from = known - 64; /* a mark may have begun there */
        VONK_TRY(read_more(r, &is_more, err));
        if (!is_more) return bad(r, "the packed data is cut off", err);
    }
    return VONK_OK;
}

/* Up to the mark at *inout_end, or a later one: packed data looks like a mark once in 2^48 bits. */
static vonk_status unpack_to_mark(vonk_bzip2_reader *r, uint64_t *inout_end, vonk_error *err)
{
    for (;;) {
        VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT, no_more = VONK_ERROR_INIT;
        const vonk_status st = unpack_block(r, *inout_end, &own);
        if (st == VONK_OK) return VONK_OK;
        if (st != VONK_E_MALFORMED_INPUT || next_mark(r, *inout_end + 1, inout_end, &no_more) != VONK_OK) {
            vonk_error_move(err, &own);
            return st;
        }
    }
}

vonk_status vonk_bzip2_next(vonk_bzip2_reader *r, vonk_str *ret_plain, vonk_error *err)
{
    uint64_t end = r->bit + MARK_BITS, mark = 0;
    assert(r->is_there);
    forget(r, r->bit / 8);
    VONK_TRY(take_bits(r, end, SUM_BITS, &mark, err));
    VONK_TRY(next_mark(r, end + 1, &end, err));
    VONK_TRY(unpack_to_mark(r, &end, err));
    mark = bits_at(r, end, MARK_BITS);
    r->bit = end;
    *ret_plain = vonk_buf_str(&r->plain);
    if (mark == BLOCK_MARK) return VONK_OK;
    VONK_TRY(take_bits(r, end + MARK_BITS, SUM_BITS, &mark, err));
    return enter_stream(r, (end + MARK_BITS + SUM_BITS + 7) / 8, err);
}

void vonk_bzip2_reader_free(vonk_bzip2_reader *r)
{
    if (!r) return;
    vonk__bunzip_free(r->bunzip);
    vonk_buf_done(&r->ahead);
    vonk_buf_done(&r->packed);
    vonk_buf_done(&r->plain);
    vonk_free(r);
}
