/* Types from texts: the first byte says DDL or JSON. What is a type must survive its own JSON, and its DDL if it is a
 * struct. */
#include <stdlib.h>

#include "column/type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds)
{
    if (!holds) abort();
}

/* Spark's JSON has no char or varchar with a collation, and its DDL no form for user-defined types. */
static bool has_odd_part(const vonk_type *t)
{
    if (t->id == VONK_T_UDT ||
        ((t->id == VONK_T_CHAR || t->id == VONK_T_VARCHAR) && (t->collation || t->collate_shown)))
        return true;
    for (uint32_t i = 0; i < t->n_fields; i++)
        if (has_odd_part(t->fields[i].type)) return true;
    return false;
}

static void check_json(const vonk_type *t)
{
    vonk_buf json = {0};
    vonk_error err = VONK_ERROR_INIT;
    const vonk_type *again = NULL;
    vonk_buf_init(&json, vonk_budget_root(), SIZE_MAX);
    require(vonk_type_json(t, &json, &err) == VONK_OK);
    if (!has_odd_part(t)) {
        require(vonk_type_parse_json(vonk_buf_str(&json), &again, &err) == VONK_OK);
        require(vonk_type_eq_exact(t, again));
    }
    vonk_type_unref(again);
    vonk_buf_done(&json);
}

static void check_texts(const vonk_type *t)
{
    vonk_buf text = {0};
    vonk_error err = VONK_ERROR_INIT;
    vonk_buf_init(&text, vonk_budget_root(), SIZE_MAX);
    require(vonk_type_simple_string(t, &text, &err) == VONK_OK);
    require(vonk_type_catalog_string(t, &text, &err) == VONK_OK);
    require(vonk_type_sql(t, &text, &err) == VONK_OK);
    require(vonk_type_tree_string(t, 0, &text, &err) == VONK_OK);
    vonk_buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0) return 0;
    vonk_str text = {(const char *)data + 1, bytes - 1};
    vonk_error err = VONK_ERROR_INIT;
    const vonk_type *t = NULL;
    const vonk_type_options options = {.nanos = data[0] & 2, .timestamp_ntz = data[0] & 4};
    vonk_status st = data[0] & 1 ? vonk_type_parse_json(text, &t, &err)
                                 : vonk_type_parse_with(text, data[0] & 8, &options, &t, &err);
    if (st == VONK_OK) {
        check_json(t);
        check_texts(t);
        vonk_type_unref(t);
    }
    vonk_error_reset(&err);
    return 0;
}
