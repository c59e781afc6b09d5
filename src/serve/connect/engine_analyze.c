/* serve/connect/engine_analyze.c -- AnalyzePlan: questions about a plan, answered without running it. */
#include "base/version.h"
#include "serve/connect/engine_int.h"

typedef struct question {
    vonk__connect_request r;
    const vonk_pb_msg *m; /* the request's member */
    vonk_pb_writer *w;
} question;

/* The relation of a Plan field. */
static vonk_status plan_of(question *q, int field, const vonk_plan **ret, vonk_error *err)
{
    const vonk_pb_msg *plan = NULL;

    VONK_TRY(vonk_connect_plan(q->r.client, vonk_pb_get_msg(q->m, field), q->r.translator.arena, &plan, err));
    if (vonk_pb_which(plan, PB_PLAN_OP_TYPE_ONEOF) != PB_PLAN_ROOT)
        return vonk_translate_invalid("a plan that is not a relation", err);
    return vonk_translate_relation(&q->r.translator, vonk_pb_get_msg(plan, PB_PLAN_ROOT), ret, err);
}

static vonk_status resolved_of(question *q, int field, const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;

    VONK_TRY(plan_of(q, field, &plan, err));
    return vonk_session_analyze(q->r.state->session, plan, ret, err);
}

static vonk_status put_text(question *q, int member, int field, vonk_str text)
{
    const size_t mark = vonk_pb_begin(q->w, member);

    vonk_pb_put_str(q->w, field, text);
    vonk_pb_end(q->w, mark);
    return vonk_pb_writer_end(q->w);
}

static vonk_status put_number(question *q, int member, int field, int64_t number)
{
    const size_t mark = vonk_pb_begin(q->w, member);

    vonk_pb_put_i64(q->w, field, number);
    vonk_pb_end(q->w, mark);
    return vonk_pb_writer_end(q->w);
}

static vonk_status put_nothing(question *q, int member)
{
    vonk_pb_end(q->w, vonk_pb_begin(q->w, member));
    return vonk_pb_writer_end(q->w);
}

static vonk_status schema(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;

    VONK_TRY(resolved_of(q, PB_ANALYZE_PLAN_REQUEST_SCHEMA_PLAN, &plan, err));
    VONK_TRY(vonk_plan_schema(plan, &type, err));
    const size_t mark = vonk_pb_begin(q->w, PB_ANALYZE_PLAN_RESPONSE_SCHEMA);
    VONK_TRY(vonk_translate_put_type(q->w, PB_ANALYZE_PLAN_RESPONSE_SCHEMA_SCHEMA, type, err));
    vonk_pb_end(q->w, mark);
    return vonk_pb_writer_end(q->w);
}

static vonk_str explain_mode(int mode)
{
    switch (mode) {
    case PB_E_ANALYZE_PLAN_REQUEST_EXPLAIN_EXPLAIN_MODE_EXTENDED: return VONK_STR("extended");
    case PB_E_ANALYZE_PLAN_REQUEST_EXPLAIN_EXPLAIN_MODE_CODEGEN: return VONK_STR("codegen");
    case PB_E_ANALYZE_PLAN_REQUEST_EXPLAIN_EXPLAIN_MODE_COST: return VONK_STR("cost");
    case PB_E_ANALYZE_PLAN_REQUEST_EXPLAIN_EXPLAIN_MODE_FORMATTED: return VONK_STR("formatted");
    default: return VONK_STR("simple");
    }
}

static vonk_status explain(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};

    vonk_buf_init(&text, q->r.translator.budget, SIZE_MAX);
    VONK_TRY(plan_of(q, PB_ANALYZE_PLAN_REQUEST_EXPLAIN_PLAN, &plan, err));
    VONK_TRY(vonk_session_explain(q->r.state->session, plan,
                                  explain_mode(vonk_pb_i32(q->m, PB_ANALYZE_PLAN_REQUEST_EXPLAIN_EXPLAIN_MODE)), &text,
                                  err));
    return put_text(q, PB_ANALYZE_PLAN_RESPONSE_EXPLAIN, PB_ANALYZE_PLAN_RESPONSE_EXPLAIN_EXPLAIN_STRING,
                    vonk_buf_str(&text));
}

static vonk_status tree_string(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};

    vonk_buf_init(&text, q->r.translator.budget, SIZE_MAX);
    VONK_TRY(resolved_of(q, PB_ANALYZE_PLAN_REQUEST_TREE_STRING_PLAN, &plan, err));
    VONK_TRY(vonk_plan_schema(plan, &type, err));
    VONK_TRY(vonk_type_tree_string(type, vonk_pb_i32(q->m, PB_ANALYZE_PLAN_REQUEST_TREE_STRING_LEVEL), &text, err));
    return put_text(q, PB_ANALYZE_PLAN_RESPONSE_TREE_STRING, PB_ANALYZE_PLAN_RESPONSE_TREE_STRING_TREE_STRING,
                    vonk_buf_str(&text));
}

static vonk_status is_local(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;

    VONK_TRY(resolved_of(q, PB_ANALYZE_PLAN_REQUEST_IS_LOCAL_PLAN, &plan, err));
    return put_number(q, PB_ANALYZE_PLAN_RESPONSE_IS_LOCAL, PB_ANALYZE_PLAN_RESPONSE_IS_LOCAL_IS_LOCAL,
                      vonk_session_is_local(plan));
}

static vonk_status is_streaming(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;

    VONK_TRY(resolved_of(q, PB_ANALYZE_PLAN_REQUEST_IS_STREAMING_PLAN, &plan, err));
    return put_number(q, PB_ANALYZE_PLAN_RESPONSE_IS_STREAMING, PB_ANALYZE_PLAN_RESPONSE_IS_STREAMING_IS_STREAMING,
                      0); /* streaming reads are refused */
}

static vonk_status put_file(void *self, vonk_str file, vonk_error *err)
{
    (void)err;
    vonk_pb_put_str(((question *)self)->w, PB_ANALYZE_PLAN_RESPONSE_INPUT_FILES_FILES, file);
    return VONK_OK;
}

static vonk_status input_files(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;

    VONK_TRY(resolved_of(q, PB_ANALYZE_PLAN_REQUEST_INPUT_FILES_PLAN, &plan, err));
    const size_t mark = vonk_pb_begin(q->w, PB_ANALYZE_PLAN_RESPONSE_INPUT_FILES);
    VONK_TRY(vonk_session_input_files(plan, q->r.translator.arena, put_file, q, err));
    vonk_pb_end(q->w, mark);
    return vonk_pb_writer_end(q->w);
}

static vonk_status ddl_parse(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;

    VONK_TRY(vonk_translate_parse_ddl(vonk_pb_str(q->m, PB_ANALYZE_PLAN_REQUEST_DDL_PARSE_DDL_STRING), &type, err));
    const size_t mark = vonk_pb_begin(q->w, PB_ANALYZE_PLAN_RESPONSE_DDL_PARSE);
    VONK_TRY(vonk_translate_put_type(q->w, PB_ANALYZE_PLAN_RESPONSE_DDL_PARSE_PARSED, type, err));
    vonk_pb_end(q->w, mark);
    return vonk_pb_writer_end(q->w);
}

static vonk_status json_to_ddl(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};

    vonk_buf_init(&text, q->r.translator.budget, SIZE_MAX);
    VONK_TRY(vonk_type_parse_json(vonk_pb_str(q->m, PB_ANALYZE_PLAN_REQUEST_JSON_TO_DDL_JSON_STRING), &type, err));
    VONK_TRY(vonk_type_ddl(type, &text, err));
    return put_text(q, PB_ANALYZE_PLAN_RESPONSE_JSON_TO_DDL, PB_ANALYZE_PLAN_RESPONSE_JSON_TO_DDL_DDL_STRING,
                    vonk_buf_str(&text));
}

static vonk_status same_semantics(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *a = NULL, *b = NULL;
    bool same = false;

    VONK_TRY(resolved_of(q, PB_ANALYZE_PLAN_REQUEST_SAME_SEMANTICS_TARGET_PLAN, &a, err));
    VONK_TRY(resolved_of(q, PB_ANALYZE_PLAN_REQUEST_SAME_SEMANTICS_OTHER_PLAN, &b, err));
    VONK_TRY(vonk_plan_same(a, b, &same, err));
    return put_number(q, PB_ANALYZE_PLAN_RESPONSE_SAME_SEMANTICS, PB_ANALYZE_PLAN_RESPONSE_SAME_SEMANTICS_RESULT, same);
}

static vonk_status semantic_hash(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    uint64_t hash = 0;

    VONK_TRY(resolved_of(q, PB_ANALYZE_PLAN_REQUEST_SEMANTIC_HASH_PLAN, &plan, err));
    VONK_TRY(vonk_plan_hash(plan, &hash, err));
    return put_number(q, PB_ANALYZE_PLAN_RESPONSE_SEMANTIC_HASH, PB_ANALYZE_PLAN_RESPONSE_SEMANTIC_HASH_RESULT,
                      (int32_t)hash);
}

/* ---- kept frames */
static vonk_status relation_of(question *q, int field, const vonk_plan **ret, vonk_error *err)
{
    return vonk_translate_relation(&q->r.translator, vonk_pb_get_msg(q->m, field), ret, err);
}

static vonk_status persist(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    const vonk_pb_msg *level = vonk_pb_get_msg(q->m, PB_ANALYZE_PLAN_REQUEST_PERSIST_STORAGE_LEVEL);

    VONK_TRY(relation_of(q, PB_ANALYZE_PLAN_REQUEST_PERSIST_RELATION, &plan, err));
    char text[VONK_STORAGE_LEVEL_BYTES];
    vonk_storage_facts facts = {.disk = true, .memory = true, .deserialized = true, .replication = 1};
    if (level)
        facts = (vonk_storage_facts){.disk = vonk_pb_bool(level, PB_STORAGE_LEVEL_USE_DISK),
                                     .memory = vonk_pb_bool(level, PB_STORAGE_LEVEL_USE_MEMORY),
                                     .off_heap = vonk_pb_bool(level, PB_STORAGE_LEVEL_USE_OFF_HEAP),
                                     .deserialized = vonk_pb_bool(level, PB_STORAGE_LEVEL_DESERIALIZED),
                                     .replication = vonk_pb_i32(level, PB_STORAGE_LEVEL_REPLICATION)};
    vonk_storage_level_write(&facts, text);
    VONK_TRY(vonk_session_persist(q->r.state->session, plan, vonk_str_of(text), err));
    return put_nothing(q, PB_ANALYZE_PLAN_RESPONSE_PERSIST);
}

static vonk_status unpersist(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    bool was;

    VONK_TRY(relation_of(q, PB_ANALYZE_PLAN_REQUEST_UNPERSIST_RELATION, &plan, err));
    VONK_TRY(vonk_session_unpersist(q->r.state->session, plan, &was, err));
    return put_nothing(q, PB_ANALYZE_PLAN_RESPONSE_UNPERSIST);
}

static vonk_status storage_level(question *q, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    char text[VONK_STORAGE_LEVEL_BYTES];
    vonk_storage_facts facts;

    VONK_TRY(relation_of(q, PB_ANALYZE_PLAN_REQUEST_GET_STORAGE_LEVEL_RELATION, &plan, err));
    VONK_TRY(vonk_session_storage_level(q->r.state->session, plan, text, err));
    vonk_storage_level_read(text, &facts);
    const size_t result = vonk_pb_begin(q->w, PB_ANALYZE_PLAN_RESPONSE_GET_STORAGE_LEVEL);
    const size_t level = vonk_pb_begin(q->w, PB_ANALYZE_PLAN_RESPONSE_GET_STORAGE_LEVEL_STORAGE_LEVEL);
    vonk_pb_put_i64(q->w, PB_STORAGE_LEVEL_USE_DISK, facts.disk);
    vonk_pb_put_i64(q->w, PB_STORAGE_LEVEL_USE_MEMORY, facts.memory);
    vonk_pb_put_i64(q->w, PB_STORAGE_LEVEL_USE_OFF_HEAP, facts.off_heap);
    vonk_pb_put_i64(q->w, PB_STORAGE_LEVEL_DESERIALIZED, facts.deserialized);
    vonk_pb_put_i64(q->w, PB_STORAGE_LEVEL_REPLICATION, facts.replication);
    vonk_pb_end(q->w, level);
    vonk_pb_end(q->w, result);
    return vonk_pb_writer_end(q->w);
}

vonk_status vonk__connect_answer_analyze(void *self, vonk_connect_session *session, const vonk_pb_msg *request,
                                         vonk_arena *arena, vonk_pb_writer *response, vonk_error *err)
{
    const int which = vonk_pb_which(request, PB_ANALYZE_PLAN_REQUEST_ANALYZE_ONEOF);
    question q = {.m = which ? vonk_pb_get_msg(request, which) : NULL, .w = response};

    (void)self;
    vonk__connect_open_request(&q.r, session, arena);
    switch (which) {
    case PB_ANALYZE_PLAN_REQUEST_SCHEMA: return schema(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_EXPLAIN: return explain(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_TREE_STRING: return tree_string(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_IS_LOCAL: return is_local(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_IS_STREAMING: return is_streaming(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_INPUT_FILES: return input_files(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_SPARK_VERSION:
        return put_text(&q, PB_ANALYZE_PLAN_RESPONSE_SPARK_VERSION, PB_ANALYZE_PLAN_RESPONSE_SPARK_VERSION_VERSION,
                        VONK_STR(VONK_SPARK_VERSION));
    case PB_ANALYZE_PLAN_REQUEST_DDL_PARSE: return ddl_parse(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_SAME_SEMANTICS: return same_semantics(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_SEMANTIC_HASH: return semantic_hash(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_PERSIST: return persist(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_UNPERSIST: return unpersist(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_GET_STORAGE_LEVEL: return storage_level(&q, err);
    case PB_ANALYZE_PLAN_REQUEST_JSON_TO_DDL: return json_to_ddl(&q, err);
    default: return vonk_translate_invalid("a question without a kind", err);
    }
}
