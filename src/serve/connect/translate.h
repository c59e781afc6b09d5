/* serve/connect/translate.h -- Spark Connect's plan messages to unresolved plans, and types both ways. No message is seen outside of serve/connect.
 *
 * A translator serves one request. What it makes on the way lives in its arena; results are new references. Unknown and unbuilt messages answer
 * UNSUPPORTED_FEATURE with their name; senseless ones CONNECT_INVALID_PLAN. */
#ifndef VONK_SERVE_CONNECT_TRANSLATE_H
#define VONK_SERVE_CONNECT_TRANSLATE_H

#include "base/vec.h"
#include "net/connect_table.h"
#include "plan/origin.h"
#include "session/session.h"

typedef struct vonk__translator {
    vonk_session *session;
    vonk_budget  *budget; /* of the session: plans outlive requests */
    vonk_arena   *arena;
    bool          ansi; /* the session's: what CAST without a mode means */
    /* Bytes of an artifact "cache/<hash>" (CachedLocalRelation); borrowed for the request. */
    vonk_status (*artifact)(void *door, vonk_str hash, vonk_str *ret, vonk_error *err);
    /* The plan that a CachedRemoteRelation (checkpoint) stands for; new reference. */
    vonk_status (*remote_relation)(void *door, vonk_str id, const vonk_plan **ret, vonk_error *err);
    void *door;
} vonk__translator;

vonk_status vonk__translate_relation(vonk__translator *t, const vonk_pb_msg *relation, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__translate_expr(vonk__translator *t, const vonk_pb_msg *expression, const vonk_expr **ret, vonk_error *err);
/* Commands that are plans: views, writes, SQL text. *ret NULL: not one of those. */
vonk_status vonk__translate_command(vonk__translator *t, const vonk_pb_msg *command, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__translate_sql(vonk__translator *t, const vonk_pb_msg *sql_command, const vonk_plan **ret, vonk_error *err);

vonk_status vonk__translate_type(vonk__translator *t, const vonk_pb_msg *data_type, const vonk_type **ret, vonk_error *err);
/* Fills the DataType message that is the field `field`. */
vonk_status vonk__put_type(vonk_pb_writer *w, int field, const vonk_type *type, vonk_error *err);
vonk_status vonk__translate_literal(vonk__translator *t, const vonk_pb_msg *literal, const vonk_expr **ret, vonk_error *err);

/* ---- inside: results borrowed from the translator's arena, so that callers need not release them */
vonk_status vonk__tr_expr(vonk__translator *t, const vonk_pb_msg *expression, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__tr_exprs(vonk__translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_sort_orders(vonk__translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_literals(vonk__translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_aliases(vonk__translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_expr ***ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_plan(vonk__translator *t, const vonk_pb_msg *relation, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__tr_strs(vonk__translator *t, const vonk_pb_msg *m, int repeated_field, const vonk_str **ret, uint32_t *ret_n, vonk_error *err);
vonk_status vonk__tr_keep_expr(vonk__translator *t, const vonk_expr *take_e, vonk_error *err);
vonk_status vonk__tr_keep_plan(vonk__translator *t, const vonk_plan *take_p, vonk_error *err);
vonk_status vonk__tr_keep_type(vonk__translator *t, const vonk_type *take_type, vonk_error *err);
/* A node over children that is still writable; payload and lists are set by the caller, then vonk_plan_finish. */
vonk_status vonk__tr_node(vonk__translator *t, vonk_node_kind kind, const vonk_plan *child /* or NULL */, vonk_plan **ret, vonk_error *err);
vonk_status vonk__tr_done(vonk_status so_far, vonk_plan *take_node, const vonk_plan **ret, vonk_error *err);
/* Where in the user's program a message comes from; origin->text is a new reference or NULL. */
vonk_status vonk__tr_origin(vonk__translator *t, const vonk_pb_msg *origin, vonk_origin *ret, vonk_error *err);
vonk_status vonk__tr_invalid(const char *what, vonk_error *err); /* CONNECT_INVALID_PLAN */
vonk_status vonk__tr_unsupported(const char *what, vonk_error *err);

/* python.c */
vonk_status vonk__translate_python(vonk__translator *t, const vonk_pb_msg *function, const vonk_expr **ret, vonk_error *err);
vonk_status vonk__translate_map_partitions(vonk__translator *t, const vonk_pb_msg *m, const vonk_plan **ret, vonk_error *err);
/* dataset.c: the relations that only the DataFrame API has. *ret NULL and VONK_OK: not one of those. */
vonk_status vonk__translate_dataset(vonk__translator *t, const vonk_pb_msg *relation, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__translate_local(vonk__translator *t, const vonk_pb_msg *relation, const vonk_plan **ret, vonk_error *err);
vonk_status vonk__translate_catalog(vonk__translator *t, const vonk_pb_msg *catalog, const vonk_plan **ret, vonk_error *err);
/* catalog_list.c: its members that list, get and ask. */
vonk_status vonk__translate_catalog_list(vonk__translator *t, int which, const vonk_pb_msg *member, const vonk_plan **ret, vonk_error *err);

#endif
