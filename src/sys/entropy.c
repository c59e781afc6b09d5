/* sys/entropy.c */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "sys/entropy.h"

static atomic_bool simulated;
static _Atomic uint64_t state;

/* SplitMix64 (public domain, S. Vigna). */
static uint64_t next_simulated(void)
{
    uint64_t x = atomic_fetch_add(&state, UINT64_C(0x9e3779b97f4a7c15)) + UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void vonk_random_bytes(void *into, size_t bytes)
{
    char *at = into;
    if (VONK_UNLIKELY(atomic_load_explicit(&simulated, memory_order_relaxed))) {
        for (; bytes;) {
            uint64_t x = next_simulated();
            size_t n = vonk_min_size(bytes, sizeof(x));
            memcpy(at, &x, n);
            at += n, bytes -= n;
        }
        return;
    }
    while (bytes) {
        ssize_t n = getrandom(at, vonk_min_size(bytes, 1 << 20), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            fputs("vonk: the system gives no random bytes\n", stderr);
            abort();
        }
        at += n, bytes -= (size_t)n;
    }
}

uint64_t vonk_random_u64(void)
{
    uint64_t x;
    vonk_random_bytes(&x, sizeof(x));
    return x;
}

void vonk_random_uuid(char ret_text[37])
{
    uint8_t b[16];
    vonk_random_bytes(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* version 4 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80); /* the RFC's variant */
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) ret_text[n++] = '-';
        ret_text[n++] = hex[b[i] >> 4];
        ret_text[n++] = hex[b[i] & 15];
    }
    ret_text[n] = 0;
}

void vonk_random_simulate(uint64_t seed)
{
    atomic_store(&state, seed);
    atomic_store(&simulated, true);
}

void vonk_random_real(void) { atomic_store(&simulated, false); }
