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

static bool matches(const vonk_regex *regex, vonk_str text, int64_t until_ns)
{
    VONK_AUTO(vonk_matcher_done) vonk_matcher m = {0};
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    bool found = false;
    if (vonk_matcher_init(&m, regex, is_late, &until_ns, &err) != VONK_OK) return true;
    return vonk_matcher_find(&m, text, 0, &found, &err) != VONK_OK || found;
}

static bool is_secret(const vonk_redaction *r, vonk_str text)
{
    if (r->hides_words && has_word(text)) return true;
    for (size_t i = 0; i < VONK_COUNTOF(r->patterns); i++)
        if (r->patterns[i] && matches(r->patterns[i], text, r->until_ns)) return true;
    return false;
}

bool vonk_redaction_hides(const vonk_redaction *r, vonk_str key, vonk_str value)
{
    return r->hides_all || is_secret(r, key) || (value.data && is_secret(r, value));
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
    VONK_AUTO(vonk_error_reset) vonk_error ignored = VONK_ERROR_INIT;
    const vonk_str pattern = vonk_conf_get(conf, "spark.sql.redaction.string.regex");
    const vonk_str text = vonk_str_sub(vonk_buf_str(out), from, out->len);
    if (!pattern.data || !text.len) return VONK_OK;
    vonk_buf_init(&shown, out->budget, SIZE_MAX);
    VONK_TRY(vonk_regex_new(out->budget, pattern, &regex, err));
    if (!regex || hide_matches(regex, text, &shown, &ignored) != VONK_OK) {
        vonk_buf_reset(&shown);
        VONK_TRY(vonk_buf_add_str(&shown, VONK_REDACTED, err));
    }
    out->len = from;
    return vonk_buf_add_str(out, vonk_buf_str(&shown), err);
}
