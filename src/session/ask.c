/* session/ask.c -- questions about a plan that doors answer without running it. */
#include <stdlib.h>

#include "session/session_int.h"

/* Spark: a plan is local when it needs no job: rows at hand, or a command. */
bool vonk_session_is_local(const vonk_plan *resolved)
{
    return resolved->kind == VONK_PN_LOCAL || vonk_session_acts(resolved);
}

typedef struct file_search {
    vonk_arena *arena;
    vonk_status (*found)(void *self, vonk_str file, vonk_error *err);
    void *self;
    vonk_error *err;
    vonk_status status;
} file_search;

static vonk_walk note_files(const vonk_plan *p, void *arg)
{
    file_search *s = arg;
    vonk_str *files = NULL;
    uint32_t n = 0;

    if (p->kind != VONK_PN_SCAN || !p->scan.table->cls->files) return VONK_WALK_ON;
    s->status = p->scan.table->cls->files(p->scan.table, s->arena, &files, &n, s->err);
    for (uint32_t i = 0; s->status == VONK_OK && i < n; i++) s->status = s->found(s->self, files[i], s->err);
    return s->status == VONK_OK ? VONK_WALK_ON : VONK_WALK_STOP;
}

vonk_status vonk_session_input_files(const vonk_plan *resolved, vonk_arena *arena,
                                     vonk_status (*found)(void *self, vonk_str file, vonk_error *err), void *self,
                                     vonk_error *err)
{
    file_search s = {.arena = arena, .found = found, .self = self, .err = err};

    vonk_plan_walk(resolved, note_files, &s);
    return s.status;
}

void vonk_storage_level_write(const vonk_storage_facts *facts, char ret_text[VONK_STORAGE_LEVEL_BYTES])
{
    vonk_format(ret_text, VONK_STORAGE_LEVEL_BYTES, "%d %d %d %d %d", facts->disk, facts->memory, facts->off_heap,
                facts->deserialized, facts->replication);
}

void vonk_storage_level_read(const char *text, vonk_storage_facts *ret)
{
    long numbers[5] = {0, 0, 0, 0, 1};
    char *at = (char *)(uintptr_t)text;

    for (size_t i = 0; strcmp(text, "NONE") != 0 && i < VONK_COUNTOF(numbers); i++) numbers[i] = strtol(at, &at, 10);
    *ret = (vonk_storage_facts){.disk = numbers[0] != 0,
                                .memory = numbers[1] != 0,
                                .off_heap = numbers[2] != 0,
                                .deserialized = numbers[3] != 0,
                                .replication = (int32_t)numbers[4]};
}
