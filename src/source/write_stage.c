/* source/write_stage.c -- where files of a job lie until they are published, and how they get their names.
 *
 *   place    staging folder             commit
 *   NEW      <above>/.<name>.vonk-<id>  renamed to the path
 *   SWAP     <above>/.<name>.vonk-<id>  exchanged with the path; what was there goes
 *   INSIDE   <path>/_vonk-<id>          names move into the path: files (append), partition folders (dynamic), or
 * everything (a path that cannot be renamed)
 *
 * <above>: the nearest folder that exists. A lock file tells living staging folders from dead ones. */
#include "base/vec.h"
#include "source/write_int.h"
#include "sys/clock.h"

#define MOST_DEPTH 256
#define YOUNG_US INT64_C(10000000)

static vonk_str last_name(vonk_str path)
{
    size_t at = path.len;
    while (at > 0 && path.data[at - 1] != '/') at--;
    return vonk_str_sub(path, at, path.len);
}

static vonk_str folder_above(vonk_str path)
{
    size_t at = path.len;
    while (at > 0 && path.data[at - 1] != '/') at--;
    return vonk_str_sub(path, 0, at > 1 ? at - 1 : at);
}

/* ---- staging folders */

static void remove_quietly(vonk_str path)
{
    vonk_error ignored = VONK_ERROR_INIT;
    if (vonk_dir_remove_tree(path, &ignored) != VONK_OK)
        vonk_error_reset(&ignored); /* hidden: the next write tries again */
}

/* Staging folders that nobody holds. */
static void remove_dead(const vonk_write_job *job, vonk_str above, vonk_str prefix)
{
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    vonk_dir_entry *entries = NULL;
    size_t n = 0;
    if (vonk_arena_new(job->budget, &scratch, &ignored) != VONK_OK ||
        vonk_dir_list(scratch, above, &entries, &n, &ignored) != VONK_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        vonk_str path, lock_path;
        vonk_file_info info;
        vonk_file *lock = NULL;
        if (entries[i].info.kind != VONK_FILE_DIRECTORY || !vonk_str_starts(entries[i].name, prefix)) continue;
        if (vonk_path_join(scratch, above, entries[i].name, &path, &ignored) != VONK_OK) return;
        if (vonk_path_join(scratch, path, VONK_STR(WRITE_LOCK_NAME), &lock_path, &ignored) != VONK_OK) return;
        if (vonk_file_stat(lock_path, &info, &ignored) != VONK_OK) { /* being made, or being published */
            vonk_error_reset(&ignored);
            continue;
        }
        if (vonk_clock_wall_us() - info.mtime_us < YOUNG_US) continue; /* made, but perhaps not yet locked */
        if (vonk_file_try_lock(job->budget, lock_path, &lock, &ignored) != VONK_OK) return;
        if (!lock) continue;
        remove_quietly(path);
        vonk_file_free(lock);
    }
}

static vonk_status make_staging(vonk_write_job *job, vonk_str above, vonk_str prefix, vonk_error *err)
{
    vonk_str lock;
    remove_dead(job, above, prefix);
    VONK_TRY(vonk_arena_printf(job->arena, &job->staging, err, "%.*s/%.*s%s", VONK_STR_ARGS(above),
                               VONK_STR_ARGS(prefix), job->id));
    VONK_TRY(vonk_path_join(job->arena, job->staging, VONK_STR(WRITE_LOCK_NAME), &lock, err));
    vonk_status st = vonk_dir_make(job->staging, err);
    if (st == VONK_OK) st = vonk_file_try_lock(job->budget, lock, &job->lock, err);
    if (st != VONK_OK) {
        remove_quietly(job->staging);
        job->staging = VONK_STR_NONE;
    }
    return st;
}

static vonk_status stage_beside(vonk_write_job *job, vonk_str above, vonk_error *err)
{
    vonk_str prefix, name = last_name(job->target);
    if (name.len > 180) name.len = 180; /* the whole name must stay below 255 bytes */
    VONK_TRY(vonk_arena_printf(job->arena, &prefix, err, ".%.*s.vonk-", VONK_STR_ARGS(name)));
    VONK_TRY(vonk_arena_printf(job->arena, &job->aside, err, "%.*s/.%.*s.old-%s", VONK_STR_ARGS(above),
                               VONK_STR_ARGS(name), job->id));
    return make_staging(job, above, prefix, err);
}

static vonk_status stage_inside(vonk_write_job *job, vonk_error *err)
{
    job->place = PLACE_INSIDE;
    VONK_TRY(vonk_arena_printf(job->arena, &job->aside, err, "%.*s/_old-%s", VONK_STR_ARGS(job->target), job->id));
    return make_staging(job, job->target, VONK_STR("_vonk-"), err);
}

/* Can the path itself be renamed? Not when it is where a device is mounted, or in a folder of somebody else. */
static vonk_status stage_swap(vonk_write_job *job, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    vonk_file_info here, above;
    job->place = PLACE_SWAP;
    VONK_TRY(vonk_file_stat(job->target, &here, err));
    VONK_TRY(vonk_file_stat(folder_above(job->target), &above, err));
    if (here.device == above.device && job->target.len > 1 &&
        stage_beside(job, folder_above(job->target), &why) == VONK_OK)
        return VONK_OK;
    return stage_inside(job, err);
}

vonk_status vonk__write_stage(vonk_write_job *job, vonk_error *err)
{
    vonk_str above = job->target;
    bool is_there = false;
    VONK_TRY(vonk_file_exists(job->target, &is_there, err));
    if (is_there && job->overwrite && !job->dynamic) return stage_swap(job, err);
    if (is_there) return stage_inside(job, err);
    job->place = PLACE_NEW;
    while (!is_there && above.len > 1) {
        above = folder_above(above);
        VONK_TRY(vonk_file_exists(above, &is_there, err));
    }
    return stage_beside(job, above, err);
}

void vonk__write_unstage(vonk_write_job *job)
{
    if (job->staging.len > 0) remove_quietly(job->staging);
}

/* ---- moves that can be taken back */

typedef struct moved {
    vonk_str from, to;
    bool exchanged;
} moved;
typedef struct moves {
    vonk_write_job *job;
    VONK_VEC(moved) done;
    VONK_VEC(vonk_str) made; /* folders */
} moves;

static void take_back(moves *m)
{
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    bool done = false;
    while (m->done.n > 0) {
        const moved *last = &m->done.at[--m->done.n];
        if (last->exchanged)
            (void)vonk_file_exchange(last->from, last->to, &done, &ignored);
        else
            (void)vonk_file_rename(last->to, last->from, &ignored);
        vonk_error_reset(&ignored);
    }
    while (m->made.n > 0) {
        (void)vonk_file_remove(m->made.at[--m->made.n], NULL, &ignored);
        vonk_error_reset(&ignored);
    }
}

static vonk_status move(moves *m, vonk_str from, vonk_str to, vonk_error *err)
{
    moved one = {from, to, false};
    VONK_TRY(VONK_VEC_ARENA_PUSH(&m->done, m->job->arena, one, err));
    vonk_status st = vonk_file_rename(from, to, err);
    if (st != VONK_OK) m->done.n--;
    return st;
}

static vonk_status make_folder(moves *m, vonk_str path, vonk_error *err)
{
    bool is_there = false;
    VONK_TRY(vonk_file_exists(path, &is_there, err));
    if (is_there) return VONK_OK;
    VONK_TRY(vonk_dir_make(path, err));
    return VONK_VEC_ARENA_PUSH(&m->made, m->job->arena, path, err);
}

static bool is_lock(const vonk_dir_entry *e) { return vonk_str_is(e->name, WRITE_LOCK_NAME); }

/* Files one by one, folders as needed. */
static vonk_status move_files(moves *m, vonk_str from, vonk_str to, uint32_t depth, vonk_error *err)
{
    vonk_dir_entry *entries = NULL;
    size_t n = 0;
    assert(depth < MOST_DEPTH);
    VONK_TRY(vonk_dir_list(m->job->arena, from, &entries, &n, err));
    for (size_t i = 0; i < n; i++) {
        vonk_str a, b;
        if (depth == 0 && is_lock(&entries[i])) continue;
        VONK_TRY(vonk_path_join(m->job->arena, from, entries[i].name, &a, err));
        VONK_TRY(vonk_path_join(m->job->arena, to, entries[i].name, &b, err));
        if (entries[i].info.kind == VONK_FILE_DIRECTORY) {
            VONK_TRY(make_folder(m, b, err));
            VONK_TRY(move_files(m, a, b, depth + 1, err));
        } else {
            VONK_TRY(move(m, a, b, err));
        }
    }
    return VONK_OK;
}

/* A partition folder takes the place of the old one, which lands in the staging folder. */
static vonk_status replace_folder(moves *m, vonk_str from, vonk_str to, vonk_error *err)
{
    bool is_there = false, done = false;
    vonk_str old;
    VONK_TRY(vonk_file_exists(to, &is_there, err));
    if (!is_there) return move(m, from, to, err);
    moved one = {from, to, true};
    VONK_TRY(VONK_VEC_ARENA_PUSH(&m->done, m->job->arena, one, err));
    vonk_status st = vonk_file_exchange(from, to, &done, err);
    if (st != VONK_OK || !done) m->done.n--;
    if (st != VONK_OK || done) return st;
    VONK_TRY(vonk_arena_printf(m->job->arena, &old, err, "%.*s.old", VONK_STR_ARGS(from)));
    VONK_TRY(move(m, to, old, err));
    return move(m, from, to, err);
}

static vonk_status replace_folders(moves *m, vonk_str from, vonk_str to, uint32_t depth, vonk_error *err)
{
    vonk_dir_entry *entries = NULL;
    size_t n = 0;
    assert(depth < MOST_DEPTH);
    VONK_TRY(vonk_dir_list(m->job->arena, from, &entries, &n, err));
    for (size_t i = 0; i < n; i++) {
        vonk_str a, b;
        if (entries[i].info.kind != VONK_FILE_DIRECTORY) continue; /* the lock */
        VONK_TRY(vonk_path_join(m->job->arena, from, entries[i].name, &a, err));
        VONK_TRY(vonk_path_join(m->job->arena, to, entries[i].name, &b, err));
        if (depth + 1 == m->job->columns.n_partition) {
            VONK_TRY(replace_folder(m, a, b, err));
        } else {
            VONK_TRY(make_folder(m, b, err));
            VONK_TRY(replace_folders(m, a, b, depth + 1, err));
        }
    }
    return VONK_OK;
}

/* Everything in the path gives way; other staging folders stay. */
static vonk_status replace_content(moves *m, vonk_error *err)
{
    vonk_write_job *job = m->job;
    vonk_dir_entry *entries = NULL;
    size_t n = 0;
    VONK_TRY(vonk_dir_list(job->arena, job->target, &entries, &n, err));
    VONK_TRY(vonk_dir_make(job->aside, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&m->made, job->arena, job->aside, err));
    for (size_t i = 0; i < n; i++) {
        vonk_str from, to;
        if (vonk_str_starts(entries[i].name, VONK_STR("_vonk-")) || vonk_str_starts(entries[i].name, VONK_STR("_old-")))
            continue;
        VONK_TRY(vonk_path_join(job->arena, job->target, entries[i].name, &from, err));
        VONK_TRY(vonk_path_join(job->arena, job->aside, entries[i].name, &to, err));
        VONK_TRY(move(m, from, to, err));
    }
    return move_files(m, job->staging, job->target, 0, err);
}

/* ---- commit */

static vonk_status mark(const vonk_write_job *job, vonk_str folder, vonk_error *err)
{
    VONK_AUTO(vonk_file_free) vonk_file *file = NULL;
    vonk_str path;
    if (!job->mark_success) return VONK_OK;
    VONK_TRY(vonk_path_join(job->arena, folder, VONK_STR("_SUCCESS"), &path, err));
    VONK_TRY(vonk_file_open(job->budget, path, VONK_FILE_REPLACE, &file, err));
    return vonk_file_close(VONK_STEAL(file), err);
}

static vonk_status publish_inside(vonk_write_job *job, vonk_error *err)
{
    moves m = {.job = job};
    vonk_status st = job->dynamic     ? replace_folders(&m, job->staging, job->target, 0, err)
                     : job->overwrite ? replace_content(&m, err)
                                      : move_files(&m, job->staging, job->target, 0, err);
    if (st == VONK_OK) st = mark(job, job->target, err);
    if (st != VONK_OK) {
        take_back(&m);
        return st;
    }
    remove_quietly(job->staging);
    if (job->overwrite && !job->dynamic) remove_quietly(job->aside);
    return VONK_OK;
}

/* The staging folder is going to be the path: it loses its lock's name. */
static vonk_status bare(vonk_write_job *job, vonk_error *err)
{
    vonk_str path;
    VONK_TRY(mark(job, job->staging, err));
    VONK_TRY(vonk_path_join(job->arena, job->staging, VONK_STR(WRITE_LOCK_NAME), &path, err));
    return vonk_file_remove(path, NULL, err);
}

static vonk_status publish_swap(vonk_write_job *job, vonk_error *err)
{
    bool done = false;
    VONK_TRY(bare(job, err));
    VONK_TRY(vonk_file_exchange(job->staging, job->target, &done, err));
    if (done) {
        remove_quietly(job->staging); /* holds what was there */
        return VONK_OK;
    }
    moves m = {.job = job};
    vonk_status st = move(&m, job->target, job->aside, err);
    if (st == VONK_OK) st = move(&m, job->staging, job->target, err);
    if (st != VONK_OK)
        take_back(&m);
    else
        remove_quietly(job->aside);
    return st;
}

/* Somebody else was faster: as the mode says about a path that is there. */
static vonk_status publish_late(vonk_write_job *job, vonk_error *err)
{
    moves m = {.job = job};
    vonk_str shown;
    if (vonk_str_is(job->info->mode, "ignore")) return VONK_OK;
    if (vonk_str_is(job->info->mode, "error")) {
        VONK_TRY(vonk__show_path(job->arena, job->target, &shown, err));
        return VONK_FAIL(err, VONK_E_PATH_ALREADY_EXISTS, "outputPath", VONK_S(shown));
    }
    if (job->overwrite && !job->dynamic) return publish_swap(job, err);
    vonk_status st = job->dynamic ? replace_folders(&m, job->staging, job->target, 0, err)
                                  : move_files(&m, job->staging, job->target, 0, err);
    if (st != VONK_OK) take_back(&m);
    return st;
}

static vonk_status publish_new(vonk_write_job *job, vonk_error *err)
{
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    bool is_there = false;
    VONK_TRY(vonk_dir_make(folder_above(job->target), err));
    VONK_TRY(vonk_file_exists(job->target, &is_there, err));
    if (!is_there) {
        VONK_TRY(bare(job, err));
        vonk_status st = vonk_file_rename(job->staging, job->target, &why);
        if (st == VONK_OK) return VONK_OK;
        VONK_TRY(vonk_file_exists(job->target, &is_there, err));
        if (!is_there) {
            vonk_error_move(err, &why);
            return st;
        }
    }
    return publish_late(job, err);
}

vonk_status vonk__write_publish(vonk_write_job *job, vonk_error *err)
{
    switch (job->place) {
    case PLACE_NEW: VONK_TRY(publish_new(job, err)); break;
    case PLACE_SWAP: VONK_TRY(publish_swap(job, err)); break;
    case PLACE_INSIDE: VONK_TRY(publish_inside(job, err)); break;
    }
    return VONK_OK;
}
