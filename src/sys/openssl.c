/* sys/openssl.c -- opening libssl when it is first needed: linked in, it would cost every start of the program. */
#include <dlfcn.h>

#include "sys/openssl_int.h"
#include "sys/thread.h"

static vonk_once once = VONK_ONCE_INIT;
static vonk__openssl table;
static const char *problem = "not tried"; /* NULL: it is there */

static void *symbol_of(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (!found) problem = "the library libssl.so.3 is too old";
    return found;
}

static void open_libraries(void)
{
    problem = NULL;
    void *ssl = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
    void *crypto = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
    if (!ssl || !crypto) {
        problem = "libssl.so.3 is missing (Debian's package libssl3)";
        return;
    }
    /* A function pointer is written through a void pointer, as dlsym(3) has it. */
#define LOAD_SSL(name) *(void **)&table.name = symbol_of(ssl, #name);
#define LOAD_CRYPTO(name) *(void **)&table.name = symbol_of(crypto, #name);
    VONK__EACH_SSL(LOAD_SSL)
    VONK__EACH_CRYPTO(LOAD_CRYPTO)
#undef LOAD_SSL
#undef LOAD_CRYPTO
}

vonk_status vonk__openssl_get(const vonk__openssl **ret, vonk_error *err)
{
    vonk_once_run(&once, open_libraries);
    if (problem) return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("TLS: %s", problem));
    *ret = &table;
    return VONK_OK;
}
