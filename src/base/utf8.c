/* base/utf8.c -- validation: eight ASCII bytes at a time, the rest by the table of well-formed sequences (Unicode 15,
 * table 3-7). */
#include "base/utf8.h"

#include <string.h>

/* Length of the well-formed sequence that starts at s, 0 when there is none. */
static size_t sequence(const uint8_t *s, size_t left)
{
    uint8_t lead = s[0], low = 0x80, high = 0xbf;
    size_t n;
    if (lead >= 0xc2 && lead <= 0xdf) {
        n = 2;
    } else if ((lead & 0xf0) == 0xe0) {
        n = 3;
        if (lead == 0xe0) low = 0xa0;  /* overlong */
        if (lead == 0xed) high = 0x9f; /* surrogates */
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        n = 4;
        if (lead == 0xf0) low = 0x90;
        if (lead == 0xf4) high = 0x8f;
    } else {
        return 0;
    }
    if (n > left || s[1] < low || s[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return n;
}

bool vonk_utf8_valid(vonk_str text)
{
    const uint8_t *s = (const uint8_t *)text.data;
    size_t i = 0, n = text.len;
    while (i < n) {
        uint64_t word;
        if (n - i >= sizeof(word)) {
            memcpy(&word, s + i, sizeof(word));
            if (!(word & UINT64_C(0x8080808080808080))) {
                i += sizeof(word);
                continue;
            }
        }
        if (s[i] < 0x80) {
            i++;
            continue;
        }
        size_t step = sequence(s + i, n - i);
        if (step == 0) return false;
        i += step;
    }
    return true;
}

vonk_status vonk_utf8_clean(vonk_str s, vonk_buf *out, vonk_error *err)
{
    size_t from = 0; /* first byte that is not appended yet */
    for (size_t i = 0; i < s.len;) {
        const uint8_t *at = (const uint8_t *)s.data + i;
        size_t n = *at < 0x80 ? 1 : sequence(at, s.len - i);
        if (n == 0) {
            VONK_TRY(vonk_buf_add_str(out, vonk_str_sub(s, from, i), err));
            VONK_TRY(vonk_buf_add_c(out, "\xef\xbf\xbd", err));
            from = i + 1;
        }
        i += n ? n : 1;
    }
    return vonk_buf_add_str(out, vonk_str_sub(s, from, s.len), err);
}

vonk_str vonk_utf8_cut(vonk_str s, size_t max_bytes)
{
    if (s.len <= max_bytes) return s;
    size_t end = max_bytes;
    while (end > 0 && ((uint8_t)s.data[end] & 0xc0) == 0x80) end--;
    return (vonk_str){s.data, end};
}
