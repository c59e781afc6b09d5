/* serve/connect/upload.c -- AddArtifacts: messages come on the server's thread, are queued, and are worked off in order
 * by one worker at a time. Files are first staged, each under a number; when the client is done they get their names,
 * if their checksums were right. */
#include "codec/compress.h"
#include "serve/connect/artifacts_int.h"
#include "sys/files.h"

typedef struct staged_file {
    char *name;        /* as the client says, for the summary */
    size_t name_bytes; /* of it without "#fragment" (archives) */
    char *path;
    bool is_good; /* every checksum was right */
} staged_file;

typedef struct vonk_connect_upload vonk_connect_upload;
struct vonk_connect_upload {
    vonk_connect_server *server;
    vonk_budget *budget;
    vonk_mutex lock;
    VONK_VEC(vonk_slice) queue;
    size_t queue_head;
    bool is_ended, is_working;
    vonk_connect_task task;
    vonk_grpc_call *call; /* held while a worker is on it */

    /* the worker's */
    vonk_connect_session *session;
    char *folder; /* for staging */
    VONK_VEC(staged_file) files;
    vonk_file *open; /* of the last one of files, while its chunks come */
    int64_t chunks_left, bytes_left;
    bool is_failed;
};

static void work_off(void *self);

/* ---- on the server's thread ---- */

void vonk__connect_artifacts_start(void *self, vonk_grpc_call *call)
{
    vonk_connect_server *server = self;
    vonk_connect_call_data *data = NULL;
    vonk_connect_upload *u = NULL;
    vonk_error err = VONK_ERROR_INIT;
    vonk_status st = VONK_NEW(server->budget, &data, &err);
    if (st == VONK_OK) st = VONK_NEW(server->budget, &u, &err);
    if (st != VONK_OK) {
        vonk_free(data);
        vonk_grpc_finish(call, VONK_GRPC_RESOURCE_EXHAUSTED, VONK_STR("no memory for the upload"), VONK_STR_NONE);
    } else {
        u->server = server;
        u->budget = server->budget;
        vonk_mutex_init(&u->lock);
        data->upload = u;
        vonk_grpc_set_data(call, data);
    }
    vonk_error_reset(&err);
}

/* Under the lock. */
static void wake_worker(vonk_connect_upload *u, vonk_grpc_call *call)
{
    if (u->is_working) return;
    u->is_working = true;
    u->call = vonk_grpc_call_ref(call);
    u->task = (vonk_connect_task){.run = work_off, .self = u};
    vonk_connect_workers_post(u->server->clerks, &u->task);
}

static vonk_connect_upload *upload_of(vonk_grpc_call *call)
{
    vonk_connect_call_data *data = vonk_grpc_data(call);
    return data ? data->upload : NULL;
}

void vonk__connect_artifacts_message(void *self, vonk_grpc_call *call, vonk_slice take_message)
{
    (void)self;
    vonk_connect_upload *u = upload_of(call);
    vonk_error err = VONK_ERROR_INIT;
    vonk_status st = VONK_E_MEMORY_BUDGET_EXCEEDED;
    if (u) {
        vonk_mutex_lock(&u->lock);
        st = VONK_VEC_PUSH(&u->queue, u->budget, take_message, &err);
        if (st == VONK_OK) wake_worker(u, call);
        vonk_mutex_unlock(&u->lock);
    }
    if (st != VONK_OK) {
        vonk_slice_unref(take_message);
        vonk_grpc_finish(call, VONK_GRPC_RESOURCE_EXHAUSTED, VONK_STR("no memory for the upload"), VONK_STR_NONE);
    }
    vonk_error_reset(&err);
}

void vonk__connect_artifacts_end(void *self, vonk_grpc_call *call)
{
    (void)self;
    vonk_connect_upload *u = upload_of(call);
    if (!u) return;
    vonk_mutex_lock(&u->lock);
    u->is_ended = true;
    wake_worker(u, call);
    vonk_mutex_unlock(&u->lock);
}

void vonk__connect_upload_free(vonk_connect_upload *u)
{
    if (!u) return;
    vonk_error err = VONK_ERROR_INIT;
    for (size_t i = u->queue_head; i < u->queue.n; i++) vonk_slice_unref(u->queue.at[i]);
    vonk_free(u->queue.at);
    vonk_file_free(u->open);
    for (size_t i = 0; i < u->files.n; i++) {
        vonk_free(u->files.at[i].name);
        vonk_free(u->files.at[i].path);
    }
    vonk_free(u->files.at);
    if (u->folder && vonk_dir_remove_tree(vonk_str_of(u->folder), &err) != VONK_OK) vonk_error_reset(&err);
    vonk_free(u->folder);
    vonk__connect_touch_session(u->session);
    vonk_connect_session_unref(u->session);
    vonk_mutex_done(&u->lock);
    vonk_free(u);
}

/* ---- staging, on a worker ---- */

static vonk_status fail_protocol(const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__CANNOT_PARSE, "errorMsg",
                     VONK_F("artifact upload: %s", problem));
}

/* "archives/a.zip#name": the part behind '#' is where it is to be unpacked. */
static size_t bytes_without_fragment(vonk_str name)
{
    if (!vonk_str_starts(name, VONK_STR("archives/"))) return name.len;
    return vonk_min_size(vonk_str_find_byte(name, '#', 0), name.len);
}

static vonk_status make_folder(vonk_connect_upload *u, vonk_error *err)
{
    if (u->folder) return VONK_OK;
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    vonk_connect_artifacts *store = NULL;
    vonk_str path;
    VONK_TRY(vonk_arena_new(u->budget, &scratch, err));
    VONK_TRY(vonk__connect_open_store(u->session, &store, err));
    /* Beside the store, not in it: on the same file system, so that names can be given by renaming. */
    VONK_TRY(vonk_dir_make_temp(scratch, vonk_str_of(u->server->artifact_dir), VONK_STR("vonk-upload-"), &path, err));
    return vonk_strdup(u->budget, path, &u->folder, err);
}

static vonk_status begin_file(vonk_connect_upload *u, vonk_str name, vonk_error *err)
{
    staged_file file = {.name_bytes = bytes_without_fragment(name), .is_good = true};
    if (u->open) return fail_protocol("a file begins before the last one is complete", err);
    VONK_TRY(vonk__connect_check_artifact_name(vonk_str_sub(name, 0, file.name_bytes), err));
    VONK_TRY(make_folder(u, err));
    vonk_status st = vonk_strdup(u->budget, name, &file.name, err);
    if (st == VONK_OK)
        st = vonk_strdup(u->budget, vonk_str_of(VONK_F("%s/%zu", u->folder, u->files.n)), &file.path, err);
    if (st == VONK_OK) st = vonk_file_open(u->budget, vonk_str_of(file.path), VONK_FILE_CREATE, &u->open, err);
    if (st == VONK_OK) st = VONK_VEC_PUSH(&u->files, u->budget, file, err);
    if (st != VONK_OK) {
        vonk_free(file.name);
        vonk_free(file.path);
    }
    return st;
}

static vonk_status write_chunk(vonk_connect_upload *u, const vonk_pb_msg *chunk, vonk_error *err)
{
    vonk_str data = vonk_pb_str(chunk, PB_ADD_ARTIFACTS_REQUEST_ARTIFACT_CHUNK_DATA);
    int64_t crc = vonk_pb_i64(chunk, PB_ADD_ARTIFACTS_REQUEST_ARTIFACT_CHUNK_CRC);
    if (!u->open) return fail_protocol("a chunk comes without a file", err);
    if (vonk_crc32(data.data, data.len) != crc) u->files.at[u->files.n - 1].is_good = false;
    u->chunks_left--;
    u->bytes_left -= (int64_t)data.len;
    if (u->bytes_left < 0) return fail_protocol("a file has more bytes than were announced", err);
    VONK_TRY(vonk_file_write(u->open, data.data, data.len, err));
    if (u->chunks_left > 0) return VONK_OK;
    if (u->bytes_left > 0) return fail_protocol("a file has fewer bytes than were announced", err);
    return vonk_file_close(VONK_STEAL(u->open), err);
}

static vonk_status take_single(vonk_connect_upload *u, const vonk_pb_msg *artifact, vonk_error *err)
{
    const vonk_pb_msg *chunk = vonk_pb_get_msg(artifact, PB_ADD_ARTIFACTS_REQUEST_SINGLE_CHUNK_ARTIFACT_DATA);
    VONK_TRY(begin_file(u, vonk_pb_str(artifact, PB_ADD_ARTIFACTS_REQUEST_SINGLE_CHUNK_ARTIFACT_NAME), err));
    u->chunks_left = 1;
    u->bytes_left = (int64_t)vonk_pb_str(chunk, PB_ADD_ARTIFACTS_REQUEST_ARTIFACT_CHUNK_DATA).len;
    return write_chunk(u, chunk, err);
}

static vonk_status take_first(vonk_connect_upload *u, const vonk_pb_msg *begin, vonk_error *err)
{
    VONK_TRY(begin_file(u, vonk_pb_str(begin, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNKED_ARTIFACT_NAME), err));
    u->chunks_left = vonk_pb_i64(begin, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNKED_ARTIFACT_NUM_CHUNKS);
    u->bytes_left = vonk_pb_i64(begin, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNKED_ARTIFACT_TOTAL_BYTES);
    if (u->chunks_left < 1 || u->bytes_left < 0) return fail_protocol("a file has no chunks", err);
    return write_chunk(u, vonk_pb_get_msg(begin, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNKED_ARTIFACT_INITIAL_CHUNK), err);
}

static vonk_status take_message(vonk_connect_upload *u, const vonk_pb_msg *m, vonk_error *err)
{
    if (!u->session) {
        vonk_connect_caller caller =
            vonk__connect_caller(m, PB_ADD_ARTIFACTS_REQUEST_SESSION_ID, PB_ADD_ARTIFACTS_REQUEST_USER_CONTEXT,
                                 PB_ADD_ARTIFACTS_REQUEST_CLIENT_OBSERVED_SERVER_SIDE_SESSION_ID);
        VONK_TRY(vonk__connect_open_session(u->server, &caller, &u->session, err));
    }
    const vonk_pb_msg *batch = vonk_pb_get_msg(m, PB_ADD_ARTIFACTS_REQUEST_BATCH);
    switch (vonk_pb_which(m, PB_ADD_ARTIFACTS_REQUEST_PAYLOAD_ONEOF)) {
    case PB_ADD_ARTIFACTS_REQUEST_BATCH:
        for (size_t i = 0; i < vonk_pb_n(batch, PB_ADD_ARTIFACTS_REQUEST_BATCH_ARTIFACTS); i++)
            VONK_TRY(take_single(u, vonk_pb_msg_at(batch, PB_ADD_ARTIFACTS_REQUEST_BATCH_ARTIFACTS, i), err));
        return VONK_OK;
    case PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNK:
        return take_first(u, vonk_pb_get_msg(m, PB_ADD_ARTIFACTS_REQUEST_BEGIN_CHUNK), err);
    case PB_ADD_ARTIFACTS_REQUEST_CHUNK: return write_chunk(u, vonk_pb_get_msg(m, PB_ADD_ARTIFACTS_REQUEST_CHUNK), err);
    default:
        return VONK_FAIL(err, VONK_E_CONNECT_INVALID_PLAN__INVALID_ONE_OF_FIELD_NOT_SET, "fullName",
                         "spark.connect.AddArtifactsRequest", "name", "payload");
    }
}

/* ---- the end of the upload ---- */

/* forward_to_fs/path: a file for the server's own file system, if that is allowed at all. */
static vonk_status forward(vonk_connect_upload *u, vonk_str name, vonk_str staged, vonk_error *err)
{
    const vonk_connect_backend *backend = u->server->backend;
    const vonk_conf *conf = backend->conf(backend->self, u->session->backend);
    bool is_allowed = vonk_conf_bool(conf, "spark.sql.artifact.copyFromLocalToFs.allowDestLocal") ||
                      vonk_conf_bool(conf, "spark.connect.copyFromLocalToFs.allowDestLocal");
    vonk_conf_unref(conf);
    if (!is_allowed)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "copying to the server's file system while "
                         "spark.sql.artifact.copyFromLocalToFs.allowDestLocal is false");
    VONK_AUTO(vonk_buf_done) vonk_buf content = {0};
    vonk_buf_init(&content, u->budget, SIZE_MAX);
    VONK_TRY(vonk_file_read_all(staged, SIZE_MAX, &content, err));
    return vonk_file_replace(vonk_str_sub(name, strlen("forward_to_fs"), name.len), content.data, content.len, err);
}

static vonk_status keep_files(vonk_connect_upload *u, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *scratch = NULL;
    vonk_connect_artifacts *store = NULL;
    VONK_TRY(vonk_arena_new(u->budget, &scratch, err));
    VONK_TRY(vonk__connect_open_store(u->session, &store, err));
    for (size_t i = 0; i < u->files.n; i++) {
        const staged_file *file = &u->files.at[i];
        vonk_str name = {file->name, file->name_bytes}, staged = vonk_str_of(file->path);
        if (!file->is_good) continue; /* the summary says so, the client sends it again */
        if (vonk_str_starts(name, VONK_STR("forward_to_fs/")))
            VONK_TRY(forward(u, name, staged, err));
        else {
            VONK_TRY(vonk__connect_store_artifact(store, scratch, name, staged, err));
            VONK_TRY(vonk__connect_tell_artifact(u->session, store, scratch, name, vonk_str_of(file->name), err));
        }
    }
    return VONK_OK;
}

static vonk_status finish_upload(vonk_connect_upload *u, vonk_error *err)
{
    if (!u->session) return fail_protocol("it has no message", err);
    if (u->open) return fail_protocol("the last file is not complete", err);
    VONK_TRY(keep_files(u, err));
    VONK_AUTO(vonk_buf_done) vonk_buf buf = {0};
    vonk_slice message;
    vonk_buf_init(&buf, u->budget, SIZE_MAX);
    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, &buf, err);
    vonk_pb_put_str(&w, PB_ADD_ARTIFACTS_RESPONSE_SESSION_ID, u->session->id);
    vonk_pb_put_str(&w, PB_ADD_ARTIFACTS_RESPONSE_SERVER_SIDE_SESSION_ID, vonk__connect_server_side_id(u->session));
    for (size_t i = 0; i < u->files.n; i++) {
        size_t mark = vonk_pb_begin(&w, PB_ADD_ARTIFACTS_RESPONSE_ARTIFACTS);
        vonk_pb_put_c(&w, PB_ADD_ARTIFACTS_RESPONSE_ARTIFACT_SUMMARY_NAME, u->files.at[i].name);
        vonk_pb_put_i64(&w, PB_ADD_ARTIFACTS_RESPONSE_ARTIFACT_SUMMARY_IS_CRC_SUCCESSFUL, u->files.at[i].is_good);
        vonk_pb_end(&w, mark);
    }
    VONK_TRY(vonk_pb_writer_end(&w));
    VONK_TRY(vonk_slice_of_buf(&buf, &message, err));
    vonk_grpc_reply(u->call, message);
    return VONK_OK;
}

/* ---- the worker's loop ---- */

static vonk_status work_on(vonk_connect_upload *u, vonk_slice bytes, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    const vonk_pb_msg *m = NULL;
    VONK_TRY(vonk_arena_new(u->budget, &arena, err));
    VONK_TRY(
        vonk_pb_decode(&vonk_pb_connect, PB_M_ADD_ARTIFACTS_REQUEST, bytes.bytes, VONK_PB_MAX_DEPTH, arena, &m, err));
    return take_message(u, m, err);
}

/* The next message; false: there is none now. *ret_ended: and there will be none. */
static bool next_message(vonk_connect_upload *u, vonk_slice *ret, bool *ret_ended)
{
    vonk_mutex_lock(&u->lock);
    bool is_there = u->queue_head < u->queue.n;
    if (is_there) *ret = u->queue.at[u->queue_head++];
    if (u->queue_head == u->queue.n) u->queue_head = u->queue.n = 0;
    *ret_ended = !is_there && u->is_ended;
    if (!is_there && !*ret_ended) u->is_working = false;
    vonk_mutex_unlock(&u->lock);
    return is_there;
}

static void work_off(void *self)
{
    vonk_connect_upload *u = self;
    vonk_grpc_call *call = u->call;
    vonk_slice bytes = VONK_SLICE_NONE;
    bool is_ended = false;
    while (next_message(u, &bytes, &is_ended)) {
        vonk_error err = VONK_ERROR_INIT;
        vonk_status st = u->is_failed || vonk_grpc_is_over(call) ? VONK_OK : work_on(u, bytes, &err);
        if (st != VONK_OK) vonk__connect_fail_call(u->session, call, &err);
        u->is_failed = u->is_failed || st != VONK_OK;
        vonk_grpc_consumed(call, bytes.bytes.len);
        vonk_slice_unref(bytes);
        vonk_error_reset(&err);
    }
    if (is_ended && !u->is_failed && !vonk_grpc_is_over(call)) {
        vonk_error err = VONK_ERROR_INIT;
        if (finish_upload(u, &err) != VONK_OK) vonk__connect_fail_call(u->session, call, &err);
        vonk_error_reset(&err);
    }
    vonk_grpc_call_unref(call); /* may free the upload */
}
