/* column/collation.c -- see collation.h. */
#include "column/collation.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/hash.h"

static const char *const locales[] = {
#define LOCALE(number, name) [number] = name,
#include "column/collation.def"
#undef LOCALE
};
static const char *const byte_names[] = {"UTF8_BINARY", "UTF8_LCASE"};

#define LOCALE_BITS 0xfff
#define MODIFIERS (VONK_COLLATION_AI | VONK_COLLATION_CI | VONK_COLLATION_RTRIM)
#define NAME_MAX_BYTES 63 /* longer names are surely unknown */

/* ---- names */

static int32_t modifier_bits(vonk_str word, int32_t *ret_group)
{
    static const struct {
        const char *word;
        int32_t group, bits;
    } rows[] = {{"CI", VONK_COLLATION_CI, VONK_COLLATION_CI},
                {"CS", VONK_COLLATION_CI, 0},
                {"AI", VONK_COLLATION_AI, VONK_COLLATION_AI},
                {"AS", VONK_COLLATION_AI, 0},
                {"RTRIM", VONK_COLLATION_RTRIM, VONK_COLLATION_RTRIM}};
    for (size_t i = 0; i < VONK_COUNTOF(rows); i++)
        if (vonk_str_is_nocase(word, rows[i].word)) {
            *ret_group = rows[i].group;
            return rows[i].bits;
        }
    *ret_group = 0;
    return 0;
}

/* "_CI_AI" -> bits; -1 when a word is unknown, said twice, or not allowed. */
static int32_t parse_modifiers(vonk_str text, int32_t allowed)
{
    int32_t seen = 0, bits = 0;
    while (text.len) {
        assert(text.data);
        if (text.data[0] != '_') return -1;
        size_t end = vonk_str_find_byte(text, '_', 1);
        vonk_str word = vonk_str_sub(text, 1, end == SIZE_MAX ? text.len : end);
        int32_t group;
        int32_t more = modifier_bits(word, &group);
        if (!group || !(group & allowed) || (seen & group)) return -1;
        seen |= group;
        bits |= more;
        text = end == SIZE_MAX ? VONK_STR_NONE : vonk_str_sub(text, end, text.len);
    }
    return bits;
}

static bool find(vonk_str name, const char *const *roots, size_t n, int32_t allowed, int32_t flags, int32_t *ret)
{
    size_t best = 0; /* the longest root wins: "sr_Cyrl" before "sr" */
    for (size_t i = 0; i < n; i++) {
        vonk_str root = vonk_str_of(roots[i]);
        if (root.len <= best || name.len < root.len || !vonk_str_eq_nocase(vonk_str_sub(name, 0, root.len), root))
            continue;
        int32_t bits = parse_modifiers(vonk_str_sub(name, root.len, name.len), allowed);
        if (bits < 0) continue;
        best = root.len;
        *ret = flags | bits | (int32_t)i;
    }
    return best > 0;
}

static unsigned char upper(char c) { return (unsigned char)(c >= 'a' && c <= 'z' ? c - 32 : c); }

static size_t edit_distance(vonk_str a, vonk_str b)
{
    size_t row[2 * NAME_MAX_BYTES + 2];
    assert(b.len <= 2 * NAME_MAX_BYTES);
    for (size_t j = 0; j <= b.len; j++) row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (upper(a.data[i - 1]) != upper(b.data[j - 1]));
            diagonal = row[j];
            row[j] = vonk_min_size(change, vonk_min_size(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}

/* Splits the known modifiers off the end; they come back, each once, in their order. */
static vonk_str split_modifiers(vonk_str name, bool bytes, char *into, size_t bytes_into)
{
    static const char *const words[] = {"_RTRIM", "_CI", "_AI", "_CS", "_AS"};
    vonk_str tail = name;
    bool again = true;
    while (again) {
        again = false;
        for (size_t i = 0; i < (bytes ? 1 : VONK_COUNTOF(words)) && !again; i++) {
            vonk_str w = vonk_str_of(words[i]);
            if (name.len <= w.len || !vonk_str_eq_nocase(vonk_str_sub(name, name.len - w.len, name.len), w)) continue;
            name.len -= w.len;
            again = true;
        }
    }
    size_t used = 0;
    int32_t seen = 0;
    for (size_t at = name.len; at < tail.len;) {
        size_t end = vonk_str_find_byte(tail, '_', at + 1);
        vonk_str word = vonk_str_sub(tail, at + 1, end == SIZE_MAX ? tail.len : end);
        int32_t group;
        (void)modifier_bits(word, &group);
        if (!(seen & group) && used + word.len + 1 < bytes_into) {
            into[used++] = '_';
            assert(word.data);
            for (size_t i = 0; i < word.len; i++) into[used++] = (char)upper(word.data[i]);
        }
        seen |= group;
        at = end == SIZE_MAX ? tail.len : end;
    }
    into[used] = 0;
    return name;
}

static void propose(vonk_str name, char *out, size_t out_bytes)
{
    bool bytes = name.len >= 5 && vonk_str_is_nocase(vonk_str_sub(name, 0, 5), "UTF8_");
    const char *const *roots = bytes ? byte_names : locales;
    size_t n = bytes ? VONK_COUNTOF(byte_names) : VONK_COUNTOF(locales), used = 0;
    char tail[64];
    if (name.len > NAME_MAX_BYTES) name.len = NAME_MAX_BYTES;
    vonk_str root = split_modifiers(name, bytes, tail, sizeof(tail));
    bool taken[VONK_COUNTOF(locales)] = {false};
    for (int k = 0; k < 3 && (size_t)k < n; k++) {
        size_t best = SIZE_MAX, at = 0;
        for (size_t i = 0; i < n; i++) {
            size_t d = taken[i] ? SIZE_MAX : edit_distance(vonk_str_of(roots[i]), root);
            if (d < best) {
                best = d;
                at = i;
            }
        }
        taken[at] = true;
        char whole[2 * NAME_MAX_BYTES];
        (void)snprintf(whole, sizeof(whole), "%s%s", roots[at], tail);
        if (k > 0 && edit_distance(vonk_str_of(whole), name) >= 3) break;
        int w = snprintf(out + used, out_bytes - used, "%s%s", k ? ", " : "", whole);
        if (w < 0 || (size_t)w >= out_bytes - used) break;
        used += (size_t)w;
    }
}

vonk_status vonk_collation_by_name(vonk_str name, int32_t *ret, vonk_error *err)
{
    if (find(name, byte_names, VONK_COUNTOF(byte_names), VONK_COLLATION_RTRIM, 0, ret) ||
        find(name, locales, VONK_COUNTOF(locales), MODIFIERS, VONK_COLLATION_ICU, ret))
        return VONK_OK;
    char proposals[400] = "";
    propose(name, proposals, sizeof(proposals));
    return VONK_FAIL(err, VONK_E_COLLATION_INVALID_NAME, "proposals", proposals, "collationName", VONK_S(name));
}

static const char *root_of(int32_t id)
{
    size_t at = (size_t)(id & LOCALE_BITS);
    if (id & ~(LOCALE_BITS | MODIFIERS | VONK_COLLATION_ICU)) return NULL;
    if (id & VONK_COLLATION_ICU) return at < VONK_COUNTOF(locales) ? locales[at] : NULL;
    return at < VONK_COUNTOF(byte_names) && !(id & (VONK_COLLATION_AI | VONK_COLLATION_CI)) ? byte_names[at] : NULL;
}

const char *vonk_collation_name(int32_t id, char into[64])
{
    const char *root = root_of(id);
    if (!root) return NULL;
    (void)snprintf(into, 64, "%s%s%s%s", root, id & VONK_COLLATION_CI ? "_CI" : "", id & VONK_COLLATION_AI ? "_AI" : "",
                   id & VONK_COLLATION_RTRIM ? "_RTRIM" : "");
    return into;
}

const char *vonk_collation_provider(int32_t id) { return id & VONK_COLLATION_ICU ? "icu" : "spark"; }

const char *vonk_collation_locale(int32_t id)
{
    if (!(id & VONK_COLLATION_ICU)) return NULL;
    return (id & LOCALE_BITS) == 0 ? "" : root_of(id);
}

/* ---- order */

static _Atomic(const vonk_collation_ops *) installed;

void vonk_collation_install(const vonk_collation_ops *ops) { atomic_store(&installed, ops); }
bool vonk_collation_is_bytes(int32_t id) { return id == 0; }
bool vonk_collation_supported(int32_t id)
{
    return id == 0 || id == VONK_COLLATION_RTRIM || atomic_load(&installed) != NULL;
}

vonk_status vonk_collation_check(int32_t id, vonk_error *err)
{
    if (vonk_collation_supported(id)) return VONK_OK;
    char into[64];
    const char *name = vonk_collation_name(id, into);
    return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                     VONK_F("collation %s", name ? name : "of an unknown number"));
}

static vonk_str without_blanks(vonk_str s)
{
    while (s.len && s.data[s.len - 1] == ' ') s.len--;
    return s;
}

int vonk_collation_compare(int32_t id, vonk_str a, vonk_str b)
{
    if (id == 0) return vonk_str_compare(a, b);
    if (id == VONK_COLLATION_RTRIM) return vonk_str_compare(without_blanks(a), without_blanks(b));
    assert(vonk_collation_supported(id));
    return atomic_load(&installed)->compare(id, a, b);
}

uint64_t vonk_collation_hash(int32_t id, vonk_str text)
{
    if (id == VONK_COLLATION_RTRIM) text = without_blanks(text);
    if (id == 0 || id == VONK_COLLATION_RTRIM) return vonk_hash64(text.data, text.len, 0);
    assert(vonk_collation_supported(id));
    return atomic_load(&installed)->hash(id, text);
}

vonk_status vonk_collation_key(int32_t id, vonk_str text, vonk_buf *out, vonk_error *err)
{
    if (id == VONK_COLLATION_RTRIM) text = without_blanks(text);
    if (id == 0 || id == VONK_COLLATION_RTRIM) return vonk_buf_add_str(out, text, err);
    VONK_TRY(vonk_collation_check(id, err));
    return atomic_load(&installed)->key(id, text, out, err);
}
