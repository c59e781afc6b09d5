/* rdd/rdd_files.c -- files as RDDs, by Hadoop's rules: which files a path stands for, how they are split. */
#include "base/utf8.h"
#include "codec/sequence.h"
#include "rdd/rdd_conf.h"
#include "sys/glob.h"

enum { READ_BYTES = 1 << 20, MOST_FOLDERS = 100 };
#define LOCAL_BLOCK_BYTES ((int64_t)32 << 20) /* what Hadoop takes for the block size of local files */

/* ---- which files */

typedef struct input {
    vonk_str path;
    int64_t bytes;
} input;
typedef struct inputs {
    vonk_arena *arena;
    rdd_input_conf conf;
    VONK_VEC(input) files;
    int64_t bytes;
} inputs;

static vonk_status add_file(inputs *in, vonk_str path, int64_t bytes, vonk_error *err)
{
    in->bytes += bytes;
    return VONK_VEC_ARENA_PUSH(&in->files, in->arena, ((input){path, bytes}), err);
}

static bool is_hidden(vonk_str name) { return name.len && (name.data[0] == '_' || name.data[0] == '.'); }

/* What lies in a folder; folders in it where that is wanted. */
static vonk_status add_folder(inputs *in, vonk_str path, uint32_t depth, vonk_error *err)
{
    vonk_dir_entry *entries = NULL;
    size_t n = 0;
    VONK_TRY(vonk_dir_list(in->arena, path, &entries, &n, err));
    for (size_t i = 0; i < n; i++) {
        vonk_str whole;
        if (is_hidden(entries[i].name)) continue;
        VONK_TRY(vonk_path_join(in->arena, path, entries[i].name, &whole, err));
        if (entries[i].info.kind != VONK_FILE_DIRECTORY) {
            VONK_TRY(add_file(in, whole, entries[i].info.size_bytes, err));
        } else if (in->conf.is_recursive) {
            if (depth == MOST_FOLDERS)
                return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                                 VONK_F("more than %d folders in one another", MOST_FOLDERS));
            VONK_TRY(add_folder(in, whole, depth + 1, err));
        } else if (!in->conf.skips_folders) {
            return VONK_FAIL(err, VONK_E_FAILED_READ_FILE__NO_HINT, "path", VONK_S(whole), "problem", "it is no file");
        }
    }
    return VONK_OK;
}

static vonk_status add_path(inputs *in, vonk_str path, vonk_error *err)
{
    vonk_file_info info;
    VONK_TRY(vonk_file_stat(path, &info, err));
    return info.kind == VONK_FILE_DIRECTORY ? add_folder(in, path, 0, err) : add_file(in, path, info.size_bytes, err);
}

static vonk_status add_pattern(inputs *in, vonk_str path, vonk_error *err)
{
    vonk_str *found = NULL;
    size_t n = 0;
    if (vonk_str_starts(path, VONK_STR("file:"))) path = vonk_str_sub(path, 5, path.len);
    while (path.len > 1 && path.data[0] == '/' && path.data[1] == '/') path = vonk_str_sub(path, 1, path.len);
    if (vonk_str_find(path, VONK_STR("://"), 0) != SIZE_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("the file system of %.*s", VONK_STR_ARGS(path)));
    VONK_TRY(vonk_path_absolute(in->arena, path, &path, err));
    if (!vonk_glob_is_pattern(path)) return add_path(in, path, err);
    VONK_TRY(vonk_glob_expand(in->arena, path, &found, &n, err));
    if (!n) return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", VONK_S(path));
    for (size_t i = 0; i < n; i++) VONK_TRY(add_path(in, found[i], err));
    return VONK_OK;
}

/* Commas part paths, but not within braces. */
static vonk_status list_inputs(inputs *in, vonk_str paths, vonk_error *err)
{
    size_t from = 0;
    int braces = 0;
    for (size_t i = 0; i <= paths.len; i++) {
        char c = i < paths.len ? paths.data[i] : ',';
        braces += c == '{' ? 1 : c == '}' ? -1 : 0;
        if (i < paths.len && (c != ',' || braces > 0)) continue;
        VONK_TRY(add_pattern(in, vonk_str_sub(paths, from, i), err));
        from = i + 1;
    }
    return VONK_OK;
}

/* ---- splits */

typedef struct parts {
    vonk_arena *arena;
    VONK_VEC(rdd_file_part) at;
} parts;

static vonk_status add_part(parts *p, const rdd_split *splits, uint32_t n, vonk_error *err)
{
    return VONK_VEC_ARENA_PUSH(&p->at, p->arena, ((rdd_file_part){splits, n}), err);
}

static vonk_status add_split(parts *p, vonk_str path, int64_t start, int64_t bytes, vonk_error *err)
{
    rdd_split *split = NULL;
    VONK_TRY(VONK_ARENA_NEW(p->arena, &split, err));
    *split = (rdd_split){path, start, bytes};
    return add_part(p, split, 1, err);
}

/* Plain files at any place, bzip2 at its blocks; what else is packed is one piece. */
static bool can_cut(vonk_str path)
{
    const vonk_compression codec = vonk_hadoop_codec_of_file(path);
    return codec == VONK_COMPRESS_NONE || codec == VONK_COMPRESS_BZIP2;
}

static bool is_worth_a_cut(int64_t left, int64_t split) { return (double)left / (double)split > 1.1; }

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t within(int64_t least, int64_t most, int64_t bytes) { return larger(least, bytes < most ? bytes : most); }

/* FileInputFormat: the old one's pieces go by the number wanted, the new one's (0) by what its configuration allows,
 * both at most a block and at least what is asked for; the last may be a tenth larger. */
static vonk_status split_text(const inputs *in, uint32_t wanted, int64_t least, parts *p, vonk_error *err)
{
    const int64_t split = within(larger(least, in->conf.least_split), wanted ? in->bytes / wanted : in->conf.most_split,
                                 LOCAL_BLOCK_BYTES);
    for (size_t i = 0; i < in->files.n; i++) {
        const input *f = &in->files.at[i];
        int64_t at = 0;
        while (can_cut(f->path) && is_worth_a_cut(f->bytes - at, split)) {
            VONK_TRY(add_split(p, f->path, at, split, err));
            at += split;
        }
        /* Empty files have no partition (spark.hadoopRDD.ignoreEmptySplits). */
        if (at < f->bytes) VONK_TRY(add_split(p, f->path, at, f->bytes - at, err));
    }
    return VONK_OK;
}

/* CombineFileInputFormat on one node: files are put together until a partition is full. */
static vonk_status combine(const inputs *in, int64_t most, parts *p, vonk_error *err)
{
    rdd_split *splits = NULL;
    size_t from = 0;
    int64_t bytes = 0;
    VONK_TRY(vonk_arena_array(p->arena, in->files.n, sizeof *splits, &splits, err));
    for (size_t i = 0; i < in->files.n; i++) {
        splits[i] = (rdd_split){in->files.at[i].path, 0, in->files.at[i].bytes};
        bytes += in->files.at[i].bytes;
        if (bytes < most || (most == 0 && i + 1 < in->files.n)) continue;
        VONK_TRY(add_part(p, splits + from, (uint32_t)(i + 1 - from), err));
        from = i + 1;
        bytes = 0;
    }
    return from < in->files.n ? add_part(p, splits + from, (uint32_t)(in->files.n - from), err) : VONK_OK;
}

/* FixedLengthInputFormat: pieces of a block, made to hold whole records. */
static vonk_status split_fixed(const inputs *in, uint32_t record_bytes, parts *p, vonk_error *err)
{
    const int64_t usual = within(in->conf.least_split, in->conf.most_split, LOCAL_BLOCK_BYTES);
    const int64_t split = usual > record_bytes ? usual / record_bytes * record_bytes : record_bytes;
    for (size_t i = 0; i < in->files.n; i++) {
        int64_t at = 0;
        for (; is_worth_a_cut(in->files.at[i].bytes - at, split); at += split)
            VONK_TRY(add_split(p, in->files.at[i].path, at, split, err));
        if (at < in->files.at[i].bytes)
            VONK_TRY(add_split(p, in->files.at[i].path, at, in->files.at[i].bytes - at, err));
    }
    return VONK_OK;
}

/* ---- makers */

/* conf: the job's own; NULL: it has none. */
static vonk_status file_rdd(vonk_rdd_context *context, vonk_rdd_kind kind, const char *method,
                            const vonk_rdd_conf *conf, vonk_rdd **ret, inputs *ret_in, vonk_str paths, vonk_error *err)
{
    VONK_TRY(vonk__rdd_new(context, kind, NULL, 0, VONK_F("%s at NativeMethodAccessorImpl.java:0", method), ret, err));
    *ret_in = (inputs){.arena = (*ret)->arena};
    VONK_TRY(vonk__rdd_read_input_conf(context, conf, (*ret)->arena, &ret_in->conf, err));
    if (kind == VONK_RDD_WHOLE_FILES || kind == VONK_RDD_BINARY_FILES) ret_in->conf.skips_folders = true;
    return list_inputs(ret_in, paths, err);
}

static void take_parts(vonk_rdd *rdd, const parts *p)
{
    rdd->files = p->at.at;
    rdd->n_partitions = (uint32_t)p->at.n;
}

/* The node that turns what Hadoop reads into what Spark hands on. */
static vonk_status mapped(vonk_rdd *rdd, const char *method, vonk_str name, bool both, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *base = NULL;
    vonk_rdd *over = NULL;
    VONK_TRY(vonk__rdd_enter(rdd, &base, err));
    VONK_TRY(vonk__rdd_new(base->context, VONK_RDD_MAPPED, &base, 1,
                           VONK_F("%s at NativeMethodAccessorImpl.java:0", method), &over, err));
    over->elements = base->elements;
    over->n_partitions = base->n_partitions;
    VONK_TRY(vonk__rdd_enter(over, ret, err));
    vonk_status st = name.len ? vonk_rdd_set_name(over, name, err) : VONK_OK;
    if (st == VONK_OK && both) st = vonk_rdd_set_name(base, name, err);
    if (st != VONK_OK) vonk_rdd_unref(over);
    return st;
}

vonk_status vonk_rdd_text(vonk_rdd_context *context, vonk_str paths, uint32_t min_partitions, vonk_rdd **ret,
                          vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    inputs in;
    VONK_TRY(file_rdd(context, VONK_RDD_TEXT, "textFile", NULL, &rdd, &in, paths, err));
    parts p = {.arena = rdd->arena};
    VONK_TRY(split_text(&in, min_partitions ? min_partitions : 1, 1, &p, err));
    take_parts(rdd, &p);
    rdd->elements = VONK_RDD_STRING;
    VONK_TRY(vonk__rdd_read_delimiter(context, NULL, rdd->arena, &rdd->delimiter, err));
    return mapped(VONK_STEAL(rdd), "textFile", paths, true, ret, err);
}

vonk_status vonk__rdd_file_leaf(vonk_rdd_context *context, vonk_rdd_kind kind, const char *method,
                                const vonk_rdd_conf *conf, vonk_str paths, uint32_t min_partitions,
                                int64_t min_split_bytes, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    inputs in;
    VONK_TRY(file_rdd(context, kind, method, conf, &rdd, &in, paths, err));
    parts p = {.arena = rdd->arena};
    VONK_TRY(split_text(&in, min_partitions, min_split_bytes, &p, err));
    take_parts(rdd, &p);
    *ret = VONK_STEAL(rdd);
    return VONK_OK;
}

vonk_status vonk_rdd_whole_files(vonk_rdd_context *context, vonk_str paths, uint32_t min_partitions, bool text,
                                 vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    inputs in;
    const char *method = text ? "wholeTextFiles" : "binaryFiles";
    VONK_TRY(
        file_rdd(context, text ? VONK_RDD_WHOLE_FILES : VONK_RDD_BINARY_FILES, method, NULL, &rdd, &in, paths, err));
    parts p = {.arena = rdd->arena};
    int64_t n = min_partitions ? min_partitions : 1, most = (in.bytes + n - 1) / n;
    if (!text) { /* StreamFileInputFormat: a file costs as much as four MiB more; 128 MiB at most */
        int64_t cost = (int64_t)4 << 20,
                cores = context->env.default_parallelism ? context->env.default_parallelism : 1;
        if (min_partitions > cores) cores = min_partitions;
        most = (in.bytes + cost * (int64_t)in.files.n) / cores;
        most = most < cost ? cost : most;
        most = most > (int64_t)128 << 20 ? (int64_t)128 << 20 : most;
    }
    VONK_TRY(combine(&in, most, &p, err));
    take_parts(rdd, &p);
    rdd->elements = VONK_RDD_PAIR;
    rdd->whole_text = text;
    if (text) return mapped(VONK_STEAL(rdd), method, paths, false, ret, err);
    VONK_TRY(vonk_rdd_set_name(rdd, paths, err));
    return vonk__rdd_enter(VONK_STEAL(rdd), ret, err);
}

vonk_status vonk_rdd_fixed_records(vonk_rdd_context *context, vonk_str paths, uint32_t record_bytes, vonk_rdd **ret,
                                   vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    inputs in;
    if (!record_bytes || record_bytes > INT32_MAX)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "records have a positive length");
    VONK_TRY(file_rdd(context, VONK_RDD_FIXED_RECORDS, "binaryRecords", NULL, &rdd, &in, paths, err));
    parts p = {.arena = rdd->arena};
    VONK_TRY(split_fixed(&in, record_bytes, &p, err));
    take_parts(rdd, &p);
    rdd->record_bytes = record_bytes;
    VONK_TRY(vonk_rdd_set_name(rdd, paths, err));
    return mapped(VONK_STEAL(rdd), "binaryRecords", VONK_STR_NONE, false, ret, err);
}

vonk_status vonk_rdd_checkpoint_file(vonk_rdd_context *context, vonk_str folder, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    inputs in;
    VONK_TRY(file_rdd(context, VONK_RDD_CHECKPOINTED, "checkpointFile", NULL, &rdd, &in, folder, err));
    VONK_TRY(vonk_arena_str(rdd->arena, folder, &rdd->folder, err));
    rdd->n_partitions = (uint32_t)in.files.n;
    return vonk__rdd_enter(VONK_STEAL(rdd), ret, err);
}

/* ---- whole files, fixed records, checkpoints */

static vonk_status add_frame(vonk_buf *out, vonk_str bytes, bool text, vonk_error *err)
{
    char *to = NULL;
    size_t at = out->len;
    VONK_TRY(vonk_buf_extend(out, 4, &to, err));
    if (text && !vonk_utf8_valid(bytes))
        VONK_TRY(vonk_utf8_clean(bytes, out, err));
    else
        VONK_TRY(vonk_buf_add_str(out, bytes, err));
    if (out->len - at - 4 > INT32_MAX)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "files of 2 GiB as one record");
    vonk__put_be32(out->data + at, (int32_t)(out->len - at - 4));
    return VONK_OK;
}

static vonk_status read_packed(vonk_task *task, vonk_str path, vonk_compression codec, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk__rdd_packed_close) rdd_packed *packed = NULL;
    VONK_TRY(vonk__rdd_packed_open(task->budget, path, codec, &packed, err));
    for (size_t got = READ_BYTES; got == READ_BYTES;) {
        char *to = NULL;
        VONK_TRY(vonk_buf_extend(out, READ_BYTES, &to, err));
        VONK_TRY(vonk__rdd_packed_read(packed, to, READ_BYTES, &got, err));
        out->len -= READ_BYTES - got;
        if (out->len > INT32_MAX)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "files of 2 GiB as one record");
    }
    return VONK_OK;
}

static vonk_status put_file(const vonk_rdd *rdd, vonk_str path, vonk_task *task, vonk_rdd_sink *sink, bool *ret_enough,
                            vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf record = {0}, content = {0}, name = {0};
    vonk_buf *const all[] = {&record, &content, &name};
    const vonk_compression codec = rdd->whole_text ? vonk_hadoop_codec_of_file(path) : VONK_COMPRESS_NONE;
    for (size_t i = 0; i < VONK_COUNTOF(all); i++) vonk_buf_init(all[i], task->budget, SIZE_MAX);
    if (codec != VONK_COMPRESS_NONE)
        VONK_TRY(read_packed(task, path, codec, &content, err));
    else
        VONK_TRY(vonk_file_read_all(path, INT32_MAX, &content, err));
    VONK_TRY(vonk_buf_printf(&name, err, "file:%.*s", VONK_STR_ARGS(path)));
    VONK_TRY(add_frame(&record, vonk_buf_str(&name), true, err));
    VONK_TRY(add_frame(&record, vonk_buf_str(&content), rdd->whole_text, err));
    return sink->put(sink->self, vonk_buf_str(&record), ret_enough, err);
}

static vonk_status compute_fixed(const vonk_rdd *rdd, const rdd_split *split, vonk_task *task, vonk_rdd_sink *sink,
                                 vonk_error *err)
{
    VONK_AUTO(vonk_file_free) vonk_file *file = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf record = {0};
    char *to = NULL;
    bool enough = false;
    vonk_buf_init(&record, task->budget, SIZE_MAX);
    if (split->bytes % rdd->record_bytes)
        return VONK_FAIL(err, VONK_E_FAILED_READ_FILE__NO_HINT, "path", VONK_S(split->path), "problem",
                         "its last record is cut off");
    VONK_TRY(vonk_file_open(task->budget, split->path, VONK_FILE_READ, &file, err));
    VONK_TRY(vonk_buf_extend(&record, 4 + (size_t)rdd->record_bytes, &to, err));
    vonk__put_be32(to, (int32_t)rdd->record_bytes);
    for (int64_t at = 0; at < split->bytes && !enough; at += rdd->record_bytes) {
        VONK_TRY(vonk_file_read_exact(file, split->start + at, to + 4, rdd->record_bytes, err));
        VONK_TRY(sink->put(sink->self, vonk_buf_str(&record), &enough, err));
    }
    return VONK_OK;
}

vonk_status vonk__rdd_compute_saved(vonk_rdd *rdd, vonk_str folder, uint32_t partition, vonk_task *task,
                                    vonk_rdd_sink *sink, vonk_error *err)
{
    VONK_AUTO(vonk_file_free) vonk_file *file = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf buf = {0};
    rdd_cutter cutter;
    const char *path = VONK_F("%.*s/part-%05u", VONK_STR_ARGS(folder), partition);
    vonk_buf_init(&buf, task->budget, SIZE_MAX);
    VONK_TRY(vonk_file_open(task->budget, vonk_str_of(path), VONK_FILE_READ, &file, err));
    vonk__cutter_init(&cutter, rdd->elements, task->budget, sink);
    vonk_status st = VONK_OK;
    size_t got = 1;
    for (int64_t at = 0; st == VONK_OK && got && !cutter.enough; at += (int64_t)got) {
        char *to = NULL;
        vonk_buf_reset(&buf);
        st = vonk_buf_extend(&buf, READ_BYTES, &to, err);
        if (st == VONK_OK) st = vonk_file_read_at(file, at, to, READ_BYTES, &got, err);
        if (st == VONK_OK) st = vonk__cutter_push(&cutter, (vonk_str){to, got}, err);
    }
    if (st == VONK_OK) st = vonk__cutter_end(&cutter, err);
    vonk__cutter_done(&cutter);
    return st;
}

vonk_status vonk__rdd_compute_file(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                   vonk_error *err)
{
    bool enough = false;
    if (rdd->kind == VONK_RDD_CHECKPOINTED)
        return vonk__rdd_compute_saved(rdd, rdd->folder, partition, task, sink, err);
    const rdd_file_part *part = &rdd->files[partition];
    if (rdd->kind == VONK_RDD_TEXT)
        return vonk__rdd_compute_lines(&part->splits[0], rdd->delimiter, task, sink, NULL, err);
    if (rdd->kind == VONK_RDD_FIXED_RECORDS) return compute_fixed(rdd, &part->splits[0], task, sink, err);
    for (uint32_t i = 0; i < part->n_splits && !enough; i++)
        VONK_TRY(put_file(rdd, part->splits[i].path, task, sink, &enough, err));
    return VONK_OK;
}
