/* session/show_string.c -- the text of Dataset.show(): a box, vertical records, or an HTML table. Layout as Spark's
 * Dataset.showString. */
#include "session/session_int.h"

#include "func/cast.h"
#include "text/chars.h"

#define MIN_COLUMN_WIDTH 3

/* All cells as text: row 0 is the header. */
typedef struct grid {
    vonk_str *cells; /* [row * n_columns + column], in the query's arena */
    uint32_t n_rows, n_columns;
    bool more; /* there were more rows than asked for */
} grid;

/* ---- characters */
static uint32_t next_char(vonk_str s, size_t *at)
{
    const uint8_t lead = (uint8_t)s.data[*at];
    const unsigned n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint32_t c = n == 1 ? lead : lead & (0xffu >> (n + 1));

    for (unsigned i = 1; i < n && *at + i < s.len; i++) c = c << 6 | ((uint8_t)s.data[*at + i] & 0x3f);
    *at = vonk_min_size(*at + n, s.len);
    return c;
}

/* East Asian wide forms take two cells of a terminal. */
static bool is_wide(uint32_t c)
{
    static const uint32_t ranges[][2] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                                         {0xfe10, 0xfe19}, {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}};

    for (size_t i = 0; i < VONK_COUNTOF(ranges); i++)
        if (c >= ranges[i][0] && c <= ranges[i][1]) return true;
    return false;
}

/* Spark counts Java's characters: those above U+FFFF are two. */
static uint32_t units_of(uint32_t c) { return c > 0xffff ? 2 : 1; }

static uint32_t width_of(vonk_str s)
{
    uint32_t width = 0;

    for (size_t at = 0; at < s.len;) {
        const uint32_t c = next_char(s, &at);
        width += units_of(c) + is_wide(c);
    }
    return width;
}

static uint32_t count_units(vonk_str s)
{
    uint32_t n = 0;

    for (size_t at = 0; at < s.len;) n += units_of(next_char(s, &at));
    return n;
}

/* Cuts to n of Java's characters; half of one comes out as a question mark. */
static vonk_status cut_to_units(vonk_buf *text, uint32_t n, vonk_error *err)
{
    const vonk_str whole = vonk_buf_str(text);
    size_t at = 0;

    while (n > 0) {
        size_t next = at;
        const uint32_t units = units_of(next_char(whole, &next));
        if (units > n) {
            text->len = at;
            return vonk_buf_add_byte(text, '?', err);
        }
        n -= units;
        at = next;
    }
    text->len = at;
    return VONK_OK;
}

/* ---- cells */
static vonk_status escape(vonk_str text, vonk_buf *out, vonk_error *err)
{
    static const char from[] = "\n\r\t\f\b\v\a", to[] = "nrtfbva";

    for (size_t i = 0; i < text.len; i++) {
        const char *hit = text.data[i] ? strchr(from, text.data[i]) : NULL;
        if (hit) VONK_TRY(vonk_buf_add_byte(out, '\\', err));
        VONK_TRY(vonk_buf_add_byte(out, hit ? to[hit - from] : text.data[i], err));
    }
    return VONK_OK;
}

/* Made text (binary may have been cast to a string), escaped, then cut to `truncate` characters (0: whole). */
static vonk_status cell(vonk_arena *arena, vonk_str text, int32_t truncate, bool escaped, vonk_buf *scratch,
                        vonk_str *ret, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf clean = {0};

    vonk_buf_init(&clean, scratch->budget, SIZE_MAX);
    VONK_TRY(vonk_chars_repair(text, &clean, err));
    vonk_buf_reset(scratch);
    if (escaped)
        VONK_TRY(escape(vonk_buf_str(&clean), scratch, err));
    else
        VONK_TRY(vonk_buf_add_str(scratch, vonk_buf_str(&clean), err));
    if (truncate > 0 && count_units(vonk_buf_str(scratch)) > (uint32_t)truncate) {
        const bool dots = truncate >= 4;
        VONK_TRY(cut_to_units(scratch, (uint32_t)(dots ? truncate - 3 : truncate), err));
        if (dots) VONK_TRY(vonk_buf_add_c(scratch, "...", err));
    }
    return vonk_arena_str(arena, vonk_buf_str(scratch), ret, err);
}

static vonk_status fill_grid(vonk_query *query, const vonk_plan *show, const vonk_batch *rows, grid *g, vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK_AUTO(vonk_buf_done) vonk_buf scratch = {0};
    const vonk_show_info *info = &show->show;
    const vonk_plan *child = show->children[0];

    vonk_buf_init(&text, query->budget, SIZE_MAX);
    vonk_buf_init(&scratch, query->budget, SIZE_MAX);
    VONK_TRY(vonk_arena_array(query->arena, (size_t)(g->n_rows + 1) * g->n_columns, sizeof *g->cells, &g->cells, err));
    for (uint32_t c = 0; c < g->n_columns; c++) {
        VONK_TRY(cell(query->arena, child->output[c]->name, 0, !info->html, &scratch, &g->cells[c],
                      err)); /* names stay whole */
        for (uint32_t r = 0; r < g->n_rows; r++) {
            vonk_buf_reset(&text);
            VONK_TRY(vonk_cast_row_pretty(&query->env, rows->columns[c], r, &text, err));
            VONK_TRY(cell(query->arena, vonk_buf_str(&text), info->truncate, !info->html, &scratch,
                          &g->cells[(size_t)(r + 1) * g->n_columns + c], err));
        }
    }
    return VONK_OK;
}

/* ---- the three layouts */
static vonk_status pad(vonk_buf *out, uint32_t n, char with, vonk_error *err)
{
    for (; n > 0; n--) VONK_TRY(vonk_buf_add_byte(out, with, err));
    return VONK_OK;
}

static vonk_status rule(const grid *g, const uint32_t *widths, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '+', err));
    for (uint32_t c = 0; c < g->n_columns; c++) {
        VONK_TRY(pad(out, widths[c], '-', err));
        VONK_TRY(vonk_buf_add_byte(out, '+', err));
    }
    if (g->n_columns == 0) VONK_TRY(vonk_buf_add_byte(out, '+', err));
    return vonk_buf_add_byte(out, '\n', err);
}

static vonk_status box_row(const grid *g, uint32_t row, const uint32_t *widths, bool right, vonk_buf *out,
                           vonk_error *err)
{
    VONK_TRY(vonk_buf_add_byte(out, '|', err));
    for (uint32_t c = 0; c < g->n_columns; c++) {
        const vonk_str text = g->cells[(size_t)row * g->n_columns + c];
        const uint32_t gap = widths[c] - width_of(text);
        if (right) VONK_TRY(pad(out, gap, ' ', err));
        VONK_TRY(vonk_buf_add_str(out, text, err));
        if (!right) VONK_TRY(pad(out, gap, ' ', err));
        VONK_TRY(vonk_buf_add_byte(out, '|', err));
    }
    if (g->n_columns == 0) VONK_TRY(vonk_buf_add_byte(out, '|', err));
    return vonk_buf_add_byte(out, '\n', err);
}

static vonk_status box(vonk_query *query, const grid *g, int32_t truncate, vonk_buf *out, vonk_error *err)
{
    uint32_t *widths = NULL;

    VONK_TRY(vonk_arena_array(query->arena, g->n_columns + 1, sizeof *widths, &widths, err));
    for (uint32_t c = 0; c < g->n_columns; c++) {
        widths[c] = MIN_COLUMN_WIDTH;
        for (uint32_t r = 0; r <= g->n_rows; r++) {
            const uint32_t width = width_of(g->cells[(size_t)r * g->n_columns + c]);
            if (width > widths[c]) widths[c] = width;
        }
    }
    VONK_TRY(rule(g, widths, out, err));
    VONK_TRY(box_row(g, 0, widths, truncate > 0, out, err));
    VONK_TRY(rule(g, widths, out, err));
    for (uint32_t r = 1; r <= g->n_rows; r++) VONK_TRY(box_row(g, r, widths, truncate > 0, out, err));
    return rule(g, widths, out, err);
}

static vonk_status vertical(const grid *g, vonk_buf *out, vonk_error *err)
{
    uint32_t name_width = MIN_COLUMN_WIDTH, value_width = MIN_COLUMN_WIDTH;

    for (uint32_t c = 0; c < g->n_columns; c++) {
        name_width = (uint32_t)vonk_max_size(name_width, width_of(g->cells[c]));
        for (uint32_t r = 1; r <= g->n_rows; r++)
            value_width = (uint32_t)vonk_max_size(value_width, width_of(g->cells[(size_t)r * g->n_columns + c]));
    }
    for (uint32_t r = 1; r <= g->n_rows; r++) {
        const size_t start = out->len;
        VONK_TRY(vonk_buf_printf(out, err, "-RECORD %u", r - 1));
        const size_t written = out->len - start, want = (size_t)name_width + value_width + 5;
        VONK_TRY(pad(out, written < want ? (uint32_t)(want - written) : 0, '-', err));
        VONK_TRY(vonk_buf_add_byte(out, '\n', err));
        for (uint32_t c = 0; c < g->n_columns; c++) {
            const vonk_str value = g->cells[(size_t)r * g->n_columns + c];
            VONK_TRY(vonk_buf_printf(out, err, " %.*s", VONK_STR_ARGS(g->cells[c])));
            VONK_TRY(pad(out, name_width - width_of(g->cells[c]), ' ', err));
            VONK_TRY(vonk_buf_add_c(out, " | ", err));
            VONK_TRY(vonk_buf_add_str(out, value, err));
            VONK_TRY(pad(out, value_width - width_of(value), ' ', err));
            VONK_TRY(vonk_buf_add_c(out, " \n", err));
        }
    }
    return VONK_OK;
}

static vonk_status html_text(vonk_str text, vonk_buf *out, vonk_error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.data[i];
        const char *entity = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : NULL;
        if (entity)
            VONK_TRY(vonk_buf_add_c(out, entity, err));
        else
            VONK_TRY(vonk_buf_add_byte(out, c, err));
    }
    return VONK_OK;
}

static vonk_status html(const grid *g, vonk_buf *out, vonk_error *err)
{
    VONK_TRY(vonk_buf_add_c(out, "<table border='1'>\n", err));
    for (uint32_t r = 0; r <= g->n_rows; r++) {
        const char *tag = r == 0 ? "th" : "td";
        VONK_TRY(vonk_buf_add_c(out, "<tr>", err));
        for (uint32_t c = 0; c < g->n_columns; c++) {
            VONK_TRY(vonk_buf_printf(out, err, "<%s>", tag));
            VONK_TRY(html_text(g->cells[(size_t)r * g->n_columns + c], out, err));
            VONK_TRY(vonk_buf_printf(out, err, "</%s>", tag));
        }
        VONK_TRY(vonk_buf_add_c(out, "</tr>\n", err));
    }
    return vonk_buf_add_c(out, "</table>\n", err);
}

/* ---- one row more than shown tells whether there are more */
static vonk_status take_rows(vonk_query *query, const vonk_plan *show, int64_t n, vonk_batch **ret, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *limited = NULL;

    VONK_TRY(vonk_pn_limit(query->budget, show->children[0], n, &limited, err));
    return vonk__session_collect_query(query->session, limited, true, query->budget, &query->inner, ret, err);
}

vonk_status vonk__session_show_string(vonk_query *query, const vonk_plan *show, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_batch_unref) vonk_batch *rows = NULL;
    const vonk_show_info *info = &show->show;
    const uint32_t n = info->n_rows > 0 ? (uint32_t)info->n_rows : 0;
    grid g = {.n_columns = show->children[0]->n_output};

    VONK_TRY(take_rows(query, show, (int64_t)n + 1, &rows, err));
    const uint32_t got = rows ? rows->n_rows : 0;
    g.more = got > n;
    g.n_rows = g.more ? n : got;
    VONK_TRY(fill_grid(query, show, rows, &g, err));
    if (info->html)
        VONK_TRY(html(&g, out, err));
    else if (info->vertical)
        VONK_TRY(vertical(&g, out, err));
    else
        VONK_TRY(box(query, &g, info->truncate, out, err));
    if (info->vertical && !info->html && g.n_rows == 0) return vonk_buf_add_c(out, "(0 rows)", err);
    if (!g.more) return VONK_OK;
    return vonk_buf_printf(out, err, "only showing top %u row%s", n, n == 1 ? "" : "s");
}
