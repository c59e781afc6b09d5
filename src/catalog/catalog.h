/* catalog/catalog.h -- names of things: temporary views, global temporary views, databases and tables; one catalog per session over a shared part. Thread-safe. */
#ifndef VONK_CATALOG_CATALOG_H
#define VONK_CATALOG_CATALOG_H

#include "plan/conf.h"
#include "plan/plan.h"

typedef struct vonk_catalog        vonk_catalog;        /* a session's view */
typedef struct vonk_shared_catalog vonk_shared_catalog; /* the server's: global temp views, databases, warehouse */

vonk_status vonk_shared_catalog_new(vonk_budget *budget, vonk_str warehouse_dir, vonk_shared_catalog **ret, vonk_error *err);
void        vonk_shared_catalog_free(vonk_shared_catalog *shared);
VONK_DEFINE_AUTO(vonk_shared_catalog, vonk_shared_catalog_free)
vonk_status vonk_catalog_new(vonk_budget *budget, vonk_shared_catalog *shared, vonk_catalog **ret, vonk_error *err);
vonk_status vonk_catalog_clone(vonk_budget *budget, vonk_catalog *from, vonk_catalog **ret, vonk_error *err); /* cloned session */
void        vonk_catalog_free(vonk_catalog *catalog);
VONK_DEFINE_AUTO(vonk_catalog, vonk_catalog_free)
uint64_t    vonk_catalog_version(const vonk_catalog *catalog); /* changes whenever a lookup could answer differently */

/* Without text the analysed plan is the definition. With it the text of a query is: analysed again at each use under `conf`, the settings of the view's making;
 * `resolved` says which columns it promises. TEMP_TABLE_OR_VIEW_ALREADY_EXISTS unless replace; RECURSIVE_VIEW when a view with text is a part of the new one
 * of its name. */
vonk_status vonk_catalog_put_view(vonk_catalog *catalog, vonk_str name, bool global, bool replace, const vonk_plan *resolved, vonk_str text,
                                  const vonk_conf *conf /* NULL without text */, vonk_error *err);
typedef struct vonk_view_definition {
    vonk_str         text; /* in the caller's arena; data NULL: the name stands for something else */
    const vonk_conf *conf; /* new references */
    const vonk_plan *resolved;
} vonk_view_definition;
void        vonk_view_definition_done(vonk_view_definition *definition);
VONK_DEFINE_AUTO_DONE(vonk_view_definition, vonk_view_definition_done)
vonk_status vonk_catalog_view_definition(vonk_catalog *catalog, const vonk_str *parts, uint32_t n, vonk_arena *arena, vonk_view_definition *ret, vonk_error *err);
vonk_status vonk_catalog_drop_view(vonk_catalog *catalog, const vonk_str *parts, uint32_t n, bool *ret_existed, vonk_error *err);
/* What a name in FROM stands for: a view's plan or a table's SCAN (new reference, own ids); TABLE_OR_VIEW_NOT_FOUND. */
vonk_status vonk_catalog_lookup(vonk_catalog *catalog, const vonk_conf *conf, const vonk_str *parts, uint32_t n, const vonk_plan **ret, vonk_error *err);
/* spark.read / USING: opens files as a table through source/. Paths may hold globs. */
vonk_status vonk_catalog_open(vonk_catalog *catalog, const vonk_conf *conf, const vonk_read_info *read, vonk_table **ret, vonk_error *err);

/* SCAN of all columns of an opened table, fresh ids. */
vonk_status vonk_catalog_scan(vonk_budget *budget, vonk_table *table, const vonk_plan **ret, vonk_error *err);

/* Functions of Python that the session has registered; names without regard to case, referenced. A new one replaces one of its name. */
vonk_status           vonk_catalog_put_function(vonk_catalog *catalog, vonk_str name, const vonk_python_fn *fn, vonk_error *err);
const vonk_python_fn *vonk_catalog_find_function(vonk_catalog *catalog, vonk_str name); /* new reference; NULL: there is none */
bool                  vonk_catalog_drop_function(vonk_catalog *catalog, vonk_str name);
/* Their names, sorted, in `arena`. */
vonk_status           vonk_catalog_list_functions(vonk_catalog *catalog, vonk_arena *arena, vonk_str **ret, uint32_t *ret_n, vonk_error *err);

/* Data sources of Python, likewise: `command` is the pickled class. DATA_SOURCE_ALREADY_EXISTS: a built-in one has the name. */
vonk_status           vonk_catalog_put_source(vonk_catalog *catalog, vonk_str name, const vonk_python_fn *source, vonk_error *err);
const vonk_python_fn *vonk_catalog_find_source(vonk_catalog *catalog, vonk_str name);

vonk_str    vonk_catalog_current_database(const vonk_catalog *catalog);
vonk_status vonk_catalog_set_current_database(vonk_catalog *catalog, vonk_str name, vonk_error *err);
/* Does `text` fit a pattern of SHOW ... LIKE: '*' is any text, '|' separates alternatives, case does not count? */
bool        vonk_catalog_like(vonk_str pattern, vonk_str text);
/* Listing for SHOW TABLES / VIEWS and the Catalog API: name, namespace, is_temporary. */
typedef struct vonk_catalog_entry {
    vonk_str name, database, kind /* "VIEW", "TEMPORARY", "MANAGED", "EXTERNAL" */, description;
    bool     temporary;
} vonk_catalog_entry;
vonk_status vonk_catalog_list(vonk_catalog *catalog, vonk_str database, vonk_str like_pattern, vonk_arena *arena, vonk_catalog_entry **ret, uint32_t *ret_n, vonk_error *err);

#endif
