/* tests/faults/connect.c -- the Connect server lives through every point that fails: allocations, reads, writes, sends.
 *
 *   faults_connect SCENARIO          environment: VONK_FAULT_STRIDE (every n-th point, 1)
 *
 * A scenario is a few calls of one session on one connection. They run once to learn their answers and how many points
 * they pass, then once for each point with that point failing, each time in a new session on a new connection. Each
 * call must end within a minute: with its answer, with an error, or with the connection. Afterwards the same calls on
 * another connection must give the same answers, and when the sessions are released the server's memory must be what it
 * was. */
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "codec/compress.h"
#include "connect_client.h"
#include "net/connect_table.h"
#include "serve/connect/connect.h"
#include "serve/connect/engine.h"
#include "sys/loop.h"
#include "sys/thread.h"

enum { MOST_CALLS = 6, LIMIT_S = 300 };

typedef struct ids {
    char session[40], operation[40], clone[40];
    uint32_t step; /* of a call with several messages */
} ids;

/* Stands in a request for the id of the first response before it. */
#define RESPONSE_BEFORE "________-____-____-____-____________"

typedef struct call {
    const char *method;
    uint64_t keep; /* fields of the answers' messages that are compared, by number */
    void (*build)(vonk_pb_writer *w, const ids *i, const char *text);
    const char *text;
    uint32_t n_messages; /* 0: one */
} call;

typedef struct scenario {
    const char *name;
    call calls[MOST_CALLS];
} scenario;

static const char *const kinds[] = {[VONK_FAULT_ALLOC] = "allocation",
                                    [VONK_FAULT_READ] = "read",
                                    [VONK_FAULT_WRITE] = "write",
                                    [VONK_FAULT_SEND] = "send",
                                    [VONK_FAULT_FSYNC] = "fsync"};

static vonk_str local_rows; /* an Arrow stream, from a first query */
static const char local_schema[] = "number BIGINT, t STRING";

/* ---- requests */

#define PUT_HEAD(w, i, M)                                                                                              \
    do {                                                                                                               \
        vonk_pb_put_c(w, PB_##M##_SESSION_ID, (i)->session);                                                           \
        size_t user_ = vonk_pb_begin(w, PB_##M##_USER_CONTEXT);                                                        \
        vonk_pb_put_c(w, PB_USER_CONTEXT_USER_ID, "faults");                                                           \
        vonk_pb_end(w, user_);                                                                                         \
    } while (0)

static void put_sql(vonk_pb_writer *w, int plan_field, const char *sql)
{
    size_t plan = vonk_pb_begin(w, plan_field), root = vonk_pb_begin(w, PB_PLAN_ROOT);
    size_t text = vonk_pb_begin(w, PB_RELATION_SQL);
    vonk_pb_put_c(w, PB_SQL_QUERY, sql);
    vonk_pb_end(w, text);
    vonk_pb_end(w, root);
    vonk_pb_end(w, plan);
}

static void execute(vonk_pb_writer *w, const ids *i, const char *sql)
{
    PUT_HEAD(w, i, EXECUTE_PLAN_REQUEST);
    put_sql(w, PB_EXECUTE_PLAN_REQUEST_PLAN, sql);
    vonk_pb_put_c(w, PB_EXECUTE_PLAN_REQUEST_TAGS, "a-tag");
}

static void execute_reattachable(vonk_pb_writer *w, const ids *i, const char *sql)
{
    execute(w, i, sql);
    vonk_pb_put_c(w, PB_EXECUTE_PLAN_REQUEST_OPERATION_ID, i->operation);
    size_t option = vonk_pb_begin(w, PB_EXECUTE_PLAN_REQUEST_REQUEST_OPTIONS);
    size_t reattach = vonk_pb_begin(w, PB_EXECUTE_PLAN_REQUEST_REQUEST_OPTION_REATTACH_OPTIONS);
    vonk_pb_put_i64(w, PB_REATTACH_OPTIONS_REATTACHABLE, 1);
    vonk_pb_end(w, reattach);
    vonk_pb_end(w, option);
}

static void command(vonk_pb_writer *w, const ids *i, const char *sql)
{
    PUT_HEAD(w, i, EXECUTE_PLAN_REQUEST);
    size_t plan = vonk_pb_begin(w, PB_EXECUTE_PLAN_REQUEST_PLAN), top = vonk_pb_begin(w, PB_PLAN_COMMAND);
    size_t of = vonk_pb_begin(w, PB_COMMAND_SQL_COMMAND), input = vonk_pb_begin(w, PB_SQL_COMMAND_INPUT);
    size_t text = vonk_pb_begin(w, PB_RELATION_SQL);
    vonk_pb_put_c(w, PB_SQL_QUERY, sql);
    vonk_pb_end(w, text);
    vonk_pb_end(w, input);
    vonk_pb_end(w, of);
    vonk_pb_end(w, top);
    vonk_pb_end(w, plan);
}

static void execute_local(vonk_pb_writer *w, const ids *i, const char *text)
{
    PUT_HEAD(w, i, EXECUTE_PLAN_REQUEST);
    size_t plan = vonk_pb_begin(w, PB_EXECUTE_PLAN_REQUEST_PLAN), root = vonk_pb_begin(w, PB_PLAN_ROOT);
    size_t limit = vonk_pb_begin(w, PB_RELATION_LIMIT), input = vonk_pb_begin(w, PB_LIMIT_INPUT);
    size_t local = vonk_pb_begin(w, PB_RELATION_LOCAL_RELATION);
    vonk_pb_put_str(w, PB_LOCAL_RELATION_DATA, local_rows);
    vonk_pb_end(w, local);
    vonk_pb_end(w, input);
    vonk_pb_put_i64(w, PB_LIMIT_LIMIT, 20);
    vonk_pb_end(w, limit);
    vonk_pb_end(w, root);
    vonk_pb_end(w, plan);
}

static void no_fail(vonk_status st, const vonk_error *err);

/* The relation packed by zstd, as clients send large plans. */
static void execute_packed(vonk_pb_writer *w, const ids *i, const char *sql)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_compressor *compressor = NULL;
    vonk_buf relation = {0}, packed = {0};
    vonk_buf_init(&relation, vonk_budget_root(), SIZE_MAX);
    vonk_buf_init(&packed, vonk_budget_root(), SIZE_MAX);
    vonk_pb_writer inner = vonk_pb_writer_of(&vonk_pb_connect, &relation, &err);
    size_t text = vonk_pb_begin(&inner, PB_RELATION_SQL);
    vonk_pb_put_c(&inner, PB_SQL_QUERY, sql);
    vonk_pb_end(&inner, text);
    no_fail(vonk_pb_writer_end(&inner), &err);
    no_fail(vonk_compressor_new(vonk_budget_root(), &compressor, &err), &err);
    no_fail(vonk_compress(compressor, VONK_COMPRESS_ZSTD, VONK_COMPRESS_LEVEL_DEFAULT, relation.data, relation.len,
                          &packed, &err),
            &err);
    vonk_compressor_free(compressor);
    PUT_HEAD(w, i, EXECUTE_PLAN_REQUEST);
    size_t plan = vonk_pb_begin(w, PB_EXECUTE_PLAN_REQUEST_PLAN);
    size_t operation = vonk_pb_begin(w, PB_PLAN_COMPRESSED_OPERATION);
    vonk_pb_put_str(w, PB_PLAN_COMPRESSED_OPERATION_DATA, vonk_buf_str(&packed));
    vonk_pb_put_i64(w, PB_PLAN_COMPRESSED_OPERATION_OP_TYPE, PB_E_PLAN_COMPRESSED_OPERATION_OP_TYPE_RELATION);
    vonk_pb_put_i64(w, PB_PLAN_COMPRESSED_OPERATION_COMPRESSION_CODEC, PB_E_COMPRESSION_CODEC_ZSTD);
    vonk_pb_end(w, operation);
    vonk_pb_end(w, plan);
    vonk_buf_done(&relation);
    vonk_buf_done(&packed);
}

static void put_chunking(vonk_pb_writer *w)
{
    size_t option = vonk_pb_begin(w, PB_EXECUTE_PLAN_REQUEST_REQUEST_OPTIONS);
    size_t chunking = vonk_pb_begin(w, PB_EXECUTE_PLAN_REQUEST_REQUEST_OPTION_RESULT_CHUNKING_OPTIONS);
    vonk_pb_put_i64(w, PB_RESULT_CHUNKING_OPTIONS_ALLOW_ARROW_BATCH_CHUNKING, 1);
    vonk_pb_put_i64(w, PB_RESULT_CHUNKING_OPTIONS_PREFERRED_ARROW_CHUNK_SIZE, 4096);
    vonk_pb_end(w, chunking);
    vonk_pb_end(w, option);
}

static void execute_chunked(vonk_pb_writer *w, const ids *i, const char *sql)
{
    execute(w, i, sql);
    put_chunking(w);
}

static void execute_reattachable_chunked(vonk_pb_writer *w, const ids *i, const char *sql)
{
    execute_reattachable(w, i, sql);
    put_chunking(w);
}

static void reattach(vonk_pb_writer *w, const ids *i, const char *text)
{
    PUT_HEAD(w, i, REATTACH_EXECUTE_REQUEST);
    vonk_pb_put_c(w, PB_REATTACH_EXECUTE_REQUEST_OPERATION_ID, i->operation);
}

static void reattach_behind(vonk_pb_writer *w, const ids *i, const char *text)
{
    reattach(w, i, text);
    vonk_pb_put_c(w, PB_REATTACH_EXECUTE_REQUEST_LAST_RESPONSE_ID, RESPONSE_BEFORE);
}

static void release_until(vonk_pb_writer *w, const ids *i, const char *text)
{
    PUT_HEAD(w, i, RELEASE_EXECUTE_REQUEST);
    vonk_pb_put_c(w, PB_RELEASE_EXECUTE_REQUEST_OPERATION_ID, i->operation);
    size_t until = vonk_pb_begin(w, PB_RELEASE_EXECUTE_REQUEST_RELEASE_UNTIL);
    vonk_pb_put_c(w, PB_RELEASE_EXECUTE_REQUEST_RELEASE_UNTIL_RESPONSE_ID, RESPONSE_BEFORE);
    vonk_pb_end(w, until);
}

static void release(vonk_pb_writer *w, const ids *i, const char *text)
{
    PUT_HEAD(w, i, RELEASE_EXECUTE_REQUEST);
    vonk_pb_put_c(w, PB_RELEASE_EXECUTE_REQUEST_OPERATION_ID, i->operation);
    vonk_pb_end(w, vonk_pb_begin(w, PB_RELEASE_EXECUTE_REQUEST_RELEASE_ALL));
}

static void schema(vonk_pb_writer *w, const ids *i, const char *sql)
{
    PUT_HEAD(w, i, ANALYZE_PLAN_REQUEST);
    size_t of = vonk_pb_begin(w, PB_ANALYZE_PLAN_REQUEST_SCHEMA);
    put_sql(w, PB_ANALYZE_PLAN_REQUEST_SCHEMA_PLAN, sql);
    vonk_pb_end(w, of);
}

static void same_semantics(vonk_pb_writer *w, const ids *i, const char *sql)
{
    PUT_HEAD(w, i, ANALYZE_PLAN_REQUEST);
    size_t of = vonk_pb_begin(w, PB_ANALYZE_PLAN_REQUEST_SAME_SEMANTICS);
    put_sql(w, PB_ANALYZE_PLAN_REQUEST_SAME_SEMANTICS_TARGET_PLAN, sql);
    put_sql(w, PB_ANALYZE_PLAN_REQUEST_SAME_SEMANTICS_OTHER_PLAN, sql);
    vonk_pb_end(w, of);
}

static void ddl_parse(vonk_pb_writer *w, const ids *i, const char *ddl)
{
    PUT_HEAD(w, i, ANALYZE_PLAN_REQUEST);
    size_t of = vonk_pb_begin(w, PB_ANALYZE_PLAN_REQUEST_DDL_PARSE);
    vonk_pb_put_c(w, PB_ANALYZE_PLAN_REQUEST_DDL_PARSE_DDL_STRING, ddl);
    vonk_pb_end(w, of);
}

static void conf_set(vonk_pb_writer *w, const ids *i, const char *value)
{
    PUT_HEAD(w, i, CONFIG_REQUEST);
    size_t of = vonk_pb_begin(w, PB_CONFIG_REQUEST_OPERATION), set = vonk_pb_begin(w, PB_CONFIG_REQUEST_OPERATION_SET);
    vonk_pb_put_pair(w, PB_CONFIG_REQUEST_SET_PAIRS, PB_KEY_VALUE_KEY, VONK_STR("spark.sql.shuffle.partitions"),
                     PB_KEY_VALUE_VALUE, vonk_str_of(value));
    vonk_pb_end(w, set);
    vonk_pb_end(w, of);
}

static void conf_get(vonk_pb_writer *w, const ids *i, const char *key)
{
    PUT_HEAD(w, i, CONFIG_REQUEST);
    size_t of = vonk_pb_begin(w, PB_CONFIG_REQUEST_OPERATION), get = vonk_pb_begin(w, PB_CONFIG_REQUEST_OPERATION_GET);
    vonk_pb_put_c(w, PB_CONFIG_REQUEST_GET_KEYS, key);
    vonk_pb_end(w, get);
    vonk_pb_end(w, of);
}

static void conf_get_all(vonk_pb_writer *w, const ids *i, const char *prefix)
{
    PUT_HEAD(w, i, CONFIG_REQUEST);
    size_t of = vonk_pb_begin(w, PB_CONFIG_REQUEST_OPERATION);
    size_t all = vonk_pb_begin(w, PB_CONFIG_REQUEST_OPERATION_GET_ALL);
    vonk_pb_put_c(w, PB_CONFIG_REQUEST_GET_ALL_PREFIX, prefix);
    vonk_pb_end(w, all);
    vonk_pb_end(w, of);
}

static void add_artifact(vonk_pb_writer *w, const ids *i, const char *content)
{
    PUT_HEAD(w, i, ADD_ARTIFACTS_REQUEST);
    size_t batch = vonk_pb_begin(w, PB_ADD_ARTIFACTS_REQUEST_BATCH);
    size_t one = vonk_pb_begin(w, PB_ADD_ARTIFACTS_REQUEST_BATCH_ARTIFACTS);
    vonk_pb_put_c(w, PB_ADD_ARTIFACTS_REQUEST_SINGLE_CHUNK_ARTIFACT_NAME, "files/a.txt");
    size_t data = vonk_pb_begin(w, PB_ADD_ARTIFACTS_REQUEST_SINGLE_CHUNK_ARTIFACT_DATA);
    vonk_pb_put_c(w, PB_ADD_ARTIFACTS_REQUEST_ARTIFACT_CHUNK_DATA, content);
    vonk_pb_put_i64(w, PB_ADD_ARTIFACTS_REQUEST_ARTIFACT_CHUNK_CRC, 0x0d4a1185); /* CRC-32 of "hello world" */
    vonk_pb_end(w, data);
    vonk_pb_end(w, one);
    vonk_pb_end(w, batch);
}

/* ---- rows that are uploaded first */

static const char *hash_of(vonk_str content, char name[2 * SHA256_DIGEST_LENGTH + 1])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)content.data, content.len, digest);
    for (size_t k = 0; k < sizeof digest; k++) snprintf(name + 2 * k, 3, "%02x", digest[k]);
    return name;
}

static void put_chunk(vonk_pb_writer *w, int field, vonk_str content)
{
    size_t data = vonk_pb_begin(w, field);
    vonk_pb_put_str(w, PB_ADD_ARTIFACTS_REQUEST_ARTIFACT_CHUNK_DATA, content);
    vonk_pb_put_i64(w, PB_ADD_ARTIFACTS_REQUEST_ARTIFACT_CHUNK_CRC, vonk_crc32(content.data, content.len));
    vonk_pb_end(w, data);
}

static void put_cached(vonk_pb_writer *w, vonk_str content)
{
    char hash[2 * SHA256_DIGEST_LENGTH + 1], name[100];
    snprintf(name, sizeof name, "cache/%s", hash_of(content, hash));
    size_t one = vonk_pb_begin(w, PB_ADD_ARTIFACTS_REQUEST_BATCH_ARTIFACTS);
    vonk_pb_put_c(w, PB_ADD_ARTIFACTS_REQUEST_SINGLE_CHUNK_ARTIFACT_NAME, name);
    put_chunk(w, PB_ADD_ARTIFACTS_REQUEST_SINGLE_CHUNK_ARTIFACT_DATA, content);
    vonk_pb_end(w, one);
}

static void add_rows_and_schema(vonk_pb_writer *w, const ids *i, const char *text)
{
    PUT_HEAD(w, i, ADD_ARTIFACTS_REQUEST);
    size_t batch = vonk_pb_begin(w, PB_ADD_ARTIFACTS_REQUEST_BATCH);
    put_cached(w, local_rows);
    put_cached(w, vonk_str_of(local_schema));
    vonk_pb_end(w, batch);
}

/* The rows in UPLOAD_STEPS messages. */
enum { UPLOAD_STEPS = 3 };

static void add_rows_in_chunks(vonk_pb_writer *w, const ids *i, const char *text)
{
    char hash[2 * SHA256_DIGEST_LENGTH + 1], name[100];
    const size_t third = local_rows.len / UPLOAD_STEPS;
    const size_t end = i->step + 1 == UPLOAD_STEPS ? local_rows.len : third * (i->step + 1);
    const vonk_str piece = vonk_str_sub(local_rows, third * i->step, end);
    PUT_HEAD(w, i, ADD_ARTIFACTS_REQUEST);
    if (i->step > 0) {
        put_chunk(w, PB_ADD_ARTIFACTS_REQUEST_CHUNK, piece);
        return;
    }
    size_t begin = vonk_pb_begin(w, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNK);
    snprintf(name, sizeof name, "cache/%s", hash_of(local_rows, hash));
    vonk_pb_put_c(w, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNKED_ARTIFACT_NAME, name);
    vonk_pb_put_i64(w, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNKED_ARTIFACT_TOTAL_BYTES, (int64_t)local_rows.len);
    vonk_pb_put_i64(w, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNKED_ARTIFACT_NUM_CHUNKS, UPLOAD_STEPS);
    put_chunk(w, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNKED_ARTIFACT_INITIAL_CHUNK, piece);
    vonk_pb_end(w, begin);
}

/* text: "schema" when the schema was uploaded too */
static void execute_uploaded(vonk_pb_writer *w, const ids *i, const char *text)
{
    char hash[2 * SHA256_DIGEST_LENGTH + 1];
    PUT_HEAD(w, i, EXECUTE_PLAN_REQUEST);
    size_t plan = vonk_pb_begin(w, PB_EXECUTE_PLAN_REQUEST_PLAN), root = vonk_pb_begin(w, PB_PLAN_ROOT);
    size_t local = vonk_pb_begin(w, PB_RELATION_CHUNKED_CACHED_LOCAL_RELATION);
    for (int twice = 0; twice < 2; twice++)
        vonk_pb_put_c(w, PB_CHUNKED_CACHED_LOCAL_RELATION_DATAHASHES, hash_of(local_rows, hash));
    if (*text) vonk_pb_put_c(w, PB_CHUNKED_CACHED_LOCAL_RELATION_SCHEMAHASH, hash_of(vonk_str_of(local_schema), hash));
    vonk_pb_end(w, local);
    vonk_pb_end(w, root);
    vonk_pb_end(w, plan);
}

static void artifact_status(vonk_pb_writer *w, const ids *i, const char *name)
{
    PUT_HEAD(w, i, ARTIFACT_STATUSES_REQUEST);
    vonk_pb_put_c(w, PB_ARTIFACT_STATUSES_REQUEST_NAMES, name);
}

static void interrupt(vonk_pb_writer *w, const ids *i, const char *text)
{
    PUT_HEAD(w, i, INTERRUPT_REQUEST);
    vonk_pb_put_i64(w, PB_INTERRUPT_REQUEST_INTERRUPT_TYPE, PB_E_INTERRUPT_REQUEST_INTERRUPT_TYPE_ALL);
}

static void get_status(vonk_pb_writer *w, const ids *i, const char *text)
{
    PUT_HEAD(w, i, GET_STATUS_REQUEST);
    vonk_pb_end(w, vonk_pb_begin(w, PB_GET_STATUS_REQUEST_OPERATION_STATUS));
}

static void clone_session(vonk_pb_writer *w, const ids *i, const char *text)
{
    PUT_HEAD(w, i, CLONE_SESSION_REQUEST);
    vonk_pb_put_c(w, PB_CLONE_SESSION_REQUEST_NEW_SESSION_ID, i->clone);
}

static void release_session(vonk_pb_writer *w, const ids *i, const char *text)
{
    PUT_HEAD(w, i, RELEASE_SESSION_REQUEST);
}

#define ROWS (1u << 2 | 1u << 5 | 1u << 7) /* of ExecutePlanResponse: arrow_batch, sql_command_result, schema */
#define ANALYSIS 0x17ffcu                  /* of AnalyzePlanResponse: all but ids */
#define PAIRS (1u << 2)                    /* of ConfigResponse */
#define ARTIFACTS (1u << 1)                /* of the answers about artifacts */
#define QUERY "SELECT id, concat('text ', id) AS t, id / 7 FROM range(3000) WHERE id % 3 = 1"

static const scenario scenarios[] = {
    {"connect_execute", {{"ExecutePlan", ROWS, execute, QUERY}}},
    {"connect_reattachable",
     {{"ExecutePlan", ROWS, execute_reattachable, QUERY},
      {"ReattachExecute", ROWS, reattach, ""},
      {"ReleaseExecute", 0, release, ""}}},
    {"connect_command",
     {{"ExecutePlan", ROWS, command, "CREATE TEMPORARY VIEW v AS SELECT id FROM range(10)"},
      {"ExecutePlan", ROWS, execute, "SELECT sum(id) FROM v"},
      {"ExecutePlan", ROWS, command, "SHOW VIEWS"}}},
    {"connect_local", {{"ExecutePlan", ROWS, execute_local, ""}}},
    {"connect_large", {{"ExecutePlan", ROWS, execute, "SELECT id, repeat('x', 400) AS x FROM range(3000)"}}},
    {"connect_analyze",
     {{"AnalyzePlan", ANALYSIS, schema, "SELECT id, array(id) AS a, named_struct('x', 1, 'y', 'z') AS s FROM range(3)"},
      {"AnalyzePlan", ANALYSIS, same_semantics, "SELECT max(id) FROM range(7) WHERE id > 2"},
      {"AnalyzePlan", ANALYSIS, ddl_parse, "a INT, b ARRAY<STRUCT<c: STRING, d: MAP<INT, DATE>>>"}}},
    {"connect_config",
     {{"Config", PAIRS, conf_set, "17"},
      {"Config", PAIRS, conf_get, "spark.sql.shuffle.partitions"},
      {"Config", PAIRS, conf_get_all, "spark.sql.s"}}},
    {"connect_errors",
     {{"ExecutePlan", ROWS, execute, "SELECT 1 / (id - 5) FROM range(10)"},
      {"AnalyzePlan", ANALYSIS, schema, "SELECT nothing FROM range(3)"},
      {"ExecutePlan", ROWS, execute, "SELECT FROM"},
      {"Config", PAIRS, conf_set, "many"}}},
    {"connect_artifacts",
     {{"AddArtifacts", ARTIFACTS, add_artifact, "hello world"},
      {"ArtifactStatus", ARTIFACTS, artifact_status, "files/a.txt"}}},
    {"connect_sessions",
     {{"Config", PAIRS, conf_set, "19"},
      {"CloneSession", 0, clone_session, ""},
      {"GetStatus", 0, get_status, ""},
      {"Interrupt", 0, interrupt, ""},
      {"ReleaseSession", 0, release_session, ""}}},
    {"connect_tls",
     {{"ExecutePlan", ROWS, execute, QUERY},
      {"Config", PAIRS, conf_get, "spark.sql.shuffle.partitions"},
      {"AnalyzePlan", ANALYSIS, schema, "SELECT nothing FROM range(3)"}}},
    {"connect_packed", {{"ExecutePlan", ROWS, execute_packed, QUERY}}},
    {"connect_chunks", {{"ExecutePlan", ROWS, execute_chunked, QUERY}}},
    {"connect_reattach",
     {{"ExecutePlan", ROWS, execute_reattachable_chunked, QUERY},
      {"ReleaseExecute", 0, release_until, ""},
      {"ReattachExecute", ROWS, reattach_behind, ""},
      {"ReleaseExecute", 0, release, ""}}},
    {"connect_uploaded",
     {{"AddArtifacts", ARTIFACTS, add_rows_and_schema, ""}, {"ExecutePlan", ROWS, execute_uploaded, "schema"}}},
    {"connect_chunked",
     {{"AddArtifacts", ARTIFACTS, add_rows_in_chunks, "", UPLOAD_STEPS}, {"ExecutePlan", ROWS, execute_uploaded, ""}}},
};

static bool may_fail(const scenario *s) { return strstr(s->name, "errors") || strstr(s->name, "tls"); }

/* ---- the server */

typedef struct trial {
    const scenario *of;
    vonk_engine *engine;
    vonk_connect_server *server;
    vonk_thread *thread;
    vonk_tls_context *tls; /* or NULL */
    uint16_t port;
    uint32_t n_sessions; /* ids used so far */
    uint32_t n_calls;
    int status[MOST_CALLS];
    vonk_buf answer[MOST_CALLS];
    int64_t used, n_points[VONK_N_FAULT];
    long n_runs, n_errors;
} trial;

static void die(const char *what, const vonk_error *err)
{
    fprintf(stderr, "%s%s%s\n", what, err ? ": " : "", err ? vonk_error_message(err) : "");
    exit(1);
}

static void no_fail(vonk_status st, const vonk_error *err)
{
    if (st != VONK_OK) die("faults_connect", err);
}

static void serve(void *server)
{
    vonk_error err = VONK_ERROR_INIT;
    if (vonk_connect_server_run(server, &err) != VONK_OK) die("the server ended", &err);
}

static void make_tls(trial *t)
{
    vonk_error err = VONK_ERROR_INIT;
    char folder[200], command[1000], certificate[300], key[300];
    const char *above = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/vonk-faults-tls-XXXXXX", above ? above : "/tmp");
    if (!mkdtemp(folder)) die("no folder for a certificate", NULL);
    snprintf(certificate, sizeof certificate, "%s/cert.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
             "-keyout %s -out %s 2>/dev/null",
             key, certificate);
    if (system(command) != 0) die("openssl makes no certificate", NULL);
    no_fail(vonk_tls_context_new_server(vonk_budget_root(), vonk_str_of(certificate), vonk_str_of(key), &t->tls, &err),
            &err);
    if (remove(key) != 0 || remove(certificate) != 0 || rmdir(folder) != 0) die("a certificate is left", NULL);
}

static connect_client *open_client(const trial *t) { return connect_client_open(t->port, t->tls != NULL); }

static void start_server(trial *t, vonk_connect_backend *backend)
{
    vonk_error err = VONK_ERROR_INIT;
    const vonk_engine_options engine = {.memory_bytes = INT64_C(1) << 30, .n_threads = 1};
    no_fail(vonk_engine_new(&engine, &t->engine, &err), &err);
    vonk_connect_engine_backend(t->engine, backend);
    if (strstr(t->of->name, "tls")) make_tls(t);
    const vonk_connect_options options = {
        .grpc = {.bind = "127.0.0.1", .budget = vonk_engine_budget(t->engine), .tls = t->tls}, .backend = backend};
    no_fail(vonk_connect_server_new(&options, &t->server, &err), &err);
    t->port = vonk_connect_server_port(t->server);
    no_fail(vonk_thread_start(vonk_budget_root(), "server", VONK_STACK_ENGINE, serve, t->server, &t->thread, &err),
            &err);
}

static void stop_server(trial *t)
{
    vonk_connect_server_stop(t->server, 0);
    vonk_thread_join(t->thread);
    vonk_connect_server_free(t->server);
    vonk_tls_context_free(t->tls);
    vonk_engine_free(t->engine);
}

/* ---- calls */

static uint32_t u32_be(const char *at)
{
    const uint8_t *b = (const uint8_t *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint64_t varint(const char **at, const char *end)
{
    uint64_t v = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = (uint8_t)*(*at)++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) break;
    }
    return v;
}

/* Copies the fields to compare; only varints and texts occur at the top of the answers. */
static void keep_fields(const char *at, const char *end, uint64_t keep, vonk_buf *to)
{
    vonk_error err = VONK_ERROR_INIT;
    while (at < end) {
        const char *from = at;
        uint64_t tag = varint(&at, end);
        uint64_t more = varint(&at, end);
        if ((tag & 7) == 2) at = more <= (uint64_t)(end - at) ? at + more : end;
        if ((tag >> 3) < 64 && (keep >> (tag >> 3) & 1))
            no_fail(vonk_buf_append(to, from, (size_t)(at - from), &err), &err);
    }
}

static void keep_answer(const connect_answer *a, uint64_t keep, vonk_buf *to)
{
    for (size_t at = 0; at + 5 <= a->n;) {
        size_t n = u32_be(a->bytes + at + 1);
        if (n > a->n - at - 5) n = a->n - at - 5;
        keep_fields(a->bytes + at + 5, a->bytes + at + 5 + n, keep, to);
        at += 5 + n;
    }
}

static ids next_ids(trial *t)
{
    ids i = {.step = 0};
    uint32_t n = ++t->n_sessions;
    snprintf(i.session, sizeof i.session, "00000000-0000-4000-8000-%012x", n);
    snprintf(i.operation, sizeof i.operation, "11111111-0000-4000-8000-%012x", n);
    snprintf(i.clone, sizeof i.clone, "22222222-0000-4000-8000-%012x", n);
    return i;
}

static void build(const call *c, const ids *i, vonk_buf *ret)
{
    vonk_error err = VONK_ERROR_INIT;
    ids step = *i;
    vonk_buf_init(ret, vonk_budget_root(), SIZE_MAX);
    do {
        const size_t head = ret->len;
        no_fail(vonk_buf_append(ret, "\0\0\0\0\0", 5, &err), &err);
        vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, ret, &err);
        c->build(&w, &step, c->text);
        no_fail(vonk_pb_writer_end(&w), &err);
        const size_t n = ret->len - head - 5;
        for (size_t k = 0; k < 4; k++) ret->data[head + 1 + k] = (char)(n >> (24 - 8 * k) & 0xff);
    } while (++step.step < c->n_messages);
}

/* The id of the first response of an ExecutePlan goes where later requests wait for it. */
static void pass_response_id(const connect_answer *a, vonk_buf *bodies, uint32_t n)
{
    enum { AT = 5 + 2, BYTES = sizeof RESPONSE_BEFORE - 1 }; /* behind gRPC's head, the field's tag and its length */
    if (a->n < AT + BYTES) return;
    for (uint32_t k = 0; k < n; k++) {
        char *at = memmem(bodies[k].data, bodies[k].len, RESPONSE_BEFORE, BYTES);
        if (at) memcpy(at, a->bytes + AT, BYTES);
    }
}

typedef struct outcome {
    int status[MOST_CALLS];
    vonk_buf answer[MOST_CALLS];
} outcome;

/* The calls of a scenario, one after the other on one connection; after one that ended another way than it should, the
 * connection is given up, as a client would do it. `kind` < 0: nothing fails. */
static void run(trial *t, const ids *i, int kind, int64_t at, outcome *o)
{
    vonk_buf bodies[MOST_CALLS] = {0};
    connect_answer answers[MOST_CALLS];
    uint32_t n = 0;
    for (uint32_t k = 0; k < t->n_calls; k++) build(&t->of->calls[k], i, &bodies[k]);
    if (kind >= 0) vonk_fault_arm((vonk_fault)kind, at);
    connect_client *client = open_client(t);
    for (bool good = client; good && n < t->n_calls; n++) {
        answers[n] = connect_client_call(client, t->of->calls[n].method, bodies[n].data, bodies[n].len);
        good = answers[n].status == t->status[n] || kind < 0;
        if (n == 0) pass_response_id(&answers[0], bodies + 1, t->n_calls - 1);
        if (answers[n].status == -2) {
            fprintf(stderr, "%s: no answer to %s with %s %lld failing\n", t->of->name, t->of->calls[n].method,
                    kind < 0 ? "nothing" : kinds[kind], (long long)at);
            exit(1);
        }
    }
    connect_client_close(client);
    if (kind >= 0) vonk_fault_arm((vonk_fault)kind, -1);
    for (uint32_t k = 0; k < t->n_calls; k++) {
        vonk_buf_init(&o->answer[k], vonk_budget_root(), SIZE_MAX);
        o->status[k] = k < n ? answers[k].status : -1;
        if (k < n) keep_answer(&answers[k], t->of->calls[k].keep, &o->answer[k]);
        if (k < n) free(answers[k].bytes);
        vonk_buf_done(&bodies[k]);
    }
}

static void outcome_done(outcome *o)
{
    for (uint32_t k = 0; k < MOST_CALLS; k++) vonk_buf_done(&o->answer[k]);
}

static void forget_session(trial *t, const char *session)
{
    ids i = {""};
    vonk_buf body = {0};
    memcpy(i.session, session, sizeof i.session);
    build(&(call){.build = release_session}, &i, &body);
    connect_client *client = open_client(t);
    if (!client) die("the server takes no connection any more", NULL);
    connect_answer a = connect_client_call(client, "ReleaseSession", body.data, body.len);
    if (a.status < 0) die("the server does not release a session", NULL);
    free(a.bytes);
    connect_client_close(client);
    vonk_buf_done(&body);
}

static void forget(trial *t, const ids *i)
{
    forget_session(t, i->session);
    for (uint32_t k = 0; k < t->n_calls; k++)
        if (t->of->calls[k].build == clone_session) forget_session(t, i->clone);
}

/* Answers are whole or they are no answers. */
static bool check(trial *t, const outcome *o, const char *kind, int64_t at)
{
    bool same = true;
    for (uint32_t k = 0; k < t->n_calls && same; k++) {
        same = o->status[k] == t->status[k];
        if (!same || (o->answer[k].len == t->answer[k].len &&
                      (o->answer[k].len == 0 || memcmp(o->answer[k].data, t->answer[k].data, o->answer[k].len) == 0)))
            continue;
        fprintf(stderr, "%s: another answer to %s with %s %lld failing: %zu bytes, not %zu\n", t->of->name,
                t->of->calls[k].method, kind, (long long)at, o->answer[k].len, t->answer[k].len);
        exit(1);
    }
    return same;
}

static void run_clean(trial *t, const char *kind, int64_t at)
{
    outcome o = {0};
    ids i = next_ids(t);
    run(t, &i, -1, 0, &o);
    if (!check(t, &o, kind, at)) {
        fprintf(stderr, "%s: does not work any more after %s %lld failed:", t->of->name, kind, (long long)at);
        for (uint32_t k = 0; k < t->n_calls; k++) fprintf(stderr, " %d", o.status[k]);
        die("", NULL);
    }
    outcome_done(&o);
    forget(t, &i);
}

static void run_failing(trial *t, vonk_fault kind, int64_t at)
{
    outcome o = {0};
    ids i = next_ids(t);
    alarm(LIMIT_S);
    run(t, &i, (int)kind, at, &o);
    t->n_runs++;
    t->n_errors += !check(t, &o, kinds[kind], at);
    outcome_done(&o);
    forget(t, &i);
}

/* ---- memory */

static bool is_idle(trial *t)
{
    vonk_connect_stats stats;
    vonk_connect_server_stats(t->server, &stats);
    return stats.sessions == 0 && stats.operations == 0 && stats.grpc.connections == 0;
}

/* Bytes in use. Connections and calls end a little later than the client sees it: it waits until they are `wanted`, at
 * most 10 s, and not longer than IDLE_MS when the server holds nothing any more. */
static int64_t settled(trial *t, int64_t wanted)
{
    enum { MOST_MS = 10000, IDLE_MS = 200 };
    const struct timespec step = {.tv_nsec = 1000000};
    int64_t used = vonk_budget_used(vonk_engine_budget(t->engine));
    for (int ms = 0, idle_ms = 0; used > wanted && ms < MOST_MS && idle_ms < IDLE_MS; ms++) {
        nanosleep(&step, NULL);
        idle_ms = is_idle(t) ? idle_ms + 1 : 0;
        used = vonk_budget_used(vonk_engine_budget(t->engine));
    }
    return used;
}

/* A table of the server may have grown once. What grows each time is a leak. */
static void check_memory(trial *t, vonk_fault kind, int64_t at)
{
    int64_t used = settled(t, t->used);
    for (int again = 0; again < 3; again++) {
        if (used <= t->used) return;
        t->used = used;
        run_failing(t, kind, at);
        used = settled(t, t->used);
    }
    vonk_connect_stats stats;
    vonk_connect_server_stats(t->server, &stats);
    fprintf(stderr, "%s: %s %lld leaves %lld bytes with the server (%u sessions, %u operations, %llu connections)\n",
            t->of->name, kinds[kind], (long long)at, (long long)(used - t->used), stats.sessions, stats.operations,
            (unsigned long long)stats.grpc.connections);
    exit(1);
}

/* ---- set-up */

/* Rows of a first query as an Arrow stream, for a local relation. */
static void fetch_rows(trial *t)
{
    static vonk_buf rows;
    const call first = {"ExecutePlan", 0, execute, "SELECT id, concat('row ', id) AS t FROM range(100)"};
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf body = {0};
    vonk_arena *arena = NULL;
    const vonk_pb_msg *m = NULL;
    ids i = next_ids(t);
    build(&first, &i, &body);
    connect_client *client = open_client(t);
    if (!client) die("no connection", NULL);
    connect_answer a = connect_client_call(client, first.method, body.data, body.len);
    if (a.status != 0 || a.n < 5) die("the first query fails", NULL);
    no_fail(vonk_arena_new(vonk_budget_root(), &arena, &err), &err);
    vonk_buf_init(&rows, vonk_budget_root(), SIZE_MAX);
    for (size_t at = 0; at + 5 <= a.n && rows.len == 0; at += 5 + u32_be(a.bytes + at + 1)) {
        const vonk_str one = {a.bytes + at + 5, u32_be(a.bytes + at + 1)};
        no_fail(vonk_pb_decode(&vonk_pb_connect, PB_M_EXECUTE_PLAN_RESPONSE, one, 100, arena, &m, &err), &err);
        const vonk_pb_msg *batch = vonk_pb_get_msg(m, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH);
        no_fail(vonk_buf_add_str(&rows, vonk_pb_str(batch, PB_EXECUTE_PLAN_RESPONSE_ARROW_BATCH_DATA), &err), &err);
    }
    local_rows = vonk_buf_str(&rows);
    vonk_arena_free(arena);
    free(a.bytes);
    connect_client_close(client);
    vonk_buf_done(&body);
    forget(t, &i);
}

static void learn(trial *t)
{
    outcome o = {0};
    ids i = next_ids(t);
    while (t->n_calls < MOST_CALLS && t->of->calls[t->n_calls].method) t->n_calls++;
    run(t, &i, -1, 0, &o);
    forget(t, &i);
    for (uint32_t k = 0; k < t->n_calls; k++) {
        t->status[k] = o.status[k];
        t->answer[k] = o.answer[k];
        if (o.status[k] < 0 || (o.status[k] > 0 && !may_fail(t->of))) {
            fprintf(stderr, "%s: %s ends with %d\n", t->of->name, t->of->calls[k].method, o.status[k]);
            exit(1);
        }
    }
    run_clean(t, "nothing", 0);
    t->used = settled(t, 0);
    for (int kind = 0; kind < VONK_N_FAULT; kind++) vonk_fault_arm((vonk_fault)kind, -1);
    run_clean(t, "nothing", 0);
    for (int kind = 0; kind < VONK_N_FAULT; kind++) t->n_points[kind] = vonk_fault_seen((vonk_fault)kind);
}

int main(int argc, char **argv)
{
    const char *text = getenv("VONK_FAULT_STRIDE");
    long stride = text ? strtol(text, NULL, 10) : 1;
    vonk_connect_backend backend;
    trial t = {0};
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios && argc == 2; i++)
        if (strcmp(scenarios[i].name, argv[1]) == 0) t.of = &scenarios[i];
    if (!t.of || stride < 1) die("usage: faults_connect SCENARIO", NULL);
    vonk_signals_prepare();
    alarm(LIMIT_S);
    start_server(&t, &backend);
    fetch_rows(&t);
    learn(&t);
    if (t.n_points[VONK_FAULT_ALLOC] == 0) die("no point was passed: this build has no fault injection", NULL);
    for (int kind = 0; kind < VONK_N_FAULT; kind++) {
        for (int64_t at = 0; at < t.n_points[kind]; at += stride) {
            run_failing(&t, (vonk_fault)kind, at);
            check_memory(&t, (vonk_fault)kind, at);
            if (at / stride % 16 == 0) run_clean(&t, kinds[kind], at);
        }
    }
    run_clean(&t, "the last point", 0);
    printf("%s: %ld runs, %ld of them ended with an error\n", t.of->name, t.n_runs, t.n_errors);
    stop_server(&t);
    for (uint32_t k = 0; k < t.n_calls; k++) vonk_buf_done(&t.answer[k]);
    vonk_free((void *)(uintptr_t)local_rows.data);
    return t.n_errors > 0 ? 0 : 1;
}
