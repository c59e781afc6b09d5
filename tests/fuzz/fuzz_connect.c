/* Whole Connect requests through the server's own way of them: decoded, unpacked, translated, analysed, optimised; what
 * only reads is run for a short time. The first byte picks the message (bit 0: AnalyzePlan instead of ExecutePlan) and
 * settings. Whatever is refused must say so with a condition (Java's own refusals have none). A mutator changes
 * messages as messages (pb_mutate.h). */
#include <semaphore.h>

#include "bounded_run.h"
#include "net/connect_table.h"
#include "pb_mutate.h"
#include "serve/connect/connect_int.h"
#include "serve/connect/engine.h"
#include "serve/connect/engine_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes, uint8_t *out,
                                 size_t most, unsigned seed);

enum { MEMORY_BYTES = 256 << 20, PLAN_BYTES = 1 << 20, STACK_FACTOR = 4 /* sanitizers' frames are larger */ };

static vonk_connect_backend backend;
static vonk_connect_server server; /* as much of one as plans need */

static void require(bool holds)
{
    if (!holds) abort();
}

static void check_error(const vonk_error *err)
{
    require(err->cls != VONK_OK);
    require(vonk_error_condition(err)[0] != 0 || vonk_error_get_family(err) == VONK_FAMILY_JAVA_ARGUMENT);
    require(vonk_error_message(err)[0] != 0);
}

static int message_of(uint8_t flags) { return flags & 1 ? PB_M_ANALYZE_PLAN_REQUEST : PB_M_EXECUTE_PLAN_REQUEST; }

/* Some relations ask for rows while they are analysed (a transposed frame has its values as names). Nobody can cancel
 * that here, so such a message over a long range is not looked at. */
static bool runs_long(int message, vonk_str text)
{
    static pb_tree tree;
    bool runs = false, is_long = false;
    pb_parse(&vonk_pb_connect, message, (const uint8_t *)text.data, text.len, &tree);
    for (uint32_t i = 1; i < tree.n; i++) {
        const pb_node *node = &tree.nodes[i];
        runs |= node->type == PB_M_TRANSPOSE || node->type == PB_M_AGGREGATE_PIVOT || node->type == PB_M_STAT_CROSSTAB;
        is_long |= tree.nodes[node->parent].type == PB_M_RANGE && node->end - node->at > 2; /* of 14 bits and more */
    }
    return runs && is_long;
}

/* ---- one request */

static vonk_status analyze(vonk_connect_session *client, const vonk_pb_msg *request, vonk_arena *arena, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    vonk_buf_init(&out, server.budget, SIZE_MAX);
    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, &out, err);
    VONK_TRY(backend.analyze(backend.self, client, request, arena, &w, err));
    return vonk_pb_writer_end(&w);
}

static vonk_status execute(vonk_connect_session *client, const vonk_pb_msg *request, vonk_arena *arena, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL, *resolved = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    const vonk_pb_msg *m = NULL;
    vonk__connect_request r;
    vonk_buf_init(&out, server.budget, SIZE_MAX);
    VONK_TRY(vonk_connect_plan(client, vonk_pb_get_msg(request, PB_EXECUTE_PLAN_REQUEST_PLAN), arena, &m, err));
    vonk__connect_open_request(&r, client, arena);
    if (vonk_pb_which(m, PB_PLAN_OP_TYPE_ONEOF) == PB_PLAN_ROOT)
        VONK_TRY(vonk_translate_relation(&r.translator, vonk_pb_get_msg(m, PB_PLAN_ROOT), &plan, err));
    else if (vonk_pb_which(m, PB_PLAN_OP_TYPE_ONEOF) == PB_PLAN_COMMAND)
        VONK_TRY(vonk_translate_command(&r.translator, vonk_pb_get_msg(m, PB_PLAN_COMMAND), &plan, err));
    if (!plan) return VONK_OK; /* commands that are no plans */
    VONK_TRY(vonk_session_analyze(r.state->session, plan, &resolved, err));
    for (uint32_t i = 0; i < resolved->n_output; i++) require(resolved->output[i]->type != NULL);
    VONK_TRY(vonk_session_explain(r.state->session, plan, VONK_STR("extended"), &out, err));
    return run_bounded(r.state->session, resolved, err);
}

static vonk_status answer(vonk_connect_session *client, uint8_t flags, vonk_str text, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_pb_msg *request = NULL;
    if (runs_long(message_of(flags), text)) return VONK_OK;
    VONK_TRY(vonk_arena_new(server.budget, &arena, err));
    VONK_TRY(vonk_pb_decode(&vonk_pb_connect, message_of(flags), text, VONK_PB_MAX_DEPTH, arena, &request, err));
    return flags & 1 ? analyze(client, request, arena, err) : execute(client, request, arena, err);
}

static void set_up(void)
{
    static vonk_engine *engine;
    vonk_error err = VONK_ERROR_INIT;
    const vonk_engine_options options = {.memory_bytes = MEMORY_BYTES, .n_threads = 1};
    if (engine) return;
    require(vonk_engine_new(&options, &engine, &err) == VONK_OK);
    vonk_connect_engine_backend(engine, &backend);
    server.budget = vonk_engine_budget(engine);
    server.backend = &backend;
    server.max_plan_bytes = PLAN_BYTES;
}

static void one_input(const uint8_t *data, size_t bytes)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_connect_session client = {.server = &server, .user = VONK_STR("fuzz"), .id = VONK_STR("fuzz")};
    const vonk_str key = VONK_STR("spark.sql.ansi.enabled");
    set_up();
    vonk_mutex_init(&client.lock);
    require(backend.session_new(backend.self, client.user, &client.backend, &err) == VONK_OK);
    if (data[0] & 2) require(backend.conf_set(backend.self, client.backend, key, VONK_STR("false"), &err) == VONK_OK);
    vonk_str text = {(const char *)data + 1, bytes - 1};
    if (answer(&client, data[0], text, &err) != VONK_OK) check_error(&err);
    vonk_error_reset(&err);
    backend.session_free(backend.self, client.backend);
    vonk_mutex_done(&client.lock);
}

/* ---- plans are walked on threads with a large stack, as in the server */

static struct {
    sem_t given, done;
    const uint8_t *data;
    size_t bytes;
} job;

static void *work(void *arg)
{
    for (;;) {
        while (sem_wait(&job.given) != 0) {
        }
        one_input(job.data, job.bytes);
        sem_post(&job.done);
    }
    return arg;
}

static void start_worker(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    require(sem_init(&job.given, 0, 0) == 0 && sem_init(&job.done, 0, 0) == 0);
    require(pthread_attr_init(&attributes) == 0);
    require(pthread_attr_setstacksize(&attributes, (size_t)STACK_FACTOR * VONK_STACK_PLAN) == 0);
    require(pthread_create(&thread, &attributes, work, NULL) == 0);
    pthread_attr_destroy(&attributes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool is_started;
    if (bytes == 0) return 0;
    if (!is_started) start_worker();
    is_started = true;
    job.data = data;
    job.bytes = bytes;
    sem_post(&job.given);
    while (sem_wait(&job.done) != 0) {
    }
    return 0;
}

/* ---- mutating */

#ifdef VONK_FUZZ
enum { MOST_BYTES = 1 << 18 };
static pb_out outs[4];

static size_t mutate(uint8_t *data, size_t bytes, size_t most, const pb_tree *other, unsigned seed)
{
    for (int i = 0; i < 4 && !outs[i].at; i++)
        outs[i] = (pb_out){.at = malloc(MOST_BYTES), .room = MOST_BYTES}; /* for good */
    return 1 + pb_mutate(&vonk_pb_connect, message_of(data[0]), data + 1, bytes - 1, most - 1, other, seed, &outs[0],
                         &outs[1], &outs[2], &outs[3]);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned seed)
{
    if (bytes < 2 || seed % 16 == 0) return LLVMFuzzerMutate(data, bytes, most);
    return mutate(data, bytes, most, NULL, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes, uint8_t *out,
                                 size_t most, unsigned seed)
{
    static pb_tree other;
    if (a_bytes < 2 || b_bytes < 2 || a_bytes > most) return 0;
    memcpy(out, a, a_bytes);
    pb_parse(&vonk_pb_connect, message_of(b[0]), b + 1, b_bytes - 1, &other);
    return mutate(out, a_bytes, most, &other, seed);
}
#endif
