/* column/kernel/minmax.inc.h -- smallest or largest valid value of one lane type per inclusion, no include guard on purpose.
 *   K_NAME          function name            K_T    element type
 *   K_START         a value that loses against all others (or equals them)
 *   K_BETTER(x, y)  x beats y */
static bool K_NAME(size_t n, const void *lanes, const uint8_t *validity, void *ret)
{
    const K_T *v = lanes;
    K_T        best[8], one = K_START;
    size_t     i = 0;
    bool       any = false;
    for (size_t j = 0; j < 8; j++) best[j] = K_START;
    for (; i + 8 <= n; i += 8) {
        unsigned bits = validity ? validity[i / 8] : 0xffu;
        if (bits == 0) continue;
        any = true;
        if (bits == 0xff)
            for (size_t j = 0; j < 8; j++) best[j] = K_BETTER(v[i + j], best[j]) ? v[i + j] : best[j];
        else
            for (size_t j = 0; j < 8; j++) best[j] = (((bits >> j) & 1) & K_BETTER(v[i + j], best[j])) ? v[i + j] : best[j];
    }
    for (; i < n; i++)
        if (!validity || vonk_bit_get(validity, i)) {
            any = true;
            one = K_BETTER(v[i], one) ? v[i] : one;
        }
    for (size_t j = 0; j < 8; j++) one = K_BETTER(best[j], one) ? best[j] : one;
    if (any) memcpy(ret, &one, sizeof(one));
    return any;
}
#undef K_NAME
#undef K_T
#undef K_START
#undef K_BETTER
