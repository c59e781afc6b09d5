/* net/grpc_wire.c -- message prefixes, timeouts, status texts. */
#include "net/grpc_wire.h"

void vonk_grpc_deframer_init(vonk_grpc_deframer *d, vonk_budget *budget, size_t max_message_bytes)
{
    *d = (vonk_grpc_deframer){.budget = budget, .max_message_bytes = max_message_bytes};
    vonk_buf_init(&d->message, budget, max_message_bytes);
}

void vonk_grpc_deframer_done(vonk_grpc_deframer *d)
{
    vonk_buf_done(&d->message);
    d->n_prefix = 0;
}

bool vonk_grpc_deframer_is_open(const vonk_grpc_deframer *d) { return d->n_prefix > 0; }

static vonk_grpc_fed read_prefix(vonk_grpc_deframer *d)
{
    if (d->prefix[0] == 1) return VONK_GRPC_FED_COMPRESSED;
    if (d->prefix[0] != 0) return VONK_GRPC_FED_INVALID;
    d->wanted = (size_t)d->prefix[1] << 24 | (size_t)d->prefix[2] << 16 | (size_t)d->prefix[3] << 8 | d->prefix[4];
    if (d->wanted > d->max_message_bytes) return VONK_GRPC_FED_TOO_LARGE;
    vonk_buf_init(&d->message, d->budget, d->wanted); /* so that it never grows past the message */
    return VONK_GRPC_FED_MORE;
}

/* The whole message is reserved only once a quarter of it is here: a prefix alone must not cost 100 MB. */
static vonk_status make_room(vonk_grpc_deframer *d, size_t coming, vonk_error *err)
{
    enum { TRUSTED_BYTES = 1 << 16 };
    size_t have = d->message.len, left = d->wanted - have;
    bool trusted = left <= TRUSTED_BYTES || have >= d->wanted / 4;
    return vonk_buf_reserve(&d->message, trusted ? left : coming, err);
}

vonk_grpc_fed vonk_grpc_deframer_feed(vonk_grpc_deframer *d, vonk_str *inout_bytes, vonk_slice *ret_message)
{
    while (d->n_prefix < VONK_GRPC_PREFIX_BYTES) {
        if (inout_bytes->len == 0) return VONK_GRPC_FED_MORE;
        d->prefix[d->n_prefix++] = (uint8_t)inout_bytes->data[0];
        *inout_bytes = vonk_str_sub(*inout_bytes, 1, inout_bytes->len);
        if (d->n_prefix == VONK_GRPC_PREFIX_BYTES) {
            vonk_grpc_fed fed = read_prefix(d);
            if (fed != VONK_GRPC_FED_MORE) return fed;
        }
    }
    size_t take = vonk_min_size(inout_bytes->len, d->wanted - d->message.len);
    if (take == d->wanted) { /* all of it at once */
        vonk_status st = vonk_slice_copy(d->budget, vonk_str_sub(*inout_bytes, 0, take), ret_message, NULL);
        if (st != VONK_OK) return VONK_GRPC_FED_NO_MEMORY;
        *inout_bytes = vonk_str_sub(*inout_bytes, take, inout_bytes->len);
        d->n_prefix = 0;
        return VONK_GRPC_FED_MESSAGE;
    }
    if (take > 0) {
        vonk_status st = make_room(d, take, NULL);
        if (st == VONK_OK) st = vonk_buf_append(&d->message, inout_bytes->data, take, NULL);
        if (st != VONK_OK) return VONK_GRPC_FED_NO_MEMORY;
        *inout_bytes = vonk_str_sub(*inout_bytes, take, inout_bytes->len);
    }
    if (d->message.len < d->wanted) return VONK_GRPC_FED_MORE;

    d->n_prefix = 0;
    vonk_status st = vonk_slice_of_buf(&d->message, ret_message, NULL);
    return st == VONK_OK ? VONK_GRPC_FED_MESSAGE : VONK_GRPC_FED_NO_MEMORY;
}

void vonk_grpc_write_prefix(uint8_t into[VONK_GRPC_PREFIX_BYTES], size_t message_bytes)
{
    uint32_t n = vonk_u32_of(message_bytes);
    into[0] = 0;
    into[1] = (uint8_t)(n >> 24);
    into[2] = (uint8_t)(n >> 16);
    into[3] = (uint8_t)(n >> 8);
    into[4] = (uint8_t)n;
}

bool vonk_grpc_parse_timeout(vonk_str text, int64_t *ret_us)
{
    const int64_t second = 1000000, most = 10 * 365 * 86400 * second;
    int64_t n = 0, us = 0;
    if (text.len < 2 || text.len > 9) return false;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        n = n * 10 + (text.data[i] - '0');
    }
    switch (text.data[text.len - 1]) {
    case 'H': us = n * 3600 * second; break;
    case 'M': us = n * 60 * second; break;
    case 'S': us = n * second; break;
    case 'm': us = n * 1000; break;
    case 'u': us = n; break;
    case 'n': us = n / 1000; break;
    default: return false;
    }
    *ret_us = us < most ? us : most;
    return true;
}

vonk_status vonk_grpc_percent_encode(vonk_str text, vonk_buf *out, vonk_error *err)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.data[i];
        if (c >= 0x20 && c <= 0x7e && c != '%') {
            VONK_TRY(vonk_buf_add_byte(out, (char)c, err));
        } else {
            const char escaped[3] = {'%', hex[c >> 4], hex[c & 15]};
            VONK_TRY(vonk_buf_append(out, escaped, sizeof(escaped), err));
        }
    }
    return VONK_OK;
}

vonk_status vonk_grpc_base64(vonk_str bytes, vonk_buf *out, vonk_error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *s = (const uint8_t *)bytes.data;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = vonk_min_size(3, bytes.len - i);
        uint32_t x = (uint32_t)s[i] << 16 | (n > 1 ? (uint32_t)s[i + 1] << 8 : 0) | (n > 2 ? s[i + 2] : 0u);
        char four[4] = {digits[x >> 18], digits[x >> 12 & 63], digits[x >> 6 & 63], digits[x & 63]};
        VONK_TRY(vonk_buf_append(out, four, n + 1, err));
    }
    return VONK_OK;
}

bool vonk_grpc_token_eq(vonk_str given, vonk_str expected)
{
    size_t differ = given.len ^ expected.len;
    unsigned bits = 0;
    for (size_t i = 0; i < given.len; i++) /* as long as what was given: tells nothing about what is expected */
        bits |= (unsigned)(uint8_t)given.data[i] ^ (expected.len ? (uint8_t)expected.data[i % expected.len] : 0xffu);
    return (differ | bits) == 0;
}
