/* Commands of Py4J from anything, past the secret: each is answered or ends the connection, nothing is left over. */
#include <stdlib.h>

#include "serve/py4j/py4j_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { MEMORY_BYTES = 64 << 20 };

static void require(bool holds)
{
    if (!holds) abort();
}

typedef struct memory_stream {
    const uint8_t *at, *end;
} memory_stream;

static vonk_status read_memory(void *self, void *into, size_t bytes, size_t *ret_bytes, vonk_error *err)
{
    memory_stream *m = self;
    (void)err;
    *ret_bytes = vonk_min_size(bytes, (size_t)(m->end - m->at));
    if (*ret_bytes) memcpy(into, m->at, *ret_bytes);
    m->at += *ret_bytes;
    return VONK_OK;
}

static vonk_status write_memory(void *self, vonk_str data, vonk_error *err)
{
    (void)self, (void)err;
    require(data.len > 0);
    return VONK_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static vonk_budget *budget;
    static vonk__j_caller caller;
    vonk_error err = VONK_ERROR_INIT;
    vonk__j_machine *machine = NULL;
    memory_stream stream = {data, data + bytes};
    if (!budget) require(vonk_budget_new(vonk_budget_root(), "fuzz", MEMORY_BYTES, &budget, &err) == VONK_OK);
    const vonk_py4j_options options = {.budget = budget, .n_threads = 2};
    require(vonk__j_machine_new(&options, &machine, &err) == VONK_OK);
    vonk__j_caller_init(&caller, machine, (vonk__j_stream){&stream, read_memory, write_memory});
    caller.can_call_back = true;
    const vonk_status status = vonk__j_serve(&caller, &err);
    require(status == VONK_OK || vonk_error_message(&err)[0] != 0);
    vonk_error_reset(&err);
    vonk__j_caller_done(&caller);
    vonk__j_machine_free(machine);
    require(vonk_budget_used(budget) == 0);
    return 0;
}
