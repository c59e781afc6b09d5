/* Events in order, and documents that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/buf.h"
#include "text/xml.h"

static vonk_status start(void *self, const char *name, const char *const *attributes, vonk_error *err)
{
    VONK_TRY(vonk_buf_printf(self, err, "<%s", name));
    for (size_t i = 0; attributes[i]; i += 2)
        VONK_TRY(vonk_buf_printf(self, err, " %s=%s", attributes[i], attributes[i + 1]));
    return vonk_buf_add_byte(self, '>', err);
}
static vonk_status end(void *self, const char *name, vonk_error *err)
{
    return vonk_buf_printf(self, err, "</%s>", name);
}
static vonk_status text(void *self, vonk_str piece, vonk_error *err)
{
    if (vonk_str_is(piece, "stop")) return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "stopping");
    return vonk_buf_add_str(self, piece, err);
}

static vonk_status read_all(vonk_str document, vonk_buf *out, vonk_error *err)
{
    const vonk_xml_events events = {.self = out, .start = start, .end = end, .text = text};
    vonk_buf_reset(out);
    return vonk_xml_read(document, "t.xml", &events, err);
}

static void test_events(void **state)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    const vonk_str document =
        VONK_STR("<?xml version='1.0'?><!-- no -->\n<a x=\"1\" y='&lt;'>t&amp;u<b/><![CDATA[<&]]></a>");
    assert_int_equal(read_all(document, &out, &err), VONK_OK);
    assert_true(vonk_str_is(vonk_buf_str(&out), "<a x=1 y=<>t&u<b></b><&</a>"));
    assert_int_equal(read_all(VONK_STR("<a>stop</a><"), &out, &err), VONK_E_UNSUPPORTED_FEATURE);
}

static void test_refused(void **state)
{
    static const char *const documents[] = {"",
                                            "x",
                                            "<a>",
                                            "<a></b>",
                                            "<a x=1/>",
                                            "<a/><b/>",
                                            "<a>&none;</a>",
                                            "<a>\xff</a>",
                                            "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
                                            "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"};
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0}, deep = {0};
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&deep, vonk_budget_root(), SIZE_MAX);
    for (size_t i = 0; i < VONK_COUNTOF(documents); i++) {
        assert_int_equal(read_all(vonk_str_of(documents[i]), &out, &err), VONK_E_MALFORMED_INPUT);
        assert_non_null(strstr(vonk_error_message(&err), "line 1"));
        vonk_error_reset(&err);
    }
    for (int i = 0; i < 300; i++) assert_int_equal(vonk_buf_add_c(&deep, "<a>", &err), VONK_OK);
    assert_int_equal(read_all(vonk_buf_str(&deep), &out, &err), VONK_E_MALFORMED_INPUT);
    assert_non_null(strstr(vonk_error_message(&err), "deep"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_events), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
