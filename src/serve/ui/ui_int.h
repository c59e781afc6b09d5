/* serve/ui/ui_int.h -- inside of serve/ui. */
#ifndef VONK_SERVE_UI_UI_INT_H
#define VONK_SERVE_UI_UI_INT_H

#include "serve/ui/ui.h"

/* ui_rest.c: what is below /api/v1/; *ret_there false: there is no such thing. `query`: of the request's "?status=". */
vonk_status vonk__ui_rest(const vonk_ui_snapshot *seen, vonk_str path, vonk_str status, vonk_buf *out, bool *ret_there,
                          vonk_error *err);

/* Files that a browser loads, built in (page.html, page.js, page.css). */
typedef struct ui_file {
    const char *path, *type;
    const unsigned char *bytes;
    size_t n;
} ui_file;
extern const ui_file vonk__ui_files[];
extern const size_t vonk__ui_n_files;

#endif
