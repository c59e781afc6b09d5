/* session/explain.c -- EXPLAIN in Spark's modes: simple, extended, codegen, cost, formatted, and ANALYZE with what
 * really happened. */
#include "session/session_int.h"

#include "opt/opt.h"
#include "plan/redaction.h"

static vonk_status section(vonk_buf *out, const char *title, const vonk_plan *plan, vonk_error *err)
{
    VONK_TRY(vonk_buf_printf(out, err, "== %s ==\n", title));
    return vonk_plan_explain(plan, out, err);
}

static vonk_status logical_sections(const vonk_plan *parsed, const vonk_plan *resolved, const vonk_plan *optimized,
                                    vonk_buf *out, vonk_error *err)
{
    VONK_TRY(section(out, "Parsed Logical Plan", parsed ? parsed : resolved, err));
    VONK_TRY(vonk_buf_add_c(out, "\n== Analyzed Logical Plan ==\n", err));
    for (uint32_t i = 0; i < resolved->n_output; i++) {
        VONK_TRY(vonk_buf_printf(out, err, "%s%.*s: ", i ? ", " : "", VONK_STR_ARGS(resolved->output[i]->name)));
        VONK_TRY(vonk_type_simple_string(resolved->output[i]->type, out, err));
    }
    VONK_TRY(vonk_buf_add_c(out, "\n", err));
    VONK_TRY(vonk_plan_explain(resolved, out, err));
    VONK_TRY(vonk_buf_add_c(out, "\n", err));
    VONK_TRY(section(out, "Optimized Logical Plan", optimized, err));
    return vonk_buf_add_c(out, "\n", err);
}

static vonk_status cost_section(vonk_query *query, const vonk_plan *optimized, vonk_buf *out, vonk_error *err)
{
    vonk_opt_env env = {.budget = query->budget,
                        .conf = query->conf,
                        .env = &query->env,
                        .n_threads = query->session->engine->n_threads};

    VONK_TRY(vonk_buf_add_c(out, "== Optimized Logical Plan ==\n", err));
    VONK_TRY(vonk_plan_explain_with(optimized, vonk_opt_cost_remark, &env, out, err));
    return vonk_buf_add_c(out, "\n", err);
}

/* Runs the plan, throws its rows away, and shows what each operator did. */
static vonk_status analyze(vonk_query *query, const vonk_plan *resolved, vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_query_free) vonk_query *run = NULL;

    VONK_TRY(vonk__session_start(query->session, resolved, VONK__USE_CACHED, NULL, &run, err));
    if (!run->runs) return vonk_buf_add_c(out, "Execute command\n", err);
    for (;;) {
        VONK_AUTO(vonk_batch_unref) vonk_batch *batch = NULL;
        VONK_TRY(vonk_query_next(run, &batch, err));
        if (!batch) break;
    }
    VONK_TRY(vonk_buf_add_c(out, "== Physical Plan (executed) ==\n", err));
    return vonk_exec_metrics_text(run->exec, out, err);
}

static vonk_status sections(vonk_query *query, const vonk_plan *parsed, const vonk_plan *resolved, vonk_str mode,
                            vonk_buf *out, vonk_error *err)
{
    VONK_AUTO(vonk_plan_unref) const vonk_plan *optimized = NULL;
    VONK_AUTO(vonk_plan_unref) const vonk_plan *physical = NULL;

    if (vonk_str_is(mode, "analyze")) return analyze(query, resolved, out, err);
    if (vonk__session_is_command(resolved)) {
        VONK_TRY(section(out, "Physical Plan", resolved, err));
        return vonk_buf_add_c(out, "\n", err);
    }
    VONK_TRY(vonk__session_plan(query, resolved, &optimized, &physical, err));
    if (vonk_str_is(mode, "cost")) VONK_TRY(cost_section(query, optimized, out, err));
    if (vonk_str_is(mode, "extended")) VONK_TRY(logical_sections(parsed, resolved, optimized, out, err));
    VONK_TRY(section(out, "Physical Plan", physical, err));
    return vonk_buf_add_c(out, "\n", err);
}

vonk_status vonk__session_explain(vonk_query *query, const vonk_plan *parsed, const vonk_plan *resolved, vonk_str mode,
                                  vonk_buf *out, vonk_error *err)
{
    const size_t from = out->len;

    VONK_TRY(sections(query, parsed, resolved, mode, out, err));
    return vonk_redact_text(query->conf, out, from, err);
}
