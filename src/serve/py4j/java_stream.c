/* serve/py4j/java_stream.c -- files as streams of bytes and of lines: what FileSystem.open and create give, and
 * java.io's readers above it. */
#include "serve/py4j/spark.h"
#include "sys/files.h"

#define J_IN "org.apache.hadoop.fs.FSDataInputStream"
#define J_OUT "org.apache.hadoop.fs.FSDataOutputStream"
#define J_READER "java.io.Reader"
#define MAX_BYTES ((size_t)1 << 30) /* of what one call hands over */

/* Readers hold the stream that they read, and share its place. */
typedef struct stream {
    vonk__j_object head;
    vonk_mutex lock;
    bool has_lock;
    vonk_file *file; /* NULL: closed */
    int64_t at;
} stream;
static void stream_drop(vonk__j_object *self)
{
    stream *s = (stream *)self;
    vonk_file_free(s->file);
    s->file = NULL;
    if (s->has_lock) vonk_mutex_done(&s->lock);
    s->has_lock = false;
}
static vonk_status open_as(vonk__j_call *call, const char *fqn, vonk_file_mode mode, vonk_error *err)
{
    VONK__J_AUTO stream *made = NULL;
    vonk_str path;
    VONK_TRY(vonk__j_path_arg(call, 0, &path, err));
    VONK_TRY(vonk__j_object_new(call->machine, fqn, &made, err));
    vonk_mutex_init(&made->lock);
    made->has_lock = true;
    const vonk_status status = vonk_file_open(call->machine->budget, path, mode, &made->file, err);
    VONK_TRY(vonk__j_as_hadoop(call, path, false, status, err));
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(made)->head));
}
vonk_status vonk__j_stream_open(vonk__j_call *call, vonk_error *err)
{
    return open_as(call, J_IN, VONK_FILE_READ, err);
}
vonk_status vonk__j_stream_create(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_str path;
    VONK_TRY(vonk__j_path_arg(call, 0, &path, err));
    VONK_TRY(vonk_arena_new(call->machine->budget, &arena, err));
    VONK_TRY(vonk_path_absolute(arena, path, &path, err));
    size_t at = path.len;
    while (at > 1 && path.data[at - 1] != '/') at--;
    VONK_TRY(vonk_dir_make(vonk_str_sub(path, 0, at), err)); /* with the folders above it, as Hadoop does */
    return open_as(call, J_OUT, call->n_args < 2 || call->args[1].i ? VONK_FILE_REPLACE : VONK_FILE_CREATE, err);
}

static vonk_status check_open(vonk__j_call *call, const stream *s, vonk_error *err)
{
    return s->file ? VONK_OK : vonk__j_throw(call->caller, "java.io.IOException", err, "Stream is closed!");
}
static vonk_status end(stream *s, vonk_error *err)
{
    VONK_LOCKED(&s->lock);
    return s->file ? vonk_file_close(VONK_STEAL(s->file), err) : VONK_OK;
}
static vonk_status stream_close(vonk__j_call *call, vonk_error *err) { return end((stream *)call->self, err); }
static vonk_status stream_read(vonk__j_call *call, vonk_error *err)
{
    stream *s = (stream *)call->self;
    uint8_t byte = 0;
    size_t n = 0;
    VONK_LOCKED(&s->lock);
    VONK_TRY(check_open(call, s, err));
    VONK_TRY(vonk_file_read_at(s->file, s->at, &byte, 1, &n, err));
    s->at += (int64_t)n;
    return vonk__j_return(call, vonk__j_i32(n ? byte : -1));
}
enum { POSITION, LEFT };
static vonk_status stream_ask(vonk__j_call *call, vonk_error *err)
{
    stream *s = (stream *)call->self;
    vonk_file_info info;
    VONK_LOCKED(&s->lock);
    VONK_TRY(check_open(call, s, err));
    if (call->member->tag == POSITION) return vonk__j_return(call, vonk__j_i64(s->at));
    VONK_TRY(vonk_file_get_info(s->file, &info, err));
    const int64_t left = info.size_bytes > s->at ? info.size_bytes - s->at : 0;
    return vonk__j_return(call, vonk__j_i32((int32_t)(left < INT32_MAX ? left : INT32_MAX)));
}
static vonk_status stream_seek(vonk__j_call *call, vonk_error *err)
{
    stream *s = (stream *)call->self;
    if (call->args[0].i < 0) return vonk__j_throw(call->caller, "java.io.EOFException", err, "Cannot seek to before 0");
    VONK_LOCKED(&s->lock);
    VONK_TRY(check_open(call, s, err));
    s->at = call->args[0].i;
    return VONK_OK;
}
/* From the place of the stream: up to and with the next line end, or to the end of the file. */
static vonk_status read_on(vonk__j_call *call, stream *s, bool line, vonk_buf *out, vonk_error *err)
{
    char chunk[4096];
    vonk_buf_init(out, call->machine->budget, MAX_BYTES);
    VONK_LOCKED(&s->lock);
    VONK_TRY(check_open(call, s, err));
    for (size_t n = sizeof chunk; n == sizeof chunk;) {
        VONK_TRY(vonk_file_read_at(s->file, s->at, chunk, sizeof chunk, &n, err));
        const size_t end = line ? vonk_str_find_byte((vonk_str){chunk, n}, '\n', 0) : SIZE_MAX;
        const size_t take = end == SIZE_MAX ? n : end + 1;
        VONK_TRY(vonk_buf_add_str(out, (vonk_str){chunk, take}, err));
        s->at += (int64_t)take;
        if (end != SIZE_MAX) return VONK_OK;
    }
    return VONK_OK;
}
static vonk_status stream_read_all(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf bytes = {0};
    VONK_TRY(read_on(call, (stream *)call->self, false, &bytes, err));
    return vonk__j_text_value(call->machine->budget, VONK__J_BYTES, vonk_buf_str(&bytes), &call->result, err);
}
static vonk_status stream_write(vonk__j_call *call, vonk_error *err)
{
    stream *s = (stream *)call->self;
    const vonk__j_value *v = &call->args[0];
    VONK_TRY(vonk__j_need(call, 0, err));
    const char byte = (char)v->i;
    const vonk_str data = vonk__j_has_text(v) ? vonk__j_str(v) : (vonk_str){&byte, 1};
    VONK_LOCKED(&s->lock);
    VONK_TRY(check_open(call, s, err));
    s->at += (int64_t)data.len;
    return vonk_file_write(s->file, data.data, data.len, err);
}
static vonk_status stream_flush(vonk__j_call *call, vonk_error *err)
{
    (void)call, (void)err; /* what was written is with the system */
    return VONK_OK;
}
static vonk_status to_string(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf bytes = {0};
    VONK_TRY(vonk__j_need(call, 0, err));
    VONK_TRY(read_on(call, (stream *)call->args[0].object, false, &bytes, err));
    return vonk__j_return_str(call, vonk_buf_str(&bytes), err);
}

/* ---- InputStreamReader, BufferedReader: UTF-8 */

typedef struct reader {
    vonk__j_object head;
    stream *from;
} reader;
static void reader_drop(vonk__j_object *self)
{
    stream *from = VONK_STEAL(((reader *)self)->from);
    vonk__j_object_unref(from);
}
static vonk_status reader_new(vonk__j_call *call, vonk_error *err)
{
    reader *made = NULL;
    VONK_TRY(vonk__j_need(call, 0, err));
    vonk__j_object *of = call->args[0].object;
    if (call->n_args > 1 && call->args[1].kind == VONK__J_STRING &&
        !vonk_str_is_nocase(vonk__j_str(&call->args[1]), "UTF-8"))
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "readers of other texts than UTF-8");
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &made, err));
    made->from = (stream *)vonk__j_object_ref(vonk__j_is(of, J_READER) ? (void *)((reader *)of)->from : (void *)of);
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status reader_line(vonk__j_call *call, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf bytes = {0};
    VONK_TRY(read_on(call, ((reader *)call->self)->from, true, &bytes, err));
    vonk_str line = vonk_buf_str(&bytes);
    if (!line.len) return vonk__j_return(call, VONK__J_NOTHING);
    if (line.data[line.len - 1] == '\n') line.len--;
    if (line.len && line.data[line.len - 1] == '\r') line.len--;
    return vonk__j_return_str(call, line, err);
}
static vonk_status reader_close(vonk__j_call *call, vonk_error *err) { return end(((reader *)call->self)->from, err); }

#define CLOSE(function) {"close", "", "void", function, VONK__J_METHOD, 0}
static const vonk__j_member in_members[] = {
    CLOSE(stream_close),
    {"read", "", "int", stream_read, VONK__J_METHOD, 0},
    {"readAllBytes", "", "byte[]", stream_read_all, VONK__J_METHOD, 0},
    {"available", "", "int", stream_ask, VONK__J_METHOD, LEFT},
    {"getPos", "", "long", stream_ask, VONK__J_METHOD, POSITION},
    {"seek", "long", "void", stream_seek, VONK__J_METHOD, 0},
};
static const vonk__j_member out_members[] = {
    CLOSE(stream_close),
    {"write", "int", "void", stream_write, VONK__J_METHOD, 0},
    {"write", "byte[]", "void", stream_write, VONK__J_METHOD, 0},
    {"writeBytes", "String", "void", stream_write, VONK__J_METHOD, 0},
    {"getPos", "", "long", stream_ask, VONK__J_METHOD, POSITION},
    {"flush", "", "void", stream_flush, VONK__J_METHOD, 0},
    {"hflush", "", "void", stream_flush, VONK__J_METHOD, 0},
};
static const vonk__j_member in_reader_members[] = {
    {"new", "java.io.InputStream", "", reader_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "java.io.InputStream, String", "", reader_new, VONK__J_CONSTRUCTOR, 0},
    CLOSE(reader_close),
};
static const vonk__j_member buffered_members[] = {
    {"new", J_READER, "", reader_new, VONK__J_CONSTRUCTOR, 0},
    {"readLine", "", "String", reader_line, VONK__J_METHOD, 0},
    CLOSE(reader_close),
};
static const vonk__j_member utils_members[] = {
    {"toString", "java.io.InputStream, String", "String", to_string, VONK__J_STATIC, 0},
};
#define ROW(name, list) .fqn = (name), VONK__J_MEMBERS(list)
#define READER(name, list) {ROW(name, list), .super = J_READER, .size = sizeof(reader), .drop = reader_drop}
static const vonk__j_row rows[] = {
    {.fqn = "java.io.InputStream", .interfaces = "java.io.Closeable", .flags = VONK__J_ABSTRACT},
    {.fqn = "java.io.OutputStream", .interfaces = "java.io.Closeable", .flags = VONK__J_ABSTRACT},
    {.fqn = J_READER, .interfaces = "java.io.Closeable", .flags = VONK__J_ABSTRACT},
    {ROW(J_IN, in_members), .super = "java.io.InputStream", .flags = VONK__J_ABSTRACT, .size = sizeof(stream),
     .drop = stream_drop},
    {ROW(J_OUT, out_members), .super = "java.io.OutputStream", .flags = VONK__J_ABSTRACT, .size = sizeof(stream),
     .drop = stream_drop},
    READER("java.io.InputStreamReader", in_reader_members),
    READER("java.io.BufferedReader", buffered_members),
    {ROW("org.apache.commons.io.IOUtils", utils_members), .flags = VONK__J_ABSTRACT},
};
const vonk__j_area vonk__j_area_java_stream = {rows, VONK_COUNTOF(rows)};
