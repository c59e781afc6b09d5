/* serve/translate/translate_int.h -- what the files of this folder share: one function for each kind of message. */
#ifndef VONK_SERVE_TRANSLATE_TRANSLATE_INT_H
#define VONK_SERVE_TRANSLATE_TRANSLATE_INT_H

#include "serve/translate/translate.h"

/* Results borrowed from the translator's arena, so that callers need not release them */
vonk_status vonk__tr_expr(vonk_translator *t, const vonk_pb_msg *expression, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__tr_name(vonk_translator *t, vonk_str name, const vonk_expr **ret /* kept */, vonk_error *err); /* a column's name as the DataFrame API writes it */
vonk_status vonk__tr_exprs(vonk_translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_sort_orders(vonk_translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_literals(vonk_translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_aliases(vonk_translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_plan(vonk_translator *t, const vonk_pb_msg *relation, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__tr_strs(vonk_translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_str **ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_keep_expr(vonk_translator *t, const vonk_expr *take_e, vonk_error *err);
vonk_status vonk__tr_keep_plan(vonk_translator *t, const vonk_plan *take_p, vonk_error *err);
vonk_status vonk__tr_keep_type(vonk_translator *t, const vonk_type *take_type, vonk_error *err);
/* A node over children that is still writable; payload and lists are set by the caller, then vonk_plan_finish. */
vonk_status vonk__tr_node(vonk_translator *t, vonk_node_kind kind, const vonk_plan *child /* or NULL */, vonk_plan **ret, vonk_error *err);
vonk_status vonk__tr_done(vonk_status so_far, vonk_plan *take_node, const vonk_plan **ret, vonk_error *err);
/* Where in the user's program a message comes from; origin->text is a new reference or NULL. */
vonk_status vonk__tr_origin(vonk_translator *t, const vonk_pb_msg *origin, vonk_origin *ret, vonk_error *err);

vonk_status vonk__translate_sql(vonk_translator *t, const vonk_pb_msg *sql_command, const vonk_plan **ret, vonk_error *err);

/* python.c */
vonk_status vonk__translate_python(vonk_translator *t, const vonk_pb_msg *function, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__translate_map_partitions(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__translate_map_groups(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__translate_table_function(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__translate_map_cogroups(vonk_translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err);
/* dataset.c: the relations that only the DataFrame API has. *ret NULL and VONK_OK: not one of those. */
vonk_status vonk__translate_dataset(vonk_translator *t, const vonk_pb_msg *relation, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__translate_local(vonk_translator *t, const vonk_pb_msg *relation, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__translate_catalog(vonk_translator *t, const vonk_pb_msg *catalog, const vonk_plan **ret, vonk_error *err);
/* catalog_list.c: its members that list, get and ask. */
vonk_status vonk__translate_catalog_list(vonk_translator *t, int which, const vonk_pb_msg *member, const vonk_plan **ret, vonk_error *err);

#endif
