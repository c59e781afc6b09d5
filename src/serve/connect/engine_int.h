/* serve/connect/engine_int.h -- inside the backend: a Connect session's state beside the engine's session. */
#ifndef VONK_SERVE_CONNECT_ENGINE_INT_H
#define VONK_SERVE_CONNECT_ENGINE_INT_H

#include "base/strmap.h"
#include "serve/connect/backend.h"
#include "serve/translate/translate.h"
#include "sys/thread.h"

typedef struct vonk__connect_state {
    vonk_session *session;
    vonk_mutex    lock;
    vonk_strmap  *checkpoints; /* CachedRemoteRelation id -> const vonk_plan * */
} vonk__connect_state;

/* A translator for one request; storage belongs to the caller and must stay where it is. */
typedef struct vonk__connect_request {
    vonk_translator      translator;
    vonk_connect_session *client;
    vonk__connect_state  *state;
} vonk__connect_request;
void vonk__connect_open_request(vonk__connect_request *r, vonk_connect_session *client, vonk_arena *arena);

bool        vonk__connect_is_tiny(const vonk_pb_msg *plan);
vonk_status vonk__connect_run(void *self, vonk_connect_operation *op, const vonk_pb_msg *plan, vonk_error *err);
/* One ObservedMetrics for each DataFrame.observe() that the query ran through. */
vonk_status vonk__connect_put_observed(vonk_pb_writer *w, const vonk_query *query, vonk_error *err);
vonk_status vonk__connect_answer_analyze(void *self, vonk_connect_session *session, const vonk_pb_msg *request, vonk_arena *arena, vonk_pb_writer *response, vonk_error *err);

#endif
