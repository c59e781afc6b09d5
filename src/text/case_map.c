/* text/case_map.c -- upper, lower and title case. */
#include "text/case_map.h"

#include "base/utf8.h"
#include "sys/module.h"
#include "sys/thread.h"
#include "text/chars.h"

/* As ICU 72 declares them; ICU's functions carry its version in their names. A map is immutable once opened. */
typedef void *open_fn(const char *locale, uint32_t options, int *status);
typedef int32_t map_fn(const void *map, char *to, int32_t room, const char *from, int32_t bytes, int *status);
typedef int32_t title_fn(void *map, char *to, int32_t room, const char *from, int32_t bytes, int *status);

typedef int8_t class_fn(int32_t code);

enum { OPEN, UPPER, LOWER, TITLE, IS_UPPER, IS_LOWER, IS_DIGIT, N_FN };
enum { ICU_OVERFLOW = 15, ICU_FIRST_ERROR = 1 };
enum { TITLE_WHOLE_TEXT = 0x20, TITLE_NO_ADJUSTMENT = 0x200 };

static const char *const names[N_FN] = {"ucasemap_open_72",
                                        "ucasemap_utf8ToUpper_72",
                                        "ucasemap_utf8ToLower_72",
                                        "ucasemap_utf8ToTitle_72",
                                        "u_isUUppercase_72",
                                        "u_isULowercase_72",
                                        "u_isdigit_72"};
static vonk_module_fn at[N_FN];
static vonk_module icu = {"libicuuc.so.72", "libicu72", names, N_FN, at, 0};
static void *map;
static vonk_once opened = VONK_ONCE_INIT;

static void open_map(void)
{
    int status = 0;
    map = ((open_fn *)at[OPEN])("", TITLE_WHOLE_TEXT | TITLE_NO_ADJUSTMENT, &status);
    if (status >= ICU_FIRST_ERROR) map = NULL;
}

static vonk_status need_icu(vonk_error *err)
{
    VONK_TRY(vonk_module_need(&icu, err));
    vonk_once_run(&opened, open_map);
    if (!map) return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "case mapping: ICU's data is missing");
    return VONK_OK;
}

void vonk_ascii_upper(const char *from, size_t bytes, char *out)
{
    for (size_t i = 0; i < bytes; i++) {
        uint8_t c = (uint8_t)from[i];
        out[i] = (char)(c - (((uint8_t)(c - 'a') < 26) << 5));
    }
}

void vonk_ascii_lower(const char *from, size_t bytes, char *out)
{
    for (size_t i = 0; i < bytes; i++) {
        uint8_t c = (uint8_t)from[i];
        out[i] = (char)(c + (((uint8_t)(c - 'A') < 26) << 5));
    }
}

void vonk_ascii_title(const char *from, size_t bytes, char *out)
{
    bool first = true;
    for (size_t i = 0; i < bytes; i++) {
        char c = from[i];
        if (first && c >= 'a' && c <= 'z') c = (char)(c - 32);
        if (!first && c >= 'A' && c <= 'Z') c = (char)(c + 32);
        first = c == ' ';
        out[i] = c;
    }
}

static vonk_status map_part(int fn, vonk_str text, vonk_buf *out, vonk_error *err)
{
    if (text.len > INT32_MAX / 4)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature", "case mapping of more than 512 MiB of text");
    size_t room = text.len + text.len / 2 + 16;
    for (;;) {
        int status = 0;
        VONK_TRY(vonk_buf_reserve(out, room, err));
        int32_t n = ((map_fn *)at[fn])(map, out->data + out->len, (int32_t)room, text.data, (int32_t)text.len, &status);
        if (status == ICU_OVERFLOW) {
            room = (size_t)n + 1;
            continue;
        }
        if (status >= ICU_FIRST_ERROR)
            return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", VONK_F("ICU says %d to a case mapping", status));
        out->len += (size_t)n;
        return VONK_OK;
    }
}

/* Words end at U+0020 only. */
static vonk_status map_title(vonk_str text, vonk_buf *out, vonk_error *err)
{
    for (size_t i = 0; i <= text.len;) {
        size_t end = vonk_str_find_byte(text, ' ', i);
        if (end > text.len) end = text.len;
        if (end > i) VONK_TRY(map_part(TITLE, vonk_str_sub(text, i, end), out, err));
        if (end < text.len) VONK_TRY(vonk_buf_add_byte(out, ' ', err));
        i = end + 1;
    }
    return VONK_OK;
}

vonk_status vonk_case_map(vonk_case to, vonk_str text, vonk_buf *out, vonk_error *err)
{
    vonk_buf_reset(out);
    if (vonk_chars_ascii(text.data, text.len)) {
        char *into;
        VONK_TRY(vonk_buf_extend(out, text.len, &into, err));
        (to == VONK_CASE_UPPER   ? vonk_ascii_upper
         : to == VONK_CASE_LOWER ? vonk_ascii_lower
                                 : vonk_ascii_title)(text.data, text.len, into);
        return VONK_OK;
    }
    VONK_TRY(need_icu(err));
    VONK_AUTO(vonk_buf_done) vonk_buf repaired = {0};
    if (!vonk_utf8_valid(text)) {
        vonk_buf_init(&repaired, out->budget, SIZE_MAX);
        VONK_TRY(vonk_chars_repair(text, &repaired, err));
        text = vonk_buf_str(&repaired);
    }
    if (to == VONK_CASE_TITLE) return map_title(text, out, err);
    return map_part(to == VONK_CASE_UPPER ? UPPER : LOWER, text, out, err);
}

vonk_status vonk_char_class(uint32_t code, char *ret, vonk_error *err)
{
    *ret = 0;
    if (code < 128) {
        *ret = code >= 'A' && code <= 'Z'   ? 'U'
               : code >= 'a' && code <= 'z' ? 'L'
               : code >= '0' && code <= '9' ? 'D'
                                            : 0;
        return VONK_OK;
    }
    VONK_TRY(need_icu(err));
    if (((class_fn *)at[IS_UPPER])((int32_t)code))
        *ret = 'U';
    else if (((class_fn *)at[IS_LOWER])((int32_t)code))
        *ret = 'L';
    else if (((class_fn *)at[IS_DIGIT])((int32_t)code))
        *ret = 'D';
    return VONK_OK;
}
