/* Tests of the integer and byte array encodings: unpacking against a bit-by-bit twin, runs, deltas, streams; bad bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "codec/parquet/delta.h"
#include "codec/parquet/rle.h"
#include "codec/parquet/unpack.h"

static uint64_t random_state = 1;
static uint64_t random64(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return vonk_u32_of(random_state >> 32) * UINT64_C(0x9e3779b97f4a7c15) ^ random_state;
}

static void unpack_every_width(void **state)
{
    enum { N = 264 };
    uint8_t bytes[N * 8 + PQ_SLACK_BYTES];
    uint32_t got[N], kernels[N];
    uint64_t wide[N];
    const pq_kernels *levels[] = {
        &vonk__pq_kernels_v1,
        __builtin_cpu_supports("avx2") ? &vonk__pq_kernels_v3 : &vonk__pq_kernels_v1,
        __builtin_cpu_supports("avx512vl") ? &vonk__pq_kernels_v4 : &vonk__pq_kernels_v1,
    };
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)random64();
    for (unsigned width = 0; width <= 64; width++) {
        vonk__pq_unpack_u64(bytes, 0, N, width, wide);
        if (width <= 32) vonk__pq_kernels()->unpack_u32(bytes, N, width, got);
        for (size_t i = 0; i < N; i++) {
            uint64_t want = 0;
            for (unsigned b = 0; b < width; b++) want |= (uint64_t)vonk_bit_get(bytes, i * width + b) << b;
            assert_true(wide[i] == want);
            if (width <= 32) assert_true(got[i] == want);
        }
        for (size_t k = 0; k < 3 && width <= 32; k++) {
            levels[k]->unpack_u32(bytes, N, width, kernels);
            assert_memory_equal(kernels, got, sizeof got);
        }
    }
}

enum { RUN_VALUES = 3000 };
static uint32_t values[RUN_VALUES];

static void make_values(unsigned width, unsigned style)
{
    uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1, now = 0;
    for (size_t i = 0; i < RUN_VALUES; i++) {
        if (style == 0 || random64() % (style * 5) == 0) now = (uint32_t)random64() & mask;
        values[i] = now;
    }
}

static void read_in_pieces(const vonk_buf *out, unsigned width, size_t piece)
{
    static uint32_t back[RUN_VALUES];
    vonk_error err = VONK_ERROR_INIT;
    pq_rle rle;
    vonk__pq_rle_init(&rle, vonk_cursor_of(out->data, out->len - PQ_SLACK_BYTES, "test"), width);
    for (size_t i = 0; i < RUN_VALUES;) {
        uint32_t k = (uint32_t)vonk_min_size(piece, RUN_VALUES - i), run = 0;
        bool is_run = vonk__pq_rle_is_run(&rle, k, &run);
        assert_int_equal(vonk__pq_rle_read(&rle, k, back + i, &err), VONK_OK);
        for (uint32_t j = 0; is_run && j < k; j++) assert_int_equal(back[i + j], run);
        i += k;
        if (i < RUN_VALUES && piece % 3 == 1) { /* skipped here, filled for the comparison */
            assert_int_equal(vonk__pq_rle_skip(&rle, 1, &err), VONK_OK);
            back[i] = values[i];
            i++;
        }
    }
    assert_memory_equal(back, values, sizeof values);
}

static void runs_there_and_back(void **state)
{
    static const size_t pieces[] = {1, 3, 7, 8, 100, 1024, RUN_VALUES};
    for (unsigned width = 0; width <= 32; width++) {
        for (unsigned style = 0; style < 6; style++) {
            vonk_error err = VONK_ERROR_INIT;
            vonk_buf out = {0};
            char *slack;
            make_values(width, style);
            vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
            assert_int_equal(vonk__pq_rle_write(&out, values, RUN_VALUES, width, &err), VONK_OK);
            assert_int_equal(vonk_buf_extend(&out, PQ_SLACK_BYTES, &slack, &err), VONK_OK);
            memset(slack, 0xff, PQ_SLACK_BYTES);
            for (size_t i = 0; i < VONK_COUNTOF(pieces); i++) read_in_pieces(&out, width, pieces[i]);
            if (style == 5 && width > 0) assert_true(out.len < RUN_VALUES * 2); /* runs were found */
            vonk_buf_done(&out);
        }
    }
}

static void runs_as_bits_and_levels(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf out = {0};
    char *slack;
    uint8_t bits[RUN_VALUES / 8 + 8];
    uint16_t levels[RUN_VALUES];
    for (unsigned style = 0; style < 6; style++) {
        make_values(1, style);
        vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
        assert_int_equal(vonk__pq_rle_write(&out, values, RUN_VALUES, 1, &err), VONK_OK);
        assert_int_equal(vonk_buf_extend(&out, PQ_SLACK_BYTES, &slack, &err), VONK_OK);
        for (size_t piece = 1; piece < 600; piece += 53) {
            pq_rle rle;
            vonk__pq_rle_init(&rle, vonk_cursor_of(out.data, out.len - PQ_SLACK_BYTES, "test"), 1);
            for (size_t i = 0; i < RUN_VALUES; i += piece) {
                uint32_t k = (uint32_t)vonk_min_size(piece, RUN_VALUES - i), ones = 0, want = 0;
                assert_int_equal(vonk__pq_rle_bits(&rle, k, bits, i + 3, &ones, &err), VONK_OK);
                for (uint32_t j = 0; j < k; j++) want += values[i + j];
                assert_int_equal(ones, want);
            }
            for (size_t i = 0; i < RUN_VALUES; i++) assert_int_equal(vonk_bit_get(bits, i + 3), values[i]);
        }
        pq_rle rle;
        vonk__pq_rle_init(&rle, vonk_cursor_of(out.data, out.len - PQ_SLACK_BYTES, "test"), 1);
        assert_int_equal(vonk__pq_rle_read_u16(&rle, RUN_VALUES, levels, &err), VONK_OK);
        for (size_t i = 0; i < RUN_VALUES; i++) assert_int_equal(levels[i], values[i]);
        vonk_buf_done(&out);
    }
}

static void deltas_there_and_back(void **state)
{
    static int64_t in[1000];
    for (int narrow = 0; narrow < 2; narrow++) {
        for (unsigned style = 0; style < 5; style++) {
            for (size_t n = 0; n < 1000; n = n * 2 + 1) {
                vonk_error err = VONK_ERROR_INIT;
                vonk_buf out = {0};
                vonk_buffer *back = NULL;
                uint32_t got = 0;
                char *slack;
                for (size_t i = 0; i < n; i++) {
                    int64_t x = (int64_t)random64();
                    if (style == 1) x = (int64_t)i * 3;
                    if (style == 2) x = 5;
                    if (style == 3) x = i % 2 ? INT64_MAX : INT64_MIN;
                    if (style == 4) x &= 0xffff;
                    in[i] = narrow ? (int32_t)x : x;
                }
                vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
                assert_int_equal(vonk__pq_delta_write(&out, in, n, narrow, &err), VONK_OK);
                size_t bytes = out.len;
                assert_int_equal(vonk_buf_extend(&out, PQ_SLACK_BYTES, &slack, &err), VONK_OK);
                vonk_cursor cursor = vonk_cursor_of(out.data, bytes, "test");
                assert_int_equal(
                    vonk__pq_delta_ints(vonk_budget_root(), &cursor, 1000, narrow ? 4 : 8, &back, &got, &err), VONK_OK);
                assert_int_equal(got, n);
                assert_int_equal(vonk_cursor_left(&cursor), 0);
                for (size_t i = 0; i < n; i++) {
                    int64_t x = narrow ? ((const int32_t *)(const void *)back->data)[i]
                                       : ((const int64_t *)(const void *)back->data)[i];
                    assert_true(x == in[i]);
                }
                vonk_buffer_unref(back);
                vonk_buf_done(&out);
            }
        }
    }
}

static void delta_strings(void **state)
{
    static const char *const words[] = {"", "car", "care", "cargo", "x", "xenon", "xenophon", "xenophon"};
    enum { N = VONK_COUNTOF(words) };
    vonk_error err = VONK_ERROR_INIT;
    int64_t prefix[N], suffix[N];
    vonk_buf out = {0};
    char *slack;
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    for (size_t i = 0; i < N; i++) {
        size_t p = 0;
        while (i > 0 && words[i][p] && words[i][p] == words[i - 1][p]) p++;
        prefix[i] = (int64_t)p;
        suffix[i] = (int64_t)(strlen(words[i]) - p);
    }
    assert_int_equal(vonk__pq_delta_write(&out, prefix, N, true, &err), VONK_OK);
    assert_int_equal(vonk__pq_delta_write(&out, suffix, N, true, &err), VONK_OK);
    for (size_t i = 0; i < N; i++) assert_int_equal(vonk_buf_add_c(&out, words[i] + prefix[i], &err), VONK_OK);
    size_t bytes = out.len;
    assert_int_equal(vonk_buf_extend(&out, PQ_SLACK_BYTES, &slack, &err), VONK_OK);
    vonk_cursor in = vonk_cursor_of(out.data, bytes, "test");
    pq_strings s;
    assert_int_equal(vonk__pq_delta_strings(vonk_budget_root(), &in, 100, &s, &err), VONK_OK);
    assert_int_equal(s.n, N);
    const uint8_t *at = s.bytes;
    for (size_t i = 0; i < N; i++) {
        int32_t len = ((const int32_t *)(const void *)s.lens->data)[i];
        assert_int_equal(len, strlen(words[i]));
        assert_memory_equal(at, words[i], (size_t)len);
        at += len;
    }
    vonk__pq_strings_done(&s);
    for (size_t n = 0; n < bytes; n++) { /* cut, and each byte changed */
        in = vonk_cursor_of(out.data, n, "test");
        assert_int_equal(vonk__pq_delta_strings(vonk_budget_root(), &in, 100, &s, &err), VONK_E_MALFORMED_INPUT);
        vonk_error_reset(&err);
        for (int bit = 0; bit < 8; bit++) {
            out.data[n] = (char)(out.data[n] ^ (1 << bit));
            in = vonk_cursor_of(out.data, bytes, "test");
            if (vonk__pq_delta_strings(vonk_budget_root(), &in, 100, &s, &err) == VONK_OK) vonk__pq_strings_done(&s);
            vonk_error_reset(&err);
            out.data[n] = (char)(out.data[n] ^ (1 << bit));
        }
    }
    vonk_buf_done(&out);
}

static void streams(void **state)
{
    uint8_t in[16 * 37], split[sizeof in], back[sizeof in];
    for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)random64();
    for (size_t each = 1; each <= 16; each++) {
        vonk__pq_split_streams(in, 37, each, split);
        assert_int_equal(split[37 * (each - 1)], in[each - 1]);
        vonk__pq_join_streams(split, 37, each, back);
        assert_memory_equal(back, in, 37 * each);
    }
}

static void bad_runs(void **state)
{
    static const uint8_t cases[][4] = {{0}, {0x03}, {0x02, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff}};
    static const size_t lens[] = {0, 1, 4, 4};
    uint32_t out[8];
    for (size_t i = 0; i < VONK_COUNTOF(cases); i++) {
        vonk_error err = VONK_ERROR_INIT;
        uint8_t bytes[4 + PQ_SLACK_BYTES] = {0};
        pq_rle rle;
        memcpy(bytes, cases[i], 4);
        vonk__pq_rle_init(&rle, vonk_cursor_of(bytes, lens[i], "test"), 5);
        assert_int_equal(vonk__pq_rle_read(&rle, 8, out, &err), VONK_E_MALFORMED_INPUT);
        vonk_error_reset(&err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpack_every_width),
        cmocka_unit_test(runs_there_and_back),
        cmocka_unit_test(runs_as_bits_and_levels),
        cmocka_unit_test(deltas_there_and_back),
        cmocka_unit_test(delta_strings),
        cmocka_unit_test(streams),
        cmocka_unit_test(bad_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
