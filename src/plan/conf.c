/* plan/conf.c -- configuration snapshots: a sorted list of what was set, over the table of keys with defaults. */
#include <limits.h>
#include <stdlib.h>

#include "base/hash.h"
#include "plan/conf.h"
#include "sys/env.h"
#include "sys/thread.h"
#include "text/number.h"
#include "text/regex.h"
#include "text/zone.h"

typedef enum scope { RUNTIME, STATIC, CORE } scope;
typedef enum folding { NONE, UPPER, LOWER } folding;

typedef struct key_row {
    const char *key, *value; /* value: the default, NULL: none */
    const char *type, *options;
    folding folds;
    scope scope;
    bool shown; /* by SET -v */
} key_row;

static const key_row rows[] = {
#define CONF(key, value, type, options, folds, scope, shown) {key, value, type, options, folds, scope, shown},
#include "plan/conf_table.inc"
#undef CONF
};
/* Vonk's own. */
static const key_row own_rows[] = {
    {"vonk.exec.batchRows", "4096", "int", "", NONE, RUNTIME, true},
    {"vonk.exec.maxWaitingQueries", "64", "int", "", NONE, STATIC, true}, /* for memory; more are refused */
    {"vonk.exec.threads", "0", "int", "", NONE, RUNTIME, true},           /* of one query; 0: all */
    {"vonk.opt.enabled", "true", "boolean", "", NONE, RUNTIME, true},
    {"vonk.python.accelerated", "true", "boolean", "", NONE, RUNTIME, true}, /* vonk_accel in Python workers */
    {"vonk.python.maxWorkers", "4096", "int", "", NONE, STATIC, true},       /* of all sessions; then new ones wait */
    {"vonk.python.prefork", "2", "int", "", NONE, RUNTIME, true}, /* workers started when a function is made known */
};
/* Keys whose number must be above zero. */
static const char *const positive[] = {
    "spark.sql.adaptive.coalescePartitions.initialPartitionNum",
    "spark.sql.files.maxPartitionNum",
    "spark.sql.files.minPartitionNum",
    "spark.sql.leafNodeDefaultParallelism",
    "spark.sql.shuffle.partitions",
    "spark.sql.sources.parallelPartitionDiscovery.threshold",
    "vonk.exec.batchRows",
    "vonk.python.maxWorkers",
};

typedef struct pair {
    vonk_str key, value;
} pair;

struct vonk_conf {
    _Atomic int64_t refs;
    vonk_arena *arena; /* holds everything, this struct too */
    size_t n;
    pair *pairs;     /* sorted by key */
    vonk_fn_env env; /* now_us 0 */
};

/* ---- finding */

enum { SLOTS = 4096 }; /* of the table of names; a power of two, less than half full */
static_assert((VONK_COUNTOF(rows) + VONK_COUNTOF(own_rows)) * 2 < SLOTS, "the table of names is too full");
static const key_row *slots[SLOTS];
static vonk_once slots_once = VONK_ONCE_INIT;

static size_t slot_of(vonk_str key) { return vonk_hash64(key.data, key.len, 0) & (SLOTS - 1); }

static void add_slots(const key_row *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = slot_of(vonk_str_of(table[i].key));
        while (slots[at]) at = (at + 1) & (SLOTS - 1);
        slots[at] = &table[i];
    }
}

static void fill_slots(void)
{
    add_slots(rows, VONK_COUNTOF(rows));
    add_slots(own_rows, VONK_COUNTOF(own_rows));
}

static const key_row *find_row(vonk_str key)
{
    vonk_once_run(&slots_once, fill_slots);
    for (size_t at = slot_of(key); slots[at]; at = (at + 1) & (SLOTS - 1))
        if (vonk_str_is(key, slots[at]->key)) return slots[at];
    return NULL;
}

/* Place of the key, or where it would be. */
static size_t place_of(const vonk_conf *conf, vonk_str key, bool *ret_there)
{
    size_t low = 0, high = conf->n;
    *ret_there = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = vonk_str_compare(key, conf->pairs[middle].key);
        if (c == 0) {
            *ret_there = true;
            return middle;
        }
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- numbers */

typedef struct unit {
    const char *suffix;
    int64_t factor;
} unit;

static const unit byte_units[] = {
    {"b", 1},
    {"k", 1 << 10},
    {"kb", 1 << 10},
    {"m", 1 << 20},
    {"mb", 1 << 20},
    {"g", 1 << 30},
    {"gb", 1 << 30},
    {"t", INT64_C(1) << 40},
    {"tb", INT64_C(1) << 40},
    {"p", INT64_C(1) << 50},
    {"pb", INT64_C(1) << 50},
};
static const unit time_units[] = {
    /* in nanoseconds */
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"m", INT64_C(60000000000)},
    {"min", INT64_C(60000000000)},
    {"h", INT64_C(3600000000000)},
    {"d", INT64_C(86400000000000)},
};

static const unit *unit_named(const unit *units, size_t n, vonk_str suffix)
{
    for (size_t i = 0; i < n; i++)
        if (vonk_str_is_nocase(suffix, units[i].suffix)) return &units[i];
    return NULL;
}

/* "10MB" in the unit that a bare number would have. */
static bool with_unit(vonk_str text, const unit *units, size_t n, int64_t own_factor, int64_t *ret)
{
    vonk_str t = vonk_str_trim(text);
    size_t digits = 0;
    int64_t number;
    if (digits < t.len && t.data[0] == '-') digits++;
    while (digits < t.len && t.data[digits] >= '0' && t.data[digits] <= '9') digits++;
    if (!vonk_text_to_i64(vonk_str_sub(t, 0, digits), false, INT64_MIN, INT64_MAX, &number)) return false;
    const unit *u = digits == t.len ? NULL : unit_named(units, n, vonk_str_sub(t, digits, t.len));
    if (digits != t.len && !u) return false;
    if (u && __builtin_mul_overflow(number, u->factor, &number)) return false;
    *ret = u ? number / own_factor : number;
    return true;
}

static bool starts(const char *type, const char *with) { return strncmp(type, with, strlen(with)) == 0; }

static bool number_of(const char *type, vonk_str text, int64_t *ret)
{
    if (starts(type, "bytes in ")) {
        const char *in = type + 9;
        int64_t own = strcmp(in, "MiB") == 0 ? 1 << 20 : strcmp(in, "KiB") == 0 ? 1 << 10 : 1;
        return with_unit(text, byte_units, VONK_COUNTOF(byte_units), own, ret);
    }
    if (starts(type, "time in ")) {
        const char *in = type + 8;
        int64_t own = strcmp(in, "MILLISECONDS") == 0 ? 1000000
                      : strcmp(in, "SECONDS") == 0    ? 1000000000
                      : strcmp(in, "MINUTES") == 0    ? INT64_C(60000000000)
                                                      : 1;
        return with_unit(text, time_units, VONK_COUNTOF(time_units), own, ret);
    }
    bool is_int = strcmp(type, "int") == 0;
    return vonk_text_to_i64(text, false, is_int ? INT32_MIN : INT64_MIN, is_int ? INT32_MAX : INT64_MAX, ret);
}

static bool bool_of(vonk_str text, bool *ret)
{
    vonk_str t = vonk_str_trim(text);
    *ret = vonk_str_is_nocase(t, "true");
    return *ret || vonk_str_is_nocase(t, "false");
}

/* The key whose value is the default; no data: there is none. */
static vonk_str linked_key(const key_row *row)
{
    static const char link[] = "<value of ";
    const vonk_str value = row->value ? vonk_str_of(row->value) : VONK_STR("");
    return vonk_str_starts(value, vonk_str_of(link)) ? vonk_str_sub(value, sizeof link - 1, value.len - 1)
                                                     : VONK_STR_NONE;
}

/* ---- checks */

static vonk_status check_regex(vonk_budget *budget, vonk_str value, bool *ret_fits, vonk_error *err)
{
    VONK_AUTO(vonk_regex_free) vonk_regex *regex = NULL;
    VONK_TRY(vonk_regex_new(budget, value, &regex, err));
    *ret_fits = regex != NULL;
    return VONK_OK;
}

/* A key whose default is another key's value is refused by that one's name. */
static vonk_status check_type(vonk_budget *budget, const key_row *row, vonk_str value, vonk_error *err)
{
    const vonk_str link = linked_key(row);
    int64_t number;
    double real;
    bool yes, fits = true;
    if (strcmp(row->type, "boolean") == 0)
        fits = bool_of(value, &yes);
    else if (strcmp(row->type, "double") == 0 || strcmp(row->type, "decimal") == 0)
        fits = vonk_text_to_f64(value, &real);
    else if (strcmp(row->type, "regex") == 0)
        VONK_TRY(check_regex(budget, value, &fits, err));
    else if (starts(row->type, "bytes") || starts(row->type, "time") || !strcmp(row->type, "int") ||
             !strcmp(row->type, "long"))
        fits = number_of(row->type, value, &number);
    if (fits) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH, "confValue", VONK_S(value), "confName",
                     link.data ? VONK_S(link) : row->key, "confType", row->type);
}

static bool among(vonk_str options, vonk_str value, folding folds)
{
    for (size_t at = 0; at <= options.len;) {
        size_t end = vonk_str_find_byte(options, ',', at);
        if (end == SIZE_MAX) end = options.len;
        vonk_str option = vonk_str_sub(options, at, end);
        if (folds == NONE ? vonk_str_eq(option, value) : vonk_str_eq_nocase(option, value)) return true;
        at = end + 1;
    }
    return false;
}

static vonk_status check_options(const key_row *row, vonk_str value, vonk_error *err)
{
    if (!row->options[0] || among(vonk_str_of(row->options), value, row->folds)) return VONK_OK;
    char spaced[1024];
    size_t n = 0;
    for (const char *at = row->options; *at && n + 3 < sizeof(spaced); at++) {
        spaced[n++] = *at;
        if (*at == ',') spaced[n++] = ' ';
    }
    spaced[n] = 0;
    return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__OUT_OF_RANGE_OF_OPTIONS, "confValue", VONK_S(value), "confName",
                     row->key, "confOptions", spaced);
}

static vonk_status check_requirement(const key_row *row, vonk_str value, vonk_error *err)
{
    int64_t number;
    for (size_t i = 0; i < VONK_COUNTOF(positive); i++) {
        if (strcmp(positive[i], row->key) != 0 || !number_of(row->type, value, &number) || number > 0) continue;
        return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__REQUIREMENT, "confValue", VONK_S(value), "confName", row->key,
                         "confRequirement", VONK_F("%s must be positive", row->key));
    }
    if (strcmp(row->key, "spark.sql.session.timeZone") == 0 && !vonk_zone_lookup(value))
        return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TIME_ZONE, "confValue", VONK_S(value), "confName", row->key);
    return VONK_OK;
}

static vonk_status check_change(vonk_budget *budget, vonk_str key, vonk_str value, vonk_error *err)
{
    const key_row *row = find_row(key);
    if (!row) return VONK_OK; /* keys of applications: anything goes */
    if (row->scope == STATIC)
        return VONK_FAIL(err, VONK_E_CANNOT_MODIFY_STATIC_CONFIG, "key", VONK_F("\"%s\"", row->key));
    if (row->scope == CORE)
        return VONK_FAIL(err, VONK_E_CANNOT_MODIFY_CONFIG, "key", VONK_F("\"%s\"", row->key), "docroot",
                         "https://spark.apache.org/docs/latest");
    if (!value.data) return VONK_OK;
    VONK_TRY(check_type(budget, row, value, err));
    VONK_TRY(check_options(row, value, err));
    return check_requirement(row, value, err);
}

/* ---- snapshots */

static void set_env(vonk_conf *conf)
{
    conf->env = (vonk_fn_env){
        .ansi = vonk_conf_bool(conf, "spark.sql.ansi.enabled"),
        .case_sensitive = vonk_conf_bool(conf, "spark.sql.caseSensitive"),
        .decimal_loss_allowed = vonk_conf_bool(conf, "spark.sql.decimalOperations.allowPrecisionLoss"),
        .time_zone = vonk_conf_get(conf, "spark.sql.session.timeZone"),
        .user = vonk_env_user_name(),
        .catalog = vonk_conf_get(conf, "spark.sql.defaultCatalog"),
        .database = VONK_STR("default"),
        .conf = conf,
        .conf_get = vonk_conf_get,
    };
}

static vonk_status new_conf(vonk_budget *budget, size_t room, vonk_conf **ret, vonk_error *err)
{
    vonk_arena *arena = NULL;
    vonk_conf *conf = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    vonk_status st = VONK_ARENA_NEW(arena, &conf, err);
    if (st == VONK_OK) st = vonk_arena_array(arena, room, sizeof(pair), &conf->pairs, err);
    if (st != VONK_OK) {
        vonk_arena_free(arena);
        return st;
    }
    conf->arena = arena;
    conf->refs = 1;
    *ret = conf;
    return VONK_OK;
}

vonk_status vonk_conf_new(vonk_budget *budget, const vonk_conf **ret, vonk_error *err)
{
    vonk_conf *conf = NULL;
    VONK_TRY(new_conf(budget, 0, &conf, err));
    set_env(conf);
    *ret = conf;
    return VONK_OK;
}

const vonk_conf *vonk_conf_ref(const vonk_conf *conf)
{
    __atomic_fetch_add((int64_t *)&((vonk_conf *)conf)->refs, 1, __ATOMIC_RELAXED);
    return conf;
}

void vonk_conf_unref(const vonk_conf *conf)
{
    if (!conf || __atomic_sub_fetch((int64_t *)&((vonk_conf *)conf)->refs, 1, __ATOMIC_ACQ_REL) != 0) return;
    vonk_arena_free(conf->arena);
}

static vonk_status add_pair(vonk_conf *conf, vonk_str key, vonk_str value, vonk_error *err)
{
    pair *p = &conf->pairs[conf->n];
    VONK_TRY(vonk_arena_str(conf->arena, key, &p->key, err));
    VONK_TRY(vonk_arena_str(conf->arena, value, &p->value, err));
    conf->n++;
    return VONK_OK;
}

static vonk_status copy_with(vonk_conf *into, const vonk_conf *conf, vonk_str key, vonk_str value, vonk_error *err)
{
    bool there;
    size_t place = place_of(conf, key, &there);
    for (size_t i = 0; i <= conf->n; i++) {
        if (i == place && value.data) VONK_TRY(add_pair(into, key, value, err));
        if (i == conf->n || (i == place && there)) continue;
        VONK_TRY(add_pair(into, conf->pairs[i].key, conf->pairs[i].value, err));
    }
    return VONK_OK;
}

vonk_status vonk_conf_with_any(vonk_budget *budget, const vonk_conf *conf, vonk_str key, vonk_str value,
                               const vonk_conf **ret, vonk_error *err)
{
    vonk_conf *made = NULL;
    VONK_TRY(new_conf(budget, conf->n + 1, &made, err));
    vonk_status st = copy_with(made, conf, key, value, err);
    if (st != VONK_OK) {
        vonk_conf_unref(made);
        return st;
    }
    set_env(made);
    *ret = made;
    return VONK_OK;
}

vonk_status vonk_conf_with(vonk_budget *budget, const vonk_conf *conf, vonk_str key, vonk_str value,
                           const vonk_conf **ret, vonk_error *err)
{
    VONK_TRY(check_change(budget, key, value, err));
    return vonk_conf_with_any(budget, conf, key, value, ret, err);
}

/* ---- reading */

vonk_str vonk_conf_get_set(const vonk_conf *conf, vonk_str key)
{
    bool there;
    size_t place = place_of(conf, key, &there);
    return there ? conf->pairs[place].value : VONK_STR_NONE;
}

static vonk_str default_of(const key_row *row, const vonk_conf *conf, int depth)
{
    if (!row || !row->value) return VONK_STR_NONE;
    vonk_str value = vonk_str_of(row->value);
    if (row->value[0] != '<' && row->value[0] != 'f') return value; /* none of those below */
    if (vonk_str_is(value, "<zone>")) return vonk_zone_local_name();
    if (vonk_str_starts(value, VONK_STR("file:<folder>/"))) return vonk_str_sub(value, 14, value.len);
    const vonk_str other = linked_key(row);
    if (!other.data || depth > 8) return value;
    vonk_str set = conf ? vonk_conf_get_set(conf, other) : VONK_STR_NONE;
    return set.data ? set : default_of(find_row(other), conf, depth + 1);
}

static vonk_str get(const vonk_conf *conf, vonk_str key, const key_row *row)
{
    vonk_str value = vonk_conf_get_set(conf, key);
    return value.data ? value : default_of(row, conf, 0);
}

vonk_str vonk_conf_get(const vonk_conf *conf, const char *key)
{
    vonk_str name = vonk_str_of(key);
    return get(conf, name, find_row(name));
}

bool vonk_conf_known(vonk_str key, vonk_str *ret_default, bool *ret_modifiable)
{
    const key_row *row = find_row(key);
    bool known = row && row->scope != CORE;
    if (ret_default) *ret_default = known ? default_of(row, NULL, 0) : VONK_STR_NONE;
    if (ret_modifiable) *ret_modifiable = known && row->scope == RUNTIME;
    return known;
}

bool vonk_conf_bool(const vonk_conf *conf, const char *key)
{
    bool yes;
    return bool_of(vonk_conf_get(conf, key), &yes) && yes;
}

int64_t vonk_conf_i64(const vonk_conf *conf, const char *key)
{
    int64_t number = 0;
    vonk_str name = vonk_str_of(key);
    const key_row *row = find_row(name);
    vonk_str value = get(conf, name, row);
    return value.data && number_of(row ? row->type : "long", value, &number) ? number : 0;
}

bool vonk_conf_next(const vonk_conf *conf, size_t *inout_at, vonk_str *ret_key, vonk_str *ret_value)
{
    if (*inout_at >= conf->n) return false;
    *ret_key = conf->pairs[*inout_at].key;
    *ret_value = conf->pairs[*inout_at].value;
    ++*inout_at;
    return true;
}

bool vonk_conf_next_key(size_t *inout_at, vonk_str *ret_key, vonk_str *ret_default)
{
    while (*inout_at < VONK_COUNTOF(rows) + VONK_COUNTOF(own_rows)) {
        size_t i = (*inout_at)++;
        const key_row *row = i < VONK_COUNTOF(rows) ? &rows[i] : &own_rows[i - VONK_COUNTOF(rows)];
        if (row->scope == CORE || !row->shown) continue;
        *ret_key = vonk_str_of(row->key);
        *ret_default = default_of(row, NULL, 0);
        return true;
    }
    return false;
}

void vonk_conf_fn_env(const vonk_conf *conf, int64_t now_us, vonk_fn_env *ret)
{
    *ret = conf->env;
    ret->now_us = now_us;
}
