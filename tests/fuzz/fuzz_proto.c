/* Decodes anything as a Connect message. What is one must come out the same when it is written anew, twice. The first
 * byte picks the message. */
#include <stdlib.h>

#include "net/connect_table.h"
#include "pb_rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const int messages[] = {
    PB_M_EXECUTE_PLAN_REQUEST,
    PB_M_ANALYZE_PLAN_REQUEST,
    PB_M_CONFIG_REQUEST,
    PB_M_ADD_ARTIFACTS_REQUEST,
    PB_M_INTERRUPT_REQUEST,
    PB_M_RELEASE_EXECUTE_REQUEST,
    PB_M_RELATION,
    PB_M_EXPRESSION,
    PB_M_DATA_TYPE,
    PB_M_COMMAND,
    PB_M_EXECUTE_PLAN_RESPONSE,
    PB_M_FETCH_ERROR_DETAILS_RESPONSE,
};

static void require(bool holds)
{
    if (!holds) abort();
}

static void rewrite(const vonk_pb_msg *m, vonk_buf *buf)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_pb_writer w = vonk_pb_writer_of(m->schema, buf, &err);
    vonk_buf_init(buf, vonk_budget_root(), SIZE_MAX);
    pb_rewrite(&w, m);
    require(vonk_pb_writer_end(&w) == VONK_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_arena *arena = NULL;
    vonk_budget *budget = NULL;
    const vonk_pb_msg *m = NULL, *again = NULL;
    if (bytes == 0) return 0;
    int message = messages[data[0] % VONK_COUNTOF(messages)];
    vonk_str text = {(const char *)data + 1, bytes - 1};
    require(vonk_budget_new(vonk_budget_root(), "fuzz", 256 << 20, &budget, &err) == VONK_OK);
    require(vonk_arena_new(budget, &arena, &err) == VONK_OK);
    if (vonk_pb_decode(&vonk_pb_connect, message, text, 200, arena, &m, &err) == VONK_OK) {
        vonk_str raw;
        require(vonk_pb_raw(m, arena, &raw, &err) == VONK_OK && vonk_str_eq(raw, text));
        vonk_buf first = {0}, second = {0};
        rewrite(m, &first);
        require(vonk_pb_decode(&vonk_pb_connect, message, vonk_buf_str(&first), 200, arena, &again, &err) == VONK_OK);
        rewrite(again, &second);
        require(vonk_str_eq(vonk_buf_str(&first), vonk_buf_str(&second)));
        vonk_buf_done(&first);
        vonk_buf_done(&second);
    }
    vonk_error_reset(&err);
    vonk_arena_free(arena);
    vonk_budget_free(budget);
    return 0;
}
