/* Tests of rdd/: sources in place of Python; partitions, order and texts are those of Spark 4.3.0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fault.h"
#include "rdd/rdd.h"
#include "sys/files.h"

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != VONK_OK) fail_msg("%s: %s", #call, vonk_error_message(&err));                                    \
    } while (0)

typedef struct world {
    vonk_budget *budget;
    vonk_arena *arena;
    vonk_str folder;
    vonk_block_store *store;
    vonk_scheduler *scheduler;
    vonk_rdd_context *context;
} world;

/* Partition p of n: frames "p.0", "p.1", ...; bytes: how many in each partition. */
static vonk_status count_up(vonk_str bytes, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink, vonk_error *err)
{
    (void)task;
    bool enough = false;
    for (int i = 0; i < bytes.data[0] && !enough; i++) {
        char record[32] = {0};
        vonk_format(record + 4, sizeof record - 4, "%u.%d", partition, i);
        size_t n = strlen(record + 4);
        record[3] = (char)n;
        VONK_TRY(sink->put(sink->self, (vonk_str){record, 4 + n}, &enough, err));
    }
    return VONK_OK;
}
static const vonk_rdd_source numbers = {"numbers", count_up};

/* In turn a hash (partition + i) and the text. */
static vonk_status hashes(vonk_str bytes, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink, vonk_error *err)
{
    (void)task;
    bool enough = false;
    for (int i = 0; i < bytes.data[0] && !enough; i++) {
        char hash[12] = {0, 0, 0, 8}, text[32] = {0};
        hash[11] = (char)((int)partition + i);
        vonk_format(text + 4, sizeof text - 4, "%u.%d", partition, i);
        text[3] = (char)strlen(text + 4);
        VONK_TRY(sink->put(sink->self, (vonk_str){hash, sizeof hash}, &enough, err));
        VONK_TRY(sink->put(sink->self, (vonk_str){text, 4 + (size_t)text[3]}, &enough, err));
    }
    return VONK_OK;
}
static const vonk_rdd_source hashed = {"hashed", hashes};

/* What the context's Hadoop configuration says. */
static const char *settings[4][2];
static vonk_status hadoop_setting(void *self, vonk_str key, vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    (void)self;
    *ret = VONK_STR_NONE;
    for (size_t i = 0; i < VONK_COUNTOF(settings); i++)
        if (settings[i][0] && vonk_str_is(key, settings[i][0]))
            return vonk_arena_str(arena, vonk_str_of(settings[i][1]), ret, err);
    return VONK_OK;
}
static void set(size_t i, const char *key, const char *value)
{
    settings[i][0] = key;
    settings[i][1] = value;
}

static void open_world(world *w, uint32_t n_slots)
{
    vonk_error err = VONK_ERROR_INIT;
    OK(vonk_budget_new(vonk_budget_root(), "world", 64 << 20, &w->budget, &err));
    OK(vonk_arena_new(vonk_budget_root(), &w->arena, &err));
    OK(vonk_dir_make_temp(w->arena, VONK_STR_NONE, VONK_STR("vonk-rdd-"), &w->folder, &err));
    vonk_block_options blocks = {.folder = w->folder, .compress = true};
    vonk_scheduler_options options = {.n_slots = n_slots, .max_failures = 1, .max_stage_attempts = 4};
    OK(vonk_block_store_new(w->budget, &blocks, &w->store, &err));
    OK(vonk_scheduler_new(w->budget, w->store, &options, &w->scheduler, &err));
    vonk_rdd_env env = {.budget = w->budget,
                        .hadoop_setting = hadoop_setting,
                        .scheduler = w->scheduler,
                        .local_folder = w->folder,
                        .default_parallelism = 2,
                        .task_cpus = 1};
    OK(vonk_rdd_context_new(&env, &w->context, &err));
    OK(vonk_rdd_source_register(w->context, &numbers, &err));
    OK(vonk_rdd_source_register(w->context, &hashed, &err));
}

static void close_world(world *w)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_rdd_context_free(w->context);
    vonk_scheduler_free(w->scheduler);
    vonk_block_store_free(w->store);
    OK(vonk_dir_remove_tree(w->folder, &err));
    vonk_arena_free(w->arena);
    vonk_budget_free(w->budget);
}

static vonk_rdd *source(world *w, const char *name, uint32_t n_partitions, int n_records)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_rdd *rdd = NULL;
    char n = (char)n_records;
    OK(vonk_rdd_of_source(w->context, name, (vonk_str){&n, 1}, n_partitions, VONK_RDD_BYTES, &rdd, &err));
    return rdd;
}

typedef struct answer {
    vonk_rdd *rdd;
    vonk_buf text;
    uint32_t next;
} answer;

/* "[a b][c][]": frames as texts, pairs as k=v. */
static vonk_status take(void *self, uint32_t index, vonk_str bytes, vonk_error *err)
{
    answer *a = self;
    assert_int_equal(index, a->next++); /* in order */
    bool pairs = vonk_rdd_elements_of(a->rdd) == VONK_RDD_PAIR, key = true;
    VONK_TRY(vonk_buf_add_c(&a->text, "[", err));
    for (size_t at = 0; at < bytes.len;) {
        uint32_t n;
        memcpy(&n, bytes.data + at, 4);
        n = __builtin_bswap32(n);
        if (at && key) VONK_TRY(vonk_buf_add_byte(&a->text, ' ', err));
        VONK_TRY(vonk_buf_append(&a->text, bytes.data + at + 4, n, err));
        if (pairs && key) VONK_TRY(vonk_buf_add_byte(&a->text, '=', err));
        key = !pairs || !key;
        at += 4 + n;
    }
    return vonk_buf_add_c(&a->text, "]", err);
}

static vonk_status collect(vonk_rdd *rdd, answer *a, vonk_error *err)
{
    VONK_AUTO(vonk_job_free) vonk_job_run *job = NULL;
    bool ended = false;
    *a = (answer){.rdd = rdd};
    vonk_buf_init(&a->text, vonk_budget_root(), SIZE_MAX);
    vonk_receiver to = {.self = a, .result = take};
    VONK_TRY(vonk_rdd_run(rdd, NULL, 0, NULL, 0, to, &job, err));
    return vonk_job_wait(job, -1, &ended, err);
}

static void expect(vonk_rdd *rdd, const char *wanted)
{
    vonk_error err = VONK_ERROR_INIT;
    answer a;
    OK(collect(rdd, &a, &err));
    OK(vonk_buf_add_byte(&a.text, 0, &err));
    assert_string_equal(a.text.data, wanted);
    vonk_buf_done(&a.text);
}

static void expect_failure(vonk_rdd *rdd, vonk_status wanted)
{
    vonk_error err = VONK_ERROR_INIT;
    answer a;
    assert_int_equal(collect(rdd, &a, &err), wanted);
    vonk_error_reset(&err);
    vonk_buf_done(&a.text);
}

static void expect_debug(vonk_rdd *rdd, const char *wanted)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf out = {0};
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    OK(vonk_rdd_debug_string(rdd, &out, &err));
    OK(vonk_buf_add_byte(&out, 0, &err));
    assert_string_equal(out.data, wanted);
    vonk_buf_done(&out);
}

static void test_narrow(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    open_world(&w, 3);
    vonk_rdd *a = source(&w, "numbers", 3, 2), *b = source(&w, "numbers", 2, 1), *empty = NULL, *u = NULL, *c = NULL,
             *z = NULL;
    expect(a, "[0.0 0.1][1.0 1.1][2.0 2.1]");
    OK(vonk_rdd_empty(w.context, &empty, &err));
    expect(empty, "");
    vonk_rdd *all[] = {a, empty, b};
    OK(vonk_rdd_union(all, 3, &u, &err));
    expect(u, "[0.0 0.1][1.0 1.1][2.0 2.1][0.0][1.0]");
    expect_debug(u, "(5) UnionRDD[3] at union at NativeMethodAccessorImpl.java:0 []\n"
                    " |  SourceRDD[0] at javaToPython at NativeMethodAccessorImpl.java:0 []\n"
                    " |  SourceRDD[1] at javaToPython at NativeMethodAccessorImpl.java:0 []");
    OK(vonk_rdd_cartesian(a, b, &c, &err));
    expect(c, "[0.0=0.0 0.1=0.0][0.0=1.0 0.1=1.0][1.0=0.0 1.1=0.0][1.0=1.0 1.1=1.0][2.0=0.0 2.1=0.0][2.0=1.0 2.1=1.0]");
    OK(vonk_rdd_zip(a, a, &z, &err));
    expect(z, "[0.0=0.0 0.1=0.1][1.0=1.0 1.1=1.1][2.0=2.0 2.1=2.1]");
    vonk_rdd_unref(z);
    assert_int_equal(vonk_rdd_zip(a, b, &z, &err), VONK_E_INTERNAL_ERROR);
    vonk_error_reset(&err);
    vonk_rdd *longer = source(&w, "numbers", 3, 3);
    OK(vonk_rdd_zip(a, longer, &z, &err));
    expect_failure(z, VONK_E_INTERNAL_ERROR);
    vonk_rdd_unref(z);
    OK(vonk_rdd_zip(longer, a, &z, &err));
    expect_failure(z, VONK_E_INTERNAL_ERROR);
    vonk_rdd *const mine[] = {a, b, empty, u, c, z, longer};
    for (size_t i = 0; i < VONK_COUNTOF(mine); i++) vonk_rdd_unref(mine[i]);
    close_world(&w);
    (void)state;
}

/* Sizes and places as Spark deals them out: batches of ten of range(100) in 10 partitions. */
static void test_coalesce(void **state)
{
    static const struct {
        uint32_t n;
        const char *narrow, *dealt; /* batches in each partition */
    } rows[] = {{1, "A", "A"},
                {3, "334", "514"},
                {4, "2323", "3214"},
                {7, "1121212", "1051111"},
                {9, "111111112", "111102301"}};
    vonk_error err = VONK_ERROR_INIT;
    world w;
    open_world(&w, 4);
    vonk_rdd *a = source(&w, "numbers", 10, 1), *five = source(&w, "numbers", 5, 1), *r = NULL;
    for (size_t i = 0; i < VONK_COUNTOF(rows); i++)
        for (int shuffle = 0; shuffle < 2; shuffle++) {
            answer got;
            char sizes[16] = {0};
            OK(vonk_rdd_coalesce(a, rows[i].n, shuffle, &r, &err));
            OK(collect(r, &got, &err));
            size_t part = 0;
            for (size_t k = 0, n = 0; k < got.text.len; k++) {
                if (got.text.data[k] == '.') n++;
                if (got.text.data[k] != ']') continue;
                sizes[part++] = (char)(n == 10 ? 'A' : '0' + (int)n);
                n = 0;
            }
            assert_string_equal(sizes, shuffle ? rows[i].dealt : rows[i].narrow);
            vonk_buf_done(&got.text);
            vonk_rdd_unref(r);
        }
    OK(vonk_rdd_coalesce(five, 3, true, &r, &err));
    expect(r, "[0.0 3.0][1.0][2.0 4.0]");
    vonk_rdd_unref(r);
    OK(vonk_rdd_coalesce(five, 7, true, &r, &err));
    expect(r, "[3.0][][2.0 4.0][0.0][][][1.0]");
    vonk_rdd_unref(r);
    vonk_rdd_unref(a);
    vonk_rdd_unref(five);
    close_world(&w);
    (void)state;
}

static void test_shuffle(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    open_world(&w, 2);
    vonk_rdd *a = source(&w, "hashed", 5, 4), *pairs = NULL, *parts = NULL, *values = NULL, *u = NULL;
    OK(vonk_rdd_pairwise(a, &pairs, &err));
    OK(vonk_rdd_partition_by(pairs, 3, 77, &parts, &err));
    OK(vonk_rdd_values(parts, &values, &err));
    const char *wanted = "[0.0 0.3 1.2 2.1 3.0 3.3 4.2][0.1 1.0 1.3 2.2 3.1 4.0 4.3][0.2 1.1 2.0 2.3 3.2 4.1]";
    expect(values, wanted);
    expect_debug(values, "(3) MapPartitionsRDD[3] at mapPartitions at PythonRDD.scala:197 []\n"
                         " |  ShuffledRDD[2] at partitionBy at NativeMethodAccessorImpl.java:0 []\n"
                         " +-(5) PairwiseRDD[1] at RDD at PythonRDD.scala:59 []\n"
                         "    |  SourceRDD[0] at javaToPython at NativeMethodAccessorImpl.java:0 []");
    vonk_rdd *twice[] = {values, values};
    OK(vonk_rdd_union(twice, 2, &u, &err));
    assert_int_equal(vonk_rdd_kind_of(u), VONK_RDD_PARTITIONER_AWARE_UNION);
    assert_int_equal(vonk_rdd_n_partitions(u), 3);
    /* Shuffle outputs that get lost are made again. */
    for (uint64_t name = 0; name < 40; name++)
        for (uint32_t b = 0; b < 5; b++)
            for (uint32_t c = 0; c < 3; c++)
                vonk_block_damage(w.store, (vonk_block_id){VONK_BLOCK_SHUFFLE, b, c, name}, b % 2);
    expect(values, wanted);
    vonk_rdd_clean_shuffles(parts);
    expect(values, wanted);
    vonk_rdd *const mine[] = {a, pairs, parts, values, u};
    for (size_t i = 0; i < VONK_COUNTOF(mine); i++) vonk_rdd_unref(mine[i]);
    close_world(&w);
    (void)state;
}

static void test_cache(void **state)
{
    static const vonk_storage_level levels[] = {{.memory = true, .replication = 1},
                                                {.disk = true, .replication = 1},
                                                {.memory = true, .disk = true, .deserialized = true, .replication = 1}};
    vonk_error err = VONK_ERROR_INIT;
    world w;
    open_world(&w, 2);
    for (size_t i = 0; i < VONK_COUNTOF(levels); i++) {
        vonk_rdd *a = source(&w, "numbers", 3, 5);
        OK(vonk_rdd_persist(a, levels[i], &err));
        const char *wanted = "[0.0 0.1 0.2 0.3 0.4][1.0 1.1 1.2 1.3 1.4][2.0 2.1 2.2 2.3 2.4]";
        for (int k = 0; k < 2; k++) expect(a, wanted);
        uint32_t n = 0;
        for (uint64_t name = 0; name < 100; name++) {
            n += vonk_block_count(w.store, VONK_BLOCK_RDD, name).n_blocks;
            for (uint32_t b = 0; b < 2; b++) vonk_block_damage(w.store, (vonk_block_id){VONK_BLOCK_RDD, b, 0, name}, b);
        }
        assert_int_equal(n, 3);
        expect(a, wanted); /* the lost ones from the source */
        assert_int_equal(vonk_rdd_persist(a, (vonk_storage_level){.memory = true, .replication = 2}, &err),
                         VONK_E_UNSUPPORTED_FEATURE);
        vonk_error_reset(&err);
        vonk_rdd_unpersist(a);
        expect(a, wanted);
        vonk_rdd_unref(a);
    }
    close_world(&w);
    (void)state;
}

static void write_file(world *w, const char *name, const char *text, vonk_str *ret)
{
    vonk_error err = VONK_ERROR_INIT;
    OK(vonk_path_join(w->arena, w->folder, vonk_str_of(name), ret, &err));
    OK(vonk_file_replace(*ret, text, strlen(text), &err));
}

static void test_text(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    vonk_str path;
    vonk_rdd *t = NULL, *back = NULL;
    open_world(&w, 2);
    write_file(&w, "y.txt", "a\r\nb\rc\n\nd", &path);
    OK(vonk_rdd_text(w.context, path, 1, &t, &err));
    expect(t, "[a b c  d]");
    vonk_rdd_unref(t);
    write_file(&w, "x.txt", "line 0\nline 1\nline 2\nline 3\nline 4\nline 5\nline 6\n", &path);
    for (uint32_t n = 1; n < 12; n++) { /* each line once, in order, wherever the splits lie */
        answer a;
        OK(vonk_rdd_text(w.context, path, n, &t, &err));
        OK(collect(t, &a, &err));
        char seen[16] = {0};
        for (size_t i = 0, k = 0; i < a.text.len; i++)
            if (a.text.data[i] >= '0' && a.text.data[i] <= '9') seen[k++] = a.text.data[i];
        assert_string_equal(seen, "0123456");
        vonk_buf_done(&a.text);
        vonk_rdd_unref(t);
    }
    OK(vonk_rdd_text(w.context, path, 3, &t, &err));
    static const char *const codecs[] = {"",
                                         "org.apache.hadoop.io.compress.GzipCodec",
                                         "org.apache.hadoop.io.compress.DefaultCodec",
                                         "org.apache.hadoop.io.compress.ZStandardCodec",
                                         "org.apache.hadoop.io.compress.SnappyCodec",
                                         "org.apache.hadoop.io.compress.Lz4Codec"};
    for (size_t i = 0; i < VONK_COUNTOF(codecs); i++) {
        vonk_str out;
        bool there = false;
        OK(vonk_arena_printf(w.arena, &out, &err, "%.*s/out%zu", VONK_STR_ARGS(w.folder), i));
        OK(vonk_rdd_save_text(t, out, vonk_str_of(codecs[i]), NULL, 0, &err));
        assert_int_equal(vonk_rdd_save_text(t, out, VONK_STR_NONE, NULL, 0, &err), VONK_E_PATH_ALREADY_EXISTS);
        vonk_error_reset(&err);
        OK(vonk_file_exists(vonk_str_of(VONK_F("%.*s/_SUCCESS", VONK_STR_ARGS(out))), &there, &err));
        assert_true(there);
        OK(vonk_rdd_text(w.context, out, 1, &back, &err));
        answer a;
        OK(collect(back, &a, &err));
        for (int k = 0; k < 7; k++)
            assert_true(vonk_str_find(vonk_buf_str(&a.text), vonk_str_of(VONK_F("line %d", k)), 0) != SIZE_MAX);
        vonk_buf_done(&a.text);
        vonk_rdd_unref(back);
    }
    vonk_rdd_unref(t);
    OK(vonk_rdd_fixed_records(w.context, path, 7, &t, &err));
    expect(t, "[line 0\n line 1\n line 2\n line 3\n line 4\n line 5\n line 6\n]");
    vonk_rdd_unref(t);
    assert_int_equal(vonk_rdd_text(w.context, VONK_STR("/no/such/file"), 1, &t, &err), VONK_E_PATH_NOT_FOUND);
    vonk_error_reset(&err);
    close_world(&w);
    (void)state;
}

/* Numbers of partitions as Spark 4.3.0 has them for these files. */
static void test_splits(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    vonk_str folder, path, text = VONK_STR_NONE, both;
    vonk_rdd *r = NULL;
    vonk_buf lines = {0}, out = {0};
    open_world(&w, 2);
    vonk_buf_init(&lines, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    for (int i = 0; i < 50; i++) OK(vonk_buf_printf(&lines, &err, "line %d\n", i));
    OK(vonk_path_join(w.arena, w.folder, VONK_STR("in"), &folder, &err));
    OK(vonk_dir_make(folder, &err));
    OK(vonk_arena_str(w.arena, vonk_buf_str(&lines), &text, &err));
    write_file(&w, "in/y.txt", "a\r\nb\rc\n\nd", &path);
    write_file(&w, "in/_hidden", "not seen", &path);
    write_file(&w, "in/empty.txt", "", &path);
    write_file(&w, "in/x.txt", text.data, &path);
    OK(vonk_rdd_text(w.context, path, 3, &r, &err));
    assert_int_equal(vonk_rdd_n_partitions(r), 3);
    answer a;
    OK(collect(r, &a, &err));
    assert_true(vonk_str_find(vonk_buf_str(&a.text), VONK_STR("line 17][line 18"), 0) != SIZE_MAX);
    vonk_buf_done(&a.text);
    OK(vonk_rdd_text_form(r, &out, &err));
    assert_true(vonk_str_ends(vonk_buf_str(&out),
                              VONK_STR("x.txt MapPartitionsRDD[1] at textFile at NativeMethodAccessorImpl.java:0")));
    vonk_rdd_unref(r);
    OK(vonk_rdd_text(w.context, folder, 2, &r, &err));
    assert_int_equal(vonk_rdd_n_partitions(r), 3);
    vonk_rdd_unref(r);
    OK(vonk_arena_printf(w.arena, &both, &err, "file:%.*s/*.txt,%.*s", VONK_STR_ARGS(folder), VONK_STR_ARGS(path)));
    OK(vonk_rdd_text(w.context, both, 4, &r, &err));
    assert_int_equal(vonk_rdd_n_partitions(r), 5);
    vonk_rdd_unref(r);
    bool gone = false;
    OK(vonk_file_remove(vonk_str_of(VONK_F("%.*s/empty.txt", VONK_STR_ARGS(folder))), &gone, &err));
    OK(vonk_rdd_whole_files(w.context, folder, 2, true, &r, &err));
    assert_int_equal(vonk_rdd_n_partitions(r), 2);
    vonk_rdd_unref(r);
    OK(vonk_rdd_whole_files(w.context, folder, 2, false, &r, &err));
    assert_int_equal(vonk_rdd_n_partitions(r), 1);
    vonk_rdd_unref(r);
    OK(vonk_rdd_fixed_records(w.context, path, 5, &r, &err));
    assert_int_equal(vonk_rdd_n_partitions(r), 1);
    vonk_rdd_unref(r);
    vonk_buf_done(&lines);
    vonk_buf_done(&out);
    close_world(&w);
    (void)state;
}

/* Records that a text of two bytes ends: each once, in order, wherever the splits lie. */
static void test_delimiter(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    vonk_str path;
    vonk_rdd *t = NULL;
    open_world(&w, 2);
    write_file(&w, "d.txt", "0;\n1;;2;\n;\n3\n;;;\n4", &path);
    set(0, "textinputformat.record.delimiter", ";\n");
    for (uint32_t n = 1; n < 30; n++) {
        answer a;
        size_t from = 0;
        OK(vonk_rdd_text(w.context, path, n, &t, &err));
        OK(collect(t, &a, &err));
        for (const char *const *at = (const char *const[]){"0", "1;;2", "3\n;;", "4", NULL}; *at; at++) {
            from = vonk_str_find(vonk_buf_str(&a.text), vonk_str_of(*at), from);
            assert_int_not_equal(from, SIZE_MAX);
            from += strlen(*at);
        }
        assert_int_equal(vonk_str_find(vonk_buf_str(&a.text), VONK_STR("4"), from), SIZE_MAX);
        vonk_buf_done(&a.text);
        vonk_rdd_unref(t);
    }
    set(0, "textinputformat.record.delimiter", "");
    assert_int_equal(vonk_rdd_text(w.context, path, 1, &t, &err), VONK_E_UNSUPPORTED_FEATURE);
    vonk_error_reset(&err);
    set(0, NULL, NULL);
    close_world(&w);
    (void)state;
}

static uint32_t n_splits(world *w, vonk_str path, const char *format, const vonk_property *own, uint32_t n_own)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_rdd *r = NULL;
    const vonk_rdd_hadoop spec = {
        .paths = path, .format = vonk_str_of(format), .min_partitions = 2, .conf = {own, n_own}};
    OK(vonk_rdd_hadoop_read(w->context, &spec, &r, &err));
    const uint32_t n = vonk_rdd_n_partitions(r);
    vonk_rdd_unref(r);
    return n;
}

/* The job's own settings go before the context's, under new names and old ones; numbers of partitions as Spark's. */
static void test_settings(void **state)
{
#define SPLIT "mapreduce.input.fileinputformat.split."
    static const char old_api[] = "org.apache.hadoop.mapred.TextInputFormat",
                      new_api[] = "org.apache.hadoop.mapreduce.lib.input.TextInputFormat";
    const vonk_property most = {VONK_STR(SPLIT "maxsize"), VONK_STR(" 0x64 ")},
                        least = {VONK_STR("mapred.min.split.size"), VONK_STR("250")},
                        bad = {VONK_STR(SPLIT "minsize"), VONK_STR("9k")};
    vonk_error err = VONK_ERROR_INIT;
    world w;
    char text[1001];
    vonk_str path, folder;
    vonk_rdd *r = NULL;
    open_world(&w, 2);
    memset(text, 'x', 1000);
    text[1000] = 0;
    OK(vonk_dir_make(vonk_str_of(VONK_F("%.*s/in/deep/_no", VONK_STR_ARGS(w.folder))), &err));
    write_file(&w, "in/deep/_no/z.txt", text, &path);
    write_file(&w, "in/deep/y.txt", text, &path);
    write_file(&w, "in/x.txt", text, &path);
    OK(vonk_path_join(w.arena, w.folder, VONK_STR("in"), &folder, &err));
    assert_int_equal(n_splits(&w, path, new_api, NULL, 0), 1);
    assert_int_equal(n_splits(&w, path, new_api, &most, 1), 10);
    assert_int_equal(n_splits(&w, path, old_api, &most, 1), 2);
    assert_int_equal(n_splits(&w, path, new_api, (vonk_property[]){most, least}, 2), 4);
    set(0, "mapred.max.split.size", "300");
    assert_int_equal(n_splits(&w, path, new_api, NULL, 0), 4);
    assert_int_equal(n_splits(&w, path, new_api, &most, 1), 10);
    set(1, SPLIT "minsize", "600");
    assert_int_equal(n_splits(&w, path, new_api, NULL, 0), 2);
    assert_int_equal(n_splits(&w, path, old_api, NULL, 0), 2);
    set(1, SPLIT "minsize", "950");
    assert_int_equal(n_splits(&w, path, old_api, NULL, 0), 1);
    OK(vonk_rdd_fixed_records(w.context, path, 10, &r, &err));
    assert_int_equal(vonk_rdd_n_partitions(r), 1);
    vonk_rdd_unref(r);
    set(1, NULL, NULL);
    OK(vonk_rdd_fixed_records(w.context, path, 40, &r, &err));
    assert_int_equal(vonk_rdd_n_partitions(r), 4);
    vonk_rdd_unref(r);
    const vonk_rdd_hadoop wrong = {
        .paths = path, .format = VONK_STR("org.apache.hadoop.mapred.TextInputFormat"), .conf = {&bad, 1}};
    assert_int_equal(vonk_rdd_hadoop_read(w.context, &wrong, &r, &err), VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH);
    vonk_error_reset(&err);
    set(0, "mapreduce.input.linerecordreader.line.maxlength", "9");
    assert_int_equal(vonk_rdd_text(w.context, path, 1, &r, &err), VONK_E_UNSUPPORTED_FEATURE);
    vonk_error_reset(&err);
    set(0, NULL, NULL);
    assert_int_equal(vonk_rdd_text(w.context, folder, 1, &r, &err), VONK_E_FAILED_READ_FILE__NO_HINT);
    vonk_error_reset(&err);
    set(0, "mapreduce.input.fileinputformat.input.dir.recursive", " True");
    assert_int_equal(n_splits(&w, folder, new_api, NULL, 0), 2);
    set(0, "mapreduce.input.fileinputformat.input.dir.nonrecursive.ignore.subdirs", "true");
    assert_int_equal(n_splits(&w, folder, new_api, NULL, 0), 1);
    set(0, NULL, NULL);
    close_world(&w);
    (void)state;
}

static void test_broadcast(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    vonk_str path;
    uint64_t first = 9, second = 9;
    open_world(&w, 1);
    write_file(&w, "value", "pickled", &path);
    OK(vonk_rdd_broadcast(w.context, path, &first, &err));
    OK(vonk_rdd_broadcast(w.context, path, &second, &err));
    assert_int_equal(first, 0);
    assert_int_equal(second, 1);
    vonk_rdd_broadcast_drop(w.context, first);
    vonk_rdd_broadcast_drop(w.context, first);
    assert_int_equal(vonk_rdd_broadcast(w.context, VONK_STR("/no/such/file"), &first, &err), VONK_E_PATH_NOT_FOUND);
    vonk_error_reset(&err);
    close_world(&w);
    (void)state;
}

static void test_lists_and_checkpoints(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    vonk_str path, folder;
    vonk_rdd *list = NULL, *c = NULL;
    char bytes[7 * 5];
    open_world(&w, 2);
    for (int i = 0; i < 7; i++) {
        memcpy(bytes + 5 * i, "\0\0\0\1", 4);
        bytes[5 * i + 4] = (char)('a' + i);
    }
    OK(vonk_path_join(w.arena, w.folder, VONK_STR("list"), &path, &err));
    OK(vonk_file_replace(path, bytes, sizeof bytes, &err));
    OK(vonk_rdd_parallelize_file(w.context, path, 3, &list, &err));
    OK(vonk_file_remove(path, NULL, &err));
    expect(list, "[a b][c d][e f g]");
    OK(vonk_rdd_coalesce(list, 2, false, &c, &err));
    assert_int_equal(vonk_rdd_checkpoint(c, false, &err), VONK_E_INTERNAL_ERROR); /* no folder */
    vonk_error_reset(&err);
    OK(vonk_path_join(w.arena, w.folder, VONK_STR("cp"), &folder, &err));
    OK(vonk_rdd_set_checkpoint_folder(w.context, folder, &err));
    OK(vonk_rdd_checkpoint(c, false, &err));
    expect(c, "[a b][c d e f g]");
    assert_false(vonk_rdd_is_checkpointed(c));
    OK(vonk_rdd_finish(c, NULL, 0, &err));
    assert_true(vonk_rdd_is_checkpointed(c));
    vonk_rdd_unref(list);
    expect(c, "[a b][c d e f g]");
    expect_debug(c, "(2) CoalescedRDD[1] at coalesce at NativeMethodAccessorImpl.java:0 []\n"
                    " |  ReliableCheckpointRDD[2] at coalesce at NativeMethodAccessorImpl.java:0 []");
    vonk_rdd_unref(c);
    vonk_rdd *s = source(&w, "numbers", 2, 2);
    OK(vonk_rdd_checkpoint(s, true, &err));
    assert_true(vonk_rdd_is_local_checkpoint(s) && !vonk_rdd_is_checkpointed(s));
    OK(vonk_rdd_finish(s, NULL, 0, &err));
    expect(s, "[0.0 0.1][1.0 1.1]");
    for (uint64_t name = 0; name < 100; name++)
        vonk_block_damage(w.store, (vonk_block_id){VONK_BLOCK_RDD, 0, 0, name}, false);
    expect_failure(s, VONK_E_CHECKPOINT_RDD_BLOCK_ID_NOT_FOUND);
    vonk_rdd_unref(s);
    close_world(&w);
    (void)state;
}

/* A lineage as loops make it neither overflows a stack when it is freed nor when it is computed. */
static void test_long_lineage(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    open_world(&w, 1);
    vonk_rdd *r = source(&w, "numbers", 2, 1);
    for (int i = 0; i < 4000; i++) {
        vonk_rdd *next = NULL;
        if (i == 1000) expect(r, "[0.0][1.0]");
        OK(vonk_rdd_coalesce(r, 2, false, &next, &err));
        vonk_rdd_unref(r);
        r = next;
    }
    expect_failure(r, VONK_E_UNSUPPORTED_FEATURE);
    vonk_rdd_unref(r);
    close_world(&w);
    (void)state;
}

#ifdef VONK_FAULTS
/* Each allocation, read and write fails once: the same answer or the error of such a failure, and nothing is left. */
static vonk_status make_lineage(world *w, vonk_rdd *a, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *pairs = NULL, *parts = NULL, *values = NULL, *both = NULL, *zipped = NULL;
    VONK_TRY(vonk_rdd_pairwise(a, &pairs, err));
    VONK_TRY(vonk_rdd_partition_by(pairs, 3, 77, &parts, err));
    VONK_TRY(vonk_rdd_values(parts, &values, err));
    VONK_TRY(vonk_rdd_persist(values, (vonk_storage_level){.disk = true, .replication = 1}, err));
    vonk_rdd *twice[] = {values, values};
    VONK_TRY(vonk_rdd_union(twice, 2, &both, err));
    VONK_TRY(vonk_rdd_zip(both, both, &zipped, err));
    return vonk_rdd_coalesce(zipped, 2, true, ret, err);
}

static char whole_answer[1024];

static bool fails_at(vonk_fault kind, int64_t at)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    answer got = {0};
    vonk_rdd *rdd = NULL;
    open_world(&w, 1);
    vonk_rdd *a = source(&w, "hashed", 4, 3);
    vonk_fault_arm(kind, at);
    vonk_status st = make_lineage(&w, a, &rdd, &err);
    if (st == VONK_OK) st = collect(rdd, &got, &err);
    bool fired = vonk_fault_fired();
    vonk_fault_arm(kind, -1);
    bool of_fault = st == VONK_E_MEMORY_BUDGET_EXCEEDED || st == VONK_E_TASK_WRITE_FAILED || st == VONK_E_BLOCK_LOST;
    if (st != VONK_OK && !(fired && of_fault)) fail_msg("%s", vonk_error_message(&err));
    vonk_error_reset(&err);
    vonk_buf_done(&got.text);
    if (st == VONK_OK && fired) expect(rdd, whole_answer);
    if (!fired) {
        OK(collect(rdd, &got, &err));
        OK(vonk_buf_add_byte(&got.text, 0, &err));
        if (whole_answer[0]) assert_string_equal(got.text.data, whole_answer);
        vonk_format(whole_answer, sizeof whole_answer, "%s", got.text.data);
        vonk_buf_done(&got.text);
    }
    vonk_rdd_unref(rdd);
    vonk_rdd_unref(a);
    close_world(&w);
    return fired;
}

static void test_faults(void **state)
{
    static const vonk_fault kinds[] = {VONK_FAULT_ALLOC, VONK_FAULT_READ, VONK_FAULT_WRITE};
    assert_false(fails_at(VONK_FAULT_ALLOC, INT32_MAX)); /* the answer */
    for (size_t k = 0; k < VONK_COUNTOF(kinds); k++)
        for (int64_t at = 0; fails_at(kinds[k], at); at += kinds[k] == VONK_FAULT_ALLOC ? 3 : 1) {
        }
    (void)state;
}
#endif

/* A run of 3 partitions of 3, 0 and 2 pieces; it may fail at a piece. */
typedef struct run {
    int n_begun, n_given, fail_at;
    int next;
    bool freed;
    char records[64];
    vonk_rdd *inner; /* nested_next */
    uint32_t n_inner;
} run;

static vonk_status run_next(void *self, vonk_task *task, bool *ret_more, uint32_t *ret_partition, vonk_str *ret,
                            vonk_error *err)
{
    static const uint32_t partitions[] = {0, 0, 0, 2, 2};
    run *r = self;
    (void)task;
    r->n_begun += r->next == 0;
    *ret_more = r->next < 5;
    if (!*ret_more) return VONK_OK;
    if (r->next == r->fail_at) {
        *ret_partition = partitions[r->next];
        return VONK_FAIL(err, VONK_E_DIVIDE_BY_ZERO, "config", "x");
    }
    *ret_partition = partitions[r->next];
    vonk_format(r->records, sizeof r->records, "___\003%da___\002%d", r->next + 10, r->next + 50);
    for (char *c = r->records; *c; c++) *c = *c == '_' ? 0 : *c; /* two records */
    *ret = (vonk_str){r->records, 13};
    r->next++;
    r->n_given++;
    return VONK_OK;
}
static void run_rewind(void *self) { ((run *)self)->next = 0; }
static void run_free(void *self) { ((run *)self)->freed = true; }

static vonk_rdd *flow(world *w, run *r, int fail_at)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_rdd *rdd = NULL;
    const vonk_rdd_flow of = {.self = r, .next = run_next, .rewind = run_rewind, .free = run_free};
    *r = (run){.fail_at = fail_at};
    OK(vonk_rdd_of_flow(w->context, &of, 3, VONK_RDD_BYTES, "javaToPython at a.py:1", &rdd, &err));
    return rdd;
}

static vonk_status collect_first(vonk_rdd *rdd, answer *a, vonk_error *err)
{
    VONK_AUTO(vonk_job_free) vonk_job_run *job = NULL;
    const uint32_t first = 0;
    bool ended = false;
    *a = (answer){.rdd = rdd};
    vonk_buf_init(&a->text, vonk_budget_root(), SIZE_MAX);
    vonk_receiver to = {.self = a, .result = take};
    VONK_TRY(vonk_rdd_run(rdd, &first, 1, NULL, 0, to, &job, err));
    return vonk_job_wait(job, -1, &ended, err);
}

static void test_flow(void **state)
{
    static const char whole[] = "[10a 50 11a 51 12a 52][][13a 53 14a 54]";
    vonk_error err = VONK_ERROR_INIT;
    world w;
    run r;
    answer a;
    for (uint32_t n_slots = 1; n_slots < 4; n_slots++) {
        open_world(&w, n_slots);
        vonk_rdd *rdd = flow(&w, &r, -1);
        assert_int_equal(r.n_given, 0); /* nobody has asked yet */
        OK(collect_first(rdd, &a, &err));
        assert_int_equal(a.text.len, strlen("[10a 50 11a 51 12a 52]"));
        vonk_buf_done(&a.text);
        assert_int_equal(r.n_given, 4); /* one more shows where the partition ends */
        expect(rdd, whole);
        expect(rdd, whole); /* from blocks */
        assert_int_equal(r.n_given, 5);
        assert_int_equal(r.n_begun, 1);
        for (uint32_t half = 0; half < 2; half++) { /* lost or damaged: made again */
            assert_int_equal(vonk_rdd_lose_blocks(rdd, half), 5);
            expect(rdd, whole);
            assert_int_equal(r.n_begun, 2 + half);
        }
        vonk_rdd_unref(rdd);
        assert_true(r.freed);
        for (int at = 0; at < 5; at++) { /* an error ends that job only; whole partitions stay */
            rdd = flow(&w, &r, at);
            expect_failure(rdd, VONK_E_DIVIDE_BY_ZERO);
            r.fail_at = -1;
            expect(rdd, whole);
            assert_true(r.n_begun >= 2);
            vonk_rdd_unref(rdd);
        }
        rdd = flow(&w, &r, 3); /* nor does one that is behind what is asked for show */
        OK(collect_first(rdd, &a, &err));
        vonk_buf_done(&a.text);
        vonk_rdd_unref(rdd);
        close_world(&w);
    }
    (void)state;
}

/* A run whose pieces are what a job of the same scheduler gives: tasks that wait for it hold no slot. */
static vonk_status nested_next(void *self, vonk_task *task, bool *ret_more, uint32_t *ret_partition, vonk_str *ret,
                               vonk_error *err)
{
    run *r = self;
    answer a;
    VONK_TRY(collect(r->inner, &a, err));
    r->n_inner += a.next;
    vonk_buf_done(&a.text);
    return run_next(self, task, ret_more, ret_partition, ret, err);
}

static void test_flow_over_jobs(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    for (uint32_t n_slots = 1; n_slots < 3; n_slots++) {
        vonk_rdd *rdd = NULL;
        open_world(&w, n_slots);
        run r = {.fail_at = -1, .inner = source(&w, "numbers", 4, 2)};
        const vonk_rdd_flow of = {.self = &r, .next = nested_next, .rewind = run_rewind, .free = run_free};
        OK(vonk_rdd_of_flow(w.context, &of, 3, VONK_RDD_BYTES, "javaToPython at a.py:1", &rdd, &err));
        expect(rdd, "[10a 50 11a 51 12a 52][][13a 53 14a 54]");
        assert_int_equal(r.n_inner, 6 * 4);
        vonk_rdd_unref(r.inner);
        vonk_rdd_unref(rdd);
        close_world(&w);
    }
    (void)state;
}

static vonk_status gather(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    (void)ret_enough;
    VONK_TRY(vonk_buf_add_byte(self, ' ', err));
    return vonk_buf_append(self, record.data + 4, record.len - 4, err);
}

/* Reads all that is there, without a task. */
static vonk_status read_tap(vonk_rdd *tap, uint32_t partition, vonk_buf *out, vonk_error *err)
{
    vonk_rdd_sink sink = {.self = out, .put = gather};
    bool more = true;
    vonk_buf_reset(out);
    for (uint32_t i = 0; more; i++)
        VONK_TRY(vonk_rdd_tap_read(tap, partition, i, vonk_budget_root(), &sink, &more, err));
    return VONK_OK;
}

static void run_tap(vonk_rdd *tap, const uint32_t *partitions, uint32_t n)
{
    VONK_AUTO(vonk_job_free) vonk_job_run *job = NULL;
    vonk_error err = VONK_ERROR_INIT;
    bool ended = false;
    OK(vonk_rdd_tap_start(tap, partitions, n, (vonk_receiver){0}, &job, &err));
    OK(vonk_job_wait(job, -1, &ended, &err));
}

static void test_tap(void **state)
{
    vonk_error err = VONK_ERROR_INIT;
    world w;
    vonk_rdd *tap = NULL;
    const uint32_t one = 1;
    vonk_buf got = {0};
    open_world(&w, 2);
    vonk_buf_init(&got, vonk_budget_root(), SIZE_MAX);
    vonk_rdd *a = source(&w, "numbers", 3, 2);
    OK(vonk_rdd_tap(a, &tap, &err));
    assert_int_equal(read_tap(tap, 1, &got, &err), VONK_E_BLOCK_LOST); /* nothing is there: no empty partition */
    vonk_error_reset(&err);
    run_tap(tap, &one, 1);
    assert_true(vonk_rdd_tap_has(tap, 1) && !vonk_rdd_tap_has(tap, 0));
    run_tap(tap, NULL, 0);
    OK(read_tap(tap, 2, &got, &err));
    assert_memory_equal(got.data, " 2.0 2.1", 8);
    for (uint64_t name = 0; name < 100; name++)
        vonk_block_damage(w.store, (vonk_block_id){VONK_BLOCK_FRAME, 1, 0, name}, true);
    assert_int_equal(read_tap(tap, 1, &got, &err), VONK_E_BLOCK_LOST);
    vonk_error_reset(&err);
    run_tap(tap, NULL, 0); /* made again */
    OK(read_tap(tap, 1, &got, &err));
    assert_int_equal(got.len, 8);
    vonk_buf_done(&got);
    vonk_rdd_unref(tap);
    vonk_rdd_unref(a);
    close_world(&w);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_narrow),         cmocka_unit_test(test_coalesce),
        cmocka_unit_test(test_shuffle),        cmocka_unit_test(test_cache),
#ifdef VONK_FAULTS
        cmocka_unit_test(test_faults),
#endif
        cmocka_unit_test(test_splits),         cmocka_unit_test(test_delimiter),
        cmocka_unit_test(test_settings),       cmocka_unit_test(test_broadcast),
        cmocka_unit_test(test_text),           cmocka_unit_test(test_lists_and_checkpoints),
        cmocka_unit_test(test_long_lineage),   cmocka_unit_test(test_flow),
        cmocka_unit_test(test_flow_over_jobs), cmocka_unit_test(test_tap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
