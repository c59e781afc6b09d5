/* serve/translate/local.c -- rows that clients send along: an Arrow stream inside the plan, or cached as artifacts, one
 * or in chunks. */
#include "serve/translate/translate_int.h"

#include "codec/ipc.h"

/* What a local relation consists of: Arrow streams, and the schema that the client means (JSON or DDL; may be empty).
 */
typedef struct local_data {
    VONK_VEC(vonk_str) streams;
    vonk_str schema;
} local_data;

static vonk_status artifact(vonk_translator *t, vonk_str hash, vonk_str *ret, vonk_error *err)
{
    return t->artifact(t->door, hash, ret, err);
}

static vonk_status add_stream(vonk_translator *t, local_data *data, vonk_str bytes, vonk_error *err)
{
    return VONK_VEC_ARENA_PUSH(&data->streams, t->arena, bytes, err);
}

static vonk_status of_message(vonk_translator *t, const vonk_pb_msg *m, local_data *data, vonk_error *err)
{
    data->schema = vonk_pb_str(m, PB_LOCAL_RELATION_SCHEMA);
    return vonk_pb_has(m, PB_LOCAL_RELATION_DATA) ? add_stream(t, data, vonk_pb_str(m, PB_LOCAL_RELATION_DATA), err)
                                                  : VONK_OK;
}

/* The artifact of a CachedLocalRelation is an encoded LocalRelation. */
static vonk_status of_cached(vonk_translator *t, const vonk_pb_msg *m, local_data *data, vonk_error *err)
{
    vonk_str bytes;
    const vonk_pb_msg *local = NULL;

    VONK_TRY(artifact(t, vonk_pb_str(m, PB_CACHED_LOCAL_RELATION_HASH), &bytes, err));
    VONK_TRY(vonk_pb_decode(&vonk_pb_connect, PB_M_LOCAL_RELATION, bytes, VONK_PB_MAX_DEPTH, t->arena, &local, err));
    return of_message(t, local, data, err);
}

static vonk_status of_chunks(vonk_translator *t, const vonk_pb_msg *m, local_data *data, vonk_error *err)
{
    const size_t n = vonk_pb_n(m, PB_CHUNKED_CACHED_LOCAL_RELATION_DATAHASHES);

    for (size_t i = 0; i < n; i++) {
        vonk_str bytes;
        VONK_TRY(artifact(t, vonk_pb_str_at(m, PB_CHUNKED_CACHED_LOCAL_RELATION_DATAHASHES, i), &bytes, err));
        VONK_TRY(add_stream(t, data, bytes, err));
    }
    if (!vonk_pb_has(m, PB_CHUNKED_CACHED_LOCAL_RELATION_SCHEMAHASH)) return VONK_OK;
    return artifact(t, vonk_pb_str(m, PB_CHUNKED_CACHED_LOCAL_RELATION_SCHEMAHASH), &data->schema, err);
}

/* ---- streams -> batches */
typedef VONK_VEC(vonk_batch *) batch_list;

static void unref_batch(void *b) { vonk_batch_unref(b); }

static vonk_status read_stream(vonk_translator *t, vonk_str bytes, batch_list *batches, const vonk_type **inout_type,
                               vonk_error *err)
{
    VONK_AUTO(vonk_buffer_unref) vonk_buffer *own = NULL;
    VONK_AUTO(vonk_ipc_reader_free) vonk_ipc_reader *reader = NULL;

    VONK_TRY(vonk_buffer_new(t->budget, bytes.len, &own, err)); /* the plan outlives the request */
    if (bytes.len > 0) memcpy(own->data, bytes.data, bytes.len);
    VONK_TRY(vonk_ipc_reader_new(t->budget, own, "local relation", &reader, err));
    if (!*inout_type) {
        *inout_type = vonk_type_ref(vonk_ipc_reader_type(reader));
        VONK_TRY(vonk__tr_keep_type(t, *inout_type, err));
    }
    for (;;) {
        vonk_batch *batch = NULL;
        VONK_TRY(vonk_ipc_reader_next(reader, &batch, err));
        if (!batch) return VONK_OK;
        VONK_TRY(vonk_arena_on_free(t->arena, unref_batch, batch, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(batches, t->arena, batch, err));
    }
}

/* ---- the client's schema over the data's */
static bool only_names_differ(const vonk_type *data, const vonk_type *wanted)
{
    if (data->n_fields != wanted->n_fields) return false;
    for (uint32_t i = 0; i < data->n_fields; i++)
        if (!vonk_type_same(data->fields[i].type, wanted->fields[i].type)) return false;
    return true;
}

static vonk_status retype_batches(vonk_translator *t, const vonk_type *wanted, batch_list *batches, vonk_error *err)
{
    for (size_t b = 0; b < batches->n; b++) {
        const vonk_batch *from = batches->at[b];
        vonk_column **columns = NULL;
        vonk_batch *to = NULL;
        uint32_t n = 0;
        VONK_TRY(vonk_arena_array(t->arena, from->n_columns + 1, sizeof *columns, &columns, err));
        vonk_status status = VONK_OK;
        for (; n < from->n_columns && status == VONK_OK; n++) {
            status = vonk_column_retype(t->budget, from->columns[n], wanted->fields[n].type, &columns[n], err);
            if (status != VONK_OK) break;
        }
        if (status == VONK_OK) status = vonk_batch_new(t->budget, from->n_rows, columns, n, &to, err);
        for (uint32_t i = 0; i < n; i++) vonk_column_unref(columns[i]);
        VONK_TRY(status);
        VONK_TRY(vonk_arena_on_free(t->arena, unref_batch, to, err));
        batches->at[b] = to;
    }
    return VONK_OK;
}

/* Positions decide: column i is cast to field i and takes its name. */
static vonk_status cast_to(vonk_translator *t, const vonk_plan *local, const vonk_type *wanted, const vonk_plan **ret,
                           vonk_error *err)
{
    const vonk_expr **list = NULL;
    const uint32_t n = wanted->n_fields;

    if (local->n_output != n)
        return vonk_translate_invalid("a local relation's schema has another number of columns than its data", err);
    VONK_TRY(vonk_arena_array(t->arena, n + 1, sizeof *list, &list, err));
    for (uint32_t i = 0; i < n; i++) {
        const vonk_expr *cast = NULL;
        VONK_TRY(vonk_ex_cast(t->budget, local->output[i], wanted->fields[i].type, VONK_MODE_ANSI, &cast, err));
        VONK_TRY(vonk__tr_keep_expr(t, cast, err));
        VONK_TRY(vonk_ex_alias(t->budget, cast, wanted->fields[i].name, &list[i], err));
        VONK_TRY(vonk__tr_keep_expr(t, list[i], err));
    }
    return vonk_pn_project(t->budget, local, list, n, ret, err);
}

static vonk_status with_schema(vonk_translator *t, vonk_str text, const vonk_type *data_type, batch_list *batches,
                               const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *wanted = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *local = NULL;

    VONK_TRY(text.data[0] == '{' ? vonk_type_parse_json(text, &wanted, err) : vonk_type_parse_ddl(text, &wanted, err));
    if (wanted->id != VONK_T_STRUCT) return vonk_translate_invalid("a schema that is not a struct", err);
    if (!data_type) return vonk_pn_local(t->budget, wanted, NULL, 0, ret, err);
    if (only_names_differ(data_type, wanted)) {
        VONK_TRY(retype_batches(t, wanted, batches, err));
        return vonk_pn_local(t->budget, wanted, batches->at, (uint32_t)batches->n, ret, err);
    }
    VONK_TRY(vonk_pn_local(t->budget, data_type, batches->at, (uint32_t)batches->n, &local, err));
    return cast_to(t, local, wanted, ret, err);
}

vonk_status vonk__translate_local(vonk_translator *t, const vonk_pb_msg *relation, const vonk_plan **ret,
                                  vonk_error *err)
{
    const int which = vonk_pb_which(relation, PB_RELATION_REL_TYPE_ONEOF);
    const vonk_pb_msg *m = vonk_pb_get_msg(relation, which);
    local_data data = {0};
    batch_list batches = {0};
    const vonk_type *type = NULL;

    VONK_TRY(which == PB_RELATION_LOCAL_RELATION          ? of_message(t, m, &data, err)
             : which == PB_RELATION_CACHED_LOCAL_RELATION ? of_cached(t, m, &data, err)
                                                          : of_chunks(t, m, &data, err));
    for (size_t i = 0; i < data.streams.n; i++) VONK_TRY(read_stream(t, data.streams.at[i], &batches, &type, err));
    if (data.schema.len > 0) return with_schema(t, data.schema, type, &batches, ret, err);
    if (!type) return vonk_translate_invalid("a local relation without data and schema", err);
    return vonk_pn_local(t->budget, type, batches.at, (uint32_t)batches.n, ret, err);
}
