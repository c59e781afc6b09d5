/* cmd/sql_shell.c -- the interactive shell: lines are gathered until a ';', with history and completion of keywords,
 * tables, views and functions (libedit). Ctrl-C drops what was typed, or stops the query; Ctrl-D ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sql.h"
#include "sys/env.h"
#include "sys/loop.h"
#include "sys/module.h"

/* libedit's readline interface, opened at first use: scripts and servers do without. */
typedef struct line_editor {
    char *(*readline)(const char *prompt);
    int (*add_history)(const char *line);
    int (*read_history)(const char *path);
    int (*write_history)(const char *path);
    char **(*completion_matches)(const char *text, char *(*next)(const char *text, int state));
} line_editor;

static const char *const words[] = {
    "SELECT",      "FROM",           "WHERE",   "GROUP BY", "HAVING", "ORDER BY", "LIMIT",     "JOIN",  "LEFT",
    "RIGHT",       "FULL",           "INNER",   "CROSS",    "SEMI",   "ANTI",     "USING",     "UNION", "INTERSECT",
    "EXCEPT",      "DISTINCT",       "BETWEEN", "EXPLAIN",  "CREATE", "REPLACE",  "TEMPORARY", "VIEW",  "DESCRIBE",
    "SHOW TABLES", "SHOW FUNCTIONS", "WITH",    "VALUES",   "CASE",   "WHEN",     "THEN",      "ELSE"};

static char *copy_of(const char *text)
{
    char *copy = strdup(text); /* the library frees it */
    return copy;
}

/* What completion offers besides words; the library's callbacks have no argument of their own. */
static struct {
    vonk_session *session;
    vonk_arena *arena;
    vonk_catalog_entry *tables;
    uint32_t n_tables;
} names;

/* Optional work: without the names completion knows fewer of them. */
static void read_names(void)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    vonk_catalog *catalog = vonk_session_catalog(names.session);

    names.n_tables = 0;
    vonk_arena_reset(names.arena);
    if (vonk_catalog_list(catalog, vonk_catalog_current_database(catalog), VONK_STR_NONE, names.arena, &names.tables,
                          &names.n_tables, &err) != VONK_OK)
        names.n_tables = 0;
}

static char *next_match(const char *text, int state)
{
    static size_t word, fn, table;
    const vonk_fn *f;
    char copy[256];

    if (state == 0) {
        word = fn = table = 0;
        read_names();
    }
    while (table < names.n_tables) {
        const vonk_str name = names.tables[table++].name;
        if (name.len < strlen(text) || name.len >= sizeof copy || strncasecmp(name.data, text, strlen(text)) != 0)
            continue;
        vonk_format(copy, sizeof copy, "%.*s", VONK_STR_ARGS(name));
        return copy_of(copy);
    }
    while (word < VONK_COUNTOF(words)) {
        const char *candidate = words[word++];
        if (strncasecmp(candidate, text, strlen(text)) == 0) return copy_of(candidate);
    }
    while ((f = vonk_fn_next(&fn)))
        if (strncasecmp(f->name, text, strlen(text)) == 0) return copy_of(f->name);
    return NULL;
}

static line_editor editor;

/* One character, as libedit wants it: the code point. Ctrl-C while it waits: the line is killed and ended. */
static bool is_dropped;
static const char *pushed = "";

static int read_key(FILE *in)
{
    (void)in;
    static const char kill_line[] = "\x15\n";
    int c = *pushed ? *pushed++ : vonk_env_read_byte(), more = 0;

    if (c == EOF && vonk_interrupts_take()) {
        is_dropped = true;
        pushed = kill_line + 1;
        return kill_line[0];
    }
    if (c == 0) return 4; /* Ctrl-D that came between two lines, where the terminal makes a zero of it */
    if (c >= 0xf0)
        more = 3, c &= 0x07;
    else if (c >= 0xe0)
        more = 2, c &= 0x0f;
    else if (c >= 0xc0)
        more = 1, c &= 0x1f;
    for (; more > 0; more--) {
        const int next = vonk_env_read_byte();
        if (next == EOF) return EOF;
        c = c << 6 | (next & 0x3f);
    }
    return c;
}

static char **complete(const char *text, int start, int end)
{
    (void)start;
    (void)end;
    return editor.completion_matches(text, next_match);
}

static bool open_editor(void)
{
    static const char *const symbols[] = {
        "readline",         "add_history",           "read_history",
        "write_history",    "rl_completion_matches", "rl_attempted_completion_function",
        "rl_getc_function", "rl_catch_signals"};
    static vonk_module_fn at[VONK_COUNTOF(symbols)];
    static vonk_module libedit = {
        .library = "libedit.so.2", .package = "libedit2", .names = symbols, .n = VONK_COUNTOF(symbols), .at = at};
    vonk_error missing = VONK_ERROR_INIT;
    char **(**hook)(const char *, int, int);
    int (**key_hook)(FILE *);
    int *catch_signals;

    if (vonk_module_need(&libedit, &missing) != VONK_OK) {
        vonk_error_reset(&missing);
        return false; /* plain lines then */
    }
    editor.readline = (char *(*)(const char *))at[0];
    editor.add_history = (int (*)(const char *))at[1];
    editor.read_history = (int (*)(const char *))at[2];
    editor.write_history = (int (*)(const char *))at[3];
    editor.completion_matches = (char **(*)(const char *, char *(*)(const char *, int)))at[4];
    memcpy(&hook, &at[5], sizeof hook); /* a variable of the library that holds a function */
    *hook = complete;
    memcpy(&key_hook, &at[6], sizeof key_hook);
    *key_hook = read_key;
    memcpy(&catch_signals, &at[7], sizeof catch_signals);
    *catch_signals = 0;  /* they are ours */
    vonk_env_use_utf8(); /* without it only ASCII can be typed */
    return true;
}

/* One line without its newline; NULL at the end of input. Freed by the caller. */
static char *read_line(bool editing, const char *prompt)
{
    char *line = NULL;
    size_t room = 0;

    if (editing) return editor.readline(prompt);
    if (vonk_env_is_terminal(0)) fputs(prompt, stdout);
    if (getline(&line, &room, stdin) < 0) {
        if (vonk_interrupts_take()) {
            clearerr(stdin);
            putchar('\n');
            is_dropped = true;
            if (line) line[0] = 0;
            return line;
        }
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = 0;
    return line;
}

static int run_complete(vonk__sql *sql, vonk_buf *text)
{
    int failed = 0;

    for (;;) {
        const size_t end = vonk_session_statement_end(vonk_buf_str(text));
        if (end == 0 || text->data[end - 1] != ';') return failed;
        VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
        const vonk_str statement = vonk_str_trim(vonk_str_sub(vonk_buf_str(text), 0, end));
        if (statement.len > 1 && vonk__sql_run(sql, statement, &err) != VONK_OK) {
            vonk__error_print(&err);
            failed = 1;
        }
        memmove(text->data, text->data + end, text->len - end);
        text->len -= end;
    }
}

static bool is_quit(const vonk_buf *text, const char *line)
{
    return vonk_str_trim(vonk_buf_str(text)).len == 0 && (strcmp(line, "quit") == 0 || strcmp(line, "exit") == 0 ||
                                                          strcmp(line, "quit;") == 0 || strcmp(line, "exit;") == 0);
}

static int shell_loop(vonk__sql *sql, bool editing, vonk_buf *text, vonk_error *err)
{
    int failed = 0;

    for (;;) {
        char *line = read_line(editing, vonk_str_trim(vonk_buf_str(text)).len > 0 ? "    > " : "vonk> ");
        if (is_dropped) {
            is_dropped = false;
            vonk_buf_reset(text);
            free(line);
            continue;
        }
        if (!line || is_quit(text, line)) {
            if (!line && sql->interactive) putchar('\n');
            free(line);
            break;
        }
        if (editing && *line) editor.add_history(line);
        const vonk_status status = vonk_buf_printf(text, err, "%s\n", line);
        free(line);
        if (status != VONK_OK) return 1;
        failed = run_complete(sql, text);
    }
    if (sql->interactive) return 0; /* half a statement is not run */
    if (vonk_str_trim(vonk_buf_str(text)).len == 0) return failed;
    if (vonk_buf_add_c(text, ";", err) != VONK_OK) return 1; /* the last statement may lack its ';' */
    return run_complete(sql, text);
}

int vonk__sql_shell(vonk__sql *sql)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    char history[512] = "";
    const vonk_str home = vonk_env_get("HOME");

    vonk_buf_init(&text, vonk_budget_root(), 256 << 20);
    if (vonk_arena_new(vonk_budget_root(), &arena, &err) != VONK_OK) {
        vonk__error_print(&err);
        return 1;
    }
    names.session = sql->session;
    names.arena = arena;
    if (sql->interactive) vonk_interrupts_catch();
    const bool editing = sql->interactive && open_editor();
    if (editing && home.len > 0) vonk_format(history, sizeof history, "%.*s/.vonk_history", VONK_STR_ARGS(home));
    if (*history && editor.read_history) editor.read_history(history);
    const int status = shell_loop(sql, editing, &text, &err);
    if (err.cls != VONK_OK) vonk__error_print(&err);
    if (*history && editor.write_history) editor.write_history(history);
    return status;
}
