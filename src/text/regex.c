/* text/regex.c -- matching by PCRE2: compiled code first; what is not done after a fair number of steps goes on
 * interpreted, with a look at the cancel flag. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "text/chars.h"
#include "text/regex.h"

enum {
    FAIR_STEPS = 300000,     /* of compiled code: some milliseconds */
    MOST_STEPS = 2000000000, /* of the interpreter: minutes */
    MOST_HEAP_KIB = 256 * 1024,
    STEPS_PER_LOOK = 2048,
    FINDS_PER_LOOK = 8 /* each may take the fair number of steps */
};

struct vonk_regex {
    vonk_budget *budget;
    vonk_buf pattern; /* PCRE2's syntax */
    uint32_t options, n_groups;
    pcre2_code *code;
};

static _Thread_local size_t refused_bytes; /* PCRE2 says that memory was refused, but not how much */

static void *take_memory(PCRE2_SIZE bytes, void *budget)
{
    void *p = vonk_lib_alloc(budget, bytes);
    if (!p) refused_bytes = bytes;
    return p;
}
static void give_memory(void *p, void *budget) { vonk_lib_free(budget, p); }

static vonk_status no_memory(vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MEMORY_BUDGET_EXCEEDED, "requestedBytes", VONK_F("%zu", refused_bytes),
                     "receivedBytes", "0", "budget", "a regular expression");
}

/* NULL: refused, or no memory (*ret_memory). */
static pcre2_code *compile(const vonk_regex *r, uint32_t more_options, bool *ret_memory)
{
    int code;
    PCRE2_SIZE at;
    *ret_memory = false;
    pcre2_general_context *general = pcre2_general_context_create(take_memory, give_memory, r->budget);
    if (!general) {
        *ret_memory = true;
        return NULL;
    }
    pcre2_compile_context *context = pcre2_compile_context_create(general);
    pcre2_code *compiled = NULL;
    if (context) {
        pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
        pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
        pcre2_set_parens_nest_limit(context, 250);
        compiled = pcre2_compile((PCRE2_SPTR)(r->pattern.data ? r->pattern.data : ""), r->pattern.len,
                                 r->options | more_options, &code, &at, context);
        *ret_memory = !compiled && code == PCRE2_ERROR_HEAP_FAILED;
    } else {
        *ret_memory = true;
    }
    pcre2_compile_context_free(context);
    pcre2_general_context_free(general);
    return compiled;
}

void vonk_regex_free(vonk_regex *r)
{
    if (!r) return;
    pcre2_code_free(r->code);
    vonk_buf_done(&r->pattern);
    vonk_free(r);
}

vonk_status vonk_regex_new(vonk_budget *budget, vonk_str pattern, vonk_regex **ret, vonk_error *err)
{
    VONK_AUTO(vonk_regex_free) vonk_regex *r = NULL;
    bool ok, unicode, memory;
    *ret = NULL;
    VONK_TRY(VONK_NEW(budget, &r, err));
    r->budget = budget;
    vonk_buf_init(&r->pattern, budget, SIZE_MAX);
    VONK_TRY(vonk__regex_translate(pattern, &r->pattern, &ok, &unicode, err));
    if (!ok) return VONK_OK;
    r->options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | (unicode ? PCRE2_UCP : 0);
    r->code = compile(r, 0, &memory);
    if (!r->code) return memory ? no_memory(err) : VONK_OK;
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without it the interpreter runs */
    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->n_groups);
    *ret = VONK_STEAL(r);
    return VONK_OK;
}

uint32_t vonk_regex_groups(const vonk_regex *r) { return r->n_groups; }

uint32_t vonk_regex_group_of(const vonk_regex *r, vonk_str name)
{
    char text[129] = {0};
    if (name.len >= sizeof(text)) return 0;
    memcpy(text, name.data, name.len);
    int n = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)text);
    return n > 0 ? (uint32_t)n : 0;
}

vonk_status vonk_matcher_init(vonk_matcher *m, const vonk_regex *regex, bool (*cancelled)(void *query), void *query,
                              vonk_error *err)
{
    *m = (vonk_matcher){.regex = regex, .cancelled = cancelled, .query = query};
    pcre2_general_context *general = pcre2_general_context_create(take_memory, give_memory, regex->budget);
    if (!general) return no_memory(err);
    m->data = pcre2_match_data_create(regex->n_groups + 1, general);
    m->context = pcre2_match_context_create(general);
    pcre2_general_context_free(general);
    if (!m->data || !m->context) {
        vonk_matcher_done(m);
        return no_memory(err);
    }
    pcre2_set_match_limit(m->context, FAIR_STEPS);
    m->at = pcre2_get_ovector_pointer(m->data);
    return VONK_OK;
}

void vonk_matcher_done(vonk_matcher *m)
{
    if (m->data) pcre2_match_data_free(m->data);
    if (m->context) pcre2_match_context_free(m->context);
    m->data = m->context = NULL;
}

typedef struct look {
    const vonk_matcher *m;
    uint32_t steps;
} look;

enum { STOPPED = -1000 };

static int look_around(pcre2_callout_block *block, void *data)
{
    look *l = data;
    if (++l->steps % STEPS_PER_LOOK != 0 || !l->m->cancelled) return 0;
    return l->m->cancelled(l->m->query) ? STOPPED : 0;
}

/* The same match once more, interpreted, with a callout before each item of the pattern. */
static vonk_status find_slowly(vonk_matcher *m, vonk_str text, size_t from, int *ret, vonk_error *err)
{
    bool memory;
    look l = {.m = m};
    pcre2_code *code = compile(m->regex, PCRE2_AUTO_CALLOUT, &memory);
    pcre2_general_context *general = pcre2_general_context_create(take_memory, give_memory, m->regex->budget);
    pcre2_match_context *context = general ? pcre2_match_context_create(general) : NULL;
    *ret = PCRE2_ERROR_NOMEMORY;
    if (code && context) {
        pcre2_set_callout(context, look_around, &l);
        pcre2_set_match_limit(context, m->cancelled ? MOST_STEPS : MOST_STEPS / 100);
        pcre2_set_heap_limit(context, MOST_HEAP_KIB);
        *ret = pcre2_match(code, (PCRE2_SPTR)text.data, text.len, from, PCRE2_NO_JIT, m->data, context);
    }
    pcre2_match_context_free(context);
    pcre2_general_context_free(general);
    pcre2_code_free(code);
    if (*ret == STOPPED) return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    return VONK_OK;
}

vonk_status vonk_matcher_find(vonk_matcher *m, vonk_str text, size_t from, bool *ret_found, vonk_error *err)
{
    if (!text.data) text.data = "";
    if (++m->n_finds % FINDS_PER_LOOK == 0 && m->cancelled && m->cancelled(m->query))
        return VONK_FAIL(err, VONK_E_OPERATION_CANCELED);
    int n = pcre2_match(m->regex->code, (PCRE2_SPTR)text.data, text.len, from, 0, m->data, m->context);
    if (n == PCRE2_ERROR_MATCHLIMIT || n == PCRE2_ERROR_JIT_STACKLIMIT || n == PCRE2_ERROR_DEPTHLIMIT ||
        n == PCRE2_ERROR_HEAPLIMIT)
        VONK_TRY(find_slowly(m, text, from, &n, err));
    *ret_found = n >= 0;
    if (n >= 0 || n == PCRE2_ERROR_NOMATCH) return VONK_OK;
    if (n == PCRE2_ERROR_MATCHLIMIT || n == PCRE2_ERROR_HEAPLIMIT || n == PCRE2_ERROR_DEPTHLIMIT)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "a regular expression that takes more than two thousand million steps for one text");
    return no_memory(err);
}

size_t vonk_matcher_next(const vonk_matcher *m, vonk_str text)
{
    if (m->at[1] > m->at[0]) return m->at[1];
    return m->at[1] < text.len ? m->at[1] + vonk_char_at(text, m->at[1]) : SIZE_MAX;
}
