/* catalog/catalog.c -- temporary views of sessions, global temporary views of the server, databases; names to plans. */
#include "catalog/catalog_int.h"

#include <stdatomic.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/vec.h"
#include "source/source.h"
#include "sys/clock.h"
#include "text/case_map.h"

#define SESSION_CATALOG "spark_catalog"
#define DEFAULT_DATABASE "default"
#define GLOBAL_DATABASE "global_temp"

typedef struct view {
    vonk_str name; /* in lower case, as Spark lists it; behind the struct */
    vonk_str text; /* of the query that defines it, behind the name; empty: the plan does */
    const vonk_plan *plan;
    const vonk_conf *conf; /* of its making; NULL without text */
} view;

typedef vonk__views views;

struct vonk_shared_catalog {
    views global;
    char *warehouse_dir;
};

static _Atomic uint64_t last_version = 1;

/* ---- sets of views */

static void view_free(view *v)
{
    vonk_plan_unref(v->plan);
    vonk_conf_unref(v->conf);
    vonk_free(v);
}

static vonk_status views_init(views *set, vonk_budget *budget, vonk_error *err)
{
    VONK_TRY(vonk_strmap_new(budget, true, &set->map, err));
    vonk_mutex_init(&set->mutex);
    set->budget = budget;
    set->version = atomic_fetch_add(&last_version, 1);
    return VONK_OK;
}

static void views_done(views *set)
{
    vonk_str name;
    void *v;
    if (!set->map) return;
    for (size_t at = 0; vonk_strmap_next(set->map, &at, &name, &v);) view_free(v);
    vonk_strmap_free(set->map);
    vonk_mutex_done(&set->mutex);
}

static void views_changed(views *set) { set->version = atomic_fetch_add(&last_version, 1); }

void vonk__catalog_changed(vonk_catalog *catalog)
{
    VONK_LOCKED(&catalog->own.mutex);
    views_changed(&catalog->own);
}

static vonk_status view_new(vonk_budget *budget, const view *like, view **ret, vonk_error *err)
{
    view *v;
    VONK_TRY(vonk_alloc(budget, sizeof(*v) + like->name.len + like->text.len, &v, err));
    char *name = (char *)(v + 1), *text = name + like->name.len;
    vonk_ascii_lower(like->name.data, like->name.len, name);
    if (like->text.len) memcpy(text, like->text.data, like->text.len);
    *v = (view){.name = {name, like->name.len}, .text = {text, like->text.len}, .plan = vonk_plan_ref(like->plan)};
    if (like->text.len) v->conf = vonk_conf_ref(like->conf);
    *ret = v;
    return VONK_OK;
}

/* A name as messages show it: `a`.`b`. */
static vonk_status quote_parts(vonk_buf *out, const vonk_str *parts, uint32_t n, vonk_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i) VONK_TRY(vonk_buf_add_byte(out, '.', err));
        VONK_TRY(vonk_buf_add_byte(out, '`', err));
        for (size_t k = 0; k < parts[i].len; k++) {
            if (parts[i].data[k] == '`') VONK_TRY(vonk_buf_add_byte(out, '`', err));
            VONK_TRY(vonk_buf_add_byte(out, parts[i].data[k], err));
        }
        VONK_TRY(vonk_buf_add_byte(out, '`', err));
    }
    return vonk_buf_add_byte(out, '\0', err); /* for VONK_FAIL's C strings */
}

static vonk_status put_view(views *set, const view *like, bool replace, const char *shown, vonk_error *err)
{
    const vonk_str name = like->name;
    view *v;
    void *old = NULL;
    VONK_TRY(view_new(set->budget, like, &v, err));
    vonk_mutex_lock(&set->mutex);
    vonk_status st = VONK_OK;
    if (!replace && vonk_strmap_get(set->map, name))
        st = VONK_FAIL(err, VONK_E_TEMP_TABLE_OR_VIEW_ALREADY_EXISTS, "relationName", shown);
    if (st == VONK_OK) st = vonk_strmap_put(set->map, name, v, &old, err);
    if (st == VONK_OK) views_changed(set);
    vonk_mutex_unlock(&set->mutex);
    if (st != VONK_OK) view_free(v);
    if (old) view_free(old);
    return st;
}

static const vonk_plan *get_view(views *set, vonk_str name)
{
    VONK_LOCKED(&set->mutex);
    const view *v = vonk_strmap_get(set->map, name);
    return v ? vonk_plan_ref(v->plan) : NULL;
}

static bool is_sql_view(views *set, vonk_str name)
{
    VONK_LOCKED(&set->mutex);
    const view *v = vonk_strmap_get(set->map, name);
    return v && v->text.len > 0;
}

static bool drop_view(views *set, vonk_str name)
{
    vonk_mutex_lock(&set->mutex);
    view *v = vonk_strmap_take(set->map, name);
    if (v) views_changed(set);
    vonk_mutex_unlock(&set->mutex);
    if (v) view_free(v);
    return v != NULL;
}

/* ---- catalogs */

vonk_status vonk_shared_catalog_new(vonk_budget *budget, vonk_str warehouse_dir, vonk_shared_catalog **ret,
                                    vonk_error *err)
{
    VONK_AUTO(vonk_shared_catalog_free) vonk_shared_catalog *shared = NULL;
    VONK_TRY(VONK_NEW(budget, &shared, err));
    VONK_TRY(views_init(&shared->global, budget, err));
    VONK_TRY(vonk_strdup(budget, warehouse_dir, &shared->warehouse_dir, err));
    *ret = VONK_STEAL(shared);
    return VONK_OK;
}

void vonk_shared_catalog_free(vonk_shared_catalog *shared)
{
    if (!shared) return;
    views_done(&shared->global);
    vonk_free(shared->warehouse_dir);
    vonk_free(shared);
}

vonk_status vonk_catalog_new(vonk_budget *budget, vonk_shared_catalog *shared, vonk_catalog **ret, vonk_error *err)
{
    VONK_AUTO(vonk_catalog_free) vonk_catalog *catalog = NULL;
    VONK_TRY(VONK_NEW(budget, &catalog, err));
    catalog->shared = shared;
    VONK_TRY(views_init(&catalog->own, budget, err));
    VONK_TRY(vonk__functions_init(&catalog->functions, budget, err));
    VONK_TRY(vonk__functions_init(&catalog->sources, budget, err));
    VONK_TRY(vonk_strdup(budget, VONK_STR(DEFAULT_DATABASE), &catalog->database, err));
    *ret = VONK_STEAL(catalog);
    return VONK_OK;
}

vonk_status vonk_catalog_clone(vonk_budget *budget, vonk_catalog *from, vonk_catalog **ret, vonk_error *err)
{
    VONK_AUTO(vonk_catalog_free) vonk_catalog *catalog = NULL;
    VONK_TRY(vonk_catalog_new(budget, from->shared, &catalog, err));
    VONK_LOCKED(&from->own.mutex);
    vonk_str name;
    void *at_view;
    for (size_t at = 0; vonk_strmap_next(from->own.map, &at, &name, &at_view);) {
        const view *v = at_view;
        VONK_TRY(put_view(&catalog->own, v, true, "", err));
    }
    VONK_TRY(vonk__functions_copy(&catalog->functions, &from->functions, err));
    VONK_TRY(vonk__functions_copy(&catalog->sources, &from->sources, err));
    vonk_free(VONK_STEAL(catalog->database));
    VONK_TRY(vonk_strdup(budget, vonk_str_of(from->database), &catalog->database, err));
    *ret = VONK_STEAL(catalog);
    return VONK_OK;
}

void vonk_catalog_free(vonk_catalog *catalog)
{
    if (!catalog) return;
    views_done(&catalog->own);
    vonk__functions_done(&catalog->functions);
    vonk__functions_done(&catalog->sources);
    vonk_free(catalog->database);
    vonk_free(catalog);
}

/* Numbers of changes are unique in the process, so two catalogs share a version only if they have the same views. */
uint64_t vonk_catalog_version(const vonk_catalog *catalog)
{
    views *own = &((vonk_catalog *)catalog)->own, *global = &catalog->shared->global;
    vonk_mutex_lock(&own->mutex);
    uint64_t version = own->version;
    vonk_mutex_unlock(&own->mutex);
    vonk_mutex_lock(&global->mutex);
    version = vonk_hash_combine(version, global->version);
    vonk_mutex_unlock(&global->mutex);
    return version;
}

/* ---- views */

/* A name in FROM, without a leading session catalog. */
static uint32_t without_catalog(const vonk_str **parts, uint32_t n)
{
    if (n == 3 && vonk_str_is_nocase((*parts)[0], SESSION_CATALOG)) {
        (*parts)++;
        n--;
    }
    return n;
}

static views *views_of(vonk_catalog *catalog, const vonk_str *parts, uint32_t n, vonk_str *ret_name)
{
    n = without_catalog(&parts, n);
    *ret_name = parts[n - 1];
    if (n == 1) return &catalog->own;
    return n == 2 && vonk_str_is_nocase(parts[0], GLOBAL_DATABASE) ? &catalog->shared->global : NULL;
}

typedef struct view_search {
    vonk_str name;
    uint32_t n_parts;
    bool found;
} view_search;

static vonk_walk find_view(const vonk_plan *plan, void *arg)
{
    view_search *v = arg;
    if (plan->kind != VONK_PN_VIEW || plan->name.n_parts != v->n_parts ||
        !vonk_str_eq_nocase(plan->name.parts[v->n_parts - 1], v->name))
        return VONK_WALK_ON;
    v->found = true;
    return VONK_WALK_STOP;
}

static bool has_view(const vonk_plan *plan, vonk_str name, bool global)
{
    view_search v = {.name = name, .n_parts = global ? 2 : 1};
    vonk_plan_walk(plan, find_view, &v);
    return v.found;
}

vonk_status vonk_catalog_put_view(vonk_catalog *catalog, vonk_str name, bool global, bool replace,
                                  const vonk_plan *resolved, vonk_str text, const vonk_conf *conf, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf shown = {0};
    const vonk_str parts[2] = {VONK_STR(GLOBAL_DATABASE), name};
    views *set = global ? &catalog->shared->global : &catalog->own;
    const view like = {.name = name, .text = text, .plan = resolved, .conf = conf};
    vonk_buf_init(&shown, catalog->own.budget, SIZE_MAX);
    VONK_TRY(quote_parts(&shown, global ? parts : parts + 1, global ? 2 : 1, err));
    if (text.len && is_sql_view(set, name) && has_view(resolved, name, global))
        return VONK_FAIL(err, VONK_E_RECURSIVE_VIEW, "viewIdent", shown.data, "newPath",
                         VONK_F("%s -> %s", shown.data, shown.data));
    return put_view(set, &like, replace, shown.data, err);
}

void vonk_view_definition_done(vonk_view_definition *definition)
{
    vonk_conf_unref(definition->conf);
    vonk_plan_unref(definition->resolved);
    *definition = (vonk_view_definition){0};
}

vonk_status vonk_catalog_view_definition(vonk_catalog *catalog, const vonk_str *parts, uint32_t n, vonk_arena *arena,
                                         vonk_view_definition *ret, vonk_error *err)
{
    vonk_str name;
    views *set = views_of(catalog, parts, n, &name);
    *ret = (vonk_view_definition){0};
    if (!set) return VONK_OK;
    VONK_LOCKED(&set->mutex);
    const view *v = vonk_strmap_get(set->map, name);
    if (!v || v->text.len == 0) return VONK_OK;
    VONK_TRY(vonk_arena_str(arena, v->text, &ret->text, err));
    ret->conf = vonk_conf_ref(v->conf);
    ret->resolved = vonk_plan_ref(v->plan);
    return VONK_OK;
}

vonk_status vonk_catalog_drop_view(vonk_catalog *catalog, const vonk_str *parts, uint32_t n, bool *ret_existed,
                                   vonk_error *err)
{
    (void)err;
    n = without_catalog(&parts, n);
    *ret_existed = false;
    if (n == 1) *ret_existed = drop_view(&catalog->own, parts[0]);
    if (n == 2 && vonk_str_is_nocase(parts[0], GLOBAL_DATABASE))
        *ret_existed = drop_view(&catalog->shared->global, parts[1]);
    return VONK_OK;
}

static vonk_status not_found(vonk_catalog *catalog, const vonk_str *parts, uint32_t n, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf shown = {0};
    vonk_buf_init(&shown, catalog->own.budget, SIZE_MAX);
    VONK_TRY(quote_parts(&shown, parts, n, err));
    uint32_t n_session = n;
    const vonk_str *session = parts;
    n_session = without_catalog(&session, n);
    if (n_session > 2)
        return VONK_FAIL(err, VONK_E_REQUIRES_SINGLE_PART_NAMESPACE, "sessionCatalog", SESSION_CATALOG, "identifier",
                         shown.data);
    const char *path =
        VONK_F("[`system`.`builtin`, `system`.`session`, `" SESSION_CATALOG "`.`%s`]", catalog->database);
    return VONK_FAIL(err, VONK_E_TABLE_OR_VIEW_NOT_FOUND, "relationName", shown.data, "searchPath", path);
}

/* VIEW(plan): a copy with ids of its own. */
static vonk_status use_view(vonk_budget *budget, const vonk_plan *plan, const vonk_str *parts, uint32_t n,
                            const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *own = NULL;
    vonk_plan *p;
    VONK_TRY(vonk_plan_fresh_ids(budget, plan, &own, err));
    VONK_TRY(vonk_plan_new(budget, VONK_PN_VIEW, &own, 1, &p, err));
    vonk_status st = vonk_plan_strs(p, parts, n, &p->name.parts, err);
    p->name.n_parts = n;
    p->analyzed = true;
    if (st != VONK_OK) {
        vonk_plan_unref(p);
        return st;
    }
    return vonk_plan_finish(p, ret, err);
}

vonk_status vonk_catalog_open(vonk_catalog *catalog, const vonk_conf *conf, const vonk_read_info *read,
                              vonk_table **ret, vonk_error *err)
{
    vonk_fn_env env;
    vonk_conf_fn_env(conf, vonk_clock_wall_us(), &env);
    return vonk_source_open(catalog->own.budget, conf, &env, read, ret, err);
}

/* COLUMNs with fresh ids for all columns of a table. */
static vonk_status scan_output(vonk_plan *p, vonk_budget *budget, const vonk_type *schema, vonk_error *err)
{
    const vonk_expr **columns = NULL;
    vonk_status st = VONK_OK;
    uint32_t n = 0;
    VONK_TRY(vonk_alloc_array(budget, schema->n_fields, sizeof(*columns), &columns, err));
    for (; n < schema->n_fields && st == VONK_OK; n++) {
        vonk_expr *c = NULL;
        st = vonk_expr_new(budget, VONK_EX_COLUMN, NULL, 0, &c, err);
        if (st != VONK_OK) break;
        c->id = vonk_expr_new_id();
        c->nullable = schema->fields[n].nullable;
        st = vonk_expr_set_name(c, schema->fields[n].name, err);
        if (st == VONK_OK) st = vonk_expr_set_type(c, schema->fields[n].type, err);
        if (st == VONK_OK && schema->fields[n].metadata.len)
            st = vonk_expr_set_metadata(c, schema->fields[n].metadata, err);
        if (st == VONK_OK)
            st = vonk_expr_finish(c, &columns[n], err);
        else
            vonk_expr_unref(c);
        if (st != VONK_OK) break;
    }
    if (st == VONK_OK) st = vonk_plan_set_output(p, columns, n, err);
    for (uint32_t i = 0; i < n; i++) vonk_expr_unref(columns[i]);
    vonk_free(columns);
    return st;
}

static vonk_status fill_scan(vonk_plan *p, vonk_budget *budget, vonk_table *table, vonk_error *err)
{
    uint32_t *columns, n = table->schema->n_fields;
    VONK_TRY(vonk_plan_hold_table(p, table, err));
    VONK_TRY(vonk_arena_array(p->arena, n, sizeof(*columns), &columns, err));
    for (uint32_t i = 0; i < n; i++) columns[i] = i;
    p->scan.columns = columns;
    p->scan.n_columns = n;
    p->scan.limit = -1;
    return scan_output(p, budget, table->schema, err);
}

vonk_status vonk_catalog_scan(vonk_budget *budget, vonk_table *table, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *p;
    VONK_TRY(vonk_plan_new(budget, VONK_PN_SCAN, NULL, 0, &p, err));
    p->analyzed = true;
    vonk_status st = fill_scan(p, budget, table, err);
    if (st != VONK_OK) {
        vonk_plan_unref(p);
        return st;
    }
    return vonk_plan_finish(p, ret, err);
}

/* parquet.`/data/x`: the file itself. */
static vonk_status open_file(vonk_catalog *catalog, const vonk_conf *conf, const vonk_str *parts, const vonk_plan **ret,
                             vonk_error *err)
{
    VONK_AUTO(vonk_table_unref) vonk_table *table = NULL;
    vonk_read_info read = {.format = parts[0], .n_paths = 1, .paths = &parts[1]};
    VONK_TRY(vonk_catalog_open(catalog, conf, &read, &table, err));
    return vonk_catalog_scan(catalog->own.budget, table, ret, err);
}

vonk_status vonk_catalog_lookup(vonk_catalog *catalog, const vonk_conf *conf, const vonk_str *parts, uint32_t n,
                                const vonk_plan **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *plan = NULL;
    const vonk_str *session = parts;
    uint32_t n_session = without_catalog(&session, n);
    if (n == 1) plan = get_view(&catalog->own, parts[0]);
    if (n_session == 2 && vonk_str_is_nocase(session[0], GLOBAL_DATABASE))
        plan = get_view(&catalog->shared->global, session[1]);
    if (plan) return use_view(catalog->own.budget, plan, session, n_session, ret, err);
    if (n == 2 && vonk_source_known(parts[0]) && !vonk_str_is_nocase(parts[0], catalog->database))
        return open_file(catalog, conf, parts, ret, err);
    return not_found(catalog, parts, n, err);
}

/* ---- databases */

vonk_str vonk_catalog_current_database(const vonk_catalog *catalog) { return vonk_str_of(catalog->database); }

vonk_status vonk_catalog_set_current_database(vonk_catalog *catalog, vonk_str name, vonk_error *err)
{
    if (vonk_str_is_nocase(name, DEFAULT_DATABASE) || vonk_str_is_nocase(name, GLOBAL_DATABASE)) {
        char *database, *old;
        VONK_TRY(vonk_strdup(catalog->own.budget, name, &database, err));
        vonk_mutex_lock(&catalog->own.mutex);
        old = catalog->database;
        catalog->database = database;
        views_changed(&catalog->own);
        vonk_mutex_unlock(&catalog->own.mutex);
        vonk_free(old);
        return VONK_OK;
    }
    return VONK_FAIL(err, VONK_E_SCHEMA_NOT_FOUND, "schemaName",
                     VONK_F("`" SESSION_CATALOG "`.`%.*s`", VONK_STR_ARGS(name)));
}

/* ---- listing */

/* One alternative of a SHOW pattern: '*' stands for any text; case does not count. */
static bool like_one(vonk_str pattern, vonk_str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.len &&
                   vonk_str_eq_nocase(vonk_str_sub(pattern, p, p + 1), vonk_str_sub(text, t, t + 1))) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*') p++;
    return p == pattern.len;
}

bool vonk_catalog_like(vonk_str pattern, vonk_str text)
{
    for (size_t at = 0; at <= pattern.len;) {
        size_t end = vonk_str_find_byte(pattern, '|', at);
        if (end == SIZE_MAX) end = pattern.len;
        if (like_one(vonk_str_trim(vonk_str_sub(pattern, at, end)), text)) return true;
        at = end + 1;
    }
    return false;
}

typedef VONK_VEC(vonk_catalog_entry) entries;

static vonk_status list_views(views *set, vonk_str database, vonk_str pattern, vonk_arena *arena, entries *out,
                              vonk_error *err)
{
    vonk_str key;
    void *at_view;
    VONK_LOCKED(&set->mutex);
    for (size_t at = 0; vonk_strmap_next(set->map, &at, &key, &at_view);) {
        const view *v = at_view;
        if (pattern.data && !vonk_catalog_like(pattern, v->name)) continue;
        vonk_catalog_entry entry = {.database = database, .kind = VONK_STR("TEMPORARY"), .temporary = true};
        VONK_TRY(vonk_arena_str(arena, v->name, &entry.name, err));
        VONK_TRY(VONK_VEC_ARENA_PUSH(out, arena, entry, err));
    }
    return VONK_OK;
}

static void sort_entries(vonk_catalog_entry *at, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        vonk_catalog_entry x = at[i];
        size_t k = i;
        for (; k > 0 && vonk_str_compare(at[k - 1].name, x.name) > 0; k--) at[k] = at[k - 1];
        at[k] = x;
    }
}

vonk_status vonk_catalog_list(vonk_catalog *catalog, vonk_str database, vonk_str like_pattern, vonk_arena *arena,
                              vonk_catalog_entry **ret, uint32_t *ret_n, vonk_error *err)
{
    entries found = {0};
    if (vonk_str_is_nocase(database, GLOBAL_DATABASE))
        VONK_TRY(list_views(&catalog->shared->global, VONK_STR(GLOBAL_DATABASE), like_pattern, arena, &found, err));
    VONK_TRY(list_views(&catalog->own, VONK_STR(""), like_pattern, arena, &found, err));
    sort_entries(found.at, found.n);
    *ret = found.at;
    *ret_n = vonk_u32_of(found.n);
    return VONK_OK;
}
