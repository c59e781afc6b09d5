/* Which conversions there are is Spark's choice (its vectorised reader); the loops are ours. */
#include "codec/parquet/convert.h"

#include "codec/parquet/unpack.h"

#define MICROS_PER_DAY INT64_C(86400000000)
#define JULIAN_EPOCH_DAY 2440588                  /* Julian day number of 1970-01-01 */
#define GREGORIAN_DAY (-141427)                   /* 1582-10-15: the first day of the Gregorian calendar */
#define CERTAIN_MICROS INT64_C(-2208988800000000) /* 1900-01-01: zones have been the same in both calendars since */
#define INT_DIGITS 10                             /* of any 32-bit number */
#define LONG_DIGITS 20

/* ---- choosing */
static vonk_i128 power_of_ten(int n)
{
    vonk_i128 x = 1;
    while (n-- > 0) x *= 10;
    return x;
}

static vonk_status path_text(const pq_node *node, vonk_buf *out, vonk_error *err)
{
    const pq_node *path[PQ_MAX_DEPTH + 1];
    size_t n = 0;
    for (; node->parent; node = node->parent) path[n++] = node;
    for (size_t i = n; i-- > 0;)
        VONK_TRY(vonk_buf_printf(out, err, "%s%.*s", i + 1 == n ? "[" : ", ", VONK_STR_ARGS(path[i]->name)));
    return vonk_buf_add_c(out, "]", err);
}

vonk_status vonk__pq_mismatch(const vonk_parquet_meta *meta, const pq_node *node, const vonk_type *want,
                              vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf path = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf type = {0};
    vonk_buf_init(&path, meta->budget, SIZE_MAX);
    vonk_buf_init(&type, meta->budget, SIZE_MAX);
    VONK_TRY(path_text(node, &path, err));
    VONK_TRY(vonk_type_catalog_string(want, &type, err));
    VONK_TRY(vonk_buf_add_byte(&path, 0, err));
    VONK_TRY(vonk_buf_add_byte(&type, 0, err));
    return VONK_FAIL(err, VONK_E_FAILED_READ_FILE__PARQUET_COLUMN_DATA_TYPE_MISMATCH, "path", meta->path, "column",
                     path.data, "expectedType", type.data, "actualType",
                     node->leaf ? vonk__pq_physical_names[node->physical] : "group");
}

/* Can every value of the leaf be held? Then *ret_scale_up: digits to append. */
static bool decimal_fits(const pq_node *node, const vonk_type *want, int *ret_scale_up)
{
    if (node->annotation == PQ_ANN_DECIMAL) {
        int scale = want->scale - node->scale, precision = want->precision - node->precision;
        *ret_scale_up = scale;
        return scale >= 0 && precision >= scale;
    }
    bool plain_int = node->annotation == PQ_ANN_NONE || (node->annotation == PQ_ANN_INT && node->is_signed);
    int whole_digits = want->precision - want->scale;
    *ret_scale_up = want->scale;
    return plain_int && ((node->physical == PQ_INT32 && whole_digits >= INT_DIGITS) ||
                         (node->physical == PQ_INT64 && whole_digits >= LONG_DIGITS));
}

static bool choose_decimal(const pq_node *node, const vonk_type *want, pq_convert *c)
{
    int up = 0;
    bool wide = want->storage == VONK_STORE_I128;
    bool uint64 =
        node->physical == PQ_INT64 && node->annotation == PQ_ANN_INT && !node->is_signed && node->int_bits == 64;
    if (uint64 && want->precision == LONG_DIGITS && want->scale == 0) {
        c->kind = PQ_U64_TO_I128;
        return true;
    }
    if (!decimal_fits(node, want, &up)) return false;
    c->factor = power_of_ten(up);
    switch (node->physical) {
    case PQ_INT32: c->kind = wide ? PQ_I32_TO_I128 : PQ_I32_TO_I64; return true;
    case PQ_INT64: c->kind = wide ? PQ_I64_TO_I128 : (up ? PQ_I64_TO_I64 : PQ_TO_COPY); return true;
    case PQ_BYTE_ARRAY:
    case PQ_FIXED: c->kind = wide ? PQ_BIG_TO_I128 : PQ_BIG_TO_I64; return true;
    default: return false;
    }
}

static bool choose_int32(const pq_node *node, const vonk_type *want, pq_convert *c)
{
    bool uint32 = node->annotation == PQ_ANN_INT && !node->is_signed && node->int_bits == 32;
    switch (want->id) {
    case VONK_T_INT:
    case VONK_T_INTERVAL_YEAR_MONTH: return true;
    case VONK_T_LONG: c->kind = uint32 ? PQ_U32_TO_I64 : PQ_I32_TO_I64; return true;
    case VONK_T_BYTE: c->kind = PQ_I32_TO_I8; return true;
    case VONK_T_SHORT: c->kind = PQ_I32_TO_I16; return true;
    case VONK_T_DOUBLE: c->kind = PQ_I32_TO_F64; return true;
    case VONK_T_DATE: c->rebase = PQ_REBASE_DAYS; return true;
    case VONK_T_TIMESTAMP_NTZ:
        c->kind = PQ_I32_TO_I64;
        c->factor = MICROS_PER_DAY;
        c->rebase = PQ_REBASE_MICROS; /* whole days: the zone does not matter */
        return node->annotation == PQ_ANN_DATE;
    default: return false;
    }
}

static bool choose_int64(const pq_node *node, const vonk_type *want, pq_convert *c)
{
    bool timestamp = node->annotation == PQ_ANN_TIMESTAMP;
    switch (want->id) {
    case VONK_T_LONG:
    case VONK_T_INTERVAL_DAY_TIME: return true;
    case VONK_T_TIMESTAMP:
    case VONK_T_TIMESTAMP_NTZ:
        if (timestamp && node->unit == PQ_MILLIS) {
            c->kind = PQ_I64_TO_I64;
            c->factor = 1000;
        }
        if (want->id == VONK_T_TIMESTAMP) c->rebase = PQ_REBASE_MICROS;
        return timestamp && node->unit != PQ_NANOS;
    case VONK_T_TIMESTAMP_NANOS:
    case VONK_T_TIMESTAMP_NTZ_NANOS:
        c->kind = PQ_I64_CUT_I128;
        c->factor = power_of_ten(9 - want->precision);
        return timestamp && node->unit == PQ_NANOS;
    case VONK_T_TIME: { /* nanoseconds, cut to the precision that is wanted */
        bool micros = node->unit == PQ_MICROS;
        if (micros && want->precision >= 6) {
            c->kind = PQ_I64_TO_I64;
            c->factor = 1000;
        } else {
            c->kind = PQ_I64_CUT;
            c->factor = power_of_ten(9 - want->precision);
        }
        if (micros && want->precision < 6) return false; /* two steps: nobody writes such a schema */
        return node->annotation == PQ_ANN_TIME && node->unit != PQ_MILLIS;
    }
    default: return false;
    }
}

static bool choose(const pq_node *node, const vonk_type *want, pq_convert *c)
{
    bool stringy = want->id == VONK_T_STRING || want->id == VONK_T_CHAR || want->id == VONK_T_VARCHAR;
    bool spatial = want->id == VONK_T_GEOMETRY || want->id == VONK_T_GEOGRAPHY;
    if (want->id == VONK_T_NULL) {
        c->kind = PQ_TO_NOTHING;
        return node->annotation == PQ_ANN_UNKNOWN;
    }
    if (want->id == VONK_T_DECIMAL) return choose_decimal(node, want, c);
    switch (node->physical) {
    case PQ_BOOLEAN: c->kind = PQ_TO_BITS; return want->id == VONK_T_BOOLEAN;
    case PQ_INT32: return choose_int32(node, want, c);
    case PQ_INT64: return choose_int64(node, want, c);
    case PQ_FLOAT:
        if (want->id == VONK_T_DOUBLE) c->kind = PQ_F32_TO_F64;
        return want->id == VONK_T_FLOAT || want->id == VONK_T_DOUBLE;
    case PQ_DOUBLE: return want->id == VONK_T_DOUBLE;
    case PQ_INT96:
        c->kind = PQ_INT96_TO_MICROS;
        c->int96 = true;
        if (want->id == VONK_T_TIMESTAMP) c->rebase = PQ_REBASE_MICROS;
        return want->id == VONK_T_TIMESTAMP || want->id == VONK_T_TIMESTAMP_NTZ;
    case PQ_BYTE_ARRAY: c->kind = PQ_TO_VIEWS; return stringy || spatial || want->id == VONK_T_BINARY;
    default: c->kind = PQ_TO_VIEWS; return want->id == VONK_T_BINARY;
    }
}

vonk_status vonk__pq_convert_init(const vonk_parquet_meta *meta, const pq_node *node, const vonk_type *want,
                                  pq_convert *ret, vonk_error *err)
{
    static const uint8_t plain_bytes[PQ_N_PHYSICAL] = {0, 4, 8, 12, 4, 8, 0, 0};
    const vonk_type *stored = want->id == VONK_T_UDT ? want->fields[0].type : want;
    *ret = (pq_convert){.kind = PQ_TO_COPY, .factor = 1, .meta = meta};
    if (!node->leaf || !choose(node, stored, ret)) return vonk__pq_mismatch(meta, node, want, err);
    ret->in_bytes = node->physical == PQ_FIXED ? (uint32_t)node->fixed_bytes : plain_bytes[node->physical];
    ret->out_bytes = (uint8_t)vonk_storage_bytes(stored->storage);
    ret->mode = ret->int96 ? meta->int96_rebase : meta->datetime_rebase;
    if (ret->mode == VONK_PARQUET_CORRECTED) ret->rebase = PQ_REBASE_NONE;
    return VONK_OK;
}

/* ---- dates of the hybrid calendar */
static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }

/* The day that has the same year, month and day in the proleptic Gregorian calendar; days that it lacks become the next
 * one. */
static int64_t gregorian_of_julian(int64_t days)
{
    int64_t c = days + JULIAN_EPOCH_DAY + 32082; /* days since March 1, 4801 BC (Julian) */
    int64_t cycles = floor_div(c, 1461);         /* of four years */
    int64_t e = c - cycles * 1461;
    int64_t in_cycle = (4 * e + 3) / 1461;
    int64_t day_of_year = e - 1461 * in_cycle / 4;
    int64_t m = (5 * day_of_year + 2) / 153, day = day_of_year - (153 * m + 2) / 5; /* months from March, both from 0 */
    int64_t year = cycles * 4 + in_cycle - 4800;                                    /* begins in March */
    int64_t era = floor_div(year, 400), y = year - era * 400;
    int64_t of_era = y * 365 + y / 4 - y / 100 + (153 * m + 2) / 5 + day;
    return era * 146097 + of_era - 719468;
}

static vonk_status ancient(const pq_convert *c, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_INCONSISTENT_BEHAVIOR_CROSS_VERSION__READ_ANCIENT_DATETIME, "format",
                     c->int96 ? "Parquet INT96" : "Parquet", "config",
                     c->int96 ? "\"spark.sql.parquet.int96RebaseModeInRead\""
                              : "\"spark.sql.parquet.datetimeRebaseModeInRead\"",
                     "option", c->int96 ? "\"int96RebaseMode\"" : "\"datetimeRebaseMode\"");
}

static vonk_status rebase_days(const pq_convert *c, size_t n, int32_t *days, vonk_error *err)
{
    if (vonk__pq_kernels()->min_i32(days, n) >= GREGORIAN_DAY) return VONK_OK;
    if (c->mode == VONK_PARQUET_EXCEPTION) return ancient(c, err);
    for (size_t i = 0; i < n; i++) {
        if (days[i] < GREGORIAN_DAY) days[i] = (int32_t)gregorian_of_julian(days[i]);
    }
    return VONK_OK;
}

static vonk_status rebase_micros(const pq_convert *c, size_t n, int64_t *us, vonk_error *err)
{
    bool whole_days = c->kind == PQ_I32_TO_I64;
    if (vonk__pq_kernels()->min_i64(us, n) >= (whole_days ? GREGORIAN_DAY * MICROS_PER_DAY : CERTAIN_MICROS))
        return VONK_OK;
    if (c->mode == VONK_PARQUET_EXCEPTION) return ancient(c, err);
    if (!c->meta->rebase_utc && !whole_days) {
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         "Parquet timestamps before 1900 written by Spark 2 outside of the UTC zone");
    }
    for (size_t i = 0; i < n; i++) {
        int64_t day = floor_div(us[i], MICROS_PER_DAY);
        if (day < GREGORIAN_DAY) us[i] = gregorian_of_julian(day) * MICROS_PER_DAY + (us[i] - day * MICROS_PER_DAY);
    }
    return VONK_OK;
}

/* ---- loops. Input may be misaligned: every load is a memcpy, which compilers turn into plain (vector) loads. */
#define LOAD(type, in, i)                                                                                              \
    __extension__({                                                                                                    \
        type x_;                                                                                                       \
        memcpy(&x_, (in) + (i) * sizeof x_, sizeof x_);                                                                \
        x_;                                                                                                            \
    })
#define EACH(out_type, expression)                                                                                     \
    do {                                                                                                               \
        out_type *to = out;                                                                                            \
        for (size_t i = 0; i < n; i++) to[i] = (out_type)(expression);                                                 \
    } while (0)

static void int96_to_micros(const uint8_t *in, size_t n, int64_t *out)
{
    for (size_t i = 0; i < n; i++, in += 12) {
        int64_t nanos = LOAD(int64_t, in, 0);
        int64_t day = (int64_t)LOAD(int32_t, in + 8, 0) - JULIAN_EPOCH_DAY;
        out[i] = (int64_t)((uint64_t)day * (uint64_t)MICROS_PER_DAY + (uint64_t)(nanos / 1000));
    }
}

static vonk_status multiply(const pq_convert *c, const uint8_t *in, size_t n, int64_t *out, vonk_error *err)
{
    const int64_t factor = (int64_t)c->factor, most = INT64_MAX / factor;
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t x = LOAD(int64_t, in, i);
        bad |= (x > most) | (x < -most);
        out[i] = (int64_t)((uint64_t)x * (uint64_t)factor);
    }
    return bad ? vonk__pq_fail(c->meta, "a number does not fit its type", err) : VONK_OK;
}

/* The number of `bytes` big-endian bytes; false: longer than 128 bits. */
static bool big_endian(const uint8_t *in, size_t bytes, vonk_i128 *ret)
{
    vonk_u128 x = bytes > 0 && in[0] & 0x80 ? ~(vonk_u128)0 : 0;
    uint8_t sign = (uint8_t)x;
    for (; bytes > 16; bytes--, in++) {
        if (*in != sign) return false;
    }
    if (bytes == 16 && (*in & 0x80) != (sign & 0x80)) return false;
    for (size_t i = 0; i < bytes; i++) x = x << 8 | in[i];
    *ret = (vonk_i128)x;
    return true;
}

static vonk_status big_one(const pq_convert *c, const uint8_t *in, size_t bytes, void *out, vonk_error *err)
{
    vonk_i128 x = 0;
    if (!big_endian(in, bytes, &x)) return vonk__pq_fail(c->meta, "a decimal is too long", err);
    x = (vonk_i128)((vonk_u128)x * (vonk_u128)c->factor);
    if (c->kind == PQ_BIG_TO_I128) {
        memcpy(out, &x, sizeof x);
        return VONK_OK;
    }
    int64_t narrow = (int64_t)x;
    if (narrow != x) return vonk__pq_fail(c->meta, "a decimal is too long", err);
    memcpy(out, &narrow, sizeof narrow);
    return VONK_OK;
}

/* Up to 8 bytes: one load, shifted down. Reads 8 bytes from `in`, which pages have room for. */
static void big_narrow(const uint8_t *in, size_t n, size_t bytes, int64_t factor, int64_t *out)
{
    const unsigned shift = (unsigned)(64 - 8 * bytes);
    for (size_t i = 0; i < n; i++, in += bytes)
        out[i] = (int64_t)((uint64_t)((int64_t)__builtin_bswap64(LOAD(uint64_t, in, 0)) >> shift) * (uint64_t)factor);
}

static vonk_status big_all(const pq_convert *c, const uint8_t *in, size_t n, uint8_t *out, vonk_error *err)
{
    if (c->kind == PQ_BIG_TO_I64 && c->in_bytes <= 8 && c->in_bytes > 0) {
        big_narrow(in, n, c->in_bytes, (int64_t)c->factor, (int64_t *)(void *)out);
        return VONK_OK;
    }
    for (size_t i = 0; i < n; i++) VONK_TRY(big_one(c, in + i * c->in_bytes, c->in_bytes, out + i * c->out_bytes, err));
    return VONK_OK;
}

static vonk_status convert(const pq_convert *c, const uint8_t *in, size_t n, void *out, vonk_error *err)
{
    const int64_t factor = (int64_t)c->factor;
    switch ((pq_convert_kind)c->kind) {
    case PQ_TO_COPY: memcpy(out, in, n * c->out_bytes); return VONK_OK;
    case PQ_I32_TO_I8: EACH(int8_t, LOAD(int32_t, in, i)); return VONK_OK;
    case PQ_I32_TO_I16: EACH(int16_t, LOAD(int32_t, in, i)); return VONK_OK;
    case PQ_I32_TO_I64: vonk__pq_kernels()->widen_i32(in, n, factor, out); return VONK_OK;
    case PQ_U32_TO_I64: EACH(int64_t, LOAD(uint32_t, in, i)); return VONK_OK;
    case PQ_I32_TO_I128:
        EACH(vonk_i128, (vonk_u128)(vonk_i128)LOAD(int32_t, in, i) * (vonk_u128)c->factor);
        return VONK_OK;
    case PQ_I32_TO_F64: EACH(double, LOAD(int32_t, in, i)); return VONK_OK;
    case PQ_F32_TO_F64: EACH(double, LOAD(float, in, i)); return VONK_OK;
    case PQ_I64_TO_I64: return multiply(c, in, n, out, err);
    case PQ_I64_TO_I128:
        EACH(vonk_i128, (vonk_u128)(vonk_i128)LOAD(int64_t, in, i) * (vonk_u128)c->factor);
        return VONK_OK;
    case PQ_U64_TO_I128: EACH(vonk_i128, LOAD(uint64_t, in, i)); return VONK_OK;
    case PQ_I64_CUT: EACH(int64_t, floor_div(LOAD(int64_t, in, i), factor) * factor); return VONK_OK;
    case PQ_I64_CUT_I128: EACH(vonk_i128, (vonk_i128)floor_div(LOAD(int64_t, in, i), factor) * factor); return VONK_OK;
    case PQ_INT96_TO_MICROS: int96_to_micros(in, n, out); return VONK_OK;
    case PQ_BIG_TO_I64:
    case PQ_BIG_TO_I128: return big_all(c, in, n, out, err);
    case PQ_TO_BITS:
    case PQ_TO_VIEWS:
    case PQ_TO_NOTHING: break; /* made elsewhere */
    }
    return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "conversion of Parquet values");
}

vonk_status vonk__pq_convert_fixed(const pq_convert *c, const uint8_t *in, size_t n, void *out, vonk_error *err)
{
    VONK_TRY(convert(c, in, n, out, err));
    if (c->rebase == PQ_REBASE_DAYS) return rebase_days(c, n, out, err);
    if (c->rebase == PQ_REBASE_MICROS) return rebase_micros(c, n, out, err);
    return VONK_OK;
}

vonk_status vonk__pq_convert_bytes(const pq_convert *c, const uint8_t *in, size_t bytes, void *out, vonk_error *err)
{
    return big_one(c, in, bytes, out, err);
}
