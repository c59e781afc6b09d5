/* base/error.h -- a status to return, an error to fill, a condition that the client can see.
 *
 * Every fallible function returns vonk_status and takes `vonk_error *err` last. Raise once, forward untouched with
 * VONK_TRY. Filling an error never fails: condition, file:line and the first 511 bytes of the message are in the fixed part; named
 * parameters, the whole message, query contexts and the cause go into a detail block when memory for it can be had.
 * A NULL error is left alone: for callers that look at the status only.
 * An error is owned by its caller, starts as VONK_ERROR_INIT and is emptied by vonk_error_reset(). Not thread-safe; one thread, one error.
 *
 * A condition is a row in error_class.def: Spark's condition name, SQLSTATE and parameter names are facts
 * (data/spark-4.3.0/errors.tsv), the text is ours. */
#ifndef VONK_BASE_ERROR_H
#define VONK_BASE_ERROR_H

#include "base/attr.h"
#include "base/forward.h"
#include "base/str.h"

/* Which exception a client raises for the condition (serve/ maps it to class hierarchies). */
typedef enum vonk_error_family {
    VONK_FAMILY_ANALYSIS,         /* AnalysisException */
    VONK_FAMILY_PARSE,            /* ParseException, an AnalysisException */
    VONK_FAMILY_ARITHMETIC,       /* SparkArithmeticException, a java.lang.ArithmeticException */
    VONK_FAMILY_ARRAY_INDEX,      /* SparkArrayIndexOutOfBoundsException */
    VONK_FAMILY_DATE_TIME,        /* SparkDateTimeException */
    VONK_FAMILY_NUMBER_FORMAT,    /* SparkNumberFormatException */
    VONK_FAMILY_ILLEGAL_ARGUMENT, /* SparkIllegalArgumentException */
    VONK_FAMILY_JAVA_ARGUMENT,    /* java.lang.IllegalArgumentException: without condition and SQLSTATE */
    VONK_FAMILY_UNSUPPORTED,      /* SparkUnsupportedOperationException */
    VONK_FAMILY_NO_SUCH_ELEMENT,  /* SparkNoSuchElementException */
    VONK_FAMILY_RUNTIME,          /* SparkRuntimeException */
    VONK_FAMILY_UPGRADE,          /* SparkUpgradeException */
    VONK_FAMILY_SPARK,            /* SparkException */
    VONK_FAMILY_SECURITY,         /* SparkSecurityException */
    VONK_FAMILY_FILE_NOT_FOUND,   /* SparkFileNotFoundException */
    VONK_FAMILY_INVALID_PLAN,     /* InvalidPlanInput */
    VONK_FAMILY_PYTHON,           /* PythonException */
    VONK_FAMILY_SQL               /* SparkSQLException, a java.sql.SQLException: sessions, operations, cursors */
} vonk_error_family;

/* clang warns about ignored results of this type; gcc 12 cannot, so `make lint` compiles with clang. */
#ifdef __clang__
typedef enum __attribute__((warn_unused_result)) vonk_errclass {
#else
typedef enum vonk_errclass {
#endif
    VONK_OK = 0,
#define ERROR_CLASS(id, condition, sqlstate, family, text) VONK_E_##id,
#include "base/error_class.def"
#undef ERROR_CLASS
    VONK_N_ERRCLASS
} vonk_errclass;
typedef vonk_errclass vonk_status; /* VONK_OK, or the condition itself */

typedef struct vonk_error_detail vonk_error_detail;

struct vonk_error {
    vonk_errclass      cls;
    int                line; /* first raise; for us, not for the client */
    uint8_t            other_family; /* 0: the row's; else 1 + vonk_error_family (vonk_error_set_family) */
    const char        *file;
    vonk_error_detail *detail;       /* NULL when there is none, or no memory for it */
    char               message[512]; /* "[CONDITION] text SQLSTATE: xxxxx", cut when longer */
};
#define VONK_ERROR_INIT {.cls = VONK_OK}

/* Where in a SQL text (or in a DataFrame program) the failing expression stands. */
typedef struct vonk_query_context {
    bool     is_dataframe;            /* false: SQL text */
    vonk_str object_type, object_name; /* "VIEW" and its name, or empty */
    int32_t  start, stop;             /* 0-based character positions of the fragment, inclusive; -1 unknown */
    vonk_str fragment;                /* SQL: the text of the fragment; DataFrame: the method's name */
    vonk_str call_site;               /* DataFrame: user's file and line */
    vonk_str text;                    /* SQL: the whole text that `fragment` points into; only for adding */
    vonk_str summary;                 /* lines of the text, the fragment underlined; made when the context is added */
} vonk_query_context;

/* Fill `err` and return `cls`. After cls come (name, value) pairs of C strings: VONK_FAIL(err, VONK_E_DIVIDE_BY_ZERO, "config", "x").
 * Each "<name>" in the row's text is replaced. Values are copied. */
#ifndef __clang_analyzer__
#define VONK_FAIL(err, cls, ...) vonk_fail_at((err), __FILE__, __LINE__, (cls), ##__VA_ARGS__, (const char *)NULL)
#else /* the analyzer cannot know that a raised error is never VONK_OK */
#define VONK_FAIL(err, cls, ...)                                                                                       \
    (vonk_fail_at((err), __FILE__, __LINE__, (cls), ##__VA_ARGS__, (const char *)NULL) == VONK_OK                      \
         ? (__builtin_unreachable(), VONK_OK)                                                                          \
         : (cls))
#endif
/* The result of a function that does nothing but raise, where the compiler cannot see that it is never VONK_OK. */
static inline vonk_status vonk_raised(vonk_status status)
{
    assert(status != VONK_OK);
    return status;
}
vonk_status vonk_fail_at(vonk_error *err, const char *file, int line, vonk_errclass cls, ...) __attribute__((sentinel));
/* Same, with the pairs in an array: names[i], values[i]. */
vonk_status vonk_fail_pairs(vonk_error *err, const char *file, int line, vonk_errclass cls, size_t n,
                            const char *const *names, const char *const *values);

/* Raise an error whose condition, SQLSTATE, family and text come from outside (Python workers, raise_error with a class). */
vonk_status vonk_fail_foreign(vonk_error *err, vonk_errclass cls, vonk_str message);

/* The only macro that returns from its caller. */
#define VONK_TRY(call)                                                                                                 \
    do {                                                                                                               \
        vonk_status vonk_try_ = (call);                                                                                \
        if (VONK_UNLIKELY(vonk_try_ != VONK_OK)) return vonk_try_;                                                     \
    } while (0)

/* Text for a parameter, alive until the enclosing block ends, cut at 1023 bytes: VONK_F("%d", n), VONK_S(str). */
#define VONK_F(...) vonk_format((char[1024]){0}, 1024, __VA_ARGS__)
#define VONK_S(str) VONK_F("%.*s", (int)(str).len, (str).data)
/* "first", "second", "third", "4th", ...: of place i, counted from 0, as the parameters of Spark's errors say it. */
#define VONK_ORDINAL(i) vonk_ordinal((i), (char[16]){0})
const char *vonk_ordinal(uint32_t i, char into[16]);
const char *vonk_format(char *into, size_t bytes, const char *fmt, ...) VONK_PRINTF(3, 4);

/* Some conditions are raised by different exceptions (CAST_INVALID_INPUT: by the target's type): after the raise, on top of the row's family. Returns err->cls. */
vonk_status vonk_error_set_family(vonk_error *err, vonk_error_family family);

/* Adds a context / keeps `cause` (copied). No-ops without memory. The innermost raise adds its context first. */
void vonk_error_add_context(vonk_error *err, const vonk_query_context *context);
void vonk_error_set_cause(vonk_error *err, const vonk_error *cause);

/* Moves: `into` gets the content of `from`, which becomes empty. Copy: shares the detail block (reference counted). */
void vonk_error_move(vonk_error *into, vonk_error *from);
void vonk_error_copy(vonk_error *into, const vonk_error *from);
void vonk_error_reset(vonk_error *err);
VONK_DEFINE_AUTO_DONE(vonk_error, vonk_error_reset)

/* After something that was only tried: VONK_OK and `tried` is emptied; but a lack of memory or a cancel says nothing about what was tried: it moves
 * to `err` and is returned. */
vonk_status vonk_error_forgive(vonk_error *tried, vonk_error *err);

/* What a door sends. Strings live as long as the error. */
const char       *vonk_error_condition(const vonk_error *err); /* "DIVIDE_BY_ZERO" */
const char       *vonk_error_sqlstate(const vonk_error *err);
vonk_error_family vonk_error_get_family(const vonk_error *err);
const char       *vonk_error_message(const vonk_error *err); /* whole message when the detail has it */
size_t            vonk_error_n_params(const vonk_error *err);
void              vonk_error_param(const vonk_error *err, size_t i, const char **ret_name, const char **ret_value);
size_t            vonk_error_n_contexts(const vonk_error *err);
const vonk_query_context *vonk_error_context(const vonk_error *err, size_t i);
const vonk_error *vonk_error_cause(const vonk_error *err); /* NULL: none */

/* Facts about a class, without an error. */
const char *vonk_errclass_condition(vonk_errclass cls);
const char *vonk_errclass_sqlstate(vonk_errclass cls);

#endif
