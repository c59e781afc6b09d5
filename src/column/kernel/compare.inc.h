/* column/kernel/compare.inc.h -- one comparison of one lane type per inclusion, no include guard on purpose.
 *   K_NAME        function name            K_T    element type
 *   K_OP(x, y)    0 / 1; must not trap */
static void K_NAME(size_t n, const void *a, const void *b, vonk_shape shape, uint8_t *bits)
{
    const K_T *x = a, *y = b;
    uint8_t    hits[K_BLOCK] = {0};
    for (size_t at = 0; at < n; at += K_BLOCK) {
        size_t some = n - at < K_BLOCK ? n - at : K_BLOCK;
        if (shape == VONK_VV && some == K_BLOCK) {
            for (size_t i = 0; i < K_BLOCK; i++) hits[i] = (uint8_t)K_OP(x[at + i], y[at + i]);
        } else if (shape == VONK_VS && some == K_BLOCK) {
            const K_T s = *y;
            for (size_t i = 0; i < K_BLOCK; i++) hits[i] = (uint8_t)K_OP(x[at + i], s);
        } else if (some == K_BLOCK) {
            const K_T s = *x;
            for (size_t i = 0; i < K_BLOCK; i++) hits[i] = (uint8_t)K_OP(s, y[at + i]);
        } else {
            for (size_t i = 0; i < some; i++)
                hits[i] = (uint8_t)K_OP(x[shape == VONK_SV ? 0 : at + i], y[shape == VONK_VS ? 0 : at + i]);
            for (size_t i = some; i < K_BLOCK; i++) hits[i] = 0;
        }
        put_bits(bits, at, some, pack_64(hits));
    }
}
#undef K_NAME
#undef K_T
#undef K_OP
