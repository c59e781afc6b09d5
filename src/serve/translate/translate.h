/* serve/translate/translate.h -- Spark Connect's plan messages to unresolved plans, and types both ways. No message is seen below serve.
 *
 * A translator serves one request. What it makes on the way lives in its arena; results are new references. Unknown and unbuilt messages answer
 * UNSUPPORTED_FEATURE with their name; senseless ones CONNECT_INVALID_PLAN. */
#ifndef VONK_SERVE_TRANSLATE_TRANSLATE_H
#define VONK_SERVE_TRANSLATE_TRANSLATE_H

#include "base/vec.h"
#include "net/connect_table.h"
#include "plan/origin.h"
#include "session/session.h"

typedef struct vonk_translator {
    vonk_session *session;
    vonk_budget  *budget; /* of the session: plans outlive requests */
    vonk_arena   *arena;
    bool          classic; /* of the JVM's Dataset, which takes what clients of Connect may not say */
    bool          ansi; /* the session's: what CAST without a mode means */
    /* Bytes of an artifact "cache/<hash>" (CachedLocalRelation); borrowed for the request. */
    vonk_status (*artifact)(void *door, vonk_str hash, vonk_str *ret, vonk_error *err);
    /* The plan that a CachedRemoteRelation (checkpoint) stands for; new reference. */
    vonk_status (*remote_relation)(void *door, vonk_str id, const vonk_plan **ret, vonk_error *err);
    /* Fills in what messages do not say of a function: values that were broadcast for it. NULL: nothing. */
    vonk_status (*complete)(void *door, vonk_python_fn *as, vonk_error *err);
    void *door;
} vonk_translator;

vonk_status vonk_translate_relation(vonk_translator *t, const vonk_pb_msg *relation, const vonk_plan **ret, vonk_error *err);
vonk_status vonk_translate_expr(vonk_translator *t, const vonk_pb_msg *expression, const vonk_expr **ret, vonk_error *err);
/* Commands that are plans: views, writes, SQL text. *ret NULL: not one of those. */
vonk_status vonk_translate_command(vonk_translator *t, const vonk_pb_msg *command, const vonk_plan **ret, vonk_error *err);

/* The function of a CommonInlineUserDefinedFunction, without its arguments; one of Java is refused as Spark refuses a class that it does not find. */
vonk_status vonk_translate_function(vonk_translator *t, const vonk_pb_msg *function, const vonk_python_fn **ret, vonk_error *err);

/* ... of a CommonInlineUserDefinedTableFunction. */
vonk_status vonk_translate_table_function(vonk_translator *t, const vonk_pb_msg *function, const vonk_python_fn **ret, vonk_error *err);

vonk_status vonk_translate_type(vonk_translator *t, const vonk_pb_msg *data_type, const vonk_type **ret, vonk_error *err);
/* Fills the DataType message that is the field `field`. */
vonk_status vonk_translate_put_type(vonk_pb_writer *w, int field, const vonk_type *type, vonk_error *err);
/* What clients let people write as a schema: columns, one type, or the inside of a struct ("a: int, b: string"). */
vonk_status vonk_translate_parse_ddl(vonk_str ddl, const vonk_type **ret, vonk_error *err);
vonk_status vonk__translate_literal(vonk_translator *t, const vonk_pb_msg *literal, const vonk_expr **ret, vonk_error *err);
vonk_status vonk_translate_invalid(const char *what, vonk_error *err); /* CONNECT_INVALID_PLAN */
vonk_status vonk_translate_unsupported(const char *what, vonk_error *err);

#endif
