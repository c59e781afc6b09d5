/* serve/connect/engine.h -- the Connect protocol's backend over Vonk's own sessions. */
#ifndef VONK_SERVE_CONNECT_ENGINE_H
#define VONK_SERVE_CONNECT_ENGINE_H

#include "serve/connect/backend.h"
#include "session/session.h"

/* Fills `ret`; the engine must outlive it. */
void vonk_connect_engine_backend(vonk_engine *engine, vonk_connect_backend *ret);

#endif
