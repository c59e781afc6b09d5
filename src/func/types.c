/* func/types.c -- resolving a call: argument rules and result rules as texts (func/func.h), casts that are wanted,
 * result type and nullability. */
#include <stdio.h>

#include "base/vec.h"
#include "func/cast.h"
#include "func/coerce_int.h"
#include "func/resolve.h"

enum { MOST_RULES = 32, MOST_ALTERNATIVES = 12, N_LETTERS = 26 };

typedef struct arg_rule {
    vonk_str text; /* alternatives, without marks */
    bool exact, optional;
    bool only_null; /* nothing is cast but NULL */
} arg_rule;

typedef struct signature {
    arg_rule rules[MOST_RULES];
    uint32_t n, least;
    bool repeats; /* the last rule any number of times */
} signature;

/* What the arguments say about the letters: T -> bigint. */
typedef struct matching {
    vonk_fn_types *t;
    const vonk_type *letters[N_LETTERS]; /* common type so far, owned by the arena */
    vonk_str chosen[64];                 /* alternative of each of the first arguments */
    bool clash;                          /* a letter got types that have nothing in common */
} matching;

/* ---- reading rules */

/* Position of `c` outside of <> and () at or after `from`; text.len when there is none. */
static size_t find_top(vonk_str text, char c, size_t from)
{
    int depth = 0;
    for (size_t i = from; i < text.len; i++) {
        char x = text.data[i];
        if (x == '<' || x == '(') depth++;
        if (x == '>' || x == ')') depth--;
        if (x == c && depth == 0) return i;
    }
    return text.len;
}

static vonk_str next_part(vonk_str text, char separator, size_t *inout_at)
{
    size_t end = find_top(text, separator, *inout_at);
    vonk_str part = vonk_str_trim(vonk_str_sub(text, *inout_at, end));
    *inout_at = end + 1;
    return part;
}

static void read_signature(vonk_str text, signature *s)
{
    *s = (signature){0};
    if (vonk_str_ends(text, VONK_STR("..."))) {
        s->repeats = true;
        text = vonk_str_trim(vonk_str_sub(text, 0, text.len - 3));
    }
    for (size_t at = 0; at < text.len;) {
        vonk_str part = next_part(text, ',', &at);
        arg_rule r = {.text = part};
        assert(s->n < MOST_RULES && part.len > 0);
        if (part.data[0] == '!' || part.data[0] == '=') {
            r.exact = part.data[0] == '!';
            r.only_null = part.data[0] == '=';
            r.text = vonk_str_sub(r.text, 1, r.text.len);
        }
        if (part.data[part.len - 1] == '?') {
            r.optional = true;
            r.text = vonk_str_sub(r.text, 0, r.text.len - 1);
        }
        s->rules[s->n++] = r;
        if (!r.optional) s->least = s->n;
    }
    if (s->repeats) s->least--;
}

static bool takes_count(const signature *s, uint32_t n) { return n >= s->least && (s->repeats || n <= s->n); }

static const arg_rule *rule_of(const signature *s, uint32_t i) { return &s->rules[i < s->n ? i : s->n - 1]; }

static bool is_letter(vonk_str text) { return text.len == 1 && text.data[0] >= 'A' && text.data[0] <= 'Z'; }

/* "array<X>" gives X. */
static bool inside(vonk_str text, const char *outer, vonk_str *ret)
{
    size_t n = strlen(outer);
    if (text.len < n + 2 || memcmp(text.data, outer, n) != 0 || text.data[n] != '<') return false;
    *ret = vonk_str_trim(vonk_str_sub(text, n + 1, text.len - 1));
    return true;
}

/* By address, because it is made by the call whose status stands beside it. */
static vonk_status own(vonk_fn_types *t, vonk_status st, const vonk_type *const *take, const vonk_type **ret,
                       vonk_error *err)
{
    if (st != VONK_OK) return st;
    if (!*take) {
        *ret = NULL;
        return VONK_OK;
    }
    return vonk_fn_own_type(t->arena, *take, ret, err);
}

/* ---- classes */

typedef struct type_class {
    const char *name, *sql; /* sql: as messages name it */
    bool (*accepts)(const vonk_type *t);
    const vonk_type *standard; /* what a string or NULL becomes; NULL: itself */
} type_class;

static bool any_type(const vonk_type *t) { return true; }
static bool is_array(const vonk_type *t) { return t->id == VONK_T_ARRAY; }
static bool is_map(const vonk_type *t) { return t->id == VONK_T_MAP; }
static bool is_struct(const vonk_type *t) { return t->id == VONK_T_STRUCT; }
static bool is_decimal(const vonk_type *t) { return t->id == VONK_T_DECIMAL; }
static bool is_orderable(const vonk_type *t) { return t->id == VONK_T_NULL || vonk_type_is_orderable(t); }
static bool is_fractional(const vonk_type *t)
{
    return t->id == VONK_T_FLOAT || t->id == VONK_T_DOUBLE || t->id == VONK_T_DECIMAL;
}
static bool is_ym(const vonk_type *t) { return t->id == VONK_T_INTERVAL_YEAR_MONTH; }
static bool is_dt(const vonk_type *t) { return t->id == VONK_T_INTERVAL_DAY_TIME; }
static bool is_any_timestamp(const vonk_type *t) { return t->id == VONK_T_TIMESTAMP || t->id == VONK_T_TIMESTAMP_NTZ; }
static bool is_any_time(const vonk_type *t) { return t->id == VONK_T_TIME; }
static bool is_nanos(const vonk_type *t) { return false; } /* not built; Spark names it where it would take it */

static const type_class classes[] = {
    {"any", "ANY", any_type, NULL},
    {"numeric", "NUMERIC", vonk_type_is_numeric, &vonk_type_double},
    {"integral", "INTEGRAL", vonk_type_is_integral, &vonk_type_int},
    {"fractional", "FRACTIONAL", is_fractional, &vonk_type_double},
    {"decimal", "DECIMAL", is_decimal, NULL},
    {"orderable", "ORDERABLE", is_orderable, NULL},
    {"interval", "INTERVAL", vonk_type_is_interval, NULL},
    {"interval_ym", "INTERVAL YEAR TO MONTH", is_ym, NULL},
    {"interval_dt", "INTERVAL DAY TO SECOND", is_dt, NULL},
    {"any_timestamp", "(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)", is_any_timestamp, &vonk_type_timestamp},
    {"any_nanos", "(TIMESTAMP_LTZ(P) OR TIMESTAMP_NTZ(P) WITH P IN [7, 9])", is_nanos, NULL},
    {"any_time", "TIME", is_any_time, &vonk_type_time},
    {"stringy", "STRING", vonk_type_is_stringy, &vonk_type_string},
    {"atomic", "ATOMIC", vonk_type_is_atomic, NULL},
    {"array", "ARRAY", is_array, NULL},
    {"map", "MAP", is_map, NULL},
    {"struct", "STRUCT", is_struct, NULL},
};

static const type_class *find_class(vonk_str name)
{
    for (size_t i = 0; i < VONK_COUNTOF(classes); i++)
        if (vonk_str_is(name, classes[i].name)) return &classes[i];
    return NULL;
}

/* ---- matching one argument */

/* The common type of a letter's types: U and O without making anything of strings. */
static vonk_status join_letter(matching *m, char letter, const vonk_type *type, vonk_error *err)
{
    const vonk_type **slot = &m->letters[letter - 'A'], *common = NULL;
    if (!*slot) {
        *slot = type;
        return VONK_OK;
    }
    vonk_status st = letter == 'U' || letter == 'O'
                         ? vonk_coerce_common_no_strings(*slot, type, m->t->env->ansi, &common, err)
                         : vonk_coerce_common(*slot, type, m->t->env->ansi, &common, err);
    VONK_TRY(own(m->t, st, &common, &common, err));
    if (!common) {
        m->clash = true;
        return VONK_OK;
    }
    *slot = common;
    return VONK_OK;
}

static vonk_status decimal_from(vonk_fn_types *t, const vonk_type *type, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *made = NULL;
    vonk_status st = vonk_type_is_numeric(type) ? vonk_coerce_decimal_for(type, &made, err)
                     : vonk_type_is_stringy(type) || type->id == VONK_T_NULL
                         ? vonk_type_decimal(VONK_MAX_PRECISION, 18, &made, err)
                         : VONK_OK;
    return own(t, st, &made, ret, err);
}

/* What the argument becomes under a class; *ret NULL: it does not fit. */
static vonk_status match_class(matching *m, const type_class *c, const vonk_type *type, bool implicit,
                               const vonk_type **ret, vonk_error *err)
{
    if (c->accepts(type)) {
        *ret = type;
        return VONK_OK;
    }
    if (!implicit) return VONK_OK;
    if (c->accepts == is_decimal) return decimal_from(m->t, type, ret, err);
    if (!c->standard) {
        if (type->id == VONK_T_NULL) *ret = type;
        return VONK_OK;
    }
    /* A number class takes strings, not other types of numbers that it refused. */
    bool text = vonk_type_is_stringy(type) || type->id == VONK_T_NULL;
    if (c->accepts == vonk_type_is_integral && vonk_type_is_numeric(type) && m->t->env->ansi) return VONK_OK;
    if (text || vonk_coerce_implicit(type, c->standard, m->t->env->ansi)) *ret = c->standard;
    return VONK_OK;
}

static vonk_status match_concrete(matching *m, vonk_str text, const vonk_type *type, bool implicit,
                                  const vonk_type **ret, vonk_error *err)
{
    const vonk_type *wanted = NULL;
    vonk_status st = vonk_type_parse(text, &wanted, err);
    VONK_TRY(own(m->t, st, &wanted, &wanted, err));
    assert(wanted);
    bool same =
        vonk_type_same(wanted, type) || (wanted->id == type->id && vonk_type_is_atomic(type) && !is_decimal(type));
    if (wanted->id == VONK_T_STRING && vonk_type_is_stringy(type)) same = true;
    if (same)
        *ret = type;
    else if (implicit && vonk_coerce_implicit(type, wanted, m->t->env->ansi))
        *ret = wanted;
    return VONK_OK;
}

static vonk_status match(matching *m, vonk_str text, const vonk_type *type, bool implicit, const vonk_type **ret,
                         vonk_error *err);

static vonk_status match_array(matching *m, vonk_str element, const vonk_type *type, bool implicit,
                               const vonk_type **ret, vonk_error *err)
{
    const vonk_type *got = NULL, *made = NULL;
    const vonk_type *from = is_array(type) ? type->fields[0].type : &vonk_type_null;
    if (!is_array(type) && !(implicit && type->id == VONK_T_NULL)) return VONK_OK;
    VONK_TRY(match(m, element, from, implicit, &got, err));
    if (!got) return VONK_OK;
    if (got == from && is_array(type)) {
        *ret = type;
        return VONK_OK;
    }
    return own(m->t, vonk_type_array(got, true, &made, err), &made, ret, err);
}

static vonk_status match_map(matching *m, vonk_str pair, const vonk_type *type, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *key = NULL, *value = NULL;
    size_t at = 0;
    if (!is_map(type)) return VONK_OK;
    vonk_str k = next_part(pair, ',', &at), v = next_part(pair, ',', &at);
    VONK_TRY(match(m, k, type->fields[0].type, false, &key, err));
    VONK_TRY(match(m, v, type->fields[1].type, false, &value, err));
    if (key && value) *ret = type;
    return VONK_OK;
}

/* The first of some alternatives that fits. */
static vonk_status match_any(matching *m, vonk_str text, const vonk_type *type, bool implicit, vonk_str *ret_chosen,
                             const vonk_type **ret, vonk_error *err)
{
    *ret = NULL;
    for (size_t at = 0; at < text.len && !*ret;) {
        *ret_chosen = next_part(text, '|', &at);
        VONK_TRY(match(m, *ret_chosen, type, implicit, ret, err));
    }
    return VONK_OK;
}

/* *ret: the type that the argument should have so far (letters come later); NULL: the alternative does not fit. */
static vonk_status match(matching *m, vonk_str text, const vonk_type *type, bool implicit, const vonk_type **ret,
                         vonk_error *err)
{
    vonk_str in;
    *ret = NULL;
    if (is_letter(text)) {
        *ret = type;
        return VONK_OK;
    }
    if (inside(text, "array", &in)) return match_array(m, in, type, implicit, ret, err);
    if (inside(text, "map", &in)) return match_map(m, in, type, ret, err);
    if (text.data[0] == '(') return match_any(m, vonk_str_sub(text, 1, text.len - 1), type, implicit, &in, ret, err);
    const type_class *c = find_class(text);
    if (c) return match_class(m, c, type, implicit, ret, err);
    return match_concrete(m, text, type, implicit, ret, err);
}

/* The first alternative that takes the type as it is, else the first that it can be cast to. */
static vonk_status match_rule(matching *m, const arg_rule *rule, uint32_t arg, const vonk_type **ret, vonk_error *err)
{
    const vonk_type *type = m->t->types[arg];
    const bool exact = rule->exact || (rule->only_null && type->id != VONK_T_NULL);
    vonk_str chosen = VONK_STR_NONE;
    *ret = NULL;
    for (int implicit = 0; implicit <= (exact ? 0 : 1) && !*ret; implicit++)
        VONK_TRY(match_any(m, rule->text, type, implicit, &chosen, ret, err));
    if (*ret && arg < VONK_COUNTOF(m->chosen)) m->chosen[arg] = chosen;
    return VONK_OK;
}

static vonk_status collect_letters(matching *m, vonk_str text, const vonk_type *type, vonk_error *err)
{
    vonk_str in;
    if (is_letter(text)) return join_letter(m, text.data[0], type, err);
    if (inside(text, "array", &in))
        return collect_letters(m, in, is_array(type) ? type->fields[0].type : &vonk_type_null, err);
    if (inside(text, "map", &in) && is_map(type)) {
        size_t at = 0;
        for (int i = 0; i < 2; i++) VONK_TRY(collect_letters(m, next_part(in, ',', &at), type->fields[i].type, err));
    }
    return VONK_OK;
}

/* The type with what the letters came to. */
static vonk_status with_letters(matching *m, vonk_str text, const vonk_type *type, const vonk_type **ret,
                                vonk_error *err)
{
    vonk_str in;
    const vonk_type *parts[2] = {NULL, NULL}, *made = NULL;
    *ret = type;
    if (is_letter(text)) {
        *ret = m->letters[text.data[0] - 'A'];
        return VONK_OK;
    }
    if (inside(text, "array", &in)) {
        const vonk_type *element = is_array(type) ? type->fields[0].type : &vonk_type_null;
        VONK_TRY(with_letters(m, in, element, &parts[0], err));
        if (parts[0] == element && is_array(type)) return VONK_OK;
        bool null = !is_array(type) || type->fields[0].nullable;
        return own(m->t, vonk_type_array(parts[0], null, &made, err), &made, ret, err);
    }
    if (inside(text, "map", &in) && is_map(type)) {
        size_t at = 0;
        for (int i = 0; i < 2; i++)
            VONK_TRY(with_letters(m, next_part(in, ',', &at), type->fields[i].type, &parts[i], err));
        if (parts[0] == type->fields[0].type && parts[1] == type->fields[1].type) return VONK_OK;
        return own(m->t, vonk_type_map(parts[0], parts[1], type->fields[1].nullable, &made, err), &made, ret, err);
    }
    return VONK_OK;
}

/* ---- constants */

vonk_status vonk_fn_constant_int(const vonk_fn_types *t, uint32_t arg, int64_t *ret, bool *ret_is_null, vonk_error *err)
{
    VONK_AUTO(vonk_column_unref) vonk_column *cast = NULL;
    VONK_TRY(
        vonk_cast_column(t->env, t->mode, vonk_arena_budget(t->arena), t->constants[arg], t->types[arg], &cast, err));
    *ret_is_null = vonk_column_is_null(cast, 0);
    *ret = *ret_is_null ? 0 : vonk_column_i64(cast, 0);
    return VONK_OK;
}

/* ---- errors */

vonk_status vonk__raise_wrong_type(const vonk_fn_types *t, uint32_t arg, const char *required, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__UNEXPECTED_INPUT_TYPE, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "paramIndex", VONK_ORDINAL(arg), "requiredType", required,
                     "inputSql", VONK_F("\"%.*s\"", VONK_STR_ARGS(t->texts ? t->texts[arg] : VONK_STR("?"))),
                     "inputType", VONK_TYPE_SQL(t->types[arg]));
}

const char *vonk_fn_call_text(const vonk_fn_types *t, char into[1024])
{
    if (t->text.len) return vonk_format(into, 1024, "\"%.*s\"", VONK_STR_ARGS(t->text));
    size_t n = (size_t)snprintf(into, 1024, "\"%s(", t->fn->name);
    for (uint32_t i = 0; t->texts && i < t->n_args && n < 900; i++)
        n += (size_t)snprintf(into + n, 1024 - n, "%s%.*s", i ? ", " : "",
                              (int)vonk_min_size(t->texts[i].len, 1020 - n), t->texts[i].data);
    if (n > 1020) n = 1020;
    snprintf(into + n, 1024 - n, ")\"");
    return into;
}

const char *vonk_fn_type_list(const vonk_fn_types *t, const char *open, const char *between, const char *close,
                              char into[1024])
{
    size_t n = (size_t)snprintf(into, 1024, "%s", open);
    for (uint32_t i = 0; i < t->n_args && n < 900; i++)
        n += (size_t)snprintf(into + n, 1024 - n, "%s%s", i ? between : "", VONK_TYPE_SQL(t->types[i]));
    if (n < 1000) snprintf(into + n, 1024 - n, "%s", close);
    return into;
}

/* Spark lists the types in one of two ways. */
static vonk_status raise_clash(const vonk_fn_types *t, vonk_error *err)
{
    const bool in_brackets = strcmp(t->fn->name, "greatest") == 0 || strcmp(t->fn->name, "least") == 0;
    char into[1024];
    const char *types =
        in_brackets ? vonk_fn_type_list(t, "[", ", ", "]", into) : vonk_fn_type_list(t, "(", " or ", ")", into);
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__DATA_DIFF_TYPES, "sqlExpr", vonk_fn_call_text(t, (char[1024]){0}),
                     "functionName", VONK_F("`%s`", t->fn->name), "dataType", types);
}

/* Bytes written; `rule` is one alternative. */
static size_t one_required(vonk_str rule, char *into, size_t room)
{
    const type_class *c = find_class(rule);
    vonk_str in;
    const char *name = c ? c->sql : inside(rule, "array", &in) ? "ARRAY" : inside(rule, "map", &in) ? "MAP" : NULL;
    VONK_AUTO(vonk_type_unref) const vonk_type *type = NULL;
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    if (!c && vonk_type_parse(rule, &type, &ignored) == VONK_OK)
        return (size_t)snprintf(into, room, "%s", VONK_TYPE_SQL(type));
    return name ? (size_t)snprintf(into, room, "\"%s\"", name) : 0;
}

/* "numeric|(date|any_time)": ("NUMERIC" or ("DATE" or "TIME")) */
static size_t required_text(vonk_str rule, char *into, size_t room)
{
    const bool many = find_top(rule, '|', 0) < rule.len;
    size_t n = 0;
    if (many) into[n++] = '(';
    for (size_t at = 0; at < rule.len && room - n > 100;) {
        const vonk_str part = next_part(rule, '|', &at);
        if (n > 1) n += (size_t)snprintf(into + n, room - n, " or ");
        n += part.data[0] == '(' ? required_text(vonk_str_sub(part, 1, part.len - 1), into + n, room - n)
                                 : one_required(part, into + n, room - n);
    }
    if (many) into[n++] = ')';
    into[n] = 0;
    return n;
}

static vonk_status raise_wrong_type(const vonk_fn_types *t, const arg_rule *rule, uint32_t arg, vonk_error *err)
{
    char required[512] = {0};
    if (vonk_str_is(rule->text, "orderable")) return vonk_fn_not_orderable(t, t->types[arg], err);
    (void)required_text(rule->text, required, sizeof required);
    return vonk_fn_wrong_type(t, arg, required, err);
}

vonk_status vonk__raise_not_orderable(const vonk_fn_types *t, const vonk_type *type, vonk_error *err)
{
    const char *name = t->fn->symbol ? t->fn->symbol : t->fn->name;
    return VONK_FAIL(err, VONK_E_DATATYPE_MISMATCH__INVALID_ORDERING_TYPE, "sqlExpr",
                     vonk_fn_call_text(t, (char[1024]){0}), "functionName", VONK_F("`%s`", name), "dataType",
                     VONK_TYPE_SQL(type));
}

/* "1", "[1, 2]", "> 0" */
static void expected_counts(vonk_str args, char into[128])
{
    signature s;
    uint32_t seen = 0, least = UINT32_MAX;
    bool repeats = false;
    for (size_t at = 0; at <= args.len;) {
        read_signature(next_part(args, ';', &at), &s);
        if (s.least < least) least = s.least;
        repeats |= s.repeats;
        for (uint32_t n = s.least; n <= s.n && n < 32; n++) seen |= 1u << n;
        if (args.len == 0) break;
    }
    if (repeats) {
        snprintf(into, 128, "> %d", (int)least - 1);
        return;
    }
    size_t n = 0;
    bool many = (seen & (seen - 1)) != 0;
    for (uint32_t i = 0; i < 32; i++)
        if (seen & (1u << i)) n += (size_t)snprintf(into + n, 128 - n, "%s%u", n ? ", " : many ? "[" : "", i);
    if (many) snprintf(into + n, 128 - n, "]");
}

vonk_status vonk__raise_wrong_count(const vonk_fn_types *t, const char *expected, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_WRONG_NUM_ARGS__WITHOUT_SUGGESTION, "functionName", VONK_F("`%s`", t->fn->name),
                     "expectedNum", expected, "actualNum", VONK_F("%u", t->n_args), "docroot",
                     "https://spark.apache.org/docs/latest");
}

/* ---- result */

static vonk_status type_of_text(matching *m, vonk_str text, const vonk_type **ret, vonk_error *err)
{
    vonk_str in;
    const vonk_type *parts[2] = {NULL, NULL}, *made = NULL;
    if (is_letter(text)) {
        *ret = m->letters[text.data[0] - 'A'];
        return VONK_OK;
    }
    if (text.len == 4 && memcmp(text.data, "arg", 3) == 0) {
        *ret = m->t->types[text.data[3] - '0'];
        return VONK_OK;
    }
    if (inside(text, "array", &in) && (is_letter(in) || in.data[0] == '!' || vonk_str_starts(in, VONK_STR("a")))) {
        bool null = in.data[0] != '!';
        VONK_TRY(type_of_text(m, null ? in : vonk_str_sub(in, 1, in.len), &parts[0], err));
        return own(m->t, vonk_type_array(parts[0], null, &made, err), &made, ret, err);
    }
    if (inside(text, "map", &in)) {
        size_t at = 0;
        for (int i = 0; i < 2; i++) VONK_TRY(type_of_text(m, next_part(in, ',', &at), &parts[i], err));
        return own(m->t, vonk_type_map(parts[0], parts[1], true, &made, err), &made, ret, err);
    }
    vonk_status st = vonk_type_parse(text, &made, err);
    return own(m->t, st, &made, ret, err);
}

static vonk_status set_result(matching *m, vonk_error *err)
{
    const vonk_type *type = NULL;
    if (!m->t->fn->result) return VONK_OK;
    VONK_TRY(type_of_text(m, vonk_str_of(m->t->fn->result), &type, err));
    m->t->result = vonk_type_ref(type);
    return VONK_OK;
}

static bool any_nullable(const vonk_fn_types *t)
{
    for (uint32_t i = 0; i < t->n_args; i++)
        if (t->nullable[i]) return true;
    return false;
}

static void set_nullable(vonk_fn_types *t)
{
    switch (t->fn->nullable) {
    case VONK_NULLABLE_ALWAYS: t->result_nullable = true; return;
    case VONK_NULLABLE_NEVER: t->result_nullable = false; return;
    case VONK_NULLABLE_LEGACY: t->result_nullable = t->mode != VONK_MODE_ANSI || any_nullable(t); return;
    default: break;
    }
    t->result_nullable = t->fn->nulls != VONK_NEVER_NULL && (t->mode == VONK_MODE_TRY || any_nullable(t));
}

/* ---- resolving */

static vonk_status match_all(matching *m, const signature *s, uint32_t *ret_bad, vonk_error *err)
{
    vonk_fn_types *t = m->t;
    *ret_bad = UINT32_MAX;
    const vonk_type **wanted = NULL;
    VONK_TRY(vonk_arena_array(t->arena, t->n_args + 1, sizeof(*wanted), &wanted, err));
    for (uint32_t i = 0; i < t->n_args; i++) {
        const arg_rule *r = rule_of(s, i);
        if (vonk_str_is(r->text, "lambda")) {
            wanted[i] = t->types[i];
            continue;
        }
        VONK_TRY(match_rule(m, r, i, &wanted[i], err));
        if (!wanted[i]) {
            *ret_bad = i;
            return VONK_OK;
        }
    }
    for (uint32_t i = 0; i < t->n_args; i++)
        if (wanted[i] && i < VONK_COUNTOF(m->chosen)) VONK_TRY(collect_letters(m, m->chosen[i], wanted[i], err));
    for (uint32_t i = VONK_COUNTOF(m->chosen); i < t->n_args; i++)
        VONK_TRY(collect_letters(m, rule_of(s, i)->text, wanted[i], err));
    if (m->clash) return VONK_OK;
    for (uint32_t i = 0; i < t->n_args; i++)
        if (wanted[i])
            VONK_TRY(with_letters(m, i < VONK_COUNTOF(m->chosen) ? m->chosen[i] : rule_of(s, i)->text, wanted[i],
                                  &t->types[i], err));
    return VONK_OK;
}

/* Tries the signatures that take this many arguments; the first one's failure is reported. */
static vonk_status resolve_by_text(matching *m, vonk_error *err)
{
    vonk_fn_types *t = m->t;
    vonk_str args = vonk_str_of(t->fn->args);
    signature s, first = {0};
    uint32_t bad = 0, first_bad = UINT32_MAX;
    bool counted = false, first_clash = false;
    for (size_t at = 0; at <= args.len;) {
        read_signature(next_part(args, ';', &at), &s);
        if (!takes_count(&s, t->n_args)) continue;
        *m = (matching){.t = t};
        VONK_TRY(match_all(m, &s, &bad, err));
        if (bad == UINT32_MAX && !m->clash) return VONK_OK;
        /* one that casts nothing says less of what is wanted than the next one */
        if (!counted || (first_bad != UINT32_MAX && rule_of(&first, first_bad)->exact)) {
            first = s;
            first_bad = bad;
            first_clash = m->clash;
        }
        counted = true;
    }
    if (!counted) {
        char expected[128] = {0};
        expected_counts(args, expected);
        return vonk_fn_wrong_count(t, expected, err);
    }
    if (first_clash) return raise_clash(t, err);
    return raise_wrong_type(t, rule_of(&first, first_bad), first_bad, err);
}

static vonk_status check_orderable(const matching *m, vonk_error *err)
{
    const vonk_type *o = m->letters['O' - 'A'];
    return o && !is_orderable(o) ? vonk_fn_not_orderable(m->t, o, err) : VONK_OK;
}

/* An implicit cast may make a null of a value: then the argument counts as nullable. */
static vonk_status nulls_of_casts(vonk_fn_types *t, const vonk_type *const *given, vonk_error *err)
{
    bool *nullable = NULL;
    VONK_TRY(vonk_arena_array(t->arena, t->n_args + 1, sizeof(*nullable), &nullable, err));
    for (uint32_t i = 0; i < t->n_args; i++) {
        nullable[i] = t->nullable[i];
        if (given[i] && t->types[i] && given[i] != t->types[i])
            nullable[i] |= vonk__force_nullable(given[i], t->types[i]);
    }
    t->nullable = nullable;
    return VONK_OK;
}

static void drop_column(void *column) { vonk_column_unref(column); }

/* Hooks see whole numbers where an argument becomes one: round(2.5, 1.5) has one digit behind the point. */
static vonk_status cast_constants(vonk_fn_types *t, vonk_error *err)
{
    vonk_column **cast = NULL;
    for (uint32_t i = 0; t->constants && i < t->n_args; i++) {
        const vonk_column *c = t->constants[i];
        if (!c || !t->types[i] || !vonk_type_is_integral(t->types[i])) continue;
        if (!vonk_type_is_numeric(c->type) || vonk_type_is_integral(c->type)) continue;
        if (!cast) {
            VONK_TRY(vonk_arena_array(t->arena, t->n_args, sizeof(*cast), &cast, err));
            memcpy(cast, t->constants, t->n_args * sizeof(*cast));
        }
        VONK_TRY(vonk_cast_column(t->env, t->mode, vonk_arena_budget(t->arena), c, t->types[i], &cast[i], err));
        VONK_TRY(vonk_arena_on_free(t->arena, drop_column, cast[i], err));
    }
    if (cast) t->constants = cast;
    return VONK_OK;
}

vonk_status vonk_fn_resolve(vonk_fn_types *types, vonk_error *err)
{
    matching m = {.t = types};
    const vonk_type **given = NULL;
    VONK_TRY(vonk_arena_array(types->arena, types->n_args + 1, sizeof(*given), &given, err));
    for (uint32_t i = 0; i < types->n_args; i++) given[i] = types->types[i];
    types->result = NULL;
    if (types->fn->force_mode == VONK_MODE_TRY) types->mode = VONK_MODE_TRY;
    types->catches = types->fn->catches;
    if (types->fn->args) {
        VONK_TRY(resolve_by_text(&m, err));
        VONK_TRY(check_orderable(&m, err));
    }
    vonk_status st = nulls_of_casts(types, given, err);
    if (st == VONK_OK) st = set_result(&m, err);
    if (st == VONK_OK) set_nullable(types);
    if (st == VONK_OK && types->fn->resolve && types->fn->args) st = cast_constants(types, err);
    if (st == VONK_OK && types->fn->resolve) st = types->fn->resolve(types, err);
    if (st == VONK_OK && types->fn->resolve && !types->fn->args) { /* the hook alone has chosen the types */
        bool before = types->result_nullable;
        st = nulls_of_casts(types, given, err);
        if (st == VONK_OK) set_nullable(types);
        types->result_nullable |= before;
    }
    if (st != VONK_OK) {
        vonk_type_unref(types->result);
        types->result = NULL;
    }
    return st;
}

static void drop_type(void *type) { vonk_type_unref(type); }

vonk_status vonk_fn_own_type(vonk_arena *arena, const vonk_type *take_type, const vonk_type **ret, vonk_error *err)
{
    if (take_type->refs >= 0) VONK_TRY(vonk_arena_on_free(arena, drop_type, (void *)(uintptr_t)take_type, err));
    *ret = take_type;
    return VONK_OK;
}

vonk_status vonk_fn_set_result(vonk_fn_types *types, const vonk_type *type)
{
    const vonk_type *old = types->result;
    types->result = vonk_type_ref(type);
    vonk_type_unref(old);
    return VONK_OK;
}
