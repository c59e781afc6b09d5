/* serve/connect/error_status.c -- which Java class each family is, and the two messages that carry an error. */
#include "serve/connect/error_status.h"

#include "base/utf8.h"

#define OF_EXCEPTION "java.lang.Exception", "java.lang.Throwable", "java.lang.Object", NULL
#define OF_RUNTIME "java.lang.RuntimeException", OF_EXCEPTION

/* Facts about Spark's classes. Clients take the first that they know. */
static const char *const *const family_classes[] = {
    [VONK_FAMILY_ANALYSIS] = (const char *const[]){"org.apache.spark.sql.AnalysisException", OF_EXCEPTION},
    [VONK_FAMILY_PARSE] = (const char *const[]){"org.apache.spark.sql.catalyst.parser.ParseException",
                                                "org.apache.spark.sql.AnalysisException", OF_EXCEPTION},
    [VONK_FAMILY_ARITHMETIC] =
        (const char *const[]){"org.apache.spark.SparkArithmeticException", "java.lang.ArithmeticException", OF_RUNTIME},
    [VONK_FAMILY_ARRAY_INDEX] = (const char *const[]){"org.apache.spark.SparkArrayIndexOutOfBoundsException",
                                                      "java.lang.ArrayIndexOutOfBoundsException",
                                                      "java.lang.IndexOutOfBoundsException", OF_RUNTIME},
    [VONK_FAMILY_DATE_TIME] =
        (const char *const[]){"org.apache.spark.SparkDateTimeException", "java.time.DateTimeException", OF_RUNTIME},
    [VONK_FAMILY_NUMBER_FORMAT] =
        (const char *const[]){"org.apache.spark.SparkNumberFormatException", "java.lang.NumberFormatException",
                              "java.lang.IllegalArgumentException", OF_RUNTIME},
    [VONK_FAMILY_ILLEGAL_ARGUMENT] = (const char *const[]){"org.apache.spark.SparkIllegalArgumentException",
                                                           "java.lang.IllegalArgumentException", OF_RUNTIME},
    [VONK_FAMILY_JAVA_ARGUMENT] = (const char *const[]){"java.lang.IllegalArgumentException", OF_RUNTIME},
    [VONK_FAMILY_UNSUPPORTED] = (const char *const[]){"org.apache.spark.SparkUnsupportedOperationException",
                                                      "java.lang.UnsupportedOperationException", OF_RUNTIME},
    [VONK_FAMILY_NO_SUCH_ELEMENT] = (const char *const[]){"org.apache.spark.SparkNoSuchElementException",
                                                          "java.util.NoSuchElementException", OF_RUNTIME},
    [VONK_FAMILY_RUNTIME] = (const char *const[]){"org.apache.spark.SparkRuntimeException", OF_RUNTIME},
    [VONK_FAMILY_UPGRADE] = (const char *const[]){"org.apache.spark.SparkUpgradeException", OF_RUNTIME},
    [VONK_FAMILY_SPARK] = (const char *const[]){"org.apache.spark.SparkException", OF_EXCEPTION},
    [VONK_FAMILY_SECURITY] =
        (const char *const[]){"org.apache.spark.SparkSecurityException", "java.lang.SecurityException", OF_RUNTIME},
    [VONK_FAMILY_FILE_NOT_FOUND] =
        (const char *const[]){"org.apache.spark.SparkFileNotFoundException", "java.io.FileNotFoundException",
                              "java.io.IOException", OF_EXCEPTION},
    [VONK_FAMILY_INVALID_PLAN] =
        (const char *const[]){"org.apache.spark.sql.connect.common.InvalidPlanInput", OF_EXCEPTION},
    [VONK_FAMILY_PYTHON] = (const char *const[]){"org.apache.spark.api.python.PythonException", OF_RUNTIME},
    [VONK_FAMILY_SQL] =
        (const char *const[]){"org.apache.spark.SparkSQLException", "java.sql.SQLException", OF_EXCEPTION},
};

const char *const *vonk_connect_error_classes(const vonk_error *err)
{
    vonk_error_family family = vonk_error_get_family(err);
    assert(family < VONK_COUNTOF(family_classes) && family_classes[family]);
    return family_classes[family];
}

/* ---- JSON texts, the only ones here ---- */

static vonk_status add_json_string(vonk_buf *out, vonk_str text, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '"', err));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"' || c == '\\') {
            const char escaped[2] = {'\\', c};
            VONK_TRY(vonk_buf_append(out, escaped, 2, err));
        } else if ((uint8_t)c < 0x20) {
            VONK_TRY(vonk_buf_printf(out, err, "\\u%04x", (unsigned)c));
        } else {
            VONK_TRY(vonk_buf_add_byte(out, c, err));
        }
    }
    return vonk_buf_add_byte(out, '"', err);
}

static vonk_status add_classes_json(vonk_buf *out, const char *const *classes, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '[', err));
    for (size_t i = 0; classes[i]; i++) {
        if (i) VONK_TRY(vonk_buf_add_byte(out, ',', err));
        VONK_TRY(add_json_string(out, vonk_str_of(classes[i]), err));
    }
    return vonk_buf_add_byte(out, ']', err);
}

static vonk_status add_params_json(vonk_buf *out, const vonk_error *error, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '{', err));
    for (size_t i = 0; i < vonk_error_n_params(error); i++) {
        const char *name = NULL, *value = NULL;
        vonk_error_param(error, i, &name, &value);
        if (i) VONK_TRY(vonk_buf_add_byte(out, ',', err));
        VONK_TRY(add_json_string(out, vonk_str_of(name), err));
        VONK_TRY(vonk_buf_add_byte(out, ':', err));
        VONK_TRY(add_json_string(out, vonk_str_of(value), err));
    }
    return vonk_buf_add_byte(out, '}', err);
}

/* ---- texts in messages: protobuf's strings must be UTF-8, an error's may hold anything ---- */

static void put_text(vonk_pb_writer *w, int field, const char *text)
{
    vonk_str s = vonk_str_of(text);
    if (vonk_utf8_valid(s)) {
        vonk_pb_put_str(w, field, s);
        return;
    }
    VONK_AUTO(vonk_buf_done) vonk_buf clean = {0};
    vonk_buf_init(&clean, vonk_budget_root(), SIZE_MAX);
    if (w->status == VONK_OK) w->status = vonk_utf8_clean(s, &clean, w->err);
    vonk_pb_put_str(w, field, vonk_buf_str(&clean));
}

/* At most what the trailers take: in grpc-message each byte that is not printable ASCII takes three. */
static vonk_str cut_for_trailer(vonk_str s)
{
    size_t cost = 0, i = 0;
    for (; i < s.len && cost <= VONK_CONNECT_MESSAGE_BYTES; i++)
        cost += (uint8_t)s.data[i] >= 0x20 && (uint8_t)s.data[i] < 0x7f && s.data[i] != '%' ? 1 : 3;
    return vonk_utf8_cut(s, cost > VONK_CONNECT_MESSAGE_BYTES ? i - 1 : i);
}

static vonk_status add_short_message(const vonk_error *error, vonk_buf *out, vonk_error *err)
{
    size_t before = out->len;
    VONK_TRY(vonk_utf8_clean(vonk_str_of(vonk_error_message(error)), out, err));
    out->len = before + cut_for_trailer((vonk_str){out->data + before, out->len - before}).len;
    return VONK_OK;
}

/* ---- google.rpc.Status ---- */

static void put_metadata(vonk_pb_writer *w, const char *key, vonk_str value)
{
    vonk_pb_put_pair(w, PB_RPC_ERROR_INFO_METADATA, PB_RPC_ERROR_INFO_METADATA_ENTRY_KEY, vonk_str_of(key),
                     PB_RPC_ERROR_INFO_METADATA_ENTRY_VALUE, value);
}

static vonk_status write_error_info(const vonk_error *error, vonk_str error_id, vonk_buf *out, vonk_error *err)
{
    const char *const *classes = vonk_connect_error_classes(error);
    VONK_AUTO(vonk_buf_done) vonk_buf json = {0};
    vonk_buf_init(&json, out->budget, SIZE_MAX);
    VONK_TRY(add_classes_json(&json, classes, err));

    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, out, err);
    vonk_pb_put_c(&w, PB_RPC_ERROR_INFO_REASON, classes[0]);
    vonk_pb_put_c(&w, PB_RPC_ERROR_INFO_DOMAIN, "org.apache.spark");
    put_metadata(&w, "classes", vonk_buf_str(&json));
    if (*vonk_error_sqlstate(error)) put_metadata(&w, "sqlState", vonk_str_of(vonk_error_sqlstate(error)));
    vonk_buf_reset(&json);
    VONK_TRY(add_params_json(&json, error, err));
    if (!vonk_utf8_valid(vonk_buf_str(&json))) {
        VONK_AUTO(vonk_buf_done) vonk_buf raw = json;
        vonk_buf_init(&json, out->budget, SIZE_MAX);
        VONK_TRY(vonk_utf8_clean(vonk_buf_str(&raw), &json, err));
    }
    if (*vonk_error_condition(error) && json.len <= VONK_CONNECT_METADATA_BYTES) {
        put_metadata(&w, "errorClass", vonk_str_of(vonk_error_condition(error)));
        put_metadata(&w, "messageParameters", vonk_buf_str(&json));
    }
    if (error_id.len) put_metadata(&w, "errorId", error_id);
    return vonk_pb_writer_end(&w);
}

/* `message` is what the trailer says too: clients insist that they are equal. */
static vonk_status write_status(const vonk_error *error, vonk_str message, vonk_str error_id, vonk_buf *out,
                                vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf info = {0};
    vonk_buf_init(&info, out->budget, SIZE_MAX);
    VONK_TRY(write_error_info(error, error_id, &info, err));

    vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, out, err);
    vonk_pb_put_i64(&w, PB_RPC_STATUS_CODE, VONK_GRPC_INTERNAL);
    vonk_pb_put_str(&w, PB_RPC_STATUS_MESSAGE, message);
    size_t any = vonk_pb_begin(&w, PB_RPC_STATUS_DETAILS);
    vonk_pb_put_c(&w, PB_ANY_TYPE_URL, "type.googleapis.com/google.rpc.ErrorInfo");
    vonk_pb_put_str(&w, PB_ANY_VALUE, vonk_buf_str(&info));
    vonk_pb_end(&w, any);
    return vonk_pb_writer_end(&w);
}

vonk_status vonk_connect_write_status(const vonk_error *error, vonk_str error_id, vonk_buf *ret_message, vonk_buf *out,
                                      vonk_error *err)
{
    VONK_TRY(add_short_message(error, ret_message, err));
    return write_status(error, vonk_buf_str(ret_message), error_id, out, err);
}

void vonk_connect_finish_with(vonk_grpc_call *call, const vonk_error *error, vonk_str error_id)
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf status = {0}, message = {0};
    vonk_buf_init(&status, vonk_budget_root(),
                  SIZE_MAX); /* an error must arrive when the session's memory is used up */
    vonk_buf_init(&message, vonk_budget_root(), SIZE_MAX);
    if (vonk_connect_write_status(error, error_id, &message, &status, &err) != VONK_OK) vonk_buf_reset(&status);
    vonk_error_reset(&err);
    vonk_grpc_finish(call, VONK_GRPC_INTERNAL, vonk_buf_str(&message), vonk_buf_str(&status));
}

/* ---- FetchErrorDetailsResponse ---- */

static void write_context(vonk_pb_writer *w, const vonk_query_context *c)
{
    size_t mark = vonk_pb_begin(w, PB_FETCH_ERROR_DETAILS_RESPONSE_SPARK_THROWABLE_QUERY_CONTEXTS);
    vonk_pb_put_i64(w, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_CONTEXT_TYPE,
                    c->is_dataframe ? PB_E_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_DATAFRAME
                                    : PB_E_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_SQL);
    vonk_pb_put_str(w, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_FRAGMENT, c->fragment);
    vonk_pb_put_str(w, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_SUMMARY, c->summary);
    if (c->is_dataframe) {
        vonk_pb_put_str(w, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_CALL_SITE, c->call_site);
    } else {
        vonk_pb_put_str(w, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_OBJECT_TYPE, c->object_type);
        vonk_pb_put_str(w, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_OBJECT_NAME, c->object_name);
        vonk_pb_put_i64(w, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_START_INDEX, c->start);
        vonk_pb_put_i64(w, PB_FETCH_ERROR_DETAILS_RESPONSE_QUERY_CONTEXT_STOP_INDEX, c->stop);
    }
    vonk_pb_end(w, mark);
}

/* The message, and below it the place in the text, as Spark prints them. */
static void put_message(vonk_pb_writer *w, const vonk_error *error)
{
    const vonk_query_context *context = vonk_error_n_contexts(error) ? vonk_error_context(error, 0) : NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
    if (context && context->summary.len && w->status == VONK_OK)
        w->status =
            vonk_buf_printf(&text, w->err, "%s\n%.*s", vonk_error_message(error), VONK_STR_ARGS(context->summary));
    if (w->status == VONK_OK && text.len) w->status = vonk_buf_add_byte(&text, '\0', w->err);
    put_text(w, PB_FETCH_ERROR_DETAILS_RESPONSE_ERROR_MESSAGE, text.len ? text.data : vonk_error_message(error));
}

static void write_throwable(vonk_pb_writer *w, const vonk_error *error)
{
    if (!*vonk_error_condition(error)) return; /* Java's own exceptions have none of this */
    size_t mark = vonk_pb_begin(w, PB_FETCH_ERROR_DETAILS_RESPONSE_ERROR_SPARK_THROWABLE);
    vonk_pb_put_c(w, PB_FETCH_ERROR_DETAILS_RESPONSE_SPARK_THROWABLE_ERROR_CLASS, vonk_error_condition(error));
    if (*vonk_error_sqlstate(error))
        vonk_pb_put_c(w, PB_FETCH_ERROR_DETAILS_RESPONSE_SPARK_THROWABLE_SQL_STATE, vonk_error_sqlstate(error));
    for (size_t i = 0; i < vonk_error_n_params(error); i++) {
        const char *name = NULL, *value = NULL;
        vonk_error_param(error, i, &name, &value);
        size_t entry = vonk_pb_begin(w, PB_FETCH_ERROR_DETAILS_RESPONSE_SPARK_THROWABLE_MESSAGE_PARAMETERS);
        put_text(w, PB_FETCH_ERROR_DETAILS_RESPONSE_SPARK_THROWABLE_MESSAGE_PARAMETERS_ENTRY_KEY, name);
        put_text(w, PB_FETCH_ERROR_DETAILS_RESPONSE_SPARK_THROWABLE_MESSAGE_PARAMETERS_ENTRY_VALUE, value);
        vonk_pb_end(w, entry);
    }
    for (size_t i = 0; i < vonk_error_n_contexts(error); i++) write_context(w, vonk_error_context(error, i));
    vonk_pb_end(w, mark);
}

void vonk_connect_write_details(vonk_pb_writer *w, const vonk_error *error)
{
    enum { MAX_CHAIN = 5 };
    vonk_pb_put_i64(w, PB_FETCH_ERROR_DETAILS_RESPONSE_ROOT_ERROR_IDX, 0);
    for (int i = 0; i < MAX_CHAIN && error; i++) {
        const vonk_error *cause = vonk_error_cause(error);
        size_t mark = vonk_pb_begin(w, PB_FETCH_ERROR_DETAILS_RESPONSE_ERRORS);
        for (const char *const *name = vonk_connect_error_classes(error); *name; name++)
            vonk_pb_put_c(w, PB_FETCH_ERROR_DETAILS_RESPONSE_ERROR_ERROR_TYPE_HIERARCHY, *name);
        put_message(w, error);
        if (cause && i + 1 < MAX_CHAIN) vonk_pb_put_i64(w, PB_FETCH_ERROR_DETAILS_RESPONSE_ERROR_CAUSE_IDX, i + 1);
        write_throwable(w, error);
        vonk_pb_end(w, mark);
        error = cause;
    }
}
