#include "codec/brotli.h"

#include <dlfcn.h>
#include <pthread.h>

/* The parts of Brotli's C interface that we call (stable since 1.0). */
typedef void *(*brotli_alloc)(void *opaque, size_t bytes);
typedef void (*brotli_free)(void *opaque, void *ptr);
enum { BROTLI_ERROR = 0, BROTLI_DONE = 1, BROTLI_MORE_IN = 2, BROTLI_MORE_OUT = 3 };
enum { BROTLI_MODE_GENERIC = 0, BROTLI_WINDOW = 22, BROTLI_LEVEL = 6, BROTLI_LEVEL_MAX = 11 };

static struct {
    bool opened;
    void *(*create)(brotli_alloc, brotli_free, void *);
    void (*destroy)(void *);
    int (*decode)(void *, size_t *, const uint8_t **, size_t *, uint8_t **, size_t *);
    size_t (*bound)(size_t);
    int (*encode)(int, int, int, size_t, const uint8_t *, size_t *, uint8_t *);
} brotli;
static pthread_once_t brotli_once = PTHREAD_ONCE_INIT;

static void open_libraries(void)
{
    void *dec = dlopen("libbrotlidec.so.1", RTLD_NOW | RTLD_LOCAL);
    void *enc = dlopen("libbrotlienc.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!dec || !enc) return;
    *(void **)&brotli.create = dlsym(dec, "BrotliDecoderCreateInstance");
    *(void **)&brotli.destroy = dlsym(dec, "BrotliDecoderDestroyInstance");
    *(void **)&brotli.decode = dlsym(dec, "BrotliDecoderDecompressStream");
    *(void **)&brotli.bound = dlsym(enc, "BrotliEncoderMaxCompressedSize");
    *(void **)&brotli.encode = dlsym(enc, "BrotliEncoderCompress");
    brotli.opened = brotli.create && brotli.destroy && brotli.decode && brotli.bound && brotli.encode;
}

static vonk_status need_brotli(vonk_error *err)
{
    pthread_once(&brotli_once, open_libraries);
    if (!brotli.opened)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "Brotli without its library (package libbrotli1)");
    return VONK_OK;
}

static void *budget_alloc(void *budget, size_t bytes)
{
    vonk_error err = VONK_ERROR_INIT;
    void *ptr = NULL;
    if (vonk_alloc(budget, bytes, &ptr, &err) != VONK_OK) vonk_error_reset(&err);
    return ptr;
}

static void budget_free(void *budget, void *ptr)
{
    (void)budget;
    vonk_free(ptr);
}

static vonk_status decode_all(void *state, vonk_cursor *in, vonk_buf *out, vonk_error *err)
{
    const uint8_t *from = in->at;
    size_t left = vonk_cursor_left(in);
    for (;;) {
        if (out->len == out->capacity)
            VONK_TRY(vonk_buf_reserve(out, vonk_max_size(1, vonk_min_size(65536, out->max_bytes - out->len)), err));
        uint8_t *to = (uint8_t *)out->data + out->len;
        size_t room = out->capacity - out->len;
        int got = brotli.decode(state, &left, &from, &room, &to, NULL);
        out->len = out->capacity - room;
        if (got == BROTLI_DONE) break;
        if (got != BROTLI_MORE_OUT) return vonk_cursor_fail(in, "corrupt Brotli data", err);
    }
    if (left != 0) return vonk_cursor_fail(in, "bytes behind the end of Brotli data", err);
    in->at = in->end;
    return VONK_OK;
}

vonk_status vonk__brotli_decompress(vonk_cursor *in, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(need_brotli(err));
    void *state = brotli.create(budget_alloc, budget_free, out->budget);
    if (!state) {
        return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", "4096", "receivedBytes", "0", "budget",
                         "Brotli decoder");
    }
    vonk_status st = decode_all(state, in, out, err);
    brotli.destroy(state);
    return st;
}

vonk_status vonk__brotli_compress(int32_t level, const void *data, size_t bytes, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(need_brotli(err));
    size_t bound = brotli.bound(bytes);
    if (bound == 0) bound = bytes + 1024;
    VONK_TRY(vonk_buf_reserve(out, bound, err));
    int quality = level < 0 ? BROTLI_LEVEL : (level > BROTLI_LEVEL_MAX ? BROTLI_LEVEL_MAX : (int)level);
    if (!brotli.encode(quality, BROTLI_WINDOW, BROTLI_MODE_GENERIC, bytes, data, &bound,
                       (uint8_t *)out->data + out->len))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "Brotli could not compress");
    out->len += bound;
    return VONK_OK;
}
