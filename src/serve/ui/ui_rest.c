/* serve/ui/ui_rest.c -- Spark's monitoring REST: the fields that there is something to say of, under Spark's names. */
#include "base/version.h"
#include "plan/redaction.h"
#include "serve/ui/ui_int.h"
#include "sys/clock.h"
#include "text/date.h"
#include "text/json.h"
#include "text/number.h"

/* JSON on its way out. An error stays until the end; nothing is written behind it. */
typedef struct json {
    vonk_buf *out;
    vonk_error *err;
    vonk_status status;
    bool is_first; /* of its array or object */
} json;

static void put(json *j, const char *text)
{
    if (j->status == VONK_OK) j->status = vonk_buf_add_c(j->out, text, j->err);
}
static void next(json *j, const char *key)
{
    if (!j->is_first) put(j, ",");
    j->is_first = false;
    if (!key) return;
    put(j, "\"");
    put(j, key);
    put(j, "\":");
}
static void begin_part(json *j, const char *key, const char *bracket)
{
    next(j, key);
    put(j, bracket);
    j->is_first = true;
}
static void end_part(json *j, const char *bracket)
{
    put(j, bracket);
    j->is_first = false;
}
static void add_text(json *j, const char *key, vonk_str text)
{
    next(j, key);
    if (j->status == VONK_OK) j->status = vonk_json_add_string(text, j->out, j->err);
}
static void add_number(json *j, const char *key, int64_t n)
{
    next(j, key);
    if (j->status == VONK_OK) j->status = vonk_buf_printf(j->out, j->err, "%lld", (long long)n);
}
static void add_bool(json *j, const char *key, bool b)
{
    next(j, key);
    put(j, b ? "true" : "false");
}
static void add_time(json *j, const char *key, int64_t us) /* 0: there is none yet */
{
    char text[64];
    if (!us) return;
    const vonk_civil c = vonk_civil_of(vonk_local_of_us(us));
    vonk_format(text, sizeof text, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dGMT", (long long)c.year, c.month, c.day, c.hour,
                c.minute, c.second, c.nanos / 1000000);
    add_text(j, key, vonk_str_of(text));
}

/* ---- jobs and stages */

typedef enum phase { PENDING, ACTIVE, COMPLETE, FAILED, SKIPPED } phase;

static phase phase_of(const vonk_job_status *job, const vonk_stage_status *st)
{
    const bool is_over = job->state != VONK_JOB_RUNNING;
    if (!st->submitted_us) return is_over || !st->needed ? SKIPPED : PENDING;
    if (st->completed_us) return COMPLETE;
    return is_over ? FAILED : ACTIVE;
}
static vonk_str phase_name(phase p)
{
    static const char *const names[] = {"PENDING", "ACTIVE", "COMPLETE", "FAILED", "SKIPPED"};
    return vonk_str_of(names[p]);
}
static vonk_str state_name(vonk_job_state state)
{
    static const char *const names[] = {"RUNNING", "SUCCEEDED", "FAILED", "UNKNOWN"};
    return vonk_str_of(names[state]);
}

static void add_tags(json *j, vonk_str tags)
{
    begin_part(j, "jobTags", "[");
    for (size_t at = 0; at < tags.len;) {
        size_t end = vonk_str_find_byte(tags, ',', at);
        if (end == SIZE_MAX) end = tags.len;
        add_text(j, NULL, vonk_str_sub(tags, at, end));
        at = end + 1;
    }
    end_part(j, "]");
}

static void add_job(json *j, const vonk_job_status *job)
{
    uint32_t n_tasks = 0, n_active = 0, n_done = 0, n_failed = 0, n_skipped = 0, in_phase[SKIPPED + 1] = {0};
    for (uint32_t i = 0; i < job->n_stages; i++) {
        const vonk_stage_status *st = &job->stages[i];
        const phase p = phase_of(job, st);
        in_phase[p]++;
        n_tasks += st->n_tasks;
        n_active += st->n_active;
        n_done += st->n_done;
        n_failed += st->n_failed;
        if (p == SKIPPED) n_skipped += st->n_tasks;
    }
    begin_part(j, NULL, "{");
    add_number(j, "jobId", job->id);
    add_text(j, "name", job->n_stages ? job->stages[job->n_stages - 1].name : VONK_STR(""));
    if (job->description.data) add_text(j, "description", job->description);
    add_time(j, "submissionTime", job->submitted_us);
    add_time(j, "completionTime", job->completed_us);
    begin_part(j, "stageIds", "[");
    for (uint32_t i = 0; i < job->n_stages; i++) add_number(j, NULL, job->stages[i].id);
    end_part(j, "]");
    if (job->group.data) add_text(j, "jobGroup", job->group);
    add_tags(j, job->tags);
    add_text(j, "status", state_name(job->state));
    add_number(j, "numTasks", n_tasks);
    add_number(j, "numActiveTasks", n_active);
    add_number(j, "numCompletedTasks", n_done);
    add_number(j, "numSkippedTasks", n_skipped);
    add_number(j, "numFailedTasks", n_failed);
    add_number(j, "numActiveStages", in_phase[ACTIVE]);
    add_number(j, "numCompletedStages", in_phase[COMPLETE]);
    add_number(j, "numSkippedStages", in_phase[SKIPPED]);
    add_number(j, "numFailedStages", in_phase[FAILED]);
    end_part(j, "}");
}

static void add_stage(json *j, const vonk_job_status *job, const vonk_stage_status *st)
{
    begin_part(j, NULL, "{");
    add_text(j, "status", phase_name(phase_of(job, st)));
    add_number(j, "stageId", st->id);
    add_number(j, "attemptId", st->attempt);
    add_number(j, "numTasks", st->n_tasks);
    add_number(j, "numActiveTasks", st->n_active);
    add_number(j, "numCompleteTasks", st->n_done);
    add_number(j, "numFailedTasks", st->n_failed);
    add_time(j, "submissionTime", st->submitted_us);
    add_time(j, "completionTime", st->completed_us);
    add_text(j, "name", st->name);
    end_part(j, "}");
}

/* ---- what stands below an application; `status` filters, `id` < 0: all. False: there is none of that id. */

static bool matches(vonk_str status, vonk_str name) { return !status.len || vonk_str_is_nocase(status, name.data); }

static bool add_jobs(json *j, const vonk_ui_snapshot *seen, vonk_str status, int64_t id)
{
    bool is_there = id < 0;
    if (id < 0) begin_part(j, NULL, "[");
    for (uint32_t i = seen->n_jobs; i-- > 0;) { /* the latest first */
        const vonk_job_status *job = &seen->jobs[i];
        if (id < 0 ? !matches(status, state_name(job->state)) : job->id != id) continue;
        add_job(j, job);
        is_there = true;
    }
    if (id < 0) end_part(j, "]");
    return is_there;
}

static bool add_stages(json *j, const vonk_ui_snapshot *seen, vonk_str status, int64_t id)
{
    bool is_there = id < 0;
    begin_part(j, NULL, "["); /* of one stage: its attempts, of which the last is known */
    for (uint32_t i = seen->n_jobs; i-- > 0;)
        for (uint32_t k = seen->jobs[i].n_stages; k-- > 0;) {
            const vonk_job_status *job = &seen->jobs[i];
            const vonk_stage_status *st = &job->stages[k];
            if (id < 0 ? !matches(status, phase_name(phase_of(job, st))) : st->id != id) continue;
            add_stage(j, job, st);
            is_there = true;
        }
    end_part(j, "]");
    return is_there;
}

static bool add_queries(json *j, const vonk_ui_snapshot *seen, vonk_str status, int64_t id)
{
    static const char *const names[] = {"RUNNING", "COMPLETED", "FAILED"};
    bool is_there = id < 0;
    if (id < 0) begin_part(j, NULL, "[");
    for (uint32_t i = 0; i < seen->n_queries; i++) {
        const vonk_query_record *q = &seen->queries[i];
        if (id < 0 ? !matches(status, vonk_str_of(names[q->state])) : q->id != (uint64_t)id) continue;
        begin_part(j, NULL, "{");
        add_number(j, "id", (int64_t)q->id);
        add_text(j, "status", vonk_str_of(names[q->state]));
        add_text(j, "description", q->description);
        add_time(j, "submissionTime", q->submitted_us);
        add_number(j, "duration",
                   ((q->completed_us ? q->completed_us : vonk_clock_wall_us()) - q->submitted_us) / 1000);
        add_number(j, "rows", (int64_t)q->n_rows);
        end_part(j, "}");
        is_there = true;
    }
    if (id < 0) end_part(j, "]");
    return is_there;
}

static bool add_stored(json *j, const vonk_ui_snapshot *seen, vonk_str status, int64_t id)
{
    bool is_there = id < 0;
    (void)status;
    if (id < 0) begin_part(j, NULL, "[");
    for (uint32_t i = 0; i < seen->n_stored; i++) {
        const vonk_ui_stored *s = &seen->stored[i];
        if (id >= 0 && s->id != id) continue;
        begin_part(j, NULL, "{");
        add_number(j, "id", s->id);
        add_text(j, "name", s->name);
        add_number(j, "numPartitions", s->n_partitions);
        add_number(j, "numCachedPartitions", s->n_cached);
        add_text(j, "storageLevel", s->level);
        add_number(j, "memoryUsed", (int64_t)s->memory_bytes);
        add_number(j, "diskUsed", (int64_t)s->disk_bytes);
        end_part(j, "}");
        is_there = true;
    }
    if (id < 0) end_part(j, "]");
    return is_there;
}

static bool add_executors(json *j, const vonk_ui_snapshot *seen, vonk_str status, int64_t id)
{
    uint32_t n_active = 0, n_failed = 0, n_done = 0;
    uint64_t n_blocks = 0, disk = 0;
    (void)status;
    if (id >= 0) return false;
    for (uint32_t i = 0; i < seen->n_jobs; i++)
        for (uint32_t k = 0; k < seen->jobs[i].n_stages; k++) {
            n_active += seen->jobs[i].stages[k].n_active;
            n_failed += seen->jobs[i].stages[k].n_failed;
            n_done += seen->jobs[i].stages[k].n_done;
        }
    for (uint32_t i = 0; i < seen->n_stored; i++) {
        n_blocks += seen->stored[i].n_cached;
        disk += seen->stored[i].disk_bytes;
    }
    begin_part(j, NULL, "[");
    begin_part(j, NULL, "{");
    add_text(j, "id", VONK_STR("driver")); /* there is one, which does the work, too */
    add_text(j, "hostPort", VONK_STR("localhost:0"));
    add_bool(j, "isActive", true);
    add_number(j, "rddBlocks", (int64_t)n_blocks);
    add_number(j, "memoryUsed", seen->memory_used);
    add_number(j, "diskUsed", (int64_t)disk);
    add_number(j, "totalCores", seen->n_slots);
    add_number(j, "maxTasks", seen->n_slots);
    add_number(j, "activeTasks", n_active);
    add_number(j, "failedTasks", n_failed);
    add_number(j, "completedTasks", n_done);
    add_number(j, "totalTasks", (int64_t)n_active + n_failed + n_done);
    add_number(j, "maxMemory", seen->memory_limit);
    add_time(j, "addTime", seen->start_us);
    end_part(j, "}");
    end_part(j, "]");
    return true;
}

static bool add_environment(json *j, const vonk_ui_snapshot *seen, vonk_str status, int64_t id)
{
    (void)status;
    if (id >= 0) return false;
    VONK_AUTO(vonk_redaction_done) vonk_redaction r = {0};
    vonk_str pattern = VONK_STR_NONE;
    for (uint32_t i = 0; i < seen->n_settings; i++)
        if (vonk_str_is(seen->settings[i].key, "spark.redaction.regex")) pattern = seen->settings[i].value;
    if (j->status == VONK_OK) j->status = vonk_redaction_init(&r, j->out->budget, pattern, j->err);
    begin_part(j, NULL, "{");
    begin_part(j, "sparkProperties", "[");
    for (uint32_t i = 0; i < seen->n_settings; i++) {
        const vonk_property *p = &seen->settings[i];
        vonk_str value = p->value;
        if (j->status == VONK_OK) j->status = vonk_redaction_show(&r, p->key, &value, j->err);
        begin_part(j, NULL, "[");
        add_text(j, NULL, p->key);
        add_text(j, NULL, value);
        end_part(j, "]");
    }
    end_part(j, "]");
    end_part(j, "}");
    return true;
}

/* ---- paths */

typedef bool (*add_fn)(json *, const vonk_ui_snapshot *, vonk_str status, int64_t id);
static const struct {
    const char *path;
    add_fn add;
} parts[] = {{"jobs", add_jobs},
             {"stages", add_stages},
             {"sql", add_queries},
             {"storage/rdd", add_stored},
             {"executors", add_executors},
             {"allexecutors", add_executors},
             {"environment", add_environment}};

static void add_application(json *j, const vonk_ui_snapshot *seen)
{
    begin_part(j, NULL, "{");
    add_text(j, "id", seen->id);
    add_text(j, "name", seen->name);
    begin_part(j, "attempts", "[");
    begin_part(j, NULL, "{");
    add_time(j, "startTime", seen->start_us);
    add_number(j, "duration", (vonk_clock_wall_us() - seen->start_us) / 1000);
    add_text(j, "sparkUser", seen->user);
    add_bool(j, "completed", false);
    add_text(j, "appSparkVersion", VONK_STR(VONK_SPARK_VERSION));
    end_part(j, "}");
    end_part(j, "]");
    end_part(j, "}");
}

/* `rest`: behind "applications/ID/". */
static bool add_part(json *j, const vonk_ui_snapshot *seen, vonk_str rest, vonk_str status)
{
    int64_t id = -1;
    for (size_t i = 0; i < VONK_COUNTOF(parts); i++) {
        const vonk_str part = vonk_str_of(parts[i].path);
        if (vonk_str_eq(rest, part)) return parts[i].add(j, seen, status, -1);
        if (!vonk_str_starts(rest, part) || rest.data[part.len] != '/') continue;
        if (!vonk_text_to_i64(vonk_str_sub(rest, part.len + 1, rest.len), false, 0, INT32_MAX, &id)) return false;
        return parts[i].add(j, seen, status, id);
    }
    return false;
}

vonk_status vonk__ui_rest(const vonk_ui_snapshot *seen, vonk_str path, vonk_str status, vonk_buf *out, bool *ret_there,
                          vonk_error *err)
{
    json j = {.out = out, .err = err, .is_first = true};
    const vonk_str all = VONK_STR("applications");
    *ret_there = true;
    if (path.len && path.data[path.len - 1] == '/') path.len--;
    if (vonk_str_is(path, "version")) {
        begin_part(&j, NULL, "{");
        add_text(&j, "spark", VONK_STR(VONK_SPARK_VERSION));
        end_part(&j, "}");
        return j.status;
    }
    if (vonk_str_eq(path, all)) {
        begin_part(&j, NULL, "[");
        add_application(&j, seen);
        end_part(&j, "]");
        return j.status;
    }
    *ret_there = false;
    if (!vonk_str_starts(path, VONK_STR("applications/"))) return VONK_OK;
    path = vonk_str_sub(path, all.len + 1, path.len);
    if (!vonk_str_starts(path, seen->id)) return VONK_OK;
    path = vonk_str_sub(path, seen->id.len, path.len);
    *ret_there = !path.len || (path.data[0] == '/' && add_part(&j, seen, vonk_str_sub(path, 1, path.len), status));
    if (!path.len) add_application(&j, seen);
    return j.status;
}
