#include "rdd/rdd_conf.h"

#define INPUT "mapreduce.input.fileinputformat."
#define OUTPUT "mapreduce.output.fileoutputformat."
#define LINE_LENGTH "mapreduce.input.linerecordreader.line.maxlength"
#define PATH_FILTER "mapreduce.input.pathFilter.class"
#define DELIMITER "textinputformat.record.delimiter"

static const char *old_name(const char *name)
{
    static const struct {
        const char *name, *old;
    } rows[] = {
        {INPUT "input.dir.recursive", "mapred.input.dir.recursive"},
        {INPUT "inputdir", "mapred.input.dir"},
        {INPUT "split.maxsize", "mapred.max.split.size"},
        {INPUT "split.minsize", "mapred.min.split.size"},
        {"mapreduce.input.keyvaluelinerecordreader.key.value.separator", "key.value.separator.in.input.line"},
        {LINE_LENGTH, "mapred.linerecordreader.maxlength"},
        {PATH_FILTER, "mapred.input.pathFilter.class"},
        {"mapreduce.job.output.key.class", "mapred.output.key.class"},
        {"mapreduce.job.output.value.class", "mapred.output.value.class"},
        {"mapreduce.job.outputformat.class", "mapreduce.outputformat.class"},
        {OUTPUT "compress", "mapred.output.compress"},
        {OUTPUT "compress.codec", "mapred.output.compression.codec"},
        {OUTPUT "compress.type", "mapred.output.compression.type"},
        {OUTPUT "outputdir", "mapred.output.dir"},
        {"mapreduce.output.textoutputformat.separator", "mapred.textoutputformat.separator"},
    };
    for (size_t i = 0; i < VONK_COUNTOF(rows); i++)
        if (strcmp(rows[i].name, name) == 0) return rows[i].old;
    return NULL;
}

static bool own_setting(const vonk_rdd_conf *conf, const char *name, vonk_str *ret)
{
    for (uint32_t i = 0; conf && name && i < conf->n; i++)
        if (vonk_str_is(conf->at[i].key, name)) {
            *ret = conf->at[i].value;
            return true;
        }
    return false;
}

vonk_status vonk_rdd_hadoop_setting(vonk_rdd_context *context, const vonk_rdd_conf *conf, const char *name,
                                    vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    const vonk_rdd_env *env = &context->env;
    const char *const names[] = {name, old_name(name)};
    vonk_str found = VONK_STR_NONE;
    for (size_t i = 0; i < 2; i++)
        if (own_setting(conf, names[i], &found)) return vonk_arena_str(arena, found, ret, err);
    for (size_t i = 0; i < 2 && names[i] && env->hadoop_setting && !found.data; i++)
        VONK_TRY(env->hadoop_setting(env->self, vonk_str_of(names[i]), arena, &found, err));
    *ret = found;
    return VONK_OK;
}

/* ---- kinds of values */

/* Long.decode's decimal and hexadecimal forms. */
static bool number(vonk_str text, int64_t *ret)
{
    const bool is_negative = text.len && text.data[0] == '-';
    if (text.len && (text.data[0] == '-' || text.data[0] == '+')) text = vonk_str_sub(text, 1, text.len);
    const bool is_hex = text.len > 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x';
    if (is_hex) text = vonk_str_sub(text, 2, text.len);
    int64_t x = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i], lower = (char)(c | 0x20);
        const int digit = c >= '0' && c <= '9'                     ? c - '0'
                          : is_hex && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                                                   : -1;
        if (digit < 0 || __builtin_mul_overflow(x, is_hex ? 16 : 10, &x) || __builtin_add_overflow(x, digit, &x))
            return false;
    }
    *ret = is_negative ? -x : x;
    return text.len > 0;
}

static vonk_status read_number(vonk_rdd_context *context, const vonk_rdd_conf *conf, const char *name,
                               vonk_arena *arena, int64_t *inout, vonk_error *err)
{
    vonk_str text;
    VONK_TRY(vonk_rdd_hadoop_setting(context, conf, name, arena, &text, err));
    if (!text.data || number(vonk_str_trim(text), inout)) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH, "confValue", VONK_S(text), "confName", name,
                     "confType", "long");
}

/* What is neither true nor false says nothing. */
static vonk_status read_bool(vonk_rdd_context *context, const vonk_rdd_conf *conf, const char *name, vonk_arena *arena,
                             bool *inout, vonk_error *err)
{
    vonk_str text;
    VONK_TRY(vonk_rdd_hadoop_setting(context, conf, name, arena, &text, err));
    text = vonk_str_trim(text);
    if (vonk_str_is_nocase(text, "true")) *inout = true;
    if (vonk_str_is_nocase(text, "false")) *inout = false;
    return VONK_OK;
}

/* ---- both directions */

vonk_status vonk__rdd_read_input_conf(vonk_rdd_context *context, const vonk_rdd_conf *conf, vonk_arena *arena,
                                      rdd_input_conf *ret, vonk_error *err)
{
    static const char *const refused[] = {LINE_LENGTH, PATH_FILTER};
    vonk_str text;
    *ret = (rdd_input_conf){.least_split = 1, .most_split = INT64_MAX};
    for (size_t i = 0; i < VONK_COUNTOF(refused); i++) {
        VONK_TRY(vonk_rdd_hadoop_setting(context, conf, refused[i], arena, &text, err));
        if (text.data)
            return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("the setting %s", refused[i]));
    }
    VONK_TRY(read_number(context, conf, INPUT "split.minsize", arena, &ret->least_split, err));
    VONK_TRY(read_number(context, conf, INPUT "split.maxsize", arena, &ret->most_split, err));
    if (ret->least_split < 1) ret->least_split = 1;
    VONK_TRY(read_bool(context, conf, INPUT "input.dir.recursive", arena, &ret->is_recursive, err));
    VONK_TRY(read_bool(context, conf, INPUT "input.dir.nonrecursive.ignore.subdirs", arena, &ret->skips_folders, err));
    return VONK_OK;
}

vonk_status vonk__rdd_read_delimiter(vonk_rdd_context *context, const vonk_rdd_conf *conf, vonk_arena *arena,
                                     vonk_str *ret, vonk_error *err)
{
    VONK_TRY(vonk_rdd_hadoop_setting(context, conf, DELIMITER, arena, ret, err));
    if (!ret->data || ret->len) return VONK_OK;
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "an empty " DELIMITER);
}

/* The low byte of the first unit of UTF-16, which is what Hadoop makes of a separator. */
static uint8_t first_byte(vonk_str text)
{
    const uint8_t *at = (const uint8_t *)text.data;
    if (at[0] < 0x80 || text.len < 2) return at[0];
    const uint32_t second = at[1] & 0x3f, third = text.len > 2 ? at[2] & 0x3f : 0;
    if (at[0] < 0xe0) return (uint8_t)((uint32_t)at[0] << 6 | second);
    if (at[0] < 0xf0) return (uint8_t)(second << 6 | third);
    const uint32_t whole = ((uint32_t)at[0] & 7) << 18 | second << 12 | third << 6;
    return (uint8_t)((whole - 0x10000) >> 10);
}

vonk_status vonk__rdd_read_separator(vonk_rdd_context *context, const vonk_rdd_conf *conf, vonk_arena *arena, char *ret,
                                     vonk_error *err)
{
    static const char name[] = "mapreduce.input.keyvaluelinerecordreader.key.value.separator";
    vonk_str text;
    VONK_TRY(vonk_rdd_hadoop_setting(context, conf, name, arena, &text, err));
    if (text.data && !text.len)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", VONK_F("an empty %s", name));
    *ret = text.data ? (char)first_byte(text) : '\t';
    return VONK_OK;
}

/* SequenceFiles: RECORD, if nothing is said; BLOCK; NONE. */
static vonk_status read_packing(vonk_rdd_context *context, const vonk_rdd_conf *conf, vonk_arena *arena,
                                rdd_output_conf *inout, vonk_error *err)
{
    static const char name[] = OUTPUT "compress.type";
    vonk_str how;
    VONK_TRY(vonk_rdd_hadoop_setting(context, conf, name, arena, &how, err));
    if (!how.data) how = VONK_STR("RECORD");
    inout->by_record = vonk_str_is(how, "RECORD");
    if (vonk_str_is(how, "NONE")) inout->codec = VONK_STR_NONE;
    if (inout->by_record || vonk_str_is(how, "NONE") || vonk_str_is(how, "BLOCK")) return VONK_OK;
    return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__OUT_OF_RANGE_OF_OPTIONS, "confValue", VONK_S(how), "confName",
                     name, "confOptions", "NONE, RECORD, BLOCK");
}

static vonk_status read_codec(vonk_rdd_context *context, const vonk_rdd_conf *conf, bool is_sequence, vonk_arena *arena,
                              rdd_output_conf *inout, vonk_error *err)
{
    bool is_packed = false;
    vonk_str codec;
    VONK_TRY(read_bool(context, conf, OUTPUT "compress", arena, &is_packed, err));
    if (!is_packed) return VONK_OK;
    VONK_TRY(vonk_rdd_hadoop_setting(context, conf, OUTPUT "compress.codec", arena, &codec, err));
    inout->codec = codec.data ? vonk_str_trim(codec) : VONK_STR("org.apache.hadoop.io.compress.DefaultCodec");
    return is_sequence ? read_packing(context, conf, arena, inout, err) : VONK_OK;
}

vonk_status vonk__rdd_read_output_conf(vonk_rdd_context *context, const vonk_rdd_conf *conf, vonk_str codec,
                                       bool is_sequence, vonk_arena *arena, rdd_output_conf *ret, vonk_error *err)
{
    bool is_marked = true;
    *ret = (rdd_output_conf){.codec = codec};
    if (!codec.len) VONK_TRY(read_codec(context, conf, is_sequence, arena, ret, err));
    VONK_TRY(vonk_rdd_hadoop_setting(context, conf, "mapreduce.output.textoutputformat.separator", arena,
                                     &ret->separator, err));
    if (!ret->separator.data) ret->separator = VONK_STR("\t");
    VONK_TRY(vonk_rdd_hadoop_setting(context, conf, "mapreduce.output.basename", arena, &ret->name, err));
    if (!ret->name.data) ret->name = VONK_STR("part");
    VONK_TRY(read_bool(context, conf, "mapreduce.fileoutputcommitter.marksuccessfuljobs", arena, &is_marked, err));
    ret->no_success = !is_marked;
    return VONK_OK;
}
