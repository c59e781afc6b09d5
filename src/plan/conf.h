/* plan/conf.h -- an immutable snapshot of a session's configuration; what a query sees. Keys, defaults and types: data/spark-4.3.0/conf.tsv plus Vonk's own (vonk.*).
 * Snapshots are reference-counted; a session makes a new one at each change. */
#ifndef VONK_PLAN_CONF_H
#define VONK_PLAN_CONF_H

#include "func/func.h"

vonk_status vonk_conf_new(vonk_budget *budget, const vonk_conf **ret, vonk_error *err); /* only defaults */
const vonk_conf *vonk_conf_ref(const vonk_conf *conf);
void             vonk_conf_unref(const vonk_conf *conf);
static inline void vonk_conf_unref_auto(const vonk_conf **p) { vonk_conf_unref(*p); }
/* The same with one key changed (value.data == NULL: unset). Checks type and whether it may be changed: CANNOT_MODIFY_CONFIG, INVALID_CONF_VALUE.*. */
vonk_status vonk_conf_with(vonk_budget *budget, const vonk_conf *conf, vonk_str key, vonk_str value, const vonk_conf **ret, vonk_error *err);

/* The same without checks: what a server is started with may set static keys too. */
vonk_status vonk_conf_with_any(vonk_budget *budget, const vonk_conf *conf, vonk_str key, vonk_str value, const vonk_conf **ret, vonk_error *err);

/* Value or default; data == NULL: neither. */
vonk_str vonk_conf_get(const vonk_conf *conf, const char *key);
vonk_str vonk_conf_get_set(const vonk_conf *conf, vonk_str key); /* only what was set; data == NULL: not set */
/* SQL keys only: keys of Spark's core have defaults for us, but a session neither sees nor sets them. */
bool     vonk_conf_known(vonk_str key, vonk_str *ret_default /* data == NULL: no default */, bool *ret_modifiable);
bool     vonk_conf_bool(const vonk_conf *conf, const char *key);
int64_t  vonk_conf_i64(const vonk_conf *conf, const char *key);   /* numbers, sizes ("64m") and times by the key's type */
/* Iteration over what was set: for (size_t at = 0; vonk_conf_next(conf, &at, &key, &value);) */
bool vonk_conf_next(const vonk_conf *conf, size_t *inout_at, vonk_str *ret_key, vonk_str *ret_value);

/* Iteration over the keys that SET -v shows, with their defaults (data NULL: none): for (size_t at = 0; vonk_conf_next_key(&at, &key, &value);) */
bool vonk_conf_next_key(size_t *inout_at, vonk_str *ret_key, vonk_str *ret_default);

/* The facts functions need, taken from the snapshot; strings live as long as it. */
void vonk_conf_fn_env(const vonk_conf *conf, int64_t now_us, vonk_fn_env *ret);

#endif
