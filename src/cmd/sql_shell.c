/* cmd/sql_shell.c -- the interactive shell: lines are gathered until a ';', with history and completion of keywords,
 * functions and views (libedit). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sql.h"
#include "sys/env.h"
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

static char *next_match(const char *text, int state)
{
    static size_t word, fn;
    const vonk_fn *f;

    if (state == 0) word = fn = 0;
    while (word < VONK_COUNTOF(words)) {
        const char *candidate = words[word++];
        if (strncasecmp(candidate, text, strlen(text)) == 0) return copy_of(candidate);
    }
    while ((f = vonk_fn_next(&fn)))
        if (strncasecmp(f->name, text, strlen(text)) == 0) return copy_of(f->name);
    return NULL;
}

static line_editor editor;

static char **complete(const char *text, int start, int end)
{
    (void)start;
    (void)end;
    return editor.completion_matches(text, next_match);
}

static bool open_editor(void)
{
    static const char *const names[] = {"readline",      "add_history",           "read_history",
                                        "write_history", "rl_completion_matches", "rl_attempted_completion_function"};
    static vonk_module_fn at[VONK_COUNTOF(names)];
    static vonk_module libedit = {
        .library = "libedit.so.2", .package = "libedit2", .names = names, .n = VONK_COUNTOF(names), .at = at};
    vonk_error missing = VONK_ERROR_INIT;
    char **(**hook)(const char *, int, int);

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
        if (!line || is_quit(text, line)) {
            free(line);
            break;
        }
        if (editing && *line) editor.add_history(line);
        const vonk_status status = vonk_buf_printf(text, err, "%s\n", line);
        free(line);
        if (status != VONK_OK) return 1;
        failed = run_complete(sql, text);
    }
    if (vonk_str_trim(vonk_buf_str(text)).len == 0) return sql->interactive ? 0 : failed;
    if (vonk_buf_add_c(text, ";", err) != VONK_OK) return 1; /* the last statement may lack its ';' */
    return run_complete(sql, text);
}

int vonk__sql_shell(vonk__sql *sql)
{
    VONK_AUTO(vonk_error_reset) vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf text = {0};
    const bool editing = sql->interactive && open_editor();
    char history[512] = "";
    const vonk_str home = vonk_env_get("HOME");

    vonk_buf_init(&text, vonk_budget_root(), 256 << 20);
    if (editing && home.len > 0) vonk_format(history, sizeof history, "%.*s/.vonk_history", VONK_STR_ARGS(home));
    if (*history && editor.read_history) editor.read_history(history);
    const int status = shell_loop(sql, editing, &text, &err);
    if (err.cls != VONK_OK) vonk__error_print(&err);
    if (*history && editor.write_history) editor.write_history(history);
    return status;
}
