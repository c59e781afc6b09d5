/* python/interpreter.c -- asks an interpreter once where it finds pyspark, and which one that is. It looks without
 * importing pyspark, so that takes as long as the interpreter's own start. */
#include "python/pool_int.h"

#include "sys/env.h"

/* The folder that it runs in is no place to look: a session's folder says nothing about the interpreter. */
static const char question[] = "import sys, os, re, importlib.util\n"
                               "sys.path[:] = [p for p in sys.path if p]\n"
                               "found = importlib.util.find_spec('pyspark')\n"
                               "print('\\nvonk:%d.%d' % sys.version_info[:2])\n"
                               "if found is None or not found.origin:\n"
                               "    print('vonk:none')\n"
                               "else:\n"
                               "    folder = os.path.dirname(found.origin)\n"
                               "    text = found.loader.get_data(os.path.join(folder, 'version.py')).decode()\n"
                               "    match = re.search('__version__[^=]*=\\\\s*[\\'\"]([^\\'\"]+)', text)\n"
                               "    print('vonk:' + (match.group(1) if match else 'unknown'))\n"
                               "    print('vonk:' + folder)\n"
                               "print('vonk:end')\n";

bool vonk__py_version_of(vonk_str text, vonk_py_version *ret)
{
    static const char *const names[] = {
        [VONK_PY_4_0] = "4.0", [VONK_PY_4_1] = "4.1", [VONK_PY_4_2] = "4.2", [VONK_PY_4_3] = "4.3"};
    for (size_t i = 0; i < VONK_COUNTOF(names); i++) {
        if (!vonk_str_starts(text, vonk_str_of(names[i]))) continue;
        if (text.len > 3 && text.data[3] >= '0' && text.data[3] <= '9') continue; /* 4.10 */
        *ret = (vonk_py_version)i;
        return true;
    }
    return false;
}

/* ---- the key */

static vonk_str var_of(const vonk_py_env *env, const char *name)
{
    const size_t n = strlen(name);
    for (uint32_t i = 0; i < env->n_vars; i++)
        if (env->vars[i].len > n && memcmp(env->vars[i].data, name, n) == 0 && env->vars[i].data[n] == '=')
            return vonk_str_sub(env->vars[i], n + 1, env->vars[i].len);
    return vonk_env_get(name);
}

static bool is_relative(vonk_str path) { return path.len && path.data[0] != '/'; }

static bool has_relative(vonk_str paths)
{
    for (size_t from = 0; from < paths.len;) {
        size_t end = vonk_str_find_byte(paths, ':', from);
        if (end == SIZE_MAX) end = paths.len;
        if (is_relative(vonk_str_sub(paths, from, end))) return true;
        from = end + 1;
    }
    return false;
}

static vonk_status key_of(vonk_arena *arena, const vonk_py_env *env, vonk_str *ret, vonk_error *err)
{
    const vonk_str path = var_of(env, "PATH"), modules = var_of(env, "PYTHONPATH"), home = var_of(env, "PYTHONHOME");
    const bool is_path = vonk_str_find_byte(env->executable, '/', 0) != SIZE_MAX;
    const bool by_folder = (is_path && is_relative(env->executable)) || has_relative(path) || has_relative(modules);
    const vonk_str folder = by_folder ? env->folder : VONK_STR_NONE;
    return vonk_arena_printf(arena, ret, err, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s", VONK_STR_ARGS(env->executable),
                             VONK_STR_ARGS(path), VONK_STR_ARGS(modules), VONK_STR_ARGS(home), VONK_STR_ARGS(folder));
}

/* ---- asking */

static void on_said(void *self, vonk_str text)
{
    py_facts *facts = self;
    const size_t n = vonk_min_size(text.len, sizeof facts->said - facts->n_said);
    memcpy(facts->said + facts->n_said, text.data, n);
    facts->n_said += n;
}

static vonk_status ask(py_facts *facts, vonk_py_pool *pool, const vonk_py_env *env, vonk_error *err)
{
    const vonk_str args[] = {VONK_STR("-c"), vonk_str_of(question)};
    const vonk_process_spec spec = {.program = env->executable,
                                    .args = args,
                                    .n_args = VONK_COUNTOF(args),
                                    .vars = env->vars,
                                    .n_vars = env->n_vars,
                                    .folder = env->folder,
                                    .out = VONK_STDIO_PIPE,
                                    .err = VONK_STDIO_PIPE,
                                    .own_group = true};
    facts->child.on_out = on_said;
    facts->child.self = facts;
    facts->deadline_ns = vonk_clock_mono_ns() + pool->options.start_timeout_ns;
    VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
    const vonk_status st = vonk__py_child_start(&facts->child, pool, &spec, &why);
    if (st == VONK_OK) return VONK_OK;
    if (st != VONK_E_INTERNAL_ERROR) {
        vonk_error_move(err, &why);
        return st;
    }
    const char *name, *reason = "";
    if (vonk_error_n_params(&why)) vonk_error_param(&why, 0, &name, &reason);
    return VONK_FAIL(err, VONK_E_PYTHON_NOT_FOUND, "message", VONK_F("no Python interpreter: %s", reason));
}

vonk_status vonk__py_facts_of(vonk_py_pool *pool, const vonk_py_env *env, py_facts **ret, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    py_facts *facts = NULL;
    vonk_str key;
    VONK_TRY(vonk_arena_new(pool->budget, &arena, err));
    VONK_TRY(key_of(arena, env, &key, err));
    for (facts = pool->facts; facts; facts = facts->next)
        if (vonk_str_eq(facts->key, key)) break;
    if (!facts) {
        VONK_TRY(VONK_ARENA_NEW(arena, &facts, err));
        VONK_TRY(vonk_arena_str(arena, env->executable, &facts->executable, err));
        facts->key = key;
        vonk_status st = ask(facts, pool, env, err);
        if (st != VONK_OK) {
            vonk__py_child_done(&facts->child);
            return st;
        }
        facts->arena = VONK_STEAL(arena);
        facts->next = pool->facts;
        pool->facts = facts;
        vonk__py_come_again(pool, facts->deadline_ns);
    }
    *ret = facts;
    return VONK_OK;
}

/* Line i of what it said; empty: there is none. */
static vonk_str line_of(const py_facts *facts, int i)
{
    const vonk_str said = {facts->said, facts->n_said}, mark = VONK_STR("\nvonk:");
    for (size_t at = vonk_str_find(said, mark, 0); at != SIZE_MAX; at = vonk_str_find(said, mark, at + 1)) {
        if (i-- > 0) continue;
        const size_t from = at + mark.len, end = vonk_str_find_byte(said, '\n', from);
        return vonk_str_trim(vonk_str_sub(said, from, end == SIZE_MAX ? said.len : end));
    }
    return VONK_STR_NONE;
}

vonk_status vonk__py_facts_read(py_facts *facts, vonk_error *err)
{
    const vonk_str python = line_of(facts, 0), version = line_of(facts, 1), folder = line_of(facts, 2);
    char text[2048];
    if (!version.len) {
        char end_text[32];
        vonk_process_end end = {0};
        const bool has_ended = vonk_process_wait(facts->child.process, 0, &end);
        vonk_format(text, sizeof text, "%.*s is no Python interpreter that works: %s", VONK_STR_ARGS(facts->executable),
                    has_ended ? vonk__py_end_text(&end, end_text) : "it does not say its version");
        return vonk__py_fail_with_tail(VONK_E_PYTHON_NOT_FOUND, text, &facts->child.tail, err);
    }
    if (vonk_str_is(version, "none"))
        return VONK_FAIL(err, VONK_E_PYTHON_NOT_FOUND, "message",
                         VONK_F("the Python %s of %s does not find pyspark: install it there, or name its folder in "
                                "PYTHONPATH",
                                VONK_S(python), VONK_S(facts->executable)));
    if (!vonk__py_version_of(version, &facts->version))
        return VONK_FAIL(err, VONK_E_PYTHON_NOT_FOUND, "message",
                         VONK_F("%s finds pyspark %s in %s; workers of 4.0, 4.1, 4.2 and 4.3 are known",
                                VONK_S(facts->executable), VONK_S(version), VONK_S(folder)));
    vonk_format(facts->python, sizeof facts->python, "%.*s", VONK_STR_ARGS(python));
    facts->is_known = true;
    return VONK_OK;
}

/* ---- answers */

/* Who waits for it hears why it failed. */
static void fail_waiting(vonk_py_pool *pool, const py_facts *facts, const vonk_error *why)
{
    for (py_crew *crew = pool->crews; crew; crew = crew->next) {
        VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
        VONK_AUTO(vonk_error_reset) vonk_error own = VONK_ERROR_INIT;
        vonk_str key;
        if (crew->daemon) continue;
        if (vonk_arena_new(pool->budget, &arena, &own) != VONK_OK || key_of(arena, &crew->env, &key, &own) != VONK_OK)
            vonk__py_crew_failed(pool, crew, &own);
        else if (vonk_str_eq(key, facts->key))
            vonk__py_crew_failed(pool, crew, why);
    }
}

/* False: not yet. */
static bool is_answered(py_facts *facts, int64_t now_ns, vonk_status *ret, vonk_error *err)
{
    vonk_process_end end;
    const vonk_str said = {facts->said, facts->n_said};
    *ret = VONK_OK;
    if (vonk_process_wait(facts->child.process, 0, &end)) {
        vonk__py_child_drain(&facts->child);
    } else if (now_ns >= facts->deadline_ns) {
        *ret = vonk__py_fail_with_tail(VONK_E_PYTHON_TIMED_OUT,
                                       VONK_F("%s did not say in time which pyspark it has", VONK_S(facts->executable)),
                                       &facts->child.tail, err);
        return true;
    } else if (vonk_str_find(said, VONK_STR("\nvonk:end"), 0) == SIZE_MAX) {
        return false; /* still speaking */
    }
    *ret = vonk__py_facts_read(facts, err);
    return true;
}

void vonk__py_facts_tend(vonk_py_pool *pool, int64_t now_ns)
{
    for (py_facts **link = &pool->facts; *link;) {
        py_facts *facts = *link;
        VONK_AUTO(vonk_error_reset) vonk_error why = VONK_ERROR_INIT;
        vonk_status st;
        if (facts->is_known) {
            link = &facts->next;
        } else if (!is_answered(facts, now_ns, &st, &why)) {
            vonk__py_come_again(pool, facts->deadline_ns);
            /* Its outputs may end a moment before it does. */
            if (!facts->child.out.loop) vonk__py_come_again(pool, now_ns + 2 * VONK_NS_PER_MS);
            link = &facts->next;
        } else if (st == VONK_OK) {
            vonk__py_child_done(&facts->child);
            link = &facts->next;
        } else {
            *link = facts->next;
            fail_waiting(pool, facts, &why);
            vonk__py_facts_free(facts);
        }
    }
}

void vonk__py_facts_free(py_facts *facts)
{
    vonk__py_child_done(&facts->child);
    vonk_arena_free(facts->arena);
}
