/* cluster/scheduler_pick.c -- which task runs next: Spark's FIFO and FAIR orders. */
#include "cluster/scheduler_int.h"

static bool has_task(const stage *s) { return s->running && !s->stopped && s->next_pending < s->end_pending; }

uint32_t vonk__scheduler_pending(const vonk_scheduler *scheduler)
{
    uint32_t n = 0;
    for (const vonk_job_run *j = scheduler->jobs; j; j = j->next)
        for (uint32_t i = 0; i < j->n_stages; i++)
            if (has_task(&j->stages[i])) n += j->stages[i].end_pending - j->stages[i].next_pending;
    return n;
}

static uint32_t n_free(const vonk_scheduler *scheduler)
{
    const uint32_t n = scheduler->options.n_slots + scheduler->n_waiting;
    return n > scheduler->n_busy ? n - scheduler->n_busy : 0;
}

/* The tasks of a barrier stage start together or not at all. */
static bool can_start(const vonk_scheduler *scheduler, const stage *s)
{
    if (!has_task(s)) return false;
    return !s->is_barrier || n_free(scheduler) >= s->end_pending - s->next_pending;
}

typedef struct share { /* a pool, or a stage in a fair pool */
    uint32_t n_running, weight, min_share;
} share;

/* Who is below the least share that it was promised comes first, then who has least for its weight. */
static int compare_shares(share x, share y)
{
    bool x_needs = x.n_running < x.min_share, y_needs = y.n_running < y.min_share;
    if (x_needs != y_needs) return x_needs ? -1 : 1;
    uint64_t x_of = x_needs ? x.min_share : x.weight, y_of = y_needs ? y.min_share : y.weight;
    uint64_t left = x.n_running * (y_of ? y_of : 1), right = y.n_running * (x_of ? x_of : 1);
    return left < right ? -1 : left > right;
}

static bool stage_before(const stage *x, const stage *y, bool fair)
{
    if (fair) {
        int order = compare_shares((share){x->status->n_active, 1, 0}, (share){y->status->n_active, 1, 0});
        if (order) return order < 0;
        return x->status->id < y->status->id;
    }
    if (x->job->id != y->job->id) return x->job->id < y->job->id;
    return x->status->id < y->status->id;
}

static bool before(const vonk_scheduler *scheduler, const stage *x, const stage *y)
{
    const run_pool *p = x->job->pool, *q = y->job->pool;
    if (!scheduler->options.fair) return stage_before(x, y, false);
    if (p == q) return stage_before(x, y, p->fair);
    int order =
        compare_shares((share){p->n_running, p->weight, p->min_share}, (share){q->n_running, q->weight, q->min_share});
    return order ? order < 0 : strcmp(p->name, q->name) < 0;
}

/* A slot that a waiting task has given away is for what it waits for: that is a younger job than all that wait.
 * UINT32_MAX: it is a slot like any other. */
static uint32_t given_by(const vonk_scheduler *scheduler)
{
    uint32_t job = 0;
    if (scheduler->n_busy < scheduler->options.n_slots) return UINT32_MAX;
    for (uint32_t i = 0; i < scheduler->n_started; i++) {
        const slot *s = &scheduler->slots[i];
        if (s->is_waiting && s->stage->job->id > job) job = s->stage->job->id;
    }
    return job;
}

stage *vonk__scheduler_pick(vonk_scheduler *scheduler)
{
    stage *best = NULL;
    if (!n_free(scheduler)) return NULL;
    if (scheduler->launching && has_task(scheduler->launching)) return scheduler->launching;
    scheduler->launching = NULL;
    const uint32_t given = given_by(scheduler);
    for (vonk_job_run *j = scheduler->jobs; j; j = j->next)
        for (uint32_t i = 0; i < j->n_stages; i++) {
            stage *s = &j->stages[i];
            if (given != UINT32_MAX && j->id <= given) continue;
            if (can_start(scheduler, s) && (!best || before(scheduler, s, best))) best = s;
        }
    if (best && best->is_barrier) scheduler->launching = best;
    return best;
}

vonk_str vonk__property(const vonk_property *properties, uint32_t n, const char *key)
{
    for (uint32_t i = 0; i < n; i++)
        if (vonk_str_is(properties[i].key, key)) return properties[i].value;
    return VONK_STR_NONE;
}

bool vonk__property_matches(vonk_str given, vonk_str key, vonk_str value)
{
    if (!vonk_str_is(key, "spark.job.tags")) return given.data && vonk_str_eq(given, value);
    for (size_t at = 0; at < given.len;) {
        size_t end = vonk_str_find_byte(given, ',', at);
        if (end == SIZE_MAX) end = given.len;
        if (vonk_str_eq(vonk_str_sub(given, at, end), value)) return true;
        at = end + 1;
    }
    return false;
}
