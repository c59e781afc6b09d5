/* plan/redaction.c -- spark.redaction.regex and its two kin of SQL. */
#include "plan/redaction.h"

#include "sys/clock.h"

/* Matching stops when this is true; only matches that take long are asked. */
static bool is_late(void *until_ns) { return vonk_clock_mono_ns() > *(const int64_t *)until_ns; }

static vonk_status add_pattern(vonk_redaction *r, vonk_budget *budget, vonk_str pattern, vonk_error *err)
{
    vonk_regex **place = &r->patterns[r->patterns[0] != NULL];
    VONK_TRY(vonk_regex_new(budget, pattern, place, err));
    r->hides_all |= !*place;
    return VONK_OK;
}

vonk_status vonk_redaction_init(vonk_redaction *r, vonk_budget *budget, vonk_str pattern, vonk_error *err)
{
    *r = (vonk_redaction){.hides_words = !pattern.data, .until_ns = vonk_clock_mono_ns() + VONK_NS_PER_S};
    return pattern.data ? add_pattern(r, budget, pattern, err) : VONK_OK;
}

vonk_status vonk_redaction_of(vonk_redaction *r, vonk_budget *budget, const vonk_conf *conf, bool sql, vonk_error *err)
{
    VONK_TRY(vonk_redaction_init(r, budget, vonk_conf_get_set(conf, VONK_STR("spark.redaction.regex")), err));
    if (!sql) return VONK_OK;
    const vonk_status st = add_pattern(r, budget, vonk_conf_get(conf, "spark.sql.redaction.options.regex"), err);
    if (st != VONK_OK) vonk_redaction_done(r);
    return st;
}

void vonk_redaction_done(vonk_redaction *r)
{
    for (size_t i = 0; i < VONK_COUNTOF(r->patterns); i++) {
        vonk_regex_free(r->patterns[i]);
        r->patterns[i] = NULL;
    }
}

/* The same as "(?i)secret|password|token|access[.]?key|credential". */
static bool has_word(vonk_str text)
{
    static const char *const words[] = {"secret", "password", "token", "credential", "accesskey", "access.key"};
    for (size_t w = 0; w < VONK_COUNTOF(words); w++) {
        const size_t n = strlen(words[w]);
        for (size_t i = 0; i + n <= text.len; i++)
            if (vonk_str_is_nocase(vonk_str_sub(text, i, i + n), words[w])) return true;
    }
    return false;
}

/* For want of memory nobody knows; any other failure is a match that takes too long. */
static vonk_status hide_when_late(vonk_status st, bool *ret_hides, vonk_error *err)
{
    if (st == VONK_OK || st == VONK_E_MEMORY_BUDGET_EXCEEDED) return st;
    vonk_error_reset(err);
    *ret_hides = true;
    return VONK_OK;
}

static vonk_status find(const vonk_regex *regex, vonk_str text, int64_t until_ns, bool *ret, vonk_error *err)
{
    VONK_AUTO(vonk_matcher_done) vonk_matcher m = {0};
    VONK_TRY(vonk_matcher_init(&m, regex, is_late, &until_ns, err));
    return hide_when_late(vonk_matcher_find(&m, text, 0, ret, err), ret, err);
}

static vonk_status is_secret(const vonk_redaction *r, vonk_str text, bool *ret, vonk_error *err)
{
    *ret = r->hides_words && has_word(text);
    for (size_t i = 0; i < VONK_COUNTOF(r->patterns) && !*ret; i++)
        if (r->patterns[i]) VONK_TRY(find(r->patterns[i], text, r->until_ns, ret, err));
    return VONK_OK;
}

vonk_status vonk_redaction_hides(const vonk_redaction *r, vonk_str key, vonk_str value, bool *ret, vonk_error *err)
{
    *ret = r->hides_all;
    if (!*ret) VONK_TRY(is_secret(r, key, ret, err));
    return *ret || !value.data ? VONK_OK : is_secret(r, value, ret, err);
}

vonk_status vonk_redaction_show(const vonk_redaction *r, vonk_str key, vonk_str *inout_value, vonk_error *err)
{
    bool hides = false;
    VONK_TRY(vonk_redaction_hides(r, key, *inout_value, &hides, err));
    if (hides) *inout_value = VONK_REDACTED;
    return VONK_OK;
}

/* ---- passages */

static vonk_status hide_matches(const vonk_regex *regex, vonk_str text, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_matcher_done) vonk_matcher m = {0};
    int64_t until_ns = vonk_clock_mono_ns() + VONK_NS_PER_S;
    size_t shown = 0;
    VONK_TRY(vonk_matcher_init(&m, regex, is_late, &until_ns, err));
    for (size_t at = 0; at != SIZE_MAX; at = vonk_matcher_next(&m, text)) {
        bool found = false;
        VONK_TRY(vonk_matcher_find(&m, text, at, &found, err));
        if (!found) break;
        VONK_TRY(vonk_buf_add_str(out, vonk_str_sub(text, shown, m.at[0]), err));
        VONK_TRY(vonk_buf_add_str(out, VONK_REDACTED, err));
        shown = m.at[1];
    }
    return vonk_buf_add_str(out, vonk_str_sub(text, shown, text.len), err);
}

vonk_status vonk_redact_text(const vonk_conf *conf, vonk_buf *out, size_t from, vonk_error *err)
{
    VONK_AUTO(vonk_regex_free) vonk_regex *regex = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf shown = {0};
    const vonk_str pattern = vonk_conf_get(conf, "spark.sql.redaction.string.regex");
    const vonk_str text = vonk_str_sub(vonk_buf_str(out), from, out->len);
    if (!pattern.data || !text.len) return VONK_OK;
    vonk_buf_init(&shown, out->budget, SIZE_MAX);
    VONK_TRY(vonk_regex_new(out->budget, pattern, &regex, err));
    bool hides_all = !regex;
    if (regex) VONK_TRY(hide_when_late(hide_matches(regex, text, &shown, err), &hides_all, err));
    if (hides_all) {
        vonk_buf_reset(&shown);
        VONK_TRY(vonk_buf_add_str(&shown, VONK_REDACTED, err));
    }
    out->len = from;
    return vonk_buf_add_str(out, vonk_buf_str(&shown), err);
}
