/* serve/ui/ui.c -- what stands where: the page, its files, the REST interface. */
#include "serve/ui/ui_int.h"

struct vonk_ui {
    vonk_budget *budget;
    vonk_http *http;
    vonk_ui_options options;
};

static const char *const pages[] = {"/jobs/", "/stages/", "/SQL/", "/storage/", "/environment/", "/executors/"};

static const ui_file *find_file(vonk_str path)
{
    for (size_t i = 0; i < VONK_COUNTOF(pages); i++) {
        const vonk_str page = vonk_str_of(pages[i]);
        if (vonk_str_eq(path, page) || vonk_str_eq(path, vonk_str_sub(page, 0, page.len - 1)))
            path = VONK_STR("/page.html");
    }
    for (size_t i = 0; i < vonk__ui_n_files; i++)
        if (vonk_str_is(path, vonk__ui_files[i].path)) return &vonk__ui_files[i];
    return NULL;
}

static vonk_status answer_rest(const vonk_ui *ui, const vonk_http_request *request, vonk_str path,
                               vonk_http_answer *answer, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_ui_snapshot seen = {0};
    bool is_there = false;
    VONK_TRY(vonk_arena_new(ui->budget, &arena, err));
    VONK_TRY(ui->options.look(ui->options.self, arena, &seen, err));
    VONK_TRY(vonk__ui_rest(&seen, path, vonk_http_query(request, "status"), &answer->body, &is_there, err));
    answer->type = "application/json";
    if (is_there) return VONK_OK;
    answer->status = 404;
    answer->type = "text/plain; charset=utf-8";
    vonk_buf_reset(&answer->body);
    return vonk_buf_printf(&answer->body, err, "unknown: /api/v1/%.*s\n", VONK_STR_ARGS(path));
}

static vonk_status answer(void *self, const vonk_http_request *request, vonk_http_answer *answer, vonk_error *err)
{
    const vonk_str path = vonk_http_path(request), rest = VONK_STR("/api/v1/");
    if (vonk_str_starts(path, rest))
        return answer_rest(self, request, vonk_str_sub(path, rest.len, path.len), answer, err);
    if (vonk_str_is(path, "/")) {
        answer->status = 302;
        answer->location = "/jobs/";
        return VONK_OK;
    }
    const ui_file *file = find_file(path);
    if (!file) {
        answer->status = 404;
        return vonk_buf_add_c(&answer->body, "no such page\n", err);
    }
    answer->type = file->type;
    return vonk_buf_append(&answer->body, file->bytes, file->n, err);
}

vonk_status vonk_ui_new(vonk_budget *budget, const vonk_ui_options *options, vonk_ui **ret, vonk_error *err)
{
    VONK_AUTO(vonk_ui_free) vonk_ui *ui = NULL;
    vonk_http_options http = options->http;
    VONK_TRY(VONK_NEW(budget, &ui, err));
    ui->budget = budget;
    ui->options = *options;
    http.handler = answer;
    http.self = ui;
    VONK_TRY(vonk_http_new(budget, &http, &ui->http, err));
    *ret = VONK_STEAL(ui);
    return VONK_OK;
}

uint16_t vonk_ui_port(const vonk_ui *ui) { return vonk_http_port(ui->http); }

void vonk_ui_free(vonk_ui *ui)
{
    if (!ui) return;
    vonk_http_free(ui->http);
    vonk_free(ui);
}
