/* plan/redaction.h -- what Spark hides from people and clients: settings whose key or value matches a pattern, and passages of texts.
 * Where it is not sure (a pattern that is none, one that takes unreasonably long), it hides. Errors are those of memory. */
#ifndef VONK_PLAN_REDACTION_H
#define VONK_PLAN_REDACTION_H

#include "plan/conf.h"
#include "text/regex.h"

#define VONK_REDACTED VONK_STR("*********(redacted)")

typedef struct vonk_redaction {
    bool        hides_words; /* those of the default of spark.redaction.regex, which is built in */
    bool        hides_all;   /* a pattern is none */
    vonk_regex *patterns[2];
    int64_t     until_ns;    /* a second from its making: what still takes long then is hidden at once */
} vonk_redaction;

/* `pattern`: spark.redaction.regex as it was set; without data: its default. */
vonk_status vonk_redaction_init(vonk_redaction *r, vonk_budget *budget, vonk_str pattern, vonk_error *err);
/* As a session's settings say; `sql`: what SET shows hides by spark.sql.redaction.options.regex, too. */
vonk_status vonk_redaction_of(vonk_redaction *r, vonk_budget *budget, const vonk_conf *conf, bool sql, vonk_error *err);
void        vonk_redaction_done(vonk_redaction *r); /* accepts zeroed storage */
VONK_DEFINE_AUTO_DONE(vonk_redaction, vonk_redaction_done)
/* A value without data: the key alone. Thread-safe. */
vonk_status vonk_redaction_hides(const vonk_redaction *r, vonk_str key, vonk_str value, bool *ret, vonk_error *err);
/* The value as it may be shown: itself, or VONK_REDACTED. */
vonk_status vonk_redaction_show(const vonk_redaction *r, vonk_str key, vonk_str *inout_value, vonk_error *err);

/* Hides in out[from..] the passages that match spark.sql.redaction.string.regex. */
vonk_status vonk_redact_text(const vonk_conf *conf, vonk_buf *out, size_t from, vonk_error *err);

#endif
