/* text/json.h -- JSON read in place: a cursor over the text, one value at a time. Depth is limited; nothing is allocated but what a caller's buffer takes. */
#ifndef VONK_TEXT_JSON_H
#define VONK_TEXT_JSON_H

#include "base/buf.h"

#define VONK_JSON_MOST_DEPTH 1000

typedef struct vonk_json {
    vonk_str text;
    size_t   at;
    int      depth;
} vonk_json;

/* First byte of the next value, white space skipped: { [ " t f n - or a digit; 0 at the end. */
char vonk_json_peek(vonk_json *j);
/* Moves behind the value; false: it is not JSON. ret_value (may be NULL): its text. */
bool vonk_json_skip(vonk_json *j, vonk_str *ret_value);
/* At a string: appends its characters, escapes taken away. */
vonk_status vonk_json_string(vonk_json *j, vonk_buf *out, bool *ret_ok, vonk_error *err);
/* Objects and arrays: open once ('{' or '['), then next until it says false; *ret_ok false: malformed. In objects key gets the next key; then the cursor stands
 * before the value, which the caller has to read or skip. */
bool        vonk_json_open(vonk_json *j, char bracket);
bool        vonk_json_next_item(vonk_json *j, bool *inout_first, bool *ret_ok);
vonk_status vonk_json_next_field(vonk_json *j, bool *inout_first, vonk_buf *key, bool *ret_more, bool *ret_ok, vonk_error *err);

/* Appends text as a JSON string with its quotes. */
vonk_status vonk_json_add_string(vonk_str text, vonk_buf *out, vonk_error *err);
/* Appends a value's text without white space. The text must be JSON. */
vonk_status vonk_json_add_compact(vonk_str value, vonk_buf *out, vonk_error *err);

#endif
