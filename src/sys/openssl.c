/* sys/openssl.c -- opening libssl when it is first needed: linked in, it would cost every start of the program. */
#include "sys/module.h"
#include "sys/openssl_int.h"

#define NAME(name) #name,
static const char *const ssl_names[] = {VONK__EACH_SSL(NAME)};
static const char *const crypto_names[] = {VONK__EACH_CRYPTO(NAME)};
#undef NAME

/* The modules write the pointers, in the order of the lists; the table gives them their types. */
static union {
    vonk_module_fn at[VONK_COUNTOF(ssl_names) + VONK_COUNTOF(crypto_names)];
    vonk__openssl table;
} fns;
static_assert(sizeof(fns.at) == sizeof(fns.table), "one pointer for each name");

static vonk_module ssl = {
    .library = "libssl.so.3",
    .package = "libssl3",
    .names = ssl_names,
    .n = VONK_COUNTOF(ssl_names),
    .at = fns.at,
};
static vonk_module crypto = {
    .library = "libcrypto.so.3",
    .package = "libssl3",
    .names = crypto_names,
    .n = VONK_COUNTOF(crypto_names),
    .at = fns.at + VONK_COUNTOF(ssl_names),
};

vonk_status vonk__openssl_get(const vonk__openssl **ret, vonk_error *err)
{
    VONK_TRY(vonk_module_need(&ssl, err));
    VONK_TRY(vonk_module_need(&crypto, err));
    *ret = &fns.table;
    return VONK_OK;
}
