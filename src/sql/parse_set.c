/* sql/parse_set.c -- SET and RESET. A key and its value are the raw text of the statement, as they stand. */
#include "base/buf.h"
#include "sql/parse.h"
#include "text/zone.h"

static vonk_str text_between(const vonk_parser *p, uint32_t from, uint32_t end)
{
    if (end <= from) return VONK_STR("");
    return vonk_str_sub(p->text, p->tokens.at[from].start, p->tokens.at[end - 1].end);
}

static vonk_status conf_node(vonk_parser *p, uint32_t from, vonk_node_kind kind, const vonk_str *parts, uint32_t n,
                             int64_t number, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *plan;
    VONK_TRY(vonk__new_plan(p, kind, NULL, 0, &plan, err));
    VONK_TRY(vonk_plan_strs(plan, parts, n, &plan->name.parts, err));
    plan->name.n_parts = n;
    plan->number = number;
    return vonk__keep_plan(p, plan, from, ret, err);
}

/* A zone so many hours, minutes and seconds from UTC. */
static vonk_status zone_of_interval(vonk_parser *p, uint32_t from, const vonk_expr *interval, vonk_str *ret,
                                    vonk_error *err)
{
    enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, MOST_S = 18 * HOUR_S };
    const vonk_type *type = interval->type;
    const bool is_time = type->id == VONK_T_INTERVAL_DAY_TIME && type->first != VONK_DAY;
    const int64_t value = vonk_column_i64(interval->value, 0), s = value / 1000000, size_s = s < 0 ? -s : s;

    if (!is_time || value % 1000000 || size_s > MOST_S)
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_INTERVAL_FORMAT__TIMEZONE_INTERVAL_OUT_OF_RANGE, "input",
                               VONK_F("%lld", (long long)(is_time                                ? size_s / HOUR_S
                                                          : type->id == VONK_T_INTERVAL_DAY_TIME ? s / DAY_S
                                                                                                 : value)));
    const int h = (int)(size_s / HOUR_S), m = (int)(size_s / 60 % 60), rest = (int)(size_s % 60);
    VONK_TRY(vonk_arena_printf(p->arena, ret, err, "%c%02d:%02d", s < 0 ? '-' : '+', h, m));
    return rest ? vonk_arena_printf(p->arena, ret, err, "%.*s:%02d", VONK_STR_ARGS(*ret), rest) : VONK_OK;
}

static vonk_status set_zone(vonk_parser *p, uint32_t from, const vonk_plan **ret, vonk_error *err)
{
    vonk_str parts[2] = {VONK_STR("spark.sql.session.timeZone"), VONK_STR("")};
    if (vonk__at_string(p, 0))
        VONK_TRY(vonk__string(p, &parts[1], err));
    else if (vonk__accept(p, KW_LOCAL))
        parts[1] = vonk_zone_local_name();
    else if (vonk__is(p, KW_INTERVAL) && vonk__at_interval(p)) {
        const vonk_expr *interval;
        VONK_TRY(vonk__interval(p, &interval, err));
        VONK_TRY(zone_of_interval(p, from, interval, &parts[1], err));
    } else
        return VONK_PARSE_FAIL(p, from, err, VONK_E__LEGACY_ERROR_TEMP_0045);
    return conf_node(p, from, VONK_PN_SET_CONF, parts, 2, 0, ret, err);
}

static vonk_str unquoted(vonk_str s)
{
    if (s.len >= 2 && s.data[0] == '`' && s.data[s.len - 1] == '`') return vonk_str_sub(s, 1, s.len - 1);
    return s;
}

/* Letters, digits, '_', '-', '.' and ':' make a key; anything else must be in backquotes. */
static bool is_key(vonk_str s)
{
    if (s.len > 2 && s.data[0] == '`') return s.data[s.len - 1] == '`';
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_-.:", c);
        if (!fits || !c) return false;
    }
    return s.len > 0;
}

static uint32_t end_of_statement(const vonk_parser *p)
{
    uint32_t end = p->tokens.n - 1;
    while (end > p->at && p->tokens.at[end - 1].kind == TK_SEMICOLON) end--;
    return end;
}

vonk_status vonk__set(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++, end = end_of_statement(p), equals = p->at;
    if (p->at == end) return conf_node(p, from, VONK_PN_SET_CONF, NULL, 0, 0, ret, err);
    if (vonk__is(p, KW_TIME) && vonk__tok_at(p, 1) == KW_ZONE) {
        p->at += 2;
        return set_zone(p, from, ret, err);
    }
    if (vonk__is(p, KW_CATALOG) && vonk__tok_at(p, 1) != TK_EQ && p->at + 1 < end) {
        p->at++;
        vonk_strs name = {0};
        vonk_str text;
        vonk_plan *plan;
        if (vonk__at_string(p, 0))
            VONK_TRY(vonk__string(p, &text, err));
        else
            VONK_TRY(vonk__identifier(p, &text, err));
        VONK_TRY(VONK_PUSH(p, &name, text, err));
        VONK_TRY(vonk__command(p, VONK_PN_USE, NULL, "catalog", &plan, err));
        VONK_TRY(vonk__set_name_info(plan, &plan->command.name, &name, err));
        return vonk__keep_plan(p, plan, from, ret, err);
    }
    if ((vonk__is(p, KW_VAR) || vonk__is(p, KW_VARIABLE)) && vonk__tok_at(p, 1) != TK_EQ && p->at + 1 < end)
        return vonk__other_command(p, from, "set variable", ret, err);
    if (vonk__is(p, KW_ROLE) && p->at + 1 < end)
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_STATEMENT_OR_CLAUSE, "operation", "SET ROLE");
    while (equals < end && p->tokens.at[equals].kind != TK_EQ) equals++;
    vonk_str parts[2] = {text_between(p, p->at, equals), text_between(p, equals + 1, end)};
    p->at = end;
    if (equals == end && vonk_str_is(parts[0], "-v")) return conf_node(p, from, VONK_PN_SET_CONF, NULL, 0, 1, ret, err);
    if (!is_key(parts[0])) return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_SET_SYNTAX);
    if (equals < end && vonk_str_find_byte(parts[1], ';', 0) != SIZE_MAX)
        return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_SET_SYNTAX);
    parts[0] = unquoted(parts[0]);
    parts[1] = unquoted(parts[1]);
    return conf_node(p, from, VONK_PN_SET_CONF, parts, equals < end ? 2 : 1, 0, ret, err);
}

vonk_status vonk__reset(vonk_parser *p, const vonk_plan **ret, vonk_error *err)
{
    uint32_t from = p->at++, end = end_of_statement(p);
    vonk_str key = text_between(p, p->at, end);
    bool none = p->at == end;
    p->at = end;
    if (!none && !is_key(key)) return VONK_PARSE_FAIL(p, from, err, VONK_E_INVALID_RESET_COMMAND_FORMAT);
    key = unquoted(key);
    return conf_node(p, from, VONK_PN_RESET_CONF, &key, none ? 0 : 1, 0, ret, err);
}
