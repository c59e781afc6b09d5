/* column/kernel/minmax.inc.h -- smallest or largest valid value of one lane type per inclusion, no include guard on purpose.
 *   K_NAME          function name            K_T    element type
 *   K_MASK          unsigned type of the same width, for a mask per lane
 *   K_START         a value that loses against all others (or equals them)
 *   K_BETTER(x, y)  0 / 1: x beats y
 * 32 running values stay in an array, so that the inner loop is a plain one over lanes. */
static bool K_NAME(size_t n, const void *lanes, const uint8_t *validity, void *ret)
{
    enum { LANES = 32 };
    const K_T *v = lanes;
    K_T        best[LANES], one = K_START;
    size_t     i = 0;
    bool       any = n > 0 && !validity;
    for (size_t j = 0; j < LANES; j++) best[j] = K_START;
    for (; i + LANES <= n; i += LANES) {
        uint32_t word = UINT32_MAX;
        if (validity) memcpy(&word, validity + i / 8, 4);
        any |= word != 0;
        if (word == UINT32_MAX)
            for (size_t j = 0; j < LANES; j++) best[j] = K_BETTER(v[i + j], best[j]) ? v[i + j] : best[j];
        else if (word)
            for (size_t j = 0; j < LANES; j++) {
                K_MASK valid = (K_MASK)((word >> j) & 1);
                best[j] = (valid & (K_MASK)K_BETTER(v[i + j], best[j])) ? v[i + j] : best[j];
            }
    }
    for (; i < n; i++)
        if (!validity || vonk_bit_get(validity, i)) {
            any = true;
            one = K_BETTER(v[i], one) ? v[i] : one;
        }
    for (size_t j = 0; j < LANES; j++) one = K_BETTER(best[j], one) ? best[j] : one;
    if (any) memcpy(ret, &one, sizeof(one));
    return any;
}
#undef K_NAME
#undef K_T
#undef K_MASK
#undef K_START
#undef K_BETTER
