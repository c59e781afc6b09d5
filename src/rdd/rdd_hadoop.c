/* rdd/rdd_hadoop.c -- pairs in files of Hadoop's formats, and saveAsObjectFile's: read as pickles of tuples, written
 * from them. */
#include "codec/pickle.h"
#include "codec/sequence.h"
#include "codec/writable.h"
#include "rdd/rdd_codec.h"
#include "rdd/rdd_conf.h"
#include "sys/entropy.h"

enum { SEQUENCE_LEAST_SPLIT = 102400, MOST_BATCH = 1 << 16, OBJECTS_IN_ARRAY = 10 };

typedef enum format { TEXT_FORMAT, KEY_VALUE_FORMAT, SEQUENCE_FORMAT, SEQUENCE_TEXT_FORMAT, OBJECT_FORMAT } format;

#define OLD "org.apache.hadoop.mapred."
#define NEW "org.apache.hadoop.mapreduce.lib."
static const struct {
    const char *name;
    format format;
    bool reads, is_new;
} formats[] = {
    {OLD "TextInputFormat", TEXT_FORMAT, true, false},
    {NEW "input.TextInputFormat", TEXT_FORMAT, true, true},
    {OLD "KeyValueTextInputFormat", KEY_VALUE_FORMAT, true, false},
    {NEW "input.KeyValueTextInputFormat", KEY_VALUE_FORMAT, true, true},
    {OLD "SequenceFileInputFormat", SEQUENCE_FORMAT, true, false},
    {NEW "input.SequenceFileInputFormat", SEQUENCE_FORMAT, true, true},
    {OLD "SequenceFileAsTextInputFormat", SEQUENCE_TEXT_FORMAT, true, false},
    {NEW "input.SequenceFileAsTextInputFormat", SEQUENCE_TEXT_FORMAT, true, true},
    {OLD "TextOutputFormat", TEXT_FORMAT, false, false},
    {NEW "output.TextOutputFormat", TEXT_FORMAT, false, true},
    {OLD "SequenceFileOutputFormat", SEQUENCE_FORMAT, false, false},
    {NEW "output.SequenceFileOutputFormat", SEQUENCE_FORMAT, false, true},
};

static vonk_status find_format(vonk_str name, bool reads, format *ret, bool *ret_is_new, vonk_error *err)
{
    for (size_t i = 0; i < VONK_COUNTOF(formats); i++)
        if (formats[i].reads == reads && vonk_str_is(name, formats[i].name)) {
            *ret = formats[i].format;
            *ret_is_new = formats[i].is_new;
            return VONK_OK;
        }
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("the Hadoop format %.*s", VONK_STR_ARGS(name)));
}

/* ---- files as bytes */

static vonk_status read_file_at(void *self, uint64_t offset, size_t bytes, void *dst, vonk_error *err)
{
    return vonk_file_read_exact(self, (int64_t)offset, dst, bytes, err);
}
static vonk_status open_bytes(vonk_file *file, vonk_bytes_in *ret, vonk_error *err)
{
    vonk_file_info info;
    VONK_TRY(vonk_file_get_info(file, &info, err));
    *ret = (vonk_bytes_in){
        .self = file, .size = (uint64_t)info.size_bytes, .path = vonk_file_path(file), .read_at = read_file_at};
    return VONK_OK;
}
static vonk_status append_file(void *self, const void *data, size_t bytes, vonk_error *err)
{
    return bytes ? vonk_file_write(self, data, bytes, err) : VONK_OK;
}

static vonk_status put_frame(vonk_rdd_sink *sink, vonk_buf *frame, bool *ret_enough, vonk_error *err)
{
    if (frame->len - 4 > INT32_MAX) return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "records of 2 GiB");
    vonk__put_be32(frame->data, (int32_t)(frame->len - 4));
    return sink->put(sink->self, vonk_buf_str(frame), ret_enough, err);
}

/* ---- pairs into pickles of lists: as many as were wanted, or twice as many as before while the pickles are small */

typedef struct batcher {
    vonk_rdd_sink *sink;
    vonk_arena *arena; /* of the batch */
    VONK_VEC(const vonk_pickle_value *) items;
    vonk_buf frame;
    uint32_t n_wanted;
    bool grows, enough;
    int64_t begin;  /* TEXT_FORMAT: of the line */
    char separator; /* KEY_VALUE_FORMAT */
    format format;
} batcher;

static vonk_status flush(batcher *b, vonk_error *err)
{
    char *to = NULL;
    const vonk_pickle_value list = {.kind = VONK_PICKLE_LIST, .n_items = (uint32_t)b->items.n, .items = b->items.at};
    if (!b->items.n || b->enough) return VONK_OK;
    vonk_buf_reset(&b->frame);
    VONK_TRY(vonk_buf_extend(&b->frame, 4, &to, err));
    VONK_TRY(vonk_pickle_write(&list, &b->frame, err));
    VONK_TRY(put_frame(b->sink, &b->frame, &b->enough, err));
    if (b->grows && b->frame.len < 1 << 20 && b->n_wanted < MOST_BATCH) b->n_wanted *= 2;
    if (b->grows && b->frame.len > 10 << 20 && b->n_wanted > 1) b->n_wanted /= 2;
    b->items.n = b->items.capacity = 0;
    b->items.at = NULL;
    vonk_arena_reset(b->arena);
    return VONK_OK;
}

static vonk_status add_pair(batcher *b, const vonk_pickle_value *key, const vonk_pickle_value *value, vonk_error *err)
{
    vonk_pickle_value *pair = NULL;
    VONK_TRY(VONK_ARENA_NEW(b->arena, &pair, err));
    pair->kind = VONK_PICKLE_TUPLE;
    pair->n_items = 2;
    VONK_TRY(vonk_arena_array(b->arena, 2, sizeof(void *), &pair->items, err));
    pair->items[0] = key;
    pair->items[1] = value;
    VONK_TRY(VONK_VEC_ARENA_PUSH(&b->items, b->arena, pair, err));
    return b->items.n >= b->n_wanted ? flush(b, err) : VONK_OK;
}

static vonk_status text_value(batcher *b, vonk_str text, const vonk_pickle_value **ret, vonk_error *err)
{
    vonk_pickle_value *v = NULL;
    VONK_TRY(VONK_ARENA_NEW(b->arena, &v, err));
    v->kind = VONK_PICKLE_STRING;
    *ret = v;
    return vonk_arena_str(b->arena, text, &v->text, err);
}

static vonk_status put_line(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    batcher *b = self;
    const vonk_pickle_value *key = NULL, *value = NULL;
    vonk_str line = vonk_str_sub(record, 4, record.len);
    if (b->format == TEXT_FORMAT) {
        vonk_pickle_value *v = NULL;
        VONK_TRY(VONK_ARENA_NEW(b->arena, &v, err));
        v->kind = VONK_PICKLE_INT;
        v->i = b->begin;
        key = v;
    } else {
        const size_t tab = vonk_str_find_byte(line, b->separator, 0), end = tab == SIZE_MAX ? line.len : tab;
        VONK_TRY(text_value(b, vonk_str_sub(line, 0, end), &key, err));
        line = vonk_str_sub(line, tab == SIZE_MAX ? line.len : tab + 1, line.len);
    }
    VONK_TRY(text_value(b, line, &value, err));
    VONK_TRY(add_pair(b, key, value, err));
    *ret_enough = b->enough;
    return VONK_OK;
}

/* ---- reading SequenceFiles */

static vonk_status as_text(batcher *b, const vonk_pickle_value **inout, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, vonk_arena_budget(b->arena), SIZE_MAX);
    VONK_TRY(vonk_writable_text(*inout, &text, err));
    return text_value(b, vonk_buf_str(&text), inout, err);
}

static vonk_status add_writables(batcher *b, const vonk_sequence_reader *r, vonk_str key, vonk_str value,
                                 vonk_error *err)
{
    const vonk_pickle_value *k = NULL, *v = NULL;
    vonk_cursor key_in = vonk_cursor_of(key.data, key.len, "a key of a SequenceFile");
    vonk_cursor value_in = vonk_cursor_of(value.data, value.len, "a value of a SequenceFile");
    VONK_TRY(vonk_writable_read(vonk_sequence_key_class(r), &key_in, b->arena, &k, err));
    VONK_TRY(vonk_writable_read(vonk_sequence_value_class(r), &value_in, b->arena, &v, err));
    if (b->format == SEQUENCE_TEXT_FORMAT) {
        VONK_TRY(as_text(b, &k, err));
        VONK_TRY(as_text(b, &v, err));
    }
    return add_pair(b, k, v, err);
}

/* Java's serialized byte[][], or Object[] of byte[]: magic, array of a class, length, arrays of bytes. */
static vonk_status skip_class(vonk_cursor *in, vonk_str *ret_name, vonk_error *err)
{
    uint8_t tag, low, high;
    const uint8_t *at = NULL;
    VONK_TRY(vonk_cursor_u8(in, &tag, err));
    if (tag == 0x71) { /* one that was named before: that of byte[] */
        *ret_name = VONK_STR("[B");
        return vonk_cursor_take(in, 4, &at, err);
    }
    if (tag != 0x72) return vonk_cursor_fail(in, "Java's serialized object has no class here", err);
    VONK_TRY(vonk_cursor_u8(in, &high, err));
    VONK_TRY(vonk_cursor_u8(in, &low, err));
    VONK_TRY(vonk_cursor_take(in, (size_t)high << 8 | low, &at, err));
    *ret_name = (vonk_str){(const char *)at, (size_t)high << 8 | low};
    VONK_TRY(
        vonk_cursor_take(in, 8 + 1 + 2 + 2, &at, err)); /* id, flags, no fields, end of annotations, no superclass */
    if (at[9] || at[10] || at[11] != 0x78 || at[12] != 0x70)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("objects of the Java class %.200s in a file of objects", VONK_S(*ret_name)));
    return VONK_OK;
}

static vonk_status put_object(vonk_cursor *in, vonk_buf *frame, vonk_rdd_sink *sink, bool *ret_enough, vonk_error *err)
{
    uint8_t tag;
    uint32_t n = 0;
    vonk_str name = VONK_STR_NONE;
    const uint8_t *at = NULL;
    VONK_TRY(vonk_cursor_u8(in, &tag, err));
    if (tag != 0x75)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "other objects than byte arrays in a file of objects");
    VONK_TRY(skip_class(in, &name, err));
    if (!vonk_str_is(name, "[B"))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("objects of the Java class %.200s in a file of objects", VONK_S(name)));
    VONK_TRY(vonk_cursor_u32_be(in, &n, err));
    VONK_TRY(vonk_cursor_take(in, n, &at, err));
    vonk_buf_reset(frame);
    VONK_TRY(vonk_buf_append(frame, "\0\0\0", 4, err));
    VONK_TRY(vonk_buf_append(frame, at, n, err));
    return put_frame(sink, frame, ret_enough, err);
}

static vonk_status put_objects(batcher *b, vonk_str value, vonk_error *err)
{
    vonk_cursor in = vonk_cursor_of(value.data, value.len, "a file of objects");
    const uint8_t *at = NULL;
    vonk_str name = VONK_STR_NONE;
    uint32_t n = 0;
    VONK_TRY(vonk_cursor_take(&in, 4, &at, err)); /* length of the BytesWritable */
    VONK_TRY(vonk_cursor_take(&in, 5, &at, err));
    if (memcmp(at, "\xac\xed\0\5\x75", 5) != 0)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "other Java objects than arrays in a file of objects");
    VONK_TRY(skip_class(&in, &name, err));
    VONK_TRY(vonk_cursor_u32_be(&in, &n, err));
    for (uint32_t i = 0; i < n && !b->enough; i++) VONK_TRY(put_object(&in, &b->frame, b->sink, &b->enough, err));
    return VONK_OK;
}

static vonk_status read_sequence(batcher *b, const rdd_split *split, vonk_task *task, vonk_error *err)
{
    VONK_AUTO(vonk_file_free) vonk_file *file = NULL;
    VONK_AUTO(vonk_sequence_reader_free) vonk_sequence_reader *r = NULL;
    vonk_bytes_in in;
    vonk_str key = VONK_STR_NONE, value = VONK_STR_NONE;
    VONK_TRY(vonk_file_open(task->budget, split->path, VONK_FILE_READ, &file, err));
    VONK_TRY(open_bytes(file, &in, err));
    VONK_TRY(vonk_sequence_reader_new(task->budget, &in, (uint64_t)split->start,
                                      (uint64_t)(split->start + split->bytes), &r, err));
    for (bool there = true; !b->enough && !vonk_task_cancelled(task);) {
        VONK_TRY(vonk_sequence_next(r, &there, &key, &value, err));
        if (!there) break;
        if (b->format == OBJECT_FORMAT)
            VONK_TRY(put_objects(b, value, err));
        else
            VONK_TRY(add_writables(b, r, key, value, err));
    }
    return VONK_OK;
}

vonk_status vonk__rdd_compute_hadoop(vonk_rdd *rdd, uint32_t partition, vonk_task *task, vonk_rdd_sink *sink,
                                     vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const rdd_split *split = &rdd->files[partition].splits[0];
    batcher b = {.sink = sink, .format = (format)rdd->format, .separator = rdd->separator, .grows = !rdd->batch};
    vonk_rdd_sink lines = {.self = &b, .put = put_line};
    VONK_TRY(vonk_arena_new(task->budget, &arena, err));
    b.arena = arena;
    b.n_wanted = rdd->batch ? rdd->batch : 1;
    vonk_buf_init(&b.frame, task->budget, SIZE_MAX);
    vonk_status st = b.format == TEXT_FORMAT || b.format == KEY_VALUE_FORMAT
                         ? vonk__rdd_compute_lines(split, rdd->delimiter, task, &lines, &b.begin, err)
                         : read_sequence(&b, split, task, err);
    if (st == VONK_OK) st = flush(&b, err);
    vonk_buf_done(&b.frame);
    return st;
}

static vonk_status leaf(vonk_rdd_context *context, format as, const char *method, const vonk_rdd_conf *conf,
                        vonk_str paths, uint32_t wanted, uint32_t batch, vonk_rdd **ret, vonk_error *err)
{
    VONK_AUTO(vonk_rdd_unref) vonk_rdd *rdd = NULL;
    const bool is_text = as == TEXT_FORMAT || as == KEY_VALUE_FORMAT;
    VONK_TRY(vonk__rdd_file_leaf(context, VONK_RDD_HADOOP, method, conf, paths, wanted,
                                 is_text ? 1 : SEQUENCE_LEAST_SPLIT, &rdd, err));
    if (as == TEXT_FORMAT) VONK_TRY(vonk__rdd_read_delimiter(context, conf, rdd->arena, &rdd->delimiter, err));
    if (as == KEY_VALUE_FORMAT) VONK_TRY(vonk__rdd_read_separator(context, conf, rdd->arena, &rdd->separator, err));
    rdd->format = as;
    rdd->batch = batch;
    return vonk__rdd_enter(VONK_STEAL(rdd), ret, err);
}

vonk_status vonk_rdd_hadoop_read(vonk_rdd_context *context, const vonk_rdd_hadoop *spec, vonk_rdd **ret,
                                 vonk_error *err)
{
    format as;
    bool is_new = false;
    VONK_TRY(find_format(spec->format, true, &as, &is_new, err));
    const uint32_t wanted = spec->min_partitions ? spec->min_partitions : 1;
    return leaf(context, as, "newAPIHadoopFile", &spec->conf, spec->paths, is_new ? 0 : wanted, spec->batch, ret, err);
}

vonk_status vonk_rdd_object_file(vonk_rdd_context *context, vonk_str paths, uint32_t min_partitions, vonk_rdd **ret,
                                 vonk_error *err)
{
    return leaf(context, OBJECT_FORMAT, "objectFile", NULL, paths, min_partitions ? min_partitions : 1, 0, ret, err);
}

/* ---- writing: options travel with the task as bytes */

enum { KEY_CLASS, VALUE_CLASS, CODEC_CLASS, SEPARATOR, NAME, N_TEXTS };
typedef struct options {
    uint32_t format, packing, is_batched;
    uint32_t bytes[N_TEXTS]; /* of texts behind this */
} options;

typedef struct writing {
    vonk_task *task;
    vonk_file *file;
    options o;
    vonk_str text[N_TEXTS];
    vonk_compression codec; /* of text */
    vonk_compressor *compressor;
    vonk_sequence_writer *sequence;
    vonk_arena *arena;
    vonk_buf key, value, packed;
    uint32_t n_objects; /* OBJECT_FORMAT: in `value` */
} writing;

static vonk_status open_sequence(writing *w, const char *key_class, const char *value_class, vonk_error *err)
{
    vonk_sequence_options o = {.packing = (vonk_sequence_packing)w->o.packing, .codec_class = w->text[CODEC_CLASS]};
    const vonk_bytes_out out = {.self = w->file, .append = append_file};
    if (!w->text[KEY_CLASS].len) w->text[KEY_CLASS] = vonk_str_of(key_class);
    if (!w->text[VALUE_CLASS].len) w->text[VALUE_CLASS] = vonk_str_of(value_class);
    o.key_class = w->text[KEY_CLASS];
    o.value_class = w->text[VALUE_CLASS];
    vonk_random_bytes(o.sync, sizeof o.sync);
    return vonk_sequence_writer_new(w->task->budget, &o, &out, &w->sequence, err);
}

static vonk_status wrong_class(const char *what, const char *is, vonk_str wanted, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message",
                     VONK_F("wrong %s class: %s is not class %.*s", what, is, VONK_STR_ARGS(wanted)));
}

static vonk_status append_pair(writing *w, const vonk_pickle_value *key, const vonk_pickle_value *value,
                               vonk_error *err)
{
    const char *kc = NULL, *vc = NULL;
    VONK_TRY(vonk_writable_class(key, &kc, err));
    VONK_TRY(vonk_writable_class(value, &vc, err));
    if (!w->sequence) VONK_TRY(open_sequence(w, kc, vc, err));
    if (!vonk_str_is(w->text[KEY_CLASS], kc)) return wrong_class("key", kc, w->text[KEY_CLASS], err);
    if (!vonk_str_is(w->text[VALUE_CLASS], vc)) return wrong_class("value", vc, w->text[VALUE_CLASS], err);
    vonk_buf_reset(&w->key);
    vonk_buf_reset(&w->value);
    VONK_TRY(vonk_writable_write(key, &w->key, err));
    VONK_TRY(vonk_writable_write(value, &w->value, err));
    return vonk_sequence_append(w->sequence, vonk_buf_str(&w->key), vonk_buf_str(&w->value), err);
}

/* "key, separator, value, line end"; a null and what parts it are not written. */
static vonk_status append_line(writing *w, const vonk_pickle_value *key, const vonk_pickle_value *value,
                               vonk_error *err)
{
    if (key->kind == VONK_PICKLE_NONE && value->kind == VONK_PICKLE_NONE) return VONK_OK;
    if (key->kind != VONK_PICKLE_NONE) VONK_TRY(vonk_writable_text(key, &w->value, err));
    if (key->kind != VONK_PICKLE_NONE && value->kind != VONK_PICKLE_NONE)
        VONK_TRY(vonk_buf_add_str(&w->value, w->text[SEPARATOR], err));
    if (value->kind != VONK_PICKLE_NONE) VONK_TRY(vonk_writable_text(value, &w->value, err));
    return vonk_buf_add_byte(&w->value, '\n', err);
}

static vonk_status flush_lines(writing *w, vonk_error *err)
{
    vonk_buf *from = &w->value;
    if (w->codec != VONK_COMPRESS_NONE) {
        vonk_buf_reset(&w->packed);
        VONK_TRY(vonk_compress(w->compressor, w->codec, VONK_COMPRESS_LEVEL_DEFAULT, w->value.data, w->value.len,
                               &w->packed, err));
        from = &w->packed;
    }
    VONK_TRY(append_file(w->file, from->data, from->len, err));
    vonk_buf_reset(&w->value);
    return VONK_OK;
}

static vonk_status write_pair(writing *w, const vonk_pickle_value *pair, vonk_error *err)
{
    if ((pair->kind != VONK_PICKLE_TUPLE && pair->kind != VONK_PICKLE_LIST) || pair->n_items != 2)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "RDD element is no pair, and cannot be written as one");
    if (w->o.format == SEQUENCE_FORMAT) return append_pair(w, pair->items[0], pair->items[1], err);
    VONK_TRY(append_line(w, pair->items[0], pair->items[1], err));
    return w->codec != VONK_COMPRESS_ZLIB && w->value.len >= 1 << 20 ? flush_lines(w, err) : VONK_OK;
}

/* A BytesWritable with Java's form of byte[][]: a length before it, filled when it is known. */
static vonk_status end_objects(writing *w, vonk_error *err)
{
    if (!w->n_objects) return VONK_OK;
    vonk__put_be32(w->value.data, (int32_t)(w->value.len - 4));
    vonk__put_be32(w->value.data + 4 + 24, (int32_t)w->n_objects);
    w->n_objects = 0;
    return vonk_sequence_append(w->sequence, VONK_STR_NONE, vonk_buf_str(&w->value), err);
}

static vonk_status write_object(writing *w, vonk_str record, vonk_error *err)
{
    static const char head[] = "\0\0\0\0\xac\xed\0\5ur\0\3[[BK\xfd\x19\x15gg\xdb"
                               "7\2\0\0xp\0\0\0\0";
    static const char first[] = "ur\0\2[B\xac\xf3\x17\xf8\6\10T\xe0\2\0\0xp", other[] = "uq\0~\0\2";
    if (!w->n_objects) {
        vonk_buf_reset(&w->value);
        VONK_TRY(vonk_buf_append(&w->value, head, sizeof head - 1, err));
    }
    VONK_TRY(w->n_objects ? vonk_buf_append(&w->value, other, sizeof other - 1, err)
                          : vonk_buf_append(&w->value, first, sizeof first - 1, err));
    VONK_TRY(vonk_buf_add_str(&w->value, record, err)); /* its length comes first here, too */
    return ++w->n_objects == OBJECTS_IN_ARRAY ? end_objects(w, err) : VONK_OK;
}

static vonk_status write_put(void *self, vonk_str record, bool *ret_enough, vonk_error *err)
{
    writing *w = self;
    const vonk_pickle_value *v = NULL;
    size_t used = 0;
    (void)ret_enough;
    if (w->o.format == OBJECT_FORMAT) return write_object(w, record, err);
    vonk_arena_reset(w->arena);
    VONK_TRY(vonk_pickle_read(vonk_str_sub(record, 4, record.len), w->arena, &v, &used, err));
    if (!w->o.is_batched) return write_pair(w, v, err);
    if (v->kind != VONK_PICKLE_LIST && v->kind != VONK_PICKLE_TUPLE)
        return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "a batch of pickled elements is no list");
    for (uint32_t i = 0; i < v->n_items; i++) VONK_TRY(write_pair(w, v->items[i], err));
    return VONK_OK;
}

static vonk_status write_all(writing *w, vonk_rdd *rdd, vonk_error *err)
{
    vonk_rdd_sink sink = {.self = w, .put = write_put};
    if (w->o.format == OBJECT_FORMAT) VONK_TRY(open_sequence(w, NULL, NULL, err));
    VONK_TRY(vonk_rdd_compute(rdd, w->task->partition, w->task, &sink, err));
    if (w->o.format == TEXT_FORMAT) return flush_lines(w, err);
    if (w->o.format == OBJECT_FORMAT) VONK_TRY(end_objects(w, err));
    if (!w->sequence) VONK_TRY(open_sequence(w, VONK_WRITABLE "NullWritable", VONK_WRITABLE "NullWritable", err));
    return vonk_sequence_finish(w->sequence, err);
}

static vonk_status read_options(vonk_str bytes, options *ret, vonk_str text[N_TEXTS], vonk_error *err)
{
    size_t at = sizeof *ret;
    if (bytes.len >= at) memcpy(ret, bytes.data, at);
    for (size_t i = 0; i < N_TEXTS && bytes.len >= at; i++) {
        text[i] = vonk_str_sub(bytes, at, at + ret->bytes[i]);
        at += ret->bytes[i];
    }
    if (bytes.len == at) return VONK_OK;
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", "a task", "problem", "its options are none");
}

vonk_status vonk__rdd_save_hadoop(vonk_rdd *rdd, const rdd_task *what, vonk_task *task, vonk_file *file,
                                  vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    writing w = {.task = task, .file = file, .codec = what->codec};
    vonk_buf *const bufs[] = {&w.key, &w.value, &w.packed};
    VONK_TRY(read_options(what->options, &w.o, w.text, err));
    VONK_TRY(vonk_arena_new(task->budget, &arena, err));
    w.arena = arena;
    for (size_t i = 0; i < VONK_COUNTOF(bufs); i++) vonk_buf_init(bufs[i], task->budget, SIZE_MAX);
    vonk_status st = vonk_compressor_new(task->budget, &w.compressor, err);
    if (st == VONK_OK) st = write_all(&w, rdd, err);
    for (size_t i = 0; i < VONK_COUNTOF(bufs); i++) vonk_buf_done(bufs[i]);
    vonk_sequence_writer_free(w.sequence);
    vonk_compressor_free(w.compressor);
    return st;
}

vonk_status vonk__rdd_hadoop_name(const rdd_task *what, vonk_str *ret, vonk_error *err)
{
    options o;
    vonk_str text[N_TEXTS];
    VONK_TRY(read_options(what->options, &o, text, err));
    *ret = text[NAME];
    return VONK_OK;
}

static vonk_status put_options(const options *o, const vonk_str texts[N_TEXTS], vonk_arena *arena, vonk_str *ret,
                               vonk_error *err)
{
    char *to = NULL;
    ret->len = sizeof *o;
    for (size_t i = 0; i < N_TEXTS; i++) ret->len += texts[i].len;
    VONK_TRY(vonk_arena_alloc(arena, ret->len, &to, err));
    ret->data = to;
    memcpy(to, o, sizeof *o);
    to += sizeof *o;
    for (size_t i = 0; i < N_TEXTS; to += texts[i++].len)
        if (texts[i].len) memcpy(to, texts[i].data, texts[i].len);
    return VONK_OK;
}

static vonk_status save(vonk_rdd *rdd, const vonk_rdd_hadoop *spec, format as, bool is_new,
                        const vonk_property *properties, uint32_t n_properties, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    rdd_task t = {.context = rdd->context->number, .mode = RDD_TASK_SAVE, .folder = spec->paths};
    rdd_output_conf conf;
    vonk_str name = VONK_STR("part-");
    VONK_TRY(vonk_arena_new(rdd->context->budget, &arena, err));
    VONK_TRY(
        vonk__rdd_read_output_conf(rdd->context, &spec->conf, spec->codec_class, as != TEXT_FORMAT, arena, &conf, err));
    VONK_TRY(vonk_hadoop_codec(conf.codec, &t.codec, &t.ending, err));
    if (as != TEXT_FORMAT) t.ending = VONK_STR_NONE;
    if (is_new) VONK_TRY(vonk_arena_printf(arena, &name, err, "%.*s-r-", VONK_STR_ARGS(conf.name)));
    const vonk_str texts[N_TEXTS] = {[KEY_CLASS] = spec->key_class,
                                     [VALUE_CLASS] = spec->value_class,
                                     [CODEC_CLASS] = conf.codec,
                                     [SEPARATOR] = conf.separator,
                                     [NAME] = name};
    options o = {.format = as,
                 .is_batched = spec->is_batched,
                 .packing = !conf.codec.len  ? VONK_SEQUENCE_PLAIN
                            : conf.by_record ? VONK_SEQUENCE_RECORD
                                             : VONK_SEQUENCE_BLOCK};
    for (size_t i = 0; i < N_TEXTS; i++) o.bytes[i] = (uint32_t)texts[i].len;
    VONK_TRY(put_options(&o, texts, arena, &t.options, err));
    t.no_success = conf.no_success;
    return vonk__rdd_save_folder(rdd, &t, properties, n_properties, err);
}

vonk_status vonk_rdd_hadoop_write(vonk_rdd *rdd, const vonk_rdd_hadoop *spec, const vonk_property *properties,
                                  uint32_t n_properties, vonk_error *err)
{
    format as;
    bool is_new = false;
    VONK_TRY(find_format(spec->format, false, &as, &is_new, err));
    return save(rdd, spec, as, is_new, properties, n_properties, err);
}

vonk_status vonk_rdd_save_objects(vonk_rdd *rdd, vonk_str folder, const vonk_property *properties,
                                  uint32_t n_properties, vonk_error *err)
{
    const vonk_rdd_hadoop spec = {.paths = folder,
                                  .key_class = VONK_STR(VONK_WRITABLE "NullWritable"),
                                  .value_class = VONK_STR(VONK_WRITABLE "BytesWritable")};
    if (rdd->elements != VONK_RDD_BYTES)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "a file of other objects than bytes");
    return save(rdd, &spec, OBJECT_FORMAT, false, properties, n_properties, err);
}
