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

/* At the top of the one file that calls a library whose header is at hand: `functions(X)` is a list X(name) X(name). It makes the module
 * that VONK_MODULE_NEED opens; VONK_MODULE_CALL(name)(...) then is a call with the header's types. */
#define VONK_MODULE(functions, library_name, package_name)                                                             \
    enum { functions(VONK_MODULE_PLACE_) VONK_MODULE_N_ };                                                             \
    static const char *const vonk_module_names_[] = {functions(VONK_MODULE_NAME_)};                                    \
    static vonk_module_fn vonk_module_at_[VONK_MODULE_N_];                                                             \
    static vonk_module vonk_module_ = {.library = (library_name),                                                      \
                                       .package = (package_name),                                                      \
                                       .names = vonk_module_names_,                                                    \
                                       .n = VONK_MODULE_N_,                                                            \
                                       .at = vonk_module_at_}
#define VONK_MODULE_PLACE_(name) VONK_MODULE_AT_##name,
#define VONK_MODULE_NAME_(name) #name,
#define VONK_MODULE_NEED(err) vonk_module_need(&vonk_module_, err)
#define VONK_MODULE_CALL(name) ((__typeof__(&name))vonk_module_at_[VONK_MODULE_AT_##name])

/* Opens the library unless that was done. UNSUPPORTED_FEATURE when it or one of the functions is missing. Thread-safe. */
vonk_status vonk_module_need(vonk_module *module, vonk_error *err);

#endif
