/* Tests of files, paths and globs, in a directory of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fault.h"
#include "sys/files.h"
#include "sys/glob.h"

#define OK(call) assert_int_equal((call), VONK_OK)

static vonk_arena *arena;
static vonk_str root;
static vonk_budget *budget;
static vonk_error err;

static int set_up(void **state)
{
    err = (vonk_error)VONK_ERROR_INIT;
    if (vonk_budget_new(vonk_budget_root(), "files", VONK_NO_LIMIT, &budget, &err) != VONK_OK) return -1;
    if (vonk_arena_new(vonk_budget_root(), &arena, &err) != VONK_OK) return -1;
    return vonk_dir_make_temp(arena, VONK_STR_NONE, VONK_STR("vonk-files-"), &root, &err) == VONK_OK ? 0 : -1;
}
static int tear_down(void **state)
{
    bool ok = vonk_dir_remove_tree(root, &err) == VONK_OK && vonk_budget_used(budget) == 0;
    vonk_arena_free(arena);
    vonk_budget_free(budget);
    vonk_error_reset(&err);
    return ok ? 0 : -1;
}

static vonk_str in_root(const char *name)
{
    vonk_str path;
    OK(vonk_path_join(arena, root, vonk_str_of(name), &path, &err));
    return path;
}
static void make(const char *name)
{
    vonk_str path = in_root(name);
    const char *slash = strrchr(path.data, '/');
    OK(vonk_dir_make((vonk_str){path.data, (size_t)(slash - path.data)}, &err));
    OK(vonk_file_replace(path, name, strlen(name), &err));
}

static void reading_and_writing(void **state)
{
    vonk_file *f;
    char text[32] = "";
    size_t n;
    OK(vonk_file_open(budget, in_root("a"), VONK_FILE_CREATE, &f, &err));
    OK(vonk_file_write(f, "hello ", 6, &err));
    OK(vonk_file_write(f, "world", 5, &err));
    OK(vonk_file_write_at(f, 0, "J", 1, &err));
    OK(vonk_file_read_at(f, 0, text, sizeof(text), &n, &err));
    assert_int_equal(n, 11);
    assert_memory_equal(text, "Jello world", 11);
    OK(vonk_file_read_exact(f, 6, text, 5, &err));
    assert_memory_equal(text, "world", 5);
    assert_int_equal(vonk_file_read_exact(f, 6, text, 6, &err), VONK_E_FAILED_READ_FILE__NO_HINT);
    assert_non_null(strstr(vonk_error_message(&err), "6 bytes wanted at 6, the file ends after 5 of them"));
    assert_string_equal(vonk_error_sqlstate(&err), "KD001");
    OK(vonk_file_read_at(f, 1000, text, 1, &n, &err));
    assert_int_equal(n, 0);
    vonk_file_will_read(f, 0, 11);
    OK(vonk_file_sync(f, &err));
    vonk_file_info info;
    OK(vonk_file_get_info(f, &info, &err));
    assert_int_equal(info.size_bytes, 11);
    assert_int_equal(info.kind, VONK_FILE_REGULAR);
    assert_true(info.mtime_us > INT64_C(1700000000) * 1000000);
    OK(vonk_file_truncate(f, 5, &err));
    OK(vonk_file_write(f, "!", 1, &err));
    OK(vonk_file_close(f, &err));
    OK(vonk_file_open(budget, in_root("a"), VONK_FILE_APPEND, &f, &err));
    OK(vonk_file_write(f, "?", 1, &err));
    vonk_file_free(f);
    vonk_buf buf = {0};
    vonk_buf_init(&buf, budget, SIZE_MAX);
    OK(vonk_file_read_all(in_root("a"), 100, &buf, &err));
    assert_true(vonk_str_is(vonk_buf_str(&buf), "Jello!?"));
    assert_int_equal(vonk_file_read_all(in_root("a"), 6, &buf, &err), VONK_E_FAILED_READ_FILE__NO_HINT);
    assert_int_equal(buf.len, 7);
    OK(vonk_file_read_all(VONK_STR("/proc/self/stat"), 100000, &buf, &err)); /* has no size */
    assert_true(buf.len > 20);
    vonk_buf_done(&buf);
}

static void modes_and_missing_files(void **state)
{
    vonk_file *f = NULL;
    assert_int_equal(vonk_file_open(budget, in_root("none"), VONK_FILE_READ, &f, &err), VONK_E_PATH_NOT_FOUND);
    assert_string_equal(vonk_error_condition(&err), "PATH_NOT_FOUND");
    assert_string_equal(vonk_error_sqlstate(&err), "42K03");
    assert_int_equal(vonk_file_open(budget, in_root("none/x"), VONK_FILE_CREATE, &f, &err), VONK_E_PATH_NOT_FOUND);
    assert_int_equal(vonk_file_open(budget, VONK_STR("a\0b"), VONK_FILE_READ, &f, &err), VONK_E_PATH_NOT_FOUND);
    assert_int_equal(vonk_file_open(budget, VONK_STR_NONE, VONK_FILE_READ, &f, &err), VONK_E_PATH_NOT_FOUND);
    assert_int_equal(vonk_file_open(budget, root, VONK_FILE_READ, &f, &err), VONK_E_FAILED_READ_FILE__NO_HINT);
    make("a");
    assert_int_equal(vonk_file_open(budget, in_root("a"), VONK_FILE_CREATE, &f, &err), VONK_E_PATH_ALREADY_EXISTS);
    assert_string_equal(vonk_error_sqlstate(&err), "42K04");
    assert_int_equal(vonk_file_open(budget, in_root("a/b"), VONK_FILE_READ, &f, &err), VONK_E_PATH_NOT_FOUND);
    assert_null(f);
    OK(vonk_file_open(budget, in_root("a"), VONK_FILE_REPLACE, &f, &err));
    vonk_file_info info;
    OK(vonk_file_get_info(f, &info, &err));
    assert_int_equal(info.size_bytes, 0);
    assert_true(vonk_str_eq(vonk_file_path(f), in_root("a")));
    vonk_file_free(f);
    OK(vonk_file_open_unnamed(budget, root, &f, &err));
    OK(vonk_file_write(f, "spill", 5, &err));
    char text[5];
    OK(vonk_file_read_exact(f, 0, text, 5, &err));
    vonk_file_punch(f, 0, 5);
    OK(vonk_file_close(f, &err));
    vonk_dir_entry *entries;
    size_t n;
    OK(vonk_dir_list(arena, root, &entries, &n, &err));
    assert_int_equal(n, 1); /* only "a" */
    vonk_file_free(NULL);
    OK(vonk_file_close(NULL, &err));
    vonk_error_reset(&err);
}

static void directories(void **state)
{
    vonk_dir_entry *entries;
    size_t n;
    make("d/b");
    make("d/a");
    make("d/B");
    make("d/sub/x");
    assert_int_equal(symlink("a", in_root("d/link").data), 0);
    assert_int_equal(symlink("nowhere", in_root("d/lost").data), 0);
    OK(vonk_dir_list(arena, in_root("d"), &entries, &n, &err));
    static const char *const names[] = {"B", "a", "b", "link", "lost", "sub"};
    assert_int_equal(n, VONK_COUNTOF(names));
    for (size_t i = 0; i < n; i++) assert_string_equal(entries[i].name.data, names[i]);
    assert_int_equal(entries[3].info.kind, VONK_FILE_REGULAR);
    assert_int_equal(entries[4].info.kind, VONK_FILE_OTHER);
    assert_int_equal(entries[5].info.kind, VONK_FILE_DIRECTORY);
    assert_int_equal(entries[1].info.size_bytes, 3);
    assert_int_equal(vonk_dir_list(arena, in_root("none"), &entries, &n, &err), VONK_E_PATH_NOT_FOUND);

    OK(vonk_dir_make(in_root("d/sub"), &err));                                         /* exists */
    assert_int_equal(vonk_dir_make(in_root("d/a/c"), &err), VONK_E_TASK_WRITE_FAILED); /* a file in the way */
    assert_string_equal(vonk_error_sqlstate(&err), "58030");
    OK(vonk_dir_sync(in_root("d"), &err));

    /* Deeper than a recursion should go, but within the limit; and outside of the tree nothing is touched. */
    char deep[2048] = "deep";
    for (int i = 0; i < 200; i++) memcpy(deep + strlen(deep), "/x", 3);
    make("keep/file");
    OK(vonk_dir_make(in_root(deep), &err));
    assert_int_equal(symlink(in_root("keep").data, in_root("deep/x/to_keep").data), 0);
    OK(vonk_dir_remove_tree(in_root("deep"), &err));
    bool exists;
    OK(vonk_file_exists(in_root("deep"), &exists, &err));
    assert_false(exists);
    OK(vonk_file_exists(in_root("keep/file"), &exists, &err));
    assert_true(exists);
    OK(vonk_dir_remove_tree(in_root("deep"), &err)); /* nothing there */
    OK(vonk_dir_remove_tree(in_root("d/a"), &err));  /* a file */
    OK(vonk_file_exists(in_root("d/a"), &exists, &err));
    assert_false(exists);
    vonk_error_reset(&err);
}

static void too_deep_a_tree_is_refused(void **state)
{
    char deep[2048] = "deep";
    for (int i = 0; i < 300; i++) memcpy(deep + strlen(deep), "/x", 3);
    OK(vonk_dir_make(in_root(deep), &err));
    assert_int_equal(vonk_dir_remove_tree(in_root("deep"), &err), VONK_E_TASK_WRITE_FAILED);
    vonk_error_reset(&err);
    deep[4 + 2 * 150] = 0;
    OK(vonk_dir_remove_tree(in_root(deep), &err)); /* in two steps it goes */
}

static void copying(void **state)
{
    enum { BYTES = (2 << 20) + 17 }; /* more than a piece, and not a whole number of them */
    vonk_buf big = {0}, copy = {0};
    char *at, deep[512] = "round";
    bool exists;
    vonk_buf_init(&big, budget, SIZE_MAX);
    vonk_buf_init(&copy, budget, SIZE_MAX);
    OK(vonk_buf_extend(&big, BYTES, &at, &err));
    for (size_t i = 0; i < BYTES; i++) at[i] = (char)(i * 31 >> 3);
    make("from/sub/small");
    OK(vonk_dir_make(in_root("from/empty"), &err));
    OK(vonk_file_replace(in_root("from/big"), big.data, big.len, &err));
    assert_int_equal(symlink("big", in_root("from/link").data), 0);
    assert_int_equal(mkfifo(in_root("from/pipe").data, 0600), 0);
    OK(vonk_dir_copy_tree(budget, in_root("from"), in_root("to/here"), &err));
    OK(vonk_file_read_all(in_root("to/here/link"), SIZE_MAX, &copy, &err));
    assert_true(vonk_str_eq(vonk_buf_str(&copy), vonk_buf_str(&big)));
    vonk_buf_reset(&copy);
    OK(vonk_file_read_all(in_root("to/here/sub/small"), SIZE_MAX, &copy, &err));
    assert_true(vonk_str_is(vonk_buf_str(&copy), "from/sub/small"));
    OK(vonk_file_exists(in_root("to/here/empty"), &exists, &err));
    assert_true(exists);
    OK(vonk_file_exists(in_root("to/here/pipe"), &exists, &err));
    assert_false(exists);

    OK(vonk_file_copy(budget, in_root("from/sub/small"), in_root("to/here/big"), &err)); /* overwritten */
    vonk_file_info info;
    OK(vonk_file_stat(in_root("to/here/big"), &info, &err));
    assert_int_equal(info.size_bytes, strlen("from/sub/small"));
    assert_int_equal(vonk_file_copy(budget, in_root("none"), in_root("x"), &err), VONK_E_PATH_NOT_FOUND);
    vonk_error_reset(&err);
    for (int i = 0; i < 70; i++) memcpy(deep + strlen(deep), "/x", 3);
    OK(vonk_dir_make(in_root(deep), &err));
    assert_int_equal(vonk_dir_copy_tree(budget, in_root("round"), in_root("y"), &err), VONK_E_UNSUPPORTED_FEATURE);
    vonk_error_reset(&err);
    vonk_buf_done(&big);
    vonk_buf_done(&copy);
}

static void removing_renaming_replacing(void **state)
{
    bool existed;
    make("a");
    make("b");
    OK(vonk_file_rename(in_root("a"), in_root("b"), &err));
    vonk_buf buf = {0};
    vonk_buf_init(&buf, budget, SIZE_MAX);
    OK(vonk_file_read_all(in_root("b"), 10, &buf, &err));
    assert_true(vonk_str_is(vonk_buf_str(&buf), "a"));
    OK(vonk_file_replace(in_root("b"), "new", 3, &err));
    vonk_buf_reset(&buf);
    OK(vonk_file_read_all(in_root("b"), 10, &buf, &err));
    assert_true(vonk_str_is(vonk_buf_str(&buf), "new"));
    vonk_buf_done(&buf);
    assert_int_equal(vonk_file_rename(in_root("none"), in_root("b"), &err), VONK_E_PATH_NOT_FOUND);
    make("full/x");
    assert_int_equal(vonk_file_rename(in_root("b"), in_root("full"), &err), VONK_E_FAILED_RENAME_PATH);
    assert_string_equal(vonk_error_sqlstate(&err), "42K04");
    assert_int_equal(vonk_file_remove(in_root("full"), &existed, &err), VONK_E_TASK_WRITE_FAILED); /* not empty */
    OK(vonk_file_remove(in_root("full/x"), &existed, &err));
    assert_true(existed);
    OK(vonk_file_remove(in_root("full"), NULL, &err));
    OK(vonk_file_remove(in_root("full"), &existed, &err));
    assert_false(existed);
    vonk_dir_entry *entries;
    size_t n;
    OK(vonk_dir_list(arena, root, &entries, &n, &err));
    assert_int_equal(n, 1); /* "b": nothing temporary stays */
    int64_t room;
    OK(vonk_disk_free_bytes(root, &room, &err));
    assert_true(room >= 0);
    vonk_error_reset(&err);
}

static void names_change_places(void **state)
{
    bool done = false;
    vonk_file_info info;
    make("x/inside");
    make("y");
    OK(vonk_file_exchange(in_root("x"), in_root("y"), &done, &err));
    if (!done) skip(); /* this file system cannot */
    OK(vonk_file_stat(in_root("x"), &info, &err));
    assert_int_equal(info.kind, VONK_FILE_REGULAR);
    OK(vonk_file_stat(in_root("y/inside"), &info, &err));
    vonk_file_info above;
    OK(vonk_file_stat(in_root("."), &above, &err));
    assert_true(above.device == info.device);
    assert_int_equal(vonk_file_exchange(in_root("x"), in_root("none"), &done, &err), VONK_E_PATH_NOT_FOUND);
    assert_false(done);
    vonk_error_reset(&err);
}

static void paths_as_text(void **state)
{
    static const char *const pairs[][2] = {
        {"/a/b", "/a/b"},     {"/a//b/", "/a/b"}, {"/a/./b/../c", "/a/c"}, {"/..", "/"}, {"/", "/"},
        {"/a/../../b", "/b"}, {"//", "/"},        {"/abc/../x/.", "/x"},
    };
    vonk_str got;
    for (size_t i = 0; i < VONK_COUNTOF(pairs); i++) {
        OK(vonk_path_absolute(arena, vonk_str_of(pairs[i][0]), &got, &err));
        assert_string_equal(got.data, pairs[i][1]);
    }
    char here[4096];
    assert_non_null(getcwd(here, sizeof(here)));
    OK(vonk_path_absolute(arena, VONK_STR(""), &got, &err));
    assert_string_equal(got.data, here);
    OK(vonk_path_absolute(arena, VONK_STR("x"), &got, &err));
    assert_true(vonk_str_starts(got, vonk_str_of(here)) && vonk_str_ends(got, VONK_STR("/x")));
    OK(vonk_path_join(arena, VONK_STR("/"), VONK_STR("x"), &got, &err));
    assert_string_equal(got.data, "/x");
    OK(vonk_path_join(arena, VONK_STR(""), VONK_STR("x"), &got, &err));
    assert_string_equal(got.data, "x");
}

static void locks(void **state)
{
    vonk_file *a = NULL, *b = NULL;
    OK(vonk_file_try_lock(budget, in_root("lock"), &a, &err));
    assert_non_null(a);
    OK(vonk_file_try_lock(budget, in_root("lock"), &b, &err));
    assert_null(b);
    vonk_file_free(a);
    OK(vonk_file_try_lock(budget, in_root("lock"), &b, &err));
    assert_non_null(b);
    vonk_file_free(b);
}

/* ---- globs ---- */

static void one_name(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } rows[] = {
        {"*", "", true},
        {"*", ".hidden", true},
        {"*.csv", "a.csv", true},
        {"*.csv", "a.csv.gz", false},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
        {"?", "\xc3\xa9", true}, /* a character, not a byte */
        {"??", "\xc3\xa9", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[^a-c]x", "dx", true},
        {"[!a-c]x", "ax", false},
        {"[a-]", "-", true},
        {"[\xc3\xa0-\xc3\xa9]", "\xc3\xa5", true},
        {"\\*", "*", true},
        {"\\*", "x", false},
        {"{a,b}", "b", true},
        {"{a,b}", "c", false},
        {"x{a,b{c,d}}y", "xbdy", true},
        {"x{a,b{c,d}}y", "xby", false},
        {"{,a}b", "b", true},
        {"a,b}", "a,b}", true}, /* outside of a group they stand for themselves */
        {"a.c", "abc", false},
        {"***a", "xxa", true},
        {"", "", true},
        {"", "a", false},
        {"\xff*", "\xff\xfe", true}, /* no UTF-8: bytes */
    };
    for (size_t i = 0; i < VONK_COUNTOF(rows); i++) {
        bool matches;
        OK(vonk_glob_match(vonk_str_of(rows[i].pattern), vonk_str_of(rows[i].name), &matches, &err));
        if (matches != rows[i].matches) fail_msg("%s against %s", rows[i].pattern, rows[i].name);
    }
    static const char *const bad[] = {"[a", "[a[b]", "{a", "{a,{b}", "a\\", "[]", "[^]", "["};
    for (size_t i = 0; i < VONK_COUNTOF(bad); i++) {
        bool matches;
        assert_int_equal(vonk_glob_match(vonk_str_of(bad[i]), VONK_STR("a"), &matches, &err),
                         VONK_E_FAILED_READ_FILE__NO_HINT);
    }
    vonk_error_reset(&err);
    assert_true(vonk_glob_is_pattern(VONK_STR("/a/{b}")));
    assert_true(vonk_glob_is_pattern(VONK_STR("a\\b")));
    assert_false(vonk_glob_is_pattern(VONK_STR("/a/b.csv")));
}

static void expands_to(const char *pattern, const char *wanted)
{
    vonk_str *paths;
    size_t n;
    OK(vonk_glob_expand(arena, in_root(pattern), &paths, &n, &err));
    char got[4096] = "";
    for (size_t i = 0; i < n; i++) {
        assert_true(vonk_str_starts(paths[i], root));
        size_t len = strlen(got);
        snprintf(got + len, sizeof(got) - len, "%s%s", i ? " " : "", paths[i].data + root.len + 1);
    }
    assert_string_equal(got, wanted);
}

static void many_names(void **state)
{
    make("y=2020/m=1/a.csv");
    make("y=2020/m=2/b.csv");
    make("y=2021/m=1/c.csv");
    make("y=2021/m=1/_c.txt");
    make("we*ird");
    make("weXird");
    expands_to("y=*/m=1/*.csv", "y=2020/m=1/a.csv y=2021/m=1/c.csv");
    expands_to("y=*", "y=2020 y=2021");
    expands_to("*/*/*", "y=2020/m=1/a.csv y=2020/m=2/b.csv y=2021/m=1/_c.txt y=2021/m=1/c.csv");
    expands_to("{y=2020/m=2,y=2021/m=1}/*.csv", "y=2020/m=2/b.csv y=2021/m=1/c.csv");
    expands_to("y=202{0,1,1}/m={1,7}/{a,c}.csv", "y=2020/m=1/a.csv y=2021/m=1/c.csv");
    expands_to("y=202[01]/m=[!1]", "y=2020/m=2");
    expands_to("we\\*ird", "we*ird");
    expands_to("we*ird", "we*ird weXird");
    expands_to("we*ird/*", ""); /* files have no names below */
    expands_to("none/*", "");
    expands_to("none", "");
    expands_to("{y=2020,y=*}", "y=2020 y=2021"); /* each once */
    expands_to("y=2020//m=1/", "y=2020/m=1");
    vonk_str *paths;
    size_t n;
    static const char *const bad[] = {"y=[2/0]", "*\\/x", "{a,b"};
    for (size_t i = 0; i < VONK_COUNTOF(bad); i++)
        assert_int_equal(vonk_glob_expand(arena, in_root(bad[i]), &paths, &n, &err), VONK_E_FAILED_READ_FILE__NO_HINT);
    /* 4^12 alternatives. */
    char bomb[256] = "";
    for (int i = 0; i < 12; i++) memcpy(bomb + strlen(bomb), "{a,b,c,d}", 10);
    assert_int_equal(vonk_glob_expand(arena, in_root(bomb), &paths, &n, &err), VONK_E_FAILED_READ_FILE__NO_HINT);
    vonk_error_reset(&err);
}

#ifdef VONK_FAULTS
static vonk_status write_and_read(void)
{
    VONK_AUTO(vonk_buf_done) vonk_buf buf = {0};
    VONK_AUTO(vonk_file_free) vonk_file *f = NULL;
    vonk_buf_init(&buf, budget, SIZE_MAX);
    VONK_TRY(vonk_file_replace(in_root("f"), "0123456789", 10, &err));
    VONK_TRY(vonk_file_open(budget, in_root("f"), VONK_FILE_APPEND, &f, &err));
    VONK_TRY(vonk_file_write(f, "abc", 3, &err));
    VONK_TRY(vonk_file_sync(f, &err));
    VONK_TRY(vonk_file_read_all(in_root("f"), 100, &buf, &err));
    vonk_dir_entry *entries;
    size_t n;
    VONK_TRY(vonk_dir_list(arena, root, &entries, &n, &err));
    return VONK_OK;
}

static void each_access_may_fail(void **state)
{
    static const vonk_fault kinds[] = {VONK_FAULT_ALLOC, VONK_FAULT_READ, VONK_FAULT_WRITE, VONK_FAULT_FSYNC};
    make("f");
    for (size_t k = 0; k < VONK_COUNTOF(kinds); k++) {
        int at = 0;
        for (;; at++) {
            (void)in_root("f"); /* the arena's block is there */
            vonk_fault_arm(kinds[k], at);
            vonk_status st = write_and_read();
            bool fired = vonk_fault_fired();
            vonk_fault_arm(kinds[k], -1);
            assert_true((st == VONK_OK) == !fired);
            assert_int_equal(vonk_budget_used(budget), 0);
            /* The old content or the new one, and nothing left over. */
            vonk_dir_entry *entries;
            size_t n;
            OK(vonk_dir_list(arena, root, &entries, &n, &err));
            assert_int_equal(n, 1);
            if (!fired) break;
        }
        assert_true(at >= 1);
    }
}
#endif

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(reading_and_writing),
        TEST(modes_and_missing_files),
        TEST(directories),
        TEST(too_deep_a_tree_is_refused),
        TEST(copying),
        TEST(removing_renaming_replacing),
        TEST(names_change_places),
        TEST(paths_as_text),
        TEST(locks),
        TEST(one_name),
        TEST(many_names),
#ifdef VONK_FAULTS
        TEST(each_access_may_fail),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
