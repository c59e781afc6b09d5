/* source/write_task.c -- jobs and tasks: rows go to the files of their partition folder, a new file at each change of
 * folder and when one has its most rows. */
#include "base/vec.h"
#include "func/cast.h"
#include "source/write_int.h"
#include "sys/entropy.h"
#include "text/number.h"

struct vonk_write_task {
    vonk_write_job *job;
    vonk_budget *budget;
    uint32_t partition, counter;
    vonk_buf folder, wanted, path; /* folder: "a=1/b=2", of the open file; wanted: of the rows that come */
    vonk_file *file;
    vonk_bytes_out out;
    void *writer;
    uint64_t file_rows, file_bytes;
    vonk_batch *last; /* one row: the partition values that `wanted` stands for */
};

/* ---- jobs */

static vonk_status option_rows(const vonk_conf *conf, const vonk_write_info *info, int64_t *ret, vonk_error *err)
{
    vonk_str text = vonk__option(info->name.options, info->name.n_options, "maxRecordsPerFile");
    *ret = vonk_conf_i64(conf, "spark.sql.files.maxRecordsPerFile");
    if (!text.data || vonk_text_to_i64(text, false, INT64_MIN, INT64_MAX, ret)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_REQUIREMENT_FAILED, "requirement",
                     VONK_F("maxRecordsPerFile is a whole number, not %.*s", VONK_STR_ARGS(text)));
}

static vonk_status open_job(vonk_write_job *job, const vonk_conf *conf, vonk_error *err)
{
    const vonk_write_info *info = job->info;
    VONK_TRY(vonk_arena_new(job->budget, &job->arena, err));
    VONK_TRY(vonk__write_format_of(conf, info, &job->format, err));
    VONK_TRY(vonk__local_path(job->arena, vonk__write_path(info), &job->target, err));
    VONK_TRY(vonk__write_columns_of(job->arena, job->env, info, job->format, &job->columns, err));
    VONK_TRY(job->format->settle(job->arena, conf, info, &job->settings, &job->extension, err));
    VONK_TRY(option_rows(conf, info, &job->most_rows, err));
    vonk_str mark = vonk_conf_get_set(conf, VONK_STR("mapreduce.fileoutputcommitter.marksuccessfuljobs"));
    job->mark_success = !vonk_str_is_nocase(mark, "false");
    job->overwrite = vonk_str_is(info->mode, "overwrite");
    VONK_TRY(vonk__write_is_dynamic(conf, info, &job->dynamic, err));
    vonk_random_uuid(job->id);
    return vonk__write_stage(job, err);
}

vonk_status vonk_write_job_new(vonk_budget *budget, const vonk_conf *conf, const vonk_fn_env *env,
                               const vonk_write_info *info, vonk_write_job **ret, vonk_error *err)
{
    VONK_AUTO(vonk_write_job_free) vonk_write_job *job = NULL;
    VONK_TRY(VONK_NEW(budget, &job, err));
    job->budget = budget;
    job->env = env;
    job->info = info;
    VONK_TRY(open_job(job, conf, err));
    *ret = VONK_STEAL(job);
    return VONK_OK;
}

void vonk_write_job_free(vonk_write_job *job)
{
    if (!job) return;
    vonk__write_unstage(job);
    vonk_file_free(job->lock);
    vonk_arena_free(job->arena);
    vonk_free(job);
}

void vonk_write_job_counts(const vonk_write_job *job, uint64_t *ret_files, uint64_t *ret_rows, uint64_t *ret_bytes)
{
    *ret_files = atomic_load(&job->n_files);
    *ret_rows = atomic_load(&job->n_rows);
    *ret_bytes = atomic_load(&job->n_bytes);
}

/* ---- files of a task */

static vonk_status append(void *self, const void *data, size_t bytes, vonk_error *err)
{
    vonk_write_task *t = self;
    t->file_bytes += bytes;
    return vonk_file_write(t->file, data, bytes, err);
}

static vonk_status end_file(vonk_write_task *t, vonk_error *err)
{
    if (!t->writer) return VONK_OK;
    VONK_TRY(t->job->format->end(t->writer, err));
    t->job->format->free(VONK_STEAL(t->writer));
    VONK_TRY(vonk_file_close(VONK_STEAL(t->file), err));
    atomic_fetch_add(&t->job->n_files, 1);
    atomic_fetch_add(&t->job->n_rows, t->file_rows);
    atomic_fetch_add(&t->job->n_bytes, t->file_bytes);
    return VONK_OK;
}

/* Spark's names: part-00007-<id>-c000, with a dot before the counter in partition folders. */
static vonk_status start_file(vonk_write_task *t, vonk_error *err)
{
    const vonk_write_job *job = t->job;
    const bool folders = job->columns.n_partition > 0;
    bool is_there = folders; /* values that differ may have one text: the folder was left before */
    vonk_buf_reset(&t->path);
    VONK_TRY(vonk_buf_add_str(&t->path, job->staging, err));
    if (folders) {
        VONK_TRY(vonk_buf_printf(&t->path, err, "/%.*s", (int)t->folder.len, t->folder.data));
        VONK_TRY(vonk_dir_make(vonk_buf_str(&t->path), err));
    }
    for (size_t end = t->path.len;; t->counter++) {
        t->path.len = end;
        VONK_TRY(vonk_buf_printf(&t->path, err, "/part-%05u-%s%cc%03u%.*s", t->partition, job->id, folders ? '.' : '-',
                                 t->counter, VONK_STR_ARGS(job->extension)));
        if (is_there) VONK_TRY(vonk_file_exists(vonk_buf_str(&t->path), &is_there, err));
        if (!is_there) break;
    }
    VONK_TRY(vonk_file_open(t->budget, vonk_buf_str(&t->path), VONK_FILE_CREATE, &t->file, err));
    t->out = (vonk_bytes_out){.self = t, .append = append};
    t->file_rows = t->file_bytes = 0;
    if (t->partition == 0) atomic_store(&t->job->wrote_first, true);
    return job->format->open(t->budget, job->settings, job->columns.schema, &t->out, &t->writer, err);
}

static vonk_status put_rows(vonk_write_task *t, const vonk_batch *rows, vonk_error *err)
{
    const uint64_t most = t->job->most_rows > 0 ? (uint64_t)t->job->most_rows : UINT64_MAX;
    for (uint32_t at = 0; at < rows->n_sel;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *piece = NULL;
        if (t->writer && t->file_rows >= most) {
            VONK_TRY(end_file(t, err));
            t->counter++;
        }
        if (!t->writer) VONK_TRY(start_file(t, err));
        uint64_t n = rows->n_sel - at;
        if (n > most - t->file_rows) n = most - t->file_rows;
        if (n == rows->n_sel)
            piece = vonk_batch_ref(rows);
        else
            VONK_TRY(vonk_batch_slice(rows, at, (uint32_t)n, &piece, err));
        VONK_TRY(t->job->format->put(t->writer, piece, err));
        t->file_rows += n;
        at += (uint32_t)n;
    }
    return VONK_OK;
}

/* ---- partition folders */

static vonk_status folder_of(vonk_write_task *t, const vonk_batch *values, uint32_t row, vonk_error *err)
{
    const vonk_write_job *job = t->job;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, t->budget, SIZE_MAX);
    vonk_buf_reset(&t->wanted);
    for (uint32_t i = 0; i < job->columns.n_partition; i++) {
        vonk_buf_reset(&text);
        if (i > 0) VONK_TRY(vonk_buf_add_byte(&t->wanted, '/', err));
        VONK_TRY(vonk__escape_name(job->info->partition_by[i], &t->wanted, err));
        VONK_TRY(vonk_buf_add_byte(&t->wanted, '=', err));
        VONK_TRY(vonk_cast_row_text(job->env, values->columns[i], row, &text, err));
        VONK_TRY(vonk__escape_name(vonk_buf_str(&text), &t->wanted, err)); /* nothing at all: a null */
    }
    return VONK_OK;
}

static bool equal_values(const vonk_batch *a, uint32_t a_row, const vonk_batch *b, uint32_t b_row)
{
    for (uint32_t i = 0; i < a->n_columns; i++)
        if (!vonk_column_row_eq(a->columns[i], a_row, b->columns[i], b_row)) return false;
    return true;
}

static uint32_t physical(const vonk_batch *b, uint32_t k) { return b->sel ? b->sel[k] : k; }

/* Columns of a batch under its selection. */
static vonk_status choose(vonk_write_task *t, const vonk_batch *in, const uint32_t *columns, uint32_t n,
                          vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *all = NULL;
    vonk_column **chosen = NULL;
    VONK_TRY(vonk_alloc_array(t->budget, n + 1, sizeof *chosen, &chosen, err));
    for (uint32_t i = 0; i < n; i++) chosen[i] = in->columns[columns[i]];
    vonk_status st = vonk_batch_new(t->budget, in->n_rows, chosen, n, &all, err);
    vonk_free(chosen);
    VONK_TRY(st);
    return vonk_batch_select(all, in->sel_buffer ? vonk_buffer_ref(in->sel_buffer) : NULL, in->n_sel, ret, err);
}

static vonk_status put_run(vonk_write_task *t, const vonk_batch *data, const vonk_batch *values, uint32_t from,
                           uint32_t n, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *piece = NULL;
    if (!t->last || !equal_values(t->last, 0, values, physical(values, from))) {
        vonk_batch_unref(t->last);
        t->last = NULL;
        VONK_TRY(folder_of(t, values, physical(values, from), err));
        VONK_TRY(vonk_batch_slice(values, from, 1, &t->last, err));
        if (!t->writer || !vonk_str_eq(vonk_buf_str(&t->wanted), vonk_buf_str(&t->folder))) {
            VONK_TRY(end_file(t, err));
            t->counter = 0;
            vonk_buf_reset(&t->folder);
            VONK_TRY(vonk_buf_add_str(&t->folder, vonk_buf_str(&t->wanted), err));
        }
    }
    VONK_TRY(vonk_batch_slice(data, from, n, &piece, err));
    return put_rows(t, piece, err);
}

static vonk_status put_partitioned(vonk_write_task *t, const vonk_batch *in, const vonk_batch *data, vonk_error *err)
{
    const write_columns *columns = &t->job->columns;
    VONK_AUTO(vonk_batch_unref) vonk_batch *chosen = NULL, *values = NULL;
    VONK_TRY(choose(t, in, columns->partition, columns->n_partition, &chosen, err));
    VONK_TRY(vonk_batch_compact(chosen, &values, err));
    for (uint32_t from = 0, to = 0; from < values->n_sel; from = to) {
        for (to = from + 1; to < values->n_sel && equal_values(values, from, values, to);) to++;
        VONK_TRY(put_run(t, data, values, from, to - from, err));
    }
    return VONK_OK;
}

/* ---- tasks */

vonk_status vonk_write_task_new(vonk_write_job *job, vonk_budget *budget, uint32_t partition, vonk_write_task **ret,
                                vonk_error *err)
{
    vonk_write_task *t = NULL;
    VONK_TRY(VONK_NEW(budget, &t, err));
    t->job = job;
    t->budget = budget;
    t->partition = partition;
    vonk_buf_init(&t->folder, budget, SIZE_MAX);
    vonk_buf_init(&t->wanted, budget, SIZE_MAX);
    vonk_buf_init(&t->path, budget, SIZE_MAX);
    *ret = t;
    return VONK_OK;
}

vonk_status vonk_write_task_put(vonk_write_task *t, const vonk_batch *batch, vonk_error *err)
{
    const write_columns *columns = &t->job->columns;
    VONK_AUTO(vonk_batch_unref) vonk_batch *data = NULL;
    if (columns->n_partition == 0) return put_rows(t, batch, err);
    VONK_TRY(choose(t, batch, columns->data, columns->n_data, &data, err));
    return put_partitioned(t, batch, data, err);
}

vonk_status vonk_write_task_end(vonk_write_task *t, vonk_error *err) { return end_file(t, err); }

void vonk_write_task_free(vonk_write_task *t)
{
    if (!t) return;
    if (t->writer) t->job->format->free(t->writer);
    vonk_file_free(t->file);
    vonk_batch_unref(t->last);
    vonk_buf_done(&t->folder);
    vonk_buf_done(&t->wanted);
    vonk_buf_done(&t->path);
    vonk_free(t);
}

/* ---- commit */

/* Partition 0 has a file even without rows, so that there is a schema to read. */
static vonk_status empty_file(vonk_write_job *job, vonk_error *err)
{
    VONK_AUTO(vonk_write_task_free) vonk_write_task *t = NULL;
    VONK_TRY(vonk_write_task_new(job, job->budget, 0, &t, err));
    VONK_TRY(start_file(t, err));
    return end_file(t, err);
}

vonk_status vonk_write_job_commit(vonk_write_job *job, vonk_error *err)
{
    if (job->columns.n_partition == 0 && !atomic_load(&job->wrote_first)) VONK_TRY(empty_file(job, err));
    return vonk__write_publish(job, err);
}
