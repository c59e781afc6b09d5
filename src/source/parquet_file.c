/* source/parquet_file.c -- open Parquet files and the footers that are remembered. */
#include "base/hash.h"
#include "source/parquet_int.h"

static vonk_status read_at(void *self, uint64_t offset, size_t bytes, void *dst, vonk_error *err)
{
    parquet_file *f = self;
    atomic_fetch_add_explicit(&f->bytes_read, bytes, memory_order_relaxed);
    return vonk_file_read_exact(f->file, (int64_t)offset, dst, bytes, err);
}

vonk_status vonk__parquet_file_open(vonk_budget *budget, const source_file *source, parquet_file *ret, vonk_error *err)
{
    vonk_status st = vonk_file_open(budget, source->path, VONK_FILE_READ, &ret->file, err);
    if (st == VONK_E_PATH_NOT_FOUND) {
        vonk_error_reset(err);
        return VONK_FAIL(err, VONK_E_FAILED_READ_FILE__FILE_NOT_EXIST, "path", VONK_S(source->uri));
    }
    VONK_TRY(st);
    ret->in = (vonk_bytes_in){.self = ret, .size = (uint64_t)source->bytes, .path = source->uri, .read_at = read_at};
    atomic_store(&ret->bytes_read, 0);
    return VONK_OK;
}

void vonk__parquet_file_done(parquet_file *f)
{
    vonk_file_free(f->file);
    f->file = NULL;
}

/* ---- footers */

#define FOOTERS 4096
#define MOST_FOOTER_BYTES (8 << 20) /* of all of them; beyond that, those unused for longest go */
#define FOOTERS_WAYS 4 /* a path may lie in one of that many places; the one unused for longest makes room */

typedef struct footer {
    uint64_t key; /* of path and options */
    char *path;
    int64_t mtime_us, bytes;
    vonk_parquet_meta *meta;
    uint64_t used;
    size_t kept_bytes;
} footer;

static vonk_mutex footers_lock = VONK_MUTEX_INIT;
static footer footers[FOOTERS];
static uint64_t footers_clock;
static size_t footer_bytes;

static uint64_t key_of(const source_file *file, const vonk_parquet_options *options)
{
    const unsigned char bits[] = {options->case_sensitive,
                                  options->binary_as_string,
                                  options->int96_as_timestamp,
                                  options->infer_timestamp_ntz,
                                  options->nanos_as_long,
                                  options->field_ids,
                                  options->ignore_variant_annotation,
                                  options->verify_checksums,
                                  (unsigned char)options->datetime_rebase,
                                  (unsigned char)options->int96_rebase};
    return vonk_hash64(file->path.data, file->path.len, vonk_hash64(bits, sizeof bits, 1));
}

static footer *find(uint64_t key, const source_file *file)
{
    for (uint32_t i = 0; i < FOOTERS_WAYS; i++) {
        footer *f = &footers[(key + i) % FOOTERS];
        if (f->meta && f->key == key && f->mtime_us == file->mtime_us && f->bytes == file->bytes &&
            vonk_str_is(file->path, f->path))
            return f;
    }
    return NULL;
}

static void forget(footer *f)
{
    if (!f->meta) return;
    footer_bytes -= f->kept_bytes;
    vonk_parquet_meta_unref(f->meta);
    vonk_free(f->path);
    *f = (footer){0};
}

/* Until so many bytes fit. Files that are written, read and replaced would fill all places, each with its own footer.
 */
static void make_room(size_t bytes)
{
    while (footer_bytes > 0 && footer_bytes + bytes > MOST_FOOTER_BYTES) {
        footer *oldest = NULL;
        for (uint32_t i = 0; i < FOOTERS; i++)
            if (footers[i].meta && (!oldest || footers[i].used < oldest->used)) oldest = &footers[i];
        if (!oldest) return;
        forget(oldest);
    }
}

/* Optional work: without memory nothing is kept. */
static void keep(uint64_t key, const source_file *file, vonk_parquet_meta *meta)
{
    vonk_error err = VONK_ERROR_INIT;
    footer *oldest = &footers[key % FOOTERS];
    char *path = NULL;
    if (vonk_strdup(vonk_budget_root(), file->path, &path, &err) != VONK_OK) {
        vonk_error_reset(&err);
        return;
    }
    for (uint32_t i = 1; i < FOOTERS_WAYS; i++) {
        footer *f = &footers[(key + i) % FOOTERS];
        if (f->used < oldest->used) oldest = f;
    }
    forget(oldest);
    size_t kept_bytes = vonk_parquet_meta_bytes(meta);
    make_room(kept_bytes);
    footer_bytes += kept_bytes;
    *oldest =
        (footer){key, path, file->mtime_us, file->bytes, vonk_parquet_meta_ref(meta), ++footers_clock, kept_bytes};
}

vonk_status vonk__footer_get(const source_file *file, const vonk_parquet_options *options, vonk_parquet_meta **ret,
                             vonk_error *err)
{
    uint64_t key = key_of(file, options);
    parquet_file open = {0};
    vonk_mutex_lock(&footers_lock);
    footer *f = find(key, file);
    if (f) {
        f->used = ++footers_clock;
        *ret = vonk_parquet_meta_ref(f->meta);
    }
    vonk_mutex_unlock(&footers_lock);
    if (f) return VONK_OK;
    VONK_TRY(vonk__parquet_file_open(vonk_budget_root(), file, &open, err));
    vonk_status st = vonk_parquet_meta_read(vonk_budget_root(), &open.in, options, ret, err);
    vonk__parquet_file_done(&open);
    VONK_TRY(st);
    vonk_mutex_lock(&footers_lock);
    if (!find(key, file)) keep(key, file, *ret);
    vonk_mutex_unlock(&footers_lock);
    return VONK_OK;
}
