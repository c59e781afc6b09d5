#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

/* Decodes by arithmetic, slowly, so that the fast validator has something to be compared with. */
static bool valid_by_value(const uint8_t *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t more = s[i] < 0x80 ? 0 : s[i] >> 5 == 6 ? 1 : s[i] >> 4 == 14 ? 2 : s[i] >> 3 == 30 ? 3 : 9;
        uint32_t value = more == 0 ? s[i] : s[i] & (0x3fu >> more);
        if (more == 9 || more >= n - i) return false;
        for (size_t k = 1; k <= more; k++) {
            if (s[i + k] >> 6 != 2) return false;
            value = value << 6 | (s[i + k] & 0x3f);
        }
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (value < least[more] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return false;
        i += more + 1;
    }
    return true;
}

static void test_every_short_sequence(void **state)
{
    (void)state;
    uint8_t s[4];
    for (uint32_t x = 0; x < 1u << 24; x++) { /* all of three bytes, and a fourth that follows from them */
        s[0] = (uint8_t)(x >> 16);
        s[1] = (uint8_t)(x >> 8);
        s[2] = (uint8_t)x;
        s[3] = (uint8_t)(0x80 | (x & 0x3f));
        size_t n = s[0] >= 0xe0 ? 4 : 3;
        if (vonk_utf8_valid((vonk_str){(char *)s, n}) != valid_by_value(s, n))
            fail_msg("%02x %02x %02x %02x", s[0], s[1], s[2], s[3]);
    }
}

static void test_position_in_word(void **state)
{
    (void)state;
    char text[40];
    for (size_t at = 0; at + 2 < sizeof(text); at++) {
        memset(text, 'x', sizeof(text));
        memcpy(text + at, "\xe2\x82\xac", 3);
        assert_true(vonk_utf8_valid((vonk_str){text, sizeof(text)}));
        assert_false(vonk_utf8_valid((vonk_str){text, at + 2}));
        assert_true(vonk_utf8_valid((vonk_str){text, at + 3}));
        text[at + 1] = 'x';
        assert_false(vonk_utf8_valid((vonk_str){text, sizeof(text)}));
    }
    assert_true(vonk_utf8_valid(VONK_STR_NONE));
}

static void test_cut(void **state)
{
    (void)state;
    vonk_str s = VONK_STR("a\xe2\x82\xac"
                          "b");
    assert_int_equal(vonk_utf8_cut(s, 9).len, 5);
    assert_int_equal(vonk_utf8_cut(s, 4).len, 4);
    assert_int_equal(vonk_utf8_cut(s, 3).len, 1);
    assert_int_equal(vonk_utf8_cut(s, 2).len, 1);
    assert_int_equal(vonk_utf8_cut(s, 0).len, 0);
}

static void test_clean(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"", ""},
        {"plain \xe2\x82\xac", "plain \xe2\x82\xac"},
        {"\xff"
         "a\xc0\x80",
         "\xef\xbf\xbd"
         "a\xef\xbf\xbd\xef\xbf\xbd"},
        {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < VONK_COUNTOF(cases); i++) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_buf buf = {0};
        vonk_buf_init(&buf, vonk_budget_root(), SIZE_MAX);
        assert_int_equal(vonk_utf8_clean(vonk_str_of(cases[i].from), &buf, &err), VONK_OK);
        assert_true(vonk_str_is(vonk_buf_str(&buf), cases[i].to));
        vonk_buf_done(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_short_sequence),
        cmocka_unit_test(test_position_in_word),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
