/* serve/connect/page.h -- a page for the queries of a server (serve/ui), for people on its machine. */
#ifndef VONK_SERVE_CONNECT_PAGE_H
#define VONK_SERVE_CONNECT_PAGE_H

#include "serve/ui/ui.h"

/* At 127.0.0.1; when the port is taken, at one above it (spark.port.maxRetries). 0: any. The engine, which notes its queries from now on, must outlive it.
 * Errors of vonk_ui_new. */
vonk_status vonk_connect_page_new(vonk_engine *engine, uint16_t port, vonk_ui **ret, vonk_error *err);

#endif
