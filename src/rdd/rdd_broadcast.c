/* rdd/rdd_broadcast.c -- values that the driver wrote into files: copies of our own, which workers open by their path.
 */
#include "rdd/rdd_int.h"

enum { COPY_BYTES = 1 << 20 };

static vonk_status copy_file(vonk_budget *budget, vonk_str from, vonk_str to, vonk_error *err)
{
    VONK_AUTO(vonk_file_free) vonk_file *in = NULL, *out = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf buf = {0};
    char *bytes = NULL;
    size_t got = 1;
    vonk_buf_init(&buf, budget, SIZE_MAX);
    VONK_TRY(vonk_buf_extend(&buf, COPY_BYTES, &bytes, err));
    VONK_TRY(vonk_file_open(budget, from, VONK_FILE_READ, &in, err));
    VONK_TRY(vonk_file_open(budget, to, VONK_FILE_CREATE, &out, err));
    for (int64_t at = 0; got; at += (int64_t)got) {
        VONK_TRY(vonk_file_read_at(in, at, bytes, COPY_BYTES, &got, err));
        VONK_TRY(vonk_file_write(out, bytes, got, err));
    }
    return vonk_file_close(VONK_STEAL(out), err);
}

static void remove_quietly(vonk_str path)
{
    VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
    if (vonk_file_remove(path, NULL, &own) != VONK_OK) return; /* the folder goes with the process anyway */
}

vonk_status vonk_rdd_broadcast(vonk_rdd_context *c, vonk_str path, uint64_t *ret_id, vonk_error *err)
{
    rdd_broadcast b = {0};
    vonk_mutex_lock(&c->lock);
    b.id = c->next_broadcast++;
    vonk_mutex_unlock(&c->lock);
    const char *name = VONK_F("%s/broadcast-%u-%llu", c->local_folder, c->number, (unsigned long long)b.id);
    vonk_status st = copy_file(c->budget, path, vonk_str_of(name), err);
    if (st == VONK_OK) st = vonk_strdup(c->budget, vonk_str_of(name), &b.path, err);
    vonk_mutex_lock(&c->lock);
    if (st == VONK_OK) st = VONK_VEC_PUSH(&c->broadcasts, c->budget, b, err);
    vonk_mutex_unlock(&c->lock);
    if (st == VONK_OK) {
        *ret_id = b.id;
        return VONK_OK;
    }
    vonk_free(b.path);
    remove_quietly(vonk_str_of(name));
    return st;
}

vonk_status vonk_rdd_broadcast_at(vonk_rdd_context *c, vonk_str path, uint64_t *ret_id, vonk_error *err)
{
    rdd_broadcast b = {.is_kept = true};
    VONK_TRY(vonk_strdup(c->budget, path, &b.path, err));
    vonk_mutex_lock(&c->lock);
    *ret_id = b.id = c->next_broadcast++;
    const vonk_status st = VONK_VEC_PUSH(&c->broadcasts, c->budget, b, err);
    vonk_mutex_unlock(&c->lock);
    if (st != VONK_OK) vonk_free(b.path);
    return st;
}

void vonk_rdd_broadcast_drop(vonk_rdd_context *c, uint64_t id)
{
    char *path = NULL;
    bool is_kept = false;
    vonk_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->broadcasts.n && !path; i++) {
        if (c->broadcasts.at[i].id != id) continue;
        path = c->broadcasts.at[i].path;
        is_kept = c->broadcasts.at[i].is_kept;
        c->broadcasts.at[i] = c->broadcasts.at[--c->broadcasts.n];
    }
    vonk_mutex_unlock(&c->lock);
    if (path && !is_kept) remove_quietly(vonk_str_of(path));
    vonk_free(path);
}

vonk_status vonk_rdd_broadcast_path(vonk_rdd_context *c, uint64_t id, vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    VONK_LOCKED(&c->lock);
    for (size_t i = 0; i < c->broadcasts.n; i++)
        if (c->broadcasts.at[i].id == id) return vonk_arena_str(arena, vonk_str_of(c->broadcasts.at[i].path), ret, err);
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     VONK_F("the broadcast value %llu was destroyed", (unsigned long long)id));
}
