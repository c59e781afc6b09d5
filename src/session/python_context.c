/* session/python_context.c -- what functions of Python hear about the job that they are part of: who asked, under which
 * settings. */
#include "session/session_int.h"
#include "sys/entropy.h"
#include "text/number.h"

static _Thread_local const vonk_asker *current;

void vonk_session_asker(const vonk_asker *asker) { current = asker; }

typedef struct pairs {
    vonk_arena *arena;
    VONK_VEC(vonk_py_pair) list;
} pairs;

static vonk_status add(pairs *p, vonk_str key, vonk_str value, vonk_error *err)
{
    vonk_py_pair pair;
    VONK_TRY(vonk_arena_str(p->arena, key, &pair.key, err));
    VONK_TRY(vonk_arena_str(p->arena, value, &pair.value, err));
    return VONK_VEC_ARENA_PUSH(&p->list, p->arena, pair, err);
}

/* Settings go after what the asker says: of two with one name the later one counts. */
static vonk_status add_settings(pairs *p, const vonk_conf *conf, vonk_error *err)
{
    vonk_str key, value;
    for (size_t at = 0; vonk_conf_next(conf, &at, &key, &value);)
        if (vonk_str_starts(key, VONK_STR("spark"))) VONK_TRY(add(p, key, value, err));
    return VONK_OK;
}

static vonk_status add_ids(pairs *p, vonk_engine *engine, vonk_error *err)
{
    char query[37];
    char id[24];
    vonk_random_uuid(query);
    vonk_format(id, sizeof id, "%lld", (long long)atomic_fetch_add(&engine->next_execution, 1));
    VONK_TRY(add(p, VONK_STR("spark.sql.execution.id"), vonk_str_of(id), err));
    VONK_TRY(add(p, VONK_STR("spark.sql.execution.root.id"), vonk_str_of(id), err));
    return add(p, VONK_STR("spark.sql.execution.query.id"), vonk_str_of(query), err);
}

vonk_status vonk__session_properties(vonk_query *query, vonk_error *err)
{
    pairs p = {.arena = query->arena};
    const vonk_py_pair *asked = NULL;
    uint32_t n = 0;
    if (current) VONK_TRY(current->properties(current->self, query->arena, &asked, &n, err));
    for (uint32_t i = 0; i < n; i++) VONK_TRY(VONK_VEC_ARENA_PUSH(&p.list, p.arena, asked[i], err));
    VONK_TRY(add_settings(&p, query->conf, err));
    VONK_TRY(add_ids(&p, query->session->engine, err));
    query->properties = p.list.at;
    query->n_properties = vonk_u32_of(p.list.n);
    return VONK_OK;
}

vonk_status vonk__session_cpus(const vonk_conf *conf, vonk_arena *arena, vonk_exec_python *python, vonk_error *err)
{
    static const char key[] = "spark.task.cpus";
    const vonk_str text = vonk_conf_get(conf, key);
    char amount[VONK_DEC_CHARS];
    vonk_i128 n = 0, unit = 1;
    int scale = 0;
    if (vonk_text_to_dec_exact(text, &n, &scale) != VONK_DEC_OK)
        return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__TYPE_MISMATCH, "confValue", VONK_S(text), "confName", key,
                         "confType", "decimal");
    for (; scale > 0 && n % 10 == 0; scale--) n /= 10;
    for (; scale < 0 && n <= INT32_MAX; scale++) n *= 10;
    for (int i = 0; i < scale; i++) unit *= 10;
    if (n <= 0 || n / unit > INT32_MAX)
        return VONK_FAIL(err, VONK_E_INVALID_CONF_VALUE__REQUIREMENT, "confValue", VONK_S(text), "confName", key,
                         "confRequirement", "a task wants more than no core, and not more than 2147483647");
    python->cpus = (int32_t)((n + unit - 1) / unit);
    return vonk_arena_str(arena, (vonk_str){amount, vonk_dec_to_text(n, scale, amount)}, &python->cpu_amount, err);
}
