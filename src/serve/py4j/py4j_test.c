/* The wire (escapes, tags, limits) and the choice of overloads, without sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/fault.h"
#include "serve/py4j/py4j_int.h"

typedef struct memory_stream {
    vonk_str in;
    vonk_buf out;
} memory_stream;

static vonk_status read_memory(void *self, void *into, size_t bytes, size_t *ret_bytes, vonk_error *err)
{
    memory_stream *m = self;
    *ret_bytes = vonk_min_size(vonk_min_size(bytes, m->in.len), 7); /* small pieces */
    if (*ret_bytes) memcpy(into, m->in.data, *ret_bytes);
    m->in = vonk_str_sub(m->in, *ret_bytes, m->in.len);
    (void)err;
    return VONK_OK;
}
static vonk_status write_memory(void *self, vonk_str data, vonk_error *err)
{
    return vonk_buf_add_str(&((memory_stream *)self)->out, data, err);
}

static struct {
    vonk_budget *budget;
    vonk__j_machine *machine;
    memory_stream stream;
    vonk__j_caller caller;
    vonk_error err;
} t;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(vonk_budget_new(vonk_budget_root(), "test", VONK_NO_LIMIT, &t.budget, &t.err), VONK_OK);
    const vonk_py4j_options options = {.budget = t.budget};
    assert_int_equal(vonk__j_machine_new(&options, &t.machine, &t.err), VONK_OK);
    vonk_buf_init(&t.stream.out, t.budget, SIZE_MAX);
    vonk__j_caller_init(&t.caller, t.machine, (vonk__j_stream){&t.stream, read_memory, write_memory});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vonk__j_caller_done(&t.caller);
    vonk_buf_done(&t.stream.out);
    vonk__j_machine_free(t.machine);
    assert_int_equal(vonk_budget_used(t.budget), 0);
    vonk_budget_free(t.budget);
    return 0;
}

/* All answers to a text of commands. */
static const char *ask(const char *text)
{
    vonk__j_caller_done(&t.caller);
    vonk__j_caller_init(&t.caller, t.machine, t.caller.stream);
    vonk_buf_reset(&t.stream.out);
    t.stream.in = vonk_str_of(text);
    assert_int_equal(vonk__j_serve(&t.caller, &t.err), VONK_OK);
    assert_int_equal(vonk_buf_add_byte(&t.stream.out, 0, &t.err), VONK_OK);
    return t.stream.out.data;
}

static void test_tags_both_ways(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {{"n", "n"},
                 {"bTrue", "btrue"},
                 {"bfalse", "bfalse"},
                 {"i-5", "i-5"},
                 {"i2147483648", "L2147483648"},
                 {"L7", "L7"},
                 {"d1e22", "d1.0E22"},
                 {"dNaN", "dNaN"},
                 {"d-Infinity", "d-Infinity"},
                 {"D1.50", "D1.50"},
                 {"s", "s"},
                 {"sa\\nb\\\\c\\r", "sa\\nb\\\\c\\r"},
                 {"jAAEC/w==", "jAAEC/w=="},
                 {"j", "j"},
                 {"jQQ==", "jQQ=="}};
    (void)state;
    for (size_t i = 0; i < VONK_COUNTOF(cases); i++) {
        VONK_AUTO(vonk__j_unref) vonk__j_value v = VONK__J_NOTHING;
        VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
        vonk_buf_init(&out, t.budget, SIZE_MAX);
        assert_int_equal(vonk__j_decode(&t.caller, vonk_str_of(cases[i].in), &v, &t.err), VONK_OK);
        assert_int_equal(vonk__j_encode(&t.caller, &v, &out, &t.err), VONK_OK);
        assert_int_equal(vonk_buf_add_byte(&out, 0, &t.err), VONK_OK);
        assert_string_equal(out.data, cases[i].out);
    }
}

static void test_what_is_refused(void **state)
{
    static const char *const cases[] = {"",       "i",          "i1x",  "i99999999999999999999",
                                        "d",      "dx",         "dinf", "D",
                                        "D1.2.3", "s\\",        "s\\q", "jA",
                                        "jA===",  "j****",      "q1",   "f",
                                        "fp0",    "fp0;no.Such"};
    (void)state;
    for (size_t i = 0; i < VONK_COUNTOF(cases); i++) {
        vonk__j_value v = VONK__J_NOTHING;
        assert_int_equal(vonk__j_decode(&t.caller, vonk_str_of(cases[i]), &v, &t.err), VONK_E_INTERNAL_ERROR);
        vonk_error_reset(&t.err);
    }
}

static void test_commands(void **state)
{
    (void)state;
    assert_string_equal(
        ask("i\njava.util.ArrayList\ne\nc\no0\nadd\nsx\ne\nc\no0\nsize\ne\nm\nd\no0\ne\nc\no0\nsize\ne\n"),
        "!ylo0\n!ybtrue\n!yi1\n!yv\n"
        "!xspy4j.Py4JException: Target Object ID does not exist for this gateway :o0\\n\n");
    assert_string_equal(
        ask("r\nu\nno.such\nrj\ne\nr\nu\njava.util.Map\nrj\ne\nr\nm\njava.lang.System\ngetProperty\ne\n"
            "r\nm\njava.util.ArrayList\nadd\ne\nr\nm\njava.util.ArrayList\nnone\ne\n"),
        "!yp\n!ycjava.util.Map\n!ym\n!xsTrying to access a non-static member from a static context.\n!x\n");
    assert_string_equal(ask("q\nc\nz:java.lang.System\ncurrentTimeMillis\ne\n"),
                        "!zspy4j.Py4JException: Unknown command received: q\n"); /* and nothing after it */
}

static void test_cut_commands_end_quietly(void **state)
{
    static const char whole[] = "c\nz:java.lang.String\nvalueOf\ni5\ne\n";
    (void)state;
    for (size_t n = 0; n + 1 < sizeof whole - 1; n++) {
        char text[sizeof whole] = "";
        memcpy(text, whole, n);
        vonk__j_caller_init(&t.caller, t.machine, t.caller.stream);
        t.stream.in = (vonk_str){text, n};
        vonk_status status = vonk__j_serve(&t.caller, &t.err);
        assert_true(status == VONK_OK || status == VONK_E_INTERNAL_ERROR_NETWORK);
        vonk_error_reset(&t.err);
    }
    assert_string_equal(ask(whole), "!ys5\n");
}

static int64_t cost(const char *to, const char *from)
{
    return vonk__j_cost(vonk__j_class_named(t.machine, to), from ? vonk__j_class_named(t.machine, from) : NULL);
}

static void test_costs(void **state)
{
    (void)state;
    assert_int_equal(cost("int", "java.lang.Integer"), 0);
    assert_int_equal(cost("long", "java.lang.Integer"), 1);
    assert_int_equal(cost("int", "java.lang.Long"), -1);
    assert_int_equal(cost("double", "java.lang.Integer"), -1);
    assert_int_equal(cost("java.lang.Integer", "java.lang.Integer"), 0);
    assert_int_equal(cost("java.lang.Object", "java.lang.Integer"), 200);
    assert_int_equal(cost("java.util.List", "java.util.ArrayList"), 100);
    assert_int_equal(cost("java.util.Collection", "java.util.ArrayList"), 200);
    assert_int_equal(cost("java.lang.String", "java.util.ArrayList"), -1);
    assert_int_equal(cost("int", NULL), -1);
    assert_true(cost("java.util.ArrayList", NULL) < cost("java.lang.Object", NULL));
    assert_int_equal(cost("char", "java.lang.String"), 1);
}

static void test_hashes_are_javas(void **state)
{
    (void)state;
    assert_int_equal(vonk__j_hash_text(VONK_STR("hello")), 99162322);
    assert_int_equal(vonk__j_hash_text(VONK_STR("\xf0\x9f\x98\x80")), 1772899); /* two units */
    assert_string_equal(ask("c\nz:java.lang.String\nvalueOf\nd0.1\ne\n"), "!ys0.1\n");
}

/* Lists in lists as deep as anyone likes: dropped without a deep stack, printed with a limit. */
static void test_deep_nesting(void **state)
{
    (void)state;
    vonk__j_list *inner = NULL;
    assert_int_equal(vonk__j_list_new(t.machine, &inner, &t.err), VONK_OK);
    for (int i = 0; i < 200000; i++) {
        vonk__j_list *outer = NULL;
        assert_int_equal(vonk__j_list_new(t.machine, &outer, &t.err), VONK_OK);
        assert_int_equal(vonk__j_list_add(outer, vonk__j_of(&inner->head), &t.err), VONK_OK);
        inner = outer;
    }
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    const vonk__j_value v = {.kind = VONK__J_OBJECT, .object = &inner->head};
    vonk_buf_init(&text, t.budget, SIZE_MAX);
    assert_int_equal(vonk__j_add_text(&t.caller, &v, 0, &text, &t.err), VONK_E_INTERNAL_ERROR);
    assert_non_null(t.caller.thrown);
    vonk_error_reset(&t.err);
    vonk__j_object_unref(inner);
}

#ifdef VONK_FAULTS
/* Without memory for it a command still gets an answer: py4j would send one again that got none. */
static void test_no_memory_for_an_answer(void **state)
{
    static const char text[] = "c\nz:java.lang.String\nvalueOf\ni5\ne\n";
    int n_refused = 0, n_silent = 0;
    (void)state;
    assert_string_equal(ask(text), "!ys5\n");
    for (int64_t at = 0;; at++) {
        vonk__j_caller_done(&t.caller);
        vonk__j_caller_init(&t.caller, t.machine, t.caller.stream);
        assert_int_equal(vonk_buf_reserve(&t.stream.out, 4096, &t.err), VONK_OK);
        vonk_buf_reset(&t.stream.out);
        t.stream.in = vonk_str_of(text);
        vonk_fault_arm(VONK_FAULT_ALLOC, at);
        const vonk_status status = vonk__j_serve(&t.caller, &t.err);
        const bool fired = vonk_fault_fired();
        vonk_fault_arm(VONK_FAULT_ALLOC, -1);
        vonk_error_reset(&t.err);
        assert_int_equal(vonk_buf_add_byte(&t.stream.out, 0, &t.err), VONK_OK);
        if (!fired) break;
        if (t.stream.out.len == 1) {
            assert_int_equal(status, VONK_E_MEMORY_BUDGET_EXCEEDED);
            n_silent++;
        }
        if (strstr(t.stream.out.data, "UNABLE_TO_ACQUIRE_MEMORY")) n_refused++;
    }
    assert_true(n_refused > 0);
    assert_int_equal(n_silent, 1); /* the line with the command's name, when it was not a command yet */
    assert_string_equal(ask(text), "!ys5\n");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tags_both_ways, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_commands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_commands_end_quietly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_costs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hashes_are_javas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deep_nesting, set_up, tear_down),
#ifdef VONK_FAULTS
        cmocka_unit_test_setup_teardown(test_no_memory_for_an_answer, set_up, tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
