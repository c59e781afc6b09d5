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

void vonk_uuid_text(uint64_t high, uint64_t low, char ret_text[37])
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    for (int i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) ret_text[n++] = '-';
        ret_text[n++] = hex[(i < 16 ? high : low) >> (60 - i % 16 * 4) & 15];
    }
    ret_text[n] = 0;
}

void vonk_random_uuid(char ret_text[37])
{
    uint64_t half[2];
    vonk_random_bytes(half, sizeof(half));
    vonk_uuid_text((half[0] & ~UINT64_C(0xf000)) | 0x4000 /* version 4 */,
                   (half[1] & UINT64_MAX >> 2) | UINT64_C(1) << 63 /* the RFC's variant */, ret_text);
}

void vonk_random_simulate(uint64_t seed)
{
    atomic_store(&state, seed);
    atomic_store(&simulated, true);
}

void vonk_random_real(void) { atomic_store(&simulated, false); }
