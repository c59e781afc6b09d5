/* Tests of message prefixes, timeouts and status texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net/grpc_wire.h"

static void timeouts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } good[] = {
        {"10M", INT64_C(600000000)},
        {"601S", 601000000},
        {"250m", 250000},
        {"7u", 7},
        {"1999n", 1},
        {"0S", 0},
        {"2H", INT64_C(7200000000)},
        {"99999999H", INT64_C(315360000000000)},
    };
    int64_t us = 0;
    for (size_t i = 0; i < VONK_COUNTOF(good); i++) {
        assert_true(vonk_grpc_parse_timeout(vonk_str_of(good[i].text), &us));
        assert_int_equal(us, good[i].us);
    }
    static const char *const bad[] = {"", "S", "10", "10s", "-1S", "1 S", "123456789S", "1.5S", "S10"};
    for (size_t i = 0; i < VONK_COUNTOF(bad); i++) assert_false(vonk_grpc_parse_timeout(vonk_str_of(bad[i]), &us));
}

static void status_texts(void **state)
{
    (void)state;
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf buf = {0};
    vonk_buf_init(&buf, vonk_budget_root(), SIZE_MAX);
    assert_int_equal(vonk_grpc_percent_encode(VONK_STR("50% of\n\xc3\xa9~\x7f"), &buf, &err), VONK_OK);
    assert_true(vonk_str_is(vonk_buf_str(&buf), "50%25 of%0A%C3%A9~%7F"));
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const encoded[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"}; /* RFC 4648 */
    for (size_t i = 0; i < VONK_COUNTOF(plain); i++) {
        vonk_buf_reset(&buf);
        assert_int_equal(vonk_grpc_base64(vonk_str_of(plain[i]), &buf, &err), VONK_OK);
        assert_true(vonk_str_is(vonk_buf_str(&buf), encoded[i]));
    }
    vonk_buf_reset(&buf);
    assert_int_equal(vonk_grpc_base64(VONK_STR("\xff\xef\xbf\x00\x10\x83"), &buf, &err), VONK_OK);
    assert_true(vonk_str_is(vonk_buf_str(&buf), "/++/ABCD"));
    vonk_buf_done(&buf);
}

static void tokens(void **state)
{
    (void)state;
    assert_true(vonk_grpc_token_eq(VONK_STR("secret"), VONK_STR("secret")));
    assert_false(vonk_grpc_token_eq(VONK_STR("secre"), VONK_STR("secret")));
    assert_false(vonk_grpc_token_eq(VONK_STR("secretsecret"), VONK_STR("secret")));
    assert_false(vonk_grpc_token_eq(VONK_STR("Secret"), VONK_STR("secret")));
    assert_false(vonk_grpc_token_eq(VONK_STR_NONE, VONK_STR("secret")));
    assert_false(vonk_grpc_token_eq(VONK_STR("secret"), VONK_STR_NONE));
}

/* Messages of these sizes, fed in steps of every small size, come out whole and in order. */
static void messages_in_pieces(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 300, 5, 70000, 0};
    size_t total = 0, at = 0;
    for (size_t i = 0; i < VONK_COUNTOF(sizes); i++) total += VONK_GRPC_PREFIX_BYTES + sizes[i];
    char *wire = malloc(total);
    for (size_t i = 0; i < VONK_COUNTOF(sizes); i++) {
        vonk_grpc_write_prefix((uint8_t *)wire + at, sizes[i]);
        memset(wire + at + VONK_GRPC_PREFIX_BYTES, (int)('a' + i), sizes[i]);
        at += VONK_GRPC_PREFIX_BYTES + sizes[i];
    }
    for (size_t step = 1; step < 100000; step = step < 20 ? step + 1 : step * 3) {
        vonk_grpc_deframer d;
        vonk_grpc_deframer_init(&d, vonk_budget_root(), 70000);
        size_t n = 0;
        for (size_t from = 0; from < total; from += step) {
            vonk_str piece = {wire + from, vonk_min_size(step, total - from)};
            while (piece.len > 0) {
                vonk_slice message = VONK_SLICE_NONE;
                vonk_grpc_fed fed = vonk_grpc_deframer_feed(&d, &piece, &message);
                if (fed == VONK_GRPC_FED_MORE) break;
                assert_int_equal(fed, VONK_GRPC_FED_MESSAGE);
                assert_int_equal(message.bytes.len, sizes[n]);
                for (size_t i = 0; i < sizes[n]; i++) assert_int_equal(message.bytes.data[i], 'a' + n);
                vonk_slice_unref(message);
                n++;
            }
        }
        assert_int_equal(n, VONK_COUNTOF(sizes));
        assert_false(vonk_grpc_deframer_is_open(&d));
        vonk_grpc_deframer_done(&d);
    }
    free(wire);
}

static void bad_prefixes(void **state)
{
    (void)state;
    static const struct {
        vonk_str wire;
        vonk_grpc_fed fed;
    } cases[] = {
        {{"\1\0\0\0\1x", 6}, VONK_GRPC_FED_COMPRESSED},  {{"\2\0\0\0\1x", 6}, VONK_GRPC_FED_INVALID},
        {{"\0\0\0\x10\1x", 6}, VONK_GRPC_FED_TOO_LARGE}, {{"\0\xff\xff\xff\xff", 5}, VONK_GRPC_FED_TOO_LARGE},
        {{"\0\0\0\x10\0x", 6}, VONK_GRPC_FED_MORE},
    };
    for (size_t i = 0; i < VONK_COUNTOF(cases); i++) {
        vonk_grpc_deframer d;
        vonk_slice message = VONK_SLICE_NONE;
        vonk_str wire = cases[i].wire;
        vonk_grpc_deframer_init(&d, vonk_budget_root(), 4096);
        assert_int_equal(vonk_grpc_deframer_feed(&d, &wire, &message), cases[i].fed);
        assert_true(vonk_grpc_deframer_is_open(&d));
        vonk_grpc_deframer_done(&d);
    }
}

/* A prefix that promises 100 MB costs little until the bytes come. */
static void promises_cost_nothing(void **state)
{
    (void)state;
    vonk_error err = VONK_ERROR_INIT;
    vonk_budget *budget = NULL;
    vonk_grpc_deframer d;
    vonk_slice message = VONK_SLICE_NONE;
    assert_int_equal(vonk_budget_new(vonk_budget_root(), "test", 1 << 20, &budget, &err), VONK_OK);
    vonk_grpc_deframer_init(&d, budget, 128 << 20);
    char wire[VONK_GRPC_PREFIX_BYTES + 100] = {0};
    vonk_grpc_write_prefix((uint8_t *)wire, 100 << 20);
    vonk_str piece = {wire, sizeof(wire)};
    assert_int_equal(vonk_grpc_deframer_feed(&d, &piece, &message), VONK_GRPC_FED_MORE);
    assert_true(vonk_budget_used(budget) < 1000);
    vonk_grpc_fed fed = VONK_GRPC_FED_MORE;
    for (int i = 0; i < 100000 && fed == VONK_GRPC_FED_MORE; i++) {
        piece = (vonk_str){wire + VONK_GRPC_PREFIX_BYTES, 100};
        fed = vonk_grpc_deframer_feed(&d, &piece, &message);
    }
    assert_int_equal(fed, VONK_GRPC_FED_NO_MEMORY);
    vonk_grpc_deframer_done(&d);
    vonk_budget_free(budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeouts),           cmocka_unit_test(status_texts), cmocka_unit_test(tokens),
        cmocka_unit_test(messages_in_pieces), cmocka_unit_test(bad_prefixes), cmocka_unit_test(promises_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
