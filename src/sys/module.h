/* sys/module.h -- libraries that are opened at first use, so that start and idle memory stay small. A missing one is an error that names its Debian package. */
#ifndef VONK_SYS_MODULE_H
#define VONK_SYS_MODULE_H

#include "base/error.h"

typedef void (*vonk_module_fn)(void); /* cast to the function's real type before the call */

/* A static object; only the first four members are filled by its owner. */
typedef struct vonk_module {
    const char        *library; /* "libbrotlidec.so.1" */
    const char        *package; /* "libbrotli1" */
    const char *const *names;   /* of the functions that are needed */
    size_t             n;
    vonk_module_fn    *at;      /* room for n; filled when the library was opened */
    _Atomic int        state;   /* 0 not tried, 1 open, -1 missing */
} vonk_module;

/* Opens the library unless that was done. UNSUPPORTED_FEATURE when it or one of the functions is missing. Thread-safe. */
vonk_status vonk_module_need(vonk_module *module, vonk_error *err);

#endif
