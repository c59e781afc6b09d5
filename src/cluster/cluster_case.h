/* cluster/cluster_case.h -- what the tests of this folder share: a store in a folder of its own, random numbers. */
#ifndef VONK_CLUSTER_CLUSTER_CASE_H
#define VONK_CLUSTER_CLUSTER_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cluster/scheduler.h"
#include "sys/files.h"

typedef struct cluster_case {
    vonk_budget *budget;
    vonk_arena *arena;
    vonk_str folder;
    vonk_block_store *store;
} cluster_case;

#define CASE_OK(call)                                                                                                  \
    do {                                                                                                               \
        if ((call) != VONK_OK) fail_msg("%s: %s", #call, vonk_error_message(&err));                                    \
    } while (0)

static inline void case_open(cluster_case *c, int64_t memory_bytes, bool compress, bool encrypt)
{
    vonk_error err = VONK_ERROR_INIT;
    CASE_OK(vonk_budget_new(vonk_budget_root(), "case", memory_bytes, &c->budget, &err));
    CASE_OK(vonk_arena_new(vonk_budget_root(), &c->arena, &err));
    CASE_OK(vonk_dir_make_temp(c->arena, VONK_STR_NONE, VONK_STR("vonk-cluster-"), &c->folder, &err));
    vonk_block_options options = {.folder = c->folder, .compress = compress, .encrypt = encrypt};
    CASE_OK(vonk_block_store_new(c->budget, &options, &c->store, &err));
}

static inline void case_close(cluster_case *c)
{
    vonk_error err = VONK_ERROR_INIT;
    vonk_block_store_free(c->store);
    vonk_budget_free(c->budget);
    CASE_OK(vonk_dir_remove_tree(c->folder, &err));
    vonk_arena_free(c->arena);
}

/* xorshift: the same numbers for the same seed. */
static inline uint64_t case_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline vonk_storage_level case_level(bool memory, bool disk, bool deserialized)
{
    return (vonk_storage_level){.memory = memory, .disk = disk, .deserialized = deserialized, .replication = 1};
}

#endif
