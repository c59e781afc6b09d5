#include "codec/brotli.h"

#include "sys/module.h"

/* The parts of Brotli's C interface that we call (stable since 1.0). */
typedef void *brotli_alloc(void *opaque, size_t bytes);
typedef void brotli_free(void *opaque, void *ptr);
typedef void *create_fn(brotli_alloc *, brotli_free *, void *opaque);
typedef void destroy_fn(void *state);
typedef int decode_fn(void *state, size_t *in_left, const uint8_t **in, size_t *out_left, uint8_t **out, size_t *total);
typedef size_t bound_fn(size_t bytes);
typedef int encode_fn(int quality, int window, int mode, size_t bytes, const uint8_t *in, size_t *out_bytes,
                      uint8_t *out);
enum { BROTLI_DONE = 1, BROTLI_MORE_OUT = 3 }; /* results of decode */
enum { BROTLI_MODE_GENERIC = 0, BROTLI_WINDOW = 22, BROTLI_LEVEL = 6, BROTLI_LEVEL_MAX = 11 };

enum { CREATE, DESTROY, DECODE, N_DECODER };
enum { BOUND, ENCODE, N_ENCODER };
static const char *const decoder_names[] = {"BrotliDecoderCreateInstance", "BrotliDecoderDestroyInstance",
                                            "BrotliDecoderDecompressStream"};
static const char *const encoder_names[] = {"BrotliEncoderMaxCompressedSize", "BrotliEncoderCompress"};
static vonk_module_fn decoder_at[N_DECODER], encoder_at[N_ENCODER];
static vonk_module decoder = {"libbrotlidec.so.1", "libbrotli1", decoder_names, N_DECODER, decoder_at, 0};
static vonk_module encoder = {"libbrotlienc.so.1", "libbrotli1", encoder_names, N_ENCODER, encoder_at, 0};

static vonk_status decode_all(void *state, vonk_cursor *in, vonk_buf *out, vonk_error *err)
{
    const uint8_t *from = in->at;
    size_t left = vonk_cursor_left(in);
    for (;;) {
        if (out->len == out->capacity)
            VONK_TRY(vonk_buf_reserve(out, vonk_max_size(1, vonk_min_size(65536, out->max_bytes - out->len)), err));
        uint8_t *to = (uint8_t *)out->data + out->len;
        size_t room = out->capacity - out->len;
        int got = ((decode_fn *)decoder_at[DECODE])(state, &left, &from, &room, &to, NULL);
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
    VONK_TRY(vonk_module_need(&decoder, err));
    void *state = ((create_fn *)decoder_at[CREATE])(vonk_lib_alloc, vonk_lib_free, out->budget);
    if (!state) {
        return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", "4096", "receivedBytes", "0", "budget",
                         "Brotli decoder");
    }
    vonk_status st = decode_all(state, in, out, err);
    ((destroy_fn *)decoder_at[DESTROY])(state);
    return st;
}

vonk_status vonk__brotli_compress(int32_t level, const void *data, size_t bytes, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_module_need(&encoder, err));
    size_t bound = ((bound_fn *)encoder_at[BOUND])(bytes);
    if (bound == 0) bound = bytes + 1024;
    VONK_TRY(vonk_buf_reserve(out, bound, err));
    int quality = level < 0 ? BROTLI_LEVEL : (level > BROTLI_LEVEL_MAX ? BROTLI_LEVEL_MAX : (int)level);
    if (!((encode_fn *)encoder_at[ENCODE])(quality, BROTLI_WINDOW, BROTLI_MODE_GENERIC, bytes, data, &bound,
                                           (uint8_t *)out->data + out->len))
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "Brotli could not compress");
    out->len += bound;
    return VONK_OK;
}
