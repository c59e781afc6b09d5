/* column/kernel/arith.inc.h -- one operation of one lane type per inclusion, no include guard on purpose.
 *   K_NAME          function name            K_T    element type
 *   K_OP(x, y, r)   stores *r, 0 / 1: the result does not fit; must not trap */
static bool K_NAME(size_t n, const void *a, const void *b, vonk_shape shape, void *out, uint8_t *bad)
{
    const K_T *x = a, *y = b;
    K_T       *r = out;
    uint64_t   any = 0;
    for (size_t at = 0; at < n; at += K_BLOCK) {
        uint8_t wrong[K_BLOCK] = {0};
        size_t  some = n - at < K_BLOCK ? n - at : K_BLOCK;
        if (shape == VONK_VV && some == K_BLOCK) {
            for (size_t i = 0; i < K_BLOCK; i++) wrong[i] = (uint8_t)K_OP(x[at + i], y[at + i], &r[at + i]);
        } else if (shape == VONK_VS && some == K_BLOCK) {
            const K_T s = *y;
            for (size_t i = 0; i < K_BLOCK; i++) wrong[i] = (uint8_t)K_OP(x[at + i], s, &r[at + i]);
        } else if (some == K_BLOCK) {
            const K_T s = *x;
            for (size_t i = 0; i < K_BLOCK; i++) wrong[i] = (uint8_t)K_OP(s, y[at + i], &r[at + i]);
        } else {
            const K_T left = *x, right = *y; /* out may be an input: a scalar is read before lane 0 is written */
            for (size_t i = 0; i < some; i++)
                wrong[i] = (uint8_t)K_OP(shape == VONK_SV ? left : x[at + i], shape == VONK_VS ? right : y[at + i], &r[at + i]);
        }
        uint64_t word = pack_64(wrong);
        any |= word;
        if (bad) put_bits(bad, at, some, word);
    }
    return any != 0;
}
#undef K_NAME
#undef K_T
#undef K_OP
