/* serve/py4j/throwable.c -- exceptions as objects: their classes, what Python asks them, and how our errors become
 * them. */
#include "serve/py4j/py4j_int.h"

#include <stdarg.h>

#include "serve/py4j/throwable.h"

/* ---- making */

static vonk_status make(vonk__j_machine *machine, const char *fqn, vonk__j_throwable **ret, vonk_error *err)
{
    VONK_TRY(vonk__j_object_new(machine, fqn, ret, err));
    (*ret)->message = VONK__J_NOTHING;
    return VONK_OK;
}

static vonk_status give(vonk__j_caller *caller, const char *fqn, const char *message, vonk_error *err)
{
    VONK__J_AUTO vonk__j_throwable *t = NULL;
    VONK_TRY(make(caller->machine, fqn, &t, err));
    if (message)
        VONK_TRY(vonk__j_text_value(caller->machine->budget, VONK__J_STRING, vonk_str_of(message), &t->message, err));
    vonk__j_object_unref(caller->thrown);
    caller->thrown = &VONK_STEAL(t)->head;
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", message ? message : fqn);
}

vonk_status vonk__j_throw(vonk__j_caller *caller, const char *fqn, vonk_error *err, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return give(caller, fqn, text, err);
}

vonk_status vonk__j_throw_bare(vonk__j_caller *caller, const char *fqn, vonk_error *err)
{
    return give(caller, fqn, NULL, err);
}

/* ---- from our errors: the family says which class */

static const char *const families[] = {
    [VONK_FAMILY_ANALYSIS] = "org.apache.spark.sql.AnalysisException",
    [VONK_FAMILY_PARSE] = "org.apache.spark.sql.catalyst.parser.ParseException",
    [VONK_FAMILY_ARITHMETIC] = "org.apache.spark.SparkArithmeticException",
    [VONK_FAMILY_ARRAY_INDEX] = "org.apache.spark.SparkArrayIndexOutOfBoundsException",
    [VONK_FAMILY_DATE_TIME] = "org.apache.spark.SparkDateTimeException",
    [VONK_FAMILY_NUMBER_FORMAT] = "org.apache.spark.SparkNumberFormatException",
    [VONK_FAMILY_ILLEGAL_ARGUMENT] = "org.apache.spark.SparkIllegalArgumentException",
    [VONK_FAMILY_JAVA_ARGUMENT] = "java.lang.IllegalArgumentException",
    [VONK_FAMILY_UNSUPPORTED] = "org.apache.spark.SparkUnsupportedOperationException",
    [VONK_FAMILY_NO_SUCH_ELEMENT] = "org.apache.spark.SparkNoSuchElementException",
    [VONK_FAMILY_RUNTIME] = "org.apache.spark.SparkRuntimeException",
    [VONK_FAMILY_UPGRADE] = "org.apache.spark.SparkUpgradeException",
    [VONK_FAMILY_SPARK] = "org.apache.spark.SparkException",
    [VONK_FAMILY_SECURITY] = "org.apache.spark.SparkSecurityException",
    [VONK_FAMILY_FILE_NOT_FOUND] = "org.apache.spark.SparkFileNotFoundException",
    [VONK_FAMILY_INVALID_PLAN] = "org.apache.spark.sql.AnalysisException",
    [VONK_FAMILY_PYTHON] = "org.apache.spark.api.python.PythonException",
    [VONK_FAMILY_SQL] = "org.apache.spark.SparkSQLException",
};

/* The message, and below it the place in the text, as Spark prints them. */
static vonk_status add_error_text(const vonk_error *error, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(out, vonk_error_message(error), err));
    if (!vonk_error_n_contexts(error)) return VONK_OK;
    const vonk_query_context *context = vonk_error_context(error, 0);
    if (!context->summary.len) return VONK_OK;
    VONK_TRY(vonk_buf_add_byte(out, '\n', err));
    return vonk_buf_add_str(out, context->summary, err);
}

vonk_status vonk__j_throwable_of(vonk__j_machine *machine, const vonk_error *error, vonk__j_object **ret,
                                 vonk_error *err)
{
    enum { MOST_CAUSES = 10 };
    VONK__J_AUTO vonk__j_throwable *first = NULL;
    vonk__j_throwable **to = &first;
    for (int i = 0; error && i < MOST_CAUSES; i++, error = vonk_error_cause(error)) {
        VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
        vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
        VONK_TRY(make(machine, families[vonk_error_get_family(error)], to, err));
        vonk__j_throwable *t = *to;
        vonk_error_copy(&t->error, error);
        VONK_TRY(add_error_text(error, &text, err));
        VONK_TRY(vonk__j_text_value(machine->budget, VONK__J_STRING, vonk_buf_str(&text), &t->message, err));
        to = (vonk__j_throwable **)(void *)&t->cause;
    }
    *ret = &VONK_STEAL(first)->head;
    return VONK_OK;
}

/* ---- texts */

static vonk_status add_short(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                             vonk_error *err)
{
    const vonk__j_throwable *t = (vonk__j_throwable *)self;
    (void)caller;
    (void)depth;
    VONK_TRY(vonk_buf_add_str(out, self->cls->fqn, err));
    if (t->message.kind != VONK__J_STRING) return VONK_OK;
    VONK_TRY(vonk_buf_add_c(out, ": ", err));
    return vonk_buf_add_str(out, vonk__j_str(&t->message), err);
}

vonk_status vonk__j_stack_text(vonk__j_caller *caller, vonk__j_object *throwable, vonk_buf *out, vonk_error *err)
{
    int n = 0;
    for (vonk__j_object *o = throwable; o && n < 100; o = ((vonk__j_throwable *)o)->cause, n++) {
        const vonk_error *error = &((vonk__j_throwable *)o)->error;
        if (n) VONK_TRY(vonk_buf_add_c(out, "Caused by: ", err));
        VONK_TRY(add_short(caller, o, 0, out, err));
        VONK_TRY(vonk_buf_add_byte(out, '\n', err));
        if (error->cls != VONK_OK && error->file)
            VONK_TRY(vonk_buf_printf(out, err, "\tat vonk(%s:%d)\n", error->file, error->line));
    }
    return VONK_OK;
}

static void drop_throwable(vonk__j_object *self)
{
    vonk__j_throwable *t = (vonk__j_throwable *)self;
    vonk__j_unref(&t->message);
    vonk_error_reset(&t->error);
    vonk__j_object *cause = t->cause;
    t->cause = NULL;
    vonk__j_object_unref(cause);
}

/* ---- members */

static vonk_status throwable_new(vonk__j_call *call, vonk_error *err)
{
    VONK__J_AUTO vonk__j_throwable *t = NULL;
    VONK_TRY(vonk__j_object_of(call->machine, call->cls, &t, err));
    t->message = VONK__J_NOTHING;
    if (call->n_args) t->message = vonk__j_ref(call->args[0]);
    if (call->n_args > 1 && call->args[1].kind == VONK__J_OBJECT) t->cause = vonk__j_object_ref(call->args[1].object);
    return vonk__j_return(call, vonk__j_of(&VONK_STEAL(t)->head));
}

static vonk_status throwable_message(vonk__j_call *call, vonk_error *err)
{
    (void)err;
    return vonk__j_return(call, vonk__j_ref(((vonk__j_throwable *)call->self)->message));
}

static vonk_status throwable_cause(vonk__j_call *call, vonk_error *err)
{
    vonk__j_object *cause = ((vonk__j_throwable *)call->self)->cause;
    (void)err;
    return vonk__j_return(call, vonk__j_of(cause ? vonk__j_object_ref(cause) : NULL));
}

static vonk_status throwable_trace(vonk__j_call *call, vonk_error *err)
{
    vonk__j_array *array = NULL;
    const vonk__j_class *element = vonk__j_class_named(call->machine, "java.lang.StackTraceElement");
    VONK_TRY(vonk__j_array_new(call->machine, element, 0, &array, err));
    return vonk__j_return(call, vonk__j_of(&array->head));
}

static const vonk__j_member throwable_members[] = {
    {"new", "", "", throwable_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String", "", throwable_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String, Throwable", "", throwable_new, VONK__J_CONSTRUCTOR, 0},
    {"getMessage", "", "String", throwable_message, VONK__J_METHOD, 0},
    {"getLocalizedMessage", "", "String", throwable_message, VONK__J_METHOD, 0},
    {"getCause", "", "Throwable", throwable_cause, VONK__J_METHOD, 0},
    {"getStackTrace", "", "StackTraceElement[]", throwable_trace, VONK__J_METHOD, 0},
};

/* A constructor is not inherited: those that programs make themselves have their own. */
static const vonk__j_member plain_members[] = {
    {"new", "", "", throwable_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String", "", throwable_new, VONK__J_CONSTRUCTOR, 0},
    {"new", "String, Throwable", "", throwable_new, VONK__J_CONSTRUCTOR, 0},
};

#define PLAIN(name, above) {.fqn = (name), .super = (above), VONK__J_MEMBERS(plain_members)}
#define SPARK(name, above) {.fqn = (name), .super = (above), .interfaces = "org.apache.spark.SparkThrowable"}

static const vonk__j_row rows[] = {
    {.fqn = "java.lang.StackTraceElement"},
    {.fqn = "java.lang.Throwable",
     .interfaces = "java.io.Serializable",
     VONK__J_MEMBERS(throwable_members),
     .size = sizeof(vonk__j_throwable),
     .drop = drop_throwable,
     .text = add_short},
    PLAIN("java.lang.Exception", "java.lang.Throwable"),
    PLAIN("java.lang.Error", "java.lang.Throwable"),
    PLAIN("java.lang.AssertionError", "java.lang.Error"),
    PLAIN("java.lang.StackOverflowError", "java.lang.Error"),
    PLAIN("java.lang.RuntimeException", "java.lang.Exception"),
    PLAIN("java.lang.ClassNotFoundException", "java.lang.Exception"),
    PLAIN("java.lang.ArithmeticException", "java.lang.RuntimeException"),
    PLAIN("java.lang.ClassCastException", "java.lang.RuntimeException"),
    PLAIN("java.lang.IllegalArgumentException", "java.lang.RuntimeException"),
    PLAIN("java.lang.IllegalStateException", "java.lang.RuntimeException"),
    PLAIN("java.lang.IndexOutOfBoundsException", "java.lang.RuntimeException"),
    PLAIN("java.lang.ArrayIndexOutOfBoundsException", "java.lang.IndexOutOfBoundsException"),
    PLAIN("java.lang.StringIndexOutOfBoundsException", "java.lang.IndexOutOfBoundsException"),
    PLAIN("java.lang.NegativeArraySizeException", "java.lang.RuntimeException"),
    PLAIN("java.lang.NullPointerException", "java.lang.RuntimeException"),
    PLAIN("java.lang.NumberFormatException", "java.lang.IllegalArgumentException"),
    PLAIN("java.lang.SecurityException", "java.lang.RuntimeException"),
    PLAIN("java.lang.UnsupportedOperationException", "java.lang.RuntimeException"),
    PLAIN("java.io.IOException", "java.lang.Exception"),
    PLAIN("java.io.FileNotFoundException", "java.io.IOException"),
    PLAIN("java.io.EOFException", "java.io.IOException"),
    PLAIN("org.apache.hadoop.fs.FileAlreadyExistsException", "java.io.IOException"),
    PLAIN("org.apache.hadoop.mapred.FileAlreadyExistsException", "java.io.IOException"),
    PLAIN("org.apache.hadoop.mapred.InvalidInputException", "java.io.IOException"),
    PLAIN("org.apache.hadoop.mapreduce.lib.input.InvalidInputException", "java.io.IOException"),
    PLAIN("java.sql.SQLException", "java.lang.Exception"),
    PLAIN("java.time.DateTimeException", "java.lang.RuntimeException"),
    PLAIN("java.util.ConcurrentModificationException", "java.lang.RuntimeException"),
    PLAIN("java.util.NoSuchElementException", "java.lang.RuntimeException"),
    PLAIN("java.util.EmptyStackException", "java.lang.RuntimeException"),
    PLAIN("py4j.Py4JException", "java.lang.RuntimeException"),
    SPARK("org.apache.spark.SparkException", "java.lang.Exception"),
    SPARK("org.apache.spark.SparkArithmeticException", "java.lang.ArithmeticException"),
    SPARK("org.apache.spark.SparkArrayIndexOutOfBoundsException", "java.lang.ArrayIndexOutOfBoundsException"),
    SPARK("org.apache.spark.SparkDateTimeException", "java.time.DateTimeException"),
    SPARK("org.apache.spark.SparkFileNotFoundException", "java.io.FileNotFoundException"),
    SPARK("org.apache.spark.SparkIllegalArgumentException", "java.lang.IllegalArgumentException"),
    SPARK("org.apache.spark.SparkNoSuchElementException", "java.util.NoSuchElementException"),
    SPARK("org.apache.spark.SparkNumberFormatException", "java.lang.NumberFormatException"),
    SPARK("org.apache.spark.SparkRuntimeException", "java.lang.RuntimeException"),
    SPARK("org.apache.spark.SparkSecurityException", "java.lang.SecurityException"),
    SPARK("org.apache.spark.SparkSQLException", "java.sql.SQLException"),
    SPARK("org.apache.spark.SparkUnsupportedOperationException", "java.lang.UnsupportedOperationException"),
    SPARK("org.apache.spark.SparkUpgradeException", "java.lang.RuntimeException"),
    SPARK("org.apache.spark.api.python.PythonException", "java.lang.RuntimeException"),
    SPARK("org.apache.spark.sql.AnalysisException", "java.lang.Exception"),
    {.fqn = "org.apache.spark.sql.catalyst.parser.ParseException", .super = "org.apache.spark.sql.AnalysisException"},
    SPARK("org.apache.spark.sql.execution.QueryExecutionException", "java.lang.Exception"),
    SPARK("org.apache.spark.sql.streaming.StreamingQueryException", "java.lang.Exception"),
};
const vonk__j_area vonk__j_area_throwable = {rows, VONK_COUNTOF(rows)};
