/* rdd/rdd_save.c -- partitions as files: saveAsTextFile and checkpoints. A task writes into _temporary and renames, so
 * that a folder never holds half a file under a name that counts. */
#include "base/utf8.h"
#include "codec/sequence.h"
#include "rdd/rdd_codec.h"
#include "rdd/rdd_conf.h"

enum { SAVE_BUFFER_BYTES = 1 << 20 };

typedef struct saving {
    const rdd_task *what;
    vonk_file *file;
    vonk_buf raw, packed;
    vonk_compressor *compressor;
} saving;

static vonk_status flush(saving *s, vonk_error *err)
{
    vonk_buf *out = &s->raw;
    if (s->what->codec != VONK_COMPRESS_NONE) {
        vonk_buf_reset(&s->packed);
        VONK_TRY(vonk_compress(s->compressor, s->what->codec, VONK_COMPRESS_LEVEL_DEFAULT, s->raw.data, s->raw.len,
                               &s->packed, err));
        out = &s->packed;
    }
    VONK_TRY(vonk_file_write(s->file, out->data, out->len, err));
    vonk_buf_reset(&s->raw);
    return VONK_OK;
}

static vonk_status saving_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    saving *s = self;
    (void)ret_enough;
    if (s->what->lines) record = vonk_str_sub(record, 4, record.len);
    VONK_TRY(vonk_buf_add_str(&s->raw, record, err));
    if (s->what->lines) VONK_TRY(vonk_buf_add_byte(&s->raw, '\n', err));
    /* gzip and zstd may be written in pieces, each with a head of its own; zlib is one piece. */
    bool whole = s->what->codec == VONK_COMPRESS_ZLIB;
    return !whole && s->raw.len >= SAVE_BUFFER_BYTES ? flush(s, err) : VONK_OK;
}

static vonk_status save_records(saving *s, vonk_rdd *rdd, vonk_task *task, vonk_error *err)
{
    vonk_rdd_sink sink = {.self = s, .put = saving_put};
    VONK_TRY(vonk_compressor_new(task->budget, &s->compressor, err));
    VONK_TRY(vonk_rdd_compute(rdd, task->partition, task, &sink, err));
    VONK_TRY(flush(s, err));
    return vonk_file_close(VONK_STEAL(s->file), err);
}

vonk_status vonk__rdd_save_partition(vonk_rdd *rdd, const rdd_task *what, vonk_task *task, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str from, to, name = VONK_STR("part-");
    saving s = {.what = what};
    VONK_TRY(vonk_arena_new(task->budget, &arena, err));
    VONK_TRY(vonk_arena_printf(arena, &from, err, "%.*s/_temporary/%llu", VONK_STR_ARGS(what->folder),
                               (unsigned long long)task->task_id));
    if (what->options.len) VONK_TRY(vonk__rdd_hadoop_name(what, &name, err));
    VONK_TRY(vonk_arena_printf(arena, &to, err, "%.*s/%.*s%05u%.*s", VONK_STR_ARGS(what->folder), VONK_STR_ARGS(name),
                               task->partition, VONK_STR_ARGS(what->ending)));
    VONK_TRY(vonk_file_open(task->budget, from, VONK_FILE_REPLACE, &s.file, err));
    vonk_buf_init(&s.raw, task->budget, SIZE_MAX);
    vonk_buf_init(&s.packed, task->budget, SIZE_MAX);
    vonk_status st = VONK_OK;
    if (what->options.len) {
        st = vonk__rdd_save_hadoop(rdd, what, task, s.file, err);
        if (st == VONK_OK) st = vonk_file_close(VONK_STEAL(s.file), err);
    } else {
        st = save_records(&s, rdd, task, err);
    }
    vonk_compressor_free(s.compressor);
    vonk_buf_done(&s.raw);
    vonk_buf_done(&s.packed);
    vonk_file_free(s.file);
    return st == VONK_OK ? vonk_file_rename(from, to, err) : st;
}

/* ---- the folder */

static vonk_status begin_folder(const vonk_rdd *rdd, vonk_arena *arena, vonk_str folder, vonk_str *ret_temporary,
                                vonk_error *err)
{
    bool there = false;
    if (!rdd->context->env.overwrites) VONK_TRY(vonk_file_exists(folder, &there, err));
    if (there) return VONK_FAIL(err, VONK_E_PATH_ALREADY_EXISTS, "outputPath", VONK_S(folder));
    VONK_TRY(vonk_path_join(arena, folder, VONK_STR("_temporary"), ret_temporary, err));
    return vonk_dir_make(*ret_temporary, err);
}

vonk_status vonk__rdd_save_folder(vonk_rdd *rdd, const rdd_task *t, const vonk_property *properties,
                                  uint32_t n_properties, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str temporary, success;
    VONK_TRY(vonk_arena_new(rdd->context->budget, &arena, err));
    VONK_TRY(begin_folder(rdd, arena, t->folder, &temporary, err));
    vonk_status st = vonk__rdd_run_all(rdd, t, properties, n_properties, err);
    vonk_error own = VONK_ERROR_INIT;
    vonk_status cleaned = vonk_dir_remove_tree(temporary, st == VONK_OK ? err : &own);
    vonk_error_reset(&own);
    VONK_TRY(st);
    VONK_TRY(cleaned);
    if (t->no_success) return VONK_OK;
    VONK_TRY(vonk_path_join(arena, t->folder, VONK_STR("_SUCCESS"), &success, err));
    return vonk_file_replace(success, "", 0, err);
}

vonk_status vonk_rdd_save_text(vonk_rdd *rdd, vonk_str folder, vonk_str codec, const vonk_property *properties,
                               uint32_t n_properties, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    rdd_task t = {.context = rdd->context->number, .mode = RDD_TASK_SAVE, .lines = true, .folder = folder};
    rdd_output_conf conf;
    if (rdd->elements == VONK_RDD_PAIR || rdd->elements == VONK_RDD_F64)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "text files of pairs or plain numbers");
    VONK_TRY(vonk_arena_new(rdd->context->budget, &arena, err));
    VONK_TRY(vonk__rdd_read_output_conf(rdd->context, NULL, codec, false, arena, &conf, err));
    VONK_TRY(vonk_hadoop_codec(conf.codec, &t.codec, &t.ending, err));
    t.no_success = conf.no_success;
    return vonk__rdd_save_folder(rdd, &t, properties, n_properties, err);
}

/* ---- checkpoints */

vonk_status vonk_rdd_checkpoint(vonk_rdd *rdd, bool local, vonk_error *err)
{
    vonk_rdd_context *context = rdd->context;
    vonk_mutex_lock(&context->lock);
    bool has_folder = context->checkpoint_folder != NULL;
    vonk_mutex_unlock(&context->lock);
    if (!local && !has_folder)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                         "no folder for checkpoints: SparkContext.setCheckpointDir comes first");
    if (local && !vonk_rdd_level(rdd).replication)
        VONK_TRY(vonk_rdd_persist(
            rdd, (vonk_storage_level){.disk = true, .memory = true, .deserialized = true, .replication = 1}, err));
    VONK_LOCKED(&rdd->lock);
    if (rdd->checkpoint != RDD_CP_NONE) return VONK_OK;
    rdd->checkpoint = RDD_CP_WANTED;
    rdd->checkpoint_local = local;
    return VONK_OK;
}

bool vonk_rdd_is_checkpointed(vonk_rdd *rdd)
{
    VONK_LOCKED(&rdd->lock);
    return rdd->checkpoint == RDD_CP_DONE;
}

bool vonk_rdd_is_local_checkpoint(vonk_rdd *rdd)
{
    VONK_LOCKED(&rdd->lock);
    return rdd->checkpoint != RDD_CP_NONE && rdd->checkpoint_local;
}

vonk_status vonk_rdd_checkpoint_path(vonk_rdd *rdd, vonk_buf *out, vonk_error *err)
{
    VONK_LOCKED(&rdd->lock);
    return rdd->checkpoint == RDD_CP_DONE ? vonk_buf_add_str(out, rdd->checkpoint_folder, err) : VONK_OK;
}

static vonk_status save_checkpoint(vonk_rdd *rdd, vonk_str *ret_folder, const vonk_property *properties,
                                   uint32_t n_properties, vonk_error *err)
{
    rdd_task t = {.context = rdd->context->number, .mode = RDD_TASK_SAVE};
    vonk_str temporary;
    vonk_mutex_lock(&rdd->context->lock);
    vonk_status st =
        vonk_arena_printf(rdd->arena, &t.folder, err, "%s/rdd-%u", rdd->context->checkpoint_folder, rdd->id);
    vonk_mutex_unlock(&rdd->context->lock);
    if (st != VONK_OK) return st;
    VONK_TRY(vonk_dir_remove_tree(t.folder, err)); /* of a try that failed */
    VONK_TRY(begin_folder(rdd, rdd->arena, t.folder, &temporary, err));
    VONK_TRY(vonk__rdd_run_all(rdd, &t, properties, n_properties, err));
    *ret_folder = t.folder;
    return vonk_dir_remove_tree(temporary, err);
}

static vonk_status do_checkpoint(vonk_rdd *rdd, const vonk_property *properties, uint32_t n_properties, vonk_error *err)
{
    vonk_str folder = VONK_STR_NONE;
    rdd_task keep = {.context = rdd->context->number, .mode = RDD_TASK_KEEP};
    vonk_status st = VONK_OK;
    if (rdd->checkpoint_local)
        VONK_TRY(vonk__rdd_run_all(rdd, &keep, properties, n_properties, err));
    else
        VONK_TRY(save_checkpoint(rdd, &folder, properties, n_properties, err));
    uint32_t id = vonk__rdd_take_id(rdd->context, err, &st);
    if (st != VONK_OK) return st;
    VONK_LOCKED(&rdd->lock);
    rdd->checkpoint = RDD_CP_DONE;
    rdd->checkpoint_id = id;
    rdd->checkpoint_folder = folder;
    return VONK_OK;
}

vonk_status vonk_rdd_finish(vonk_rdd *rdd, const vonk_property *properties, uint32_t n_properties, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_VEC(vonk_rdd *) seen = {0};
    VONK_TRY(vonk_arena_new(rdd->context->budget, &arena, err));
    VONK_TRY(VONK_VEC_ARENA_PUSH(&seen, arena, rdd, err));
    for (size_t k = 0; k < seen.n; k++) {
        vonk_rdd *at = seen.at[k];
        vonk_mutex_lock(&at->lock);
        rdd_checkpoint_state state = at->checkpoint;
        vonk_mutex_unlock(&at->lock);
        if (state == RDD_CP_WANTED) VONK_TRY(do_checkpoint(at, properties, n_properties, err));
        if (state != RDD_CP_NONE) continue; /* what is below is cut off now */
        for (uint32_t i = 0; i < at->n_parents; i++) {
            bool known = false;
            for (size_t s = 0; s < seen.n && !known; s++) known = seen.at[s] == at->parents[i];
            if (!known) VONK_TRY(VONK_VEC_ARENA_PUSH(&seen, arena, at->parents[i], err));
        }
    }
    return VONK_OK;
}
