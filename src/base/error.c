/* base/error.c -- filling and reading errors.
 *
 * The detail is a persistent list: each addition is a new immutable, reference-counted node in front of the older
 * ones. So copies share it, and adding a context to one copy does not change another. Nodes are charged to the root
 * budget and never make it spill. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/budget_int.h"
#include "base/error_int.h"

enum {
    MOST_PAIRS = 32,
    MOST_TEXT_BYTES = 1 << 20, /* of one string that is kept; longer ones are cut */
    MOST_CONTEXTS = 64,
    MOST_CAUSES = 16,
    MOST_SUMMARY_BYTES = 4096
};

typedef enum detail_kind { DETAIL_MESSAGE, DETAIL_CONTEXT, DETAIL_CAUSE } detail_kind;

struct vonk_error_detail {
    _Atomic int refs;
    detail_kind kind;
    vonk_error_detail *older;
    union {
        struct {
            const char *message; /* NULL: the fixed part has it all */
            size_t n_pairs;
            const char **pairs; /* name, value, name, value, ... */
        } raised;
        vonk_query_context context;
        vonk_error cause;
    };
    /* the texts follow */
};

typedef struct row {
    const char *condition, *sqlstate, *text;
    vonk_error_family family;
} row;

static const row rows[VONK_N_ERRCLASS] = {
    [VONK_OK] = {"", "00000", "", VONK_FAMILY_SPARK},
#define ERROR_CLASS(id, condition, sqlstate, family, text)                                                             \
    [VONK_E_##id] = {condition, sqlstate, text, VONK_FAMILY_##family},
#include "base/error_class.def"
#undef ERROR_CLASS
};

/* ---- rendering ---- */

typedef struct sink {
    char *at;          /* NUL-terminated when bytes > 0 */
    size_t bytes, len; /* len: what would be needed, without NUL */
} sink;

static void put(sink *s, const char *text, size_t len)
{
    if (s->len + 1 < s->bytes) memcpy(s->at + s->len, text, vonk_min_size(len, s->bytes - 1 - s->len));
    s->len += len;
}
static void put_c(sink *s, const char *text) { put(s, text, strnlen(text, MOST_TEXT_BYTES)); }

/* A text that had to be cut ends at a whole UTF-8 character. */
static size_t utf8_cut(const char *text, size_t at)
{
    size_t start = at;
    while (start > 0 && at - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0xc0) return at;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return at - (start - 1) < wanted ? start - 1 : at;
}

static void finish(sink *s)
{
    if (!s->bytes) return;
    s->at[s->len < s->bytes ? s->len : utf8_cut(s->at, s->bytes - 1)] = 0;
}

static const char *value_of(vonk_str name, size_t n, const char *const *names, const char *const *values)
{
    for (size_t i = 0; i < n; i++)
        if (vonk_str_is(name, names[i])) return values[i];
    return NULL;
}

static size_t render(char *into, size_t bytes, vonk_errclass cls, size_t n, const char *const *names,
                     const char *const *values)
{
    sink s = {.at = into, .bytes = bytes};
    bool unnamed = rows[cls].sqlstate[0] == 0; /* Spark's _LEGACY_ERROR_TEMP_ rows: it shows their text alone */
    if (!unnamed) {
        put(&s, "[", 1);
        put_c(&s, rows[cls].condition);
        put(&s, "] ", 2);
    }
    for (const char *at = rows[cls].text; *at;) {
        const char *open = strchr(at, '<');
        const char *close = open ? strchr(open, '>') : NULL;
        if (!close) {
            put_c(&s, at);
            break;
        }
        const char *value = value_of((vonk_str){open + 1, (size_t)(close - open - 1)}, n, names, values);
        put(&s, at, (size_t)(open - at));
        if (value)
            put_c(&s, value);
        else
            put(&s, open, (size_t)(close + 1 - open)); /* "<" stood for itself */
        at = close + 1;
    }
    if (!unnamed) {
        put_c(&s, " SQLSTATE: ");
        put_c(&s, rows[cls].sqlstate);
    }
    finish(&s);
    return s.len;
}

/* ---- details ---- */

static void unref(vonk_error_detail *d)
{
    while (d && atomic_fetch_sub(&d->refs, 1) == 1) {
        vonk_error_detail *older = d->older;
        if (d->kind == DETAIL_CAUSE) vonk_error_reset(&d->cause); /* as deep as MOST_CAUSES */
        vonk_free(d);
        d = older;
    }
}

static vonk_error_detail *push_detail(vonk_error *err, detail_kind kind, size_t text_bytes)
{
    vonk_error_detail *d = vonk__alloc_quiet(vonk_budget_root(), sizeof(*d) + text_bytes);
    if (!d) return NULL;
    memset(d, 0, sizeof(*d));
    atomic_init(&d->refs, 1);
    d->kind = kind;
    d->older = err->detail;
    err->detail = d;
    return d;
}

static char *keep(char **inout_at, const char *text, size_t len)
{
    char *copy = *inout_at;
    if (len) memcpy(copy, text, len);
    copy[len] = 0;
    *inout_at += len + 1;
    return copy;
}
static vonk_str keep_str(char **inout_at, vonk_str text)
{
    if (text.len > MOST_TEXT_BYTES) text.len = utf8_cut(text.data, MOST_TEXT_BYTES);
    return (vonk_str){keep(inout_at, text.data, text.len), text.len};
}

static const vonk_error_detail *newest(const vonk_error *err, detail_kind kind)
{
    const vonk_error_detail *d = err->detail;
    while (d && d->kind != kind) d = d->older;
    return d;
}

/* ---- raising ---- */

static void start(vonk_error *err, const char *file, int line, vonk_errclass cls)
{
    unref(err->detail);
    err->detail = NULL;
    err->cls = cls;
    err->other_family = 0;
    err->file = file;
    err->line = line;
}

vonk_status vonk_fail_pairs(vonk_error *err, const char *file, int line, vonk_errclass cls, size_t n,
                            const char *const *names, const char *const *values)
{
    assert(cls != VONK_OK && cls < VONK_N_ERRCLASS);
    if (!err) return cls;
    vonk_error_detail *old = err->detail; /* a value may be a text of the error that is replaced */
    err->detail = NULL;
    start(err, file, line, cls);
    char fixed[sizeof(err->message)];
    size_t message_len = render(fixed, sizeof(fixed), cls, n, names, values);
    size_t text_bytes = n * 2 * sizeof(char *);
    for (size_t i = 0; i < n; i++)
        text_bytes += strnlen(names[i], MOST_TEXT_BYTES) + strnlen(values[i], MOST_TEXT_BYTES) + 2;
    if (message_len >= sizeof(fixed)) text_bytes += message_len + 1;
    vonk_error_detail *d = n || message_len >= sizeof(fixed) ? push_detail(err, DETAIL_MESSAGE, text_bytes) : NULL;
    if (d) {
        d->raised.n_pairs = n;
        d->raised.pairs = (const char **)(d + 1);
        char *at = (char *)(d->raised.pairs + 2 * n);
        for (size_t i = 0; i < n; i++) {
            d->raised.pairs[2 * i] = keep(&at, names[i], strnlen(names[i], MOST_TEXT_BYTES));
            d->raised.pairs[2 * i + 1] = keep(&at, values[i], strnlen(values[i], MOST_TEXT_BYTES));
        }
        if (message_len >= sizeof(fixed)) {
            render(at, message_len + 1, cls, n, names, values);
            d->raised.message = at;
        }
    }
    memcpy(err->message, fixed, sizeof(fixed));
    unref(old);
    return cls;
}

vonk_status vonk_fail_at(vonk_error *err, const char *file, int line, vonk_errclass cls, ...)
{
    const char *names[MOST_PAIRS], *values[MOST_PAIRS];
    size_t n = 0;
    va_list args;
    va_start(args, cls);
    for (const char *name; n < MOST_PAIRS && (name = va_arg(args, const char *)) != NULL; n++) {
        const char *value = va_arg(args, const char *);
        names[n] = name;
        values[n] = value ? value : "null";
    }
    va_end(args);
    return vonk_fail_pairs(err, file, line, cls, n, names, values);
}

vonk_status vonk_fail_foreign(vonk_error *err, vonk_errclass cls, vonk_str message)
{
    assert(cls != VONK_OK && cls < VONK_N_ERRCLASS);
    if (!err) return cls;
    vonk_error_detail *old = err->detail;
    err->detail = NULL;
    start(err, NULL, 0, cls);
    char fixed[sizeof(err->message)];
    sink s = {.at = fixed, .bytes = sizeof(fixed)};
    put(&s, message.data, message.len);
    finish(&s);
    if (message.len >= sizeof(fixed)) {
        size_t most = vonk_min_size(message.len, MOST_TEXT_BYTES);
        vonk_error_detail *d = push_detail(err, DETAIL_MESSAGE, most + 1);
        char *at = (char *)(d + 1);
        if (d) d->raised.message = keep_str(&at, message).data;
    }
    memcpy(err->message, fixed, sizeof(fixed));
    unref(old);
    return cls;
}

const char *vonk_ordinal(uint32_t i, char into[16])
{
    static const char *const names[] = {"first", "second", "third"};
    return i < VONK_COUNTOF(names) ? names[i] : vonk_format(into, 16, "%uth", i + 1);
}

const char *vonk_format(char *into, size_t bytes, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(into, bytes, fmt, args);
    va_end(args);
    if (n < 0)
        into[0] = 0;
    else if ((size_t)n >= bytes)
        into[utf8_cut(into, bytes - 1)] = 0;
    return into;
}

void vonk_error_add_context(vonk_error *err, const vonk_query_context *context)
{
    if (vonk_error_n_contexts(err) >= MOST_CONTEXTS) return;
    char drawn[MOST_SUMMARY_BYTES];
    vonk_str summary = vonk__error_summary(context, drawn, sizeof(drawn));
    const vonk_str *texts[] = {&context->object_type, &context->object_name, &context->fragment, &context->call_site,
                               &summary};
    size_t text_bytes = 0;
    for (size_t i = 0; i < VONK_COUNTOF(texts); i++) text_bytes += vonk_min_size(texts[i]->len, MOST_TEXT_BYTES) + 1;
    vonk_error_detail *d = push_detail(err, DETAIL_CONTEXT, text_bytes);
    if (!d) return;
    char *at = (char *)(d + 1);
    d->context = *context;
    d->context.object_type = keep_str(&at, context->object_type);
    d->context.object_name = keep_str(&at, context->object_name);
    d->context.fragment = keep_str(&at, context->fragment);
    d->context.call_site = keep_str(&at, context->call_site);
    d->context.summary = keep_str(&at, summary);
    d->context.text = VONK_STR_NONE;
}

void vonk_error_set_cause(vonk_error *err, const vonk_error *cause)
{
    int depth = 1;
    for (const vonk_error *c = cause; (c = vonk_error_cause(c)) != NULL;) depth++;
    if (depth > MOST_CAUSES) return;
    vonk_error copy = VONK_ERROR_INIT; /* taken first: `cause` may be `err` */
    vonk_error_copy(&copy, cause);
    vonk_error_detail *d = push_detail(err, DETAIL_CAUSE, 0);
    if (d)
        d->cause = copy;
    else
        vonk_error_reset(&copy);
}

/* ---- copying ---- */

void vonk_error_move(vonk_error *into, vonk_error *from)
{
    if (into == from) return;
    unref(into->detail);
    *into = *from;
    from->cls = VONK_OK;
    from->detail = NULL;
    from->message[0] = 0;
}

vonk_status vonk_error_forgive(vonk_error *tried, vonk_error *err)
{
    vonk_status cls = tried->cls;
    if (cls == VONK_E_MEMORY_BUDGET_EXCEEDED || cls == VONK_E_OPERATION_CANCELED) {
        vonk_error_move(err, tried);
        return cls;
    }
    vonk_error_reset(tried);
    return VONK_OK;
}

void vonk_error_copy(vonk_error *into, const vonk_error *from)
{
    if (into == from) return;
    if (from->detail) atomic_fetch_add(&from->detail->refs, 1);
    unref(into->detail);
    *into = *from;
}

void vonk_error_reset(vonk_error *err)
{
    unref(err->detail);
    err->cls = VONK_OK;
    err->line = 0;
    err->other_family = 0;
    err->file = NULL;
    err->detail = NULL;
    err->message[0] = '\0'; /* not all of it: this is called on every way that went well, too */
}

/* ---- reading ---- */

const char *vonk_errclass_condition(vonk_errclass cls) { return rows[cls].condition; }
const char *vonk_errclass_sqlstate(vonk_errclass cls) { return rows[cls].sqlstate; }
const char *vonk_error_condition(const vonk_error *err) { return rows[err->cls].condition; }
const char *vonk_error_sqlstate(const vonk_error *err) { return rows[err->cls].sqlstate; }
vonk_status vonk_error_set_family(vonk_error *err, vonk_error_family family)
{
    err->other_family = (uint8_t)(1 + family);
    return err->cls;
}

vonk_error_family vonk_error_get_family(const vonk_error *err)
{
    return err->other_family ? (vonk_error_family)(err->other_family - 1) : rows[err->cls].family;
}

const char *vonk_error_message(const vonk_error *err)
{
    const vonk_error_detail *d = newest(err, DETAIL_MESSAGE);
    return d && d->raised.message ? d->raised.message : err->message;
}

size_t vonk_error_n_params(const vonk_error *err)
{
    const vonk_error_detail *d = newest(err, DETAIL_MESSAGE);
    return d ? d->raised.n_pairs : 0;
}

void vonk_error_param(const vonk_error *err, size_t i, const char **ret_name, const char **ret_value)
{
    const vonk_error_detail *d = newest(err, DETAIL_MESSAGE);
    assert(d && i < d->raised.n_pairs);
    *ret_name = d->raised.pairs[2 * i];
    *ret_value = d->raised.pairs[2 * i + 1];
}

size_t vonk_error_n_contexts(const vonk_error *err)
{
    size_t n = 0;
    for (const vonk_error_detail *d = err->detail; d; d = d->older) n += d->kind == DETAIL_CONTEXT;
    return n;
}

const vonk_query_context *vonk_error_context(const vonk_error *err, size_t i)
{
    size_t n = vonk_error_n_contexts(err);
    assert(i < n);
    for (const vonk_error_detail *d = err->detail; d; d = d->older)
        if (d->kind == DETAIL_CONTEXT && --n == i) return &d->context; /* the newest stands in front */
    return NULL;
}

const vonk_error *vonk_error_cause(const vonk_error *err)
{
    const vonk_error_detail *d = newest(err, DETAIL_CAUSE);
    return d ? &d->cause : NULL;
}
