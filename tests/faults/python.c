/* tests/faults/python.c -- functions of functions.py in a session, and plans over them. */
#include "python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "sys/loop.h"
#include "plan/python_fn.h"

static char python_version[16];

void python_prepare(const char *folder)
{
    char command[300];
    const char *python = getenv("PYSPARK_PYTHON");
    snprintf(command, sizeof command, "%s -c 'import sys, pyspark, pandas; print(\"%%d.%%d\" %% sys.version_info[:2])'",
             python ? python : "python3");
    FILE *answer = popen(command, "r");
    if (!answer || fscanf(answer, "%15s", python_version) != 1 || pclose(answer) != 0) {
        fprintf(stderr, "%s: a Python with pyspark and pandas is wanted (PYSPARK_PYTHON)\n", command);
        exit(1);
    }
    setenv("PYTHONPATH", folder, 1);
    setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
    vonk_signals_prepare();
}

typedef struct function {
    const char *name, *object, *returns; /* object: of functions.py; returns: DDL, NULL when it is asked */
    vonk_py_eval eval;
} function;

static const function functions[] = {
    {"py_text", "TEXT", "string", VONK_PY_BATCHED_UDF},
    {"py_arrow_text", "TEXT", "string", VONK_PY_ARROW_BATCHED_UDF},
    {"py_fail", "FAIL", "bigint", VONK_PY_BATCHED_UDF},
    {"py_double", "DOUBLE", "bigint", VONK_PY_SCALAR_PANDAS_UDF},
    {"py_doubles", "DOUBLES", "bigint", VONK_PY_SCALAR_PANDAS_ITER_UDF},
    {"py_arrow_double", "ARROW_DOUBLE", "bigint", VONK_PY_SCALAR_ARROW_UDF},
    {"py_mean", "MEAN", "double", VONK_PY_GROUPED_AGG_PANDAS_UDF},
    {"py_arrow_mean", "ARROW_MEAN", "double", VONK_PY_GROUPED_AGG_ARROW_UDF},
    {"py_count_up", "CountUp", "k bigint, n bigint", VONK_PY_TABLE_UDF},
    {"py_arrow_rows", "CountUp", "k bigint, n bigint", VONK_PY_ARROW_TABLE_UDF},
    {"py_arrow_count_up", "ArrowCountUp", "k bigint, n bigint", VONK_PY_ARROW_UDTF},
    {"py_sums", "Sums", NULL, VONK_PY_TABLE_UDF},
    {"frames", "FRAMES", "k bigint, n bigint", VONK_PY_MAP_PANDAS_ITER_UDF},
    {"arrow_batches", "ARROW_BATCHES", "k bigint, n bigint", VONK_PY_MAP_ARROW_ITER_UDF},
    {"first_only", "FIRST_ONLY", "k bigint, n bigint", VONK_PY_MAP_ARROW_ITER_UDF},
    {"barrier", "BARRIER", "k bigint, n bigint", VONK_PY_MAP_ARROW_ITER_UDF},
    {"group", "GROUP", "k bigint, n bigint", VONK_PY_GROUPED_MAP_PANDAS_UDF},
    {"arrow_group", "ARROW_GROUP", "k bigint, n bigint", VONK_PY_GROUPED_MAP_ARROW_UDF},
    {"two_groups", "TWO_GROUPS", "k bigint, n bigint", VONK_PY_COGROUPED_MAP_PANDAS_UDF},
};

static vonk_status make(const function *f, const vonk_python_fn **ret, vonk_error *err)
{
    char pickle[64]; /* the name of a module, that of an object in it: protocol 0 */
    const vonk_type *returns = NULL;
    snprintf(pickle, sizeof pickle, "cfunctions\n%s\n.", f->object);
    if (f->returns && strchr(f->returns, ' '))
        VONK_TRY(vonk_type_parse_ddl(vonk_str_of(f->returns), &returns, err));
    else if (f->returns)
        VONK_TRY(vonk_type_parse(vonk_str_of(f->returns), &returns, err));
    const vonk_python_fn as = {.name = vonk_str_of(f->name),
                               .eval = f->eval,
                               .command = vonk_str_of(pickle),
                               .python_version = vonk_str_of(python_version),
                               .returns = returns,
                               .deterministic = true};
    const vonk_status st = vonk_python_fn_new(&as, ret, err);
    vonk_type_unref(returns);
    return st;
}

vonk_status python_register(vonk_session *session, vonk_error *err)
{
    static const function source = {"numbers_of_python", "Numbers", NULL, VONK_PY_MAP_ARROW_ITER_UDF};
    vonk_catalog *catalog = vonk_session_catalog(session);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *fn = NULL;
        VONK_TRY(make(&functions[i], &fn, err));
        VONK_TRY(vonk_catalog_put_function(catalog, vonk_str_of(functions[i].name), fn, err));
    }
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *fn = NULL;
    VONK_TRY(make(&source, &fn, err));
    return vonk_catalog_put_source(catalog, vonk_str_of(source.name), fn, err);
}

/* ---- plans */

static vonk_status make_call(vonk_session *session, vonk_str name, const vonk_expr **ret, vonk_error *err)
{
    VONK_AUTO(vonk_python_fn_unref) const vonk_python_fn *fn = NULL;
    vonk_expr *e = NULL;
    for (size_t i = 0; i < sizeof functions / sizeof *functions && !fn; i++)
        if (vonk_str_is(name, functions[i].name)) VONK_TRY(make(&functions[i], &fn, err));
    if (!fn) return VONK_FAIL(err, VONK_E_INTERNAL_ERROR, "message", "functions.py has no such function");
    VONK_TRY(vonk_expr_new(vonk_session_budget(session), VONK_EX_PYTHON, NULL, 0, &e, err));
    vonk_expr_set_python(e, fn);
    return vonk_expr_finish(e, ret, err);
}

static vonk_status make_key(vonk_session *session, const vonk_expr **ret, vonk_error *err)
{
    static const vonk_str name = {"k", 1};
    vonk_expr *e = NULL;
    VONK_TRY(vonk_expr_new(vonk_session_budget(session), VONK_EX_NAME, NULL, 0, &e, err));
    const vonk_status st = vonk_expr_set_parts(e, &name, 1, err);
    if (st == VONK_OK) return vonk_expr_finish(e, ret, err);
    vonk_expr_unref(e);
    return st;
}

static vonk_status read_plan(vonk_session *session, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;
    VONK_TRY(vonk_plan_new(vonk_session_budget(session), VONK_PN_READ, NULL, 0, &node, err));
    const vonk_status st = vonk_plan_str(node, VONK_STR("numbers_of_python"), &node->read.format, err);
    if (st == VONK_OK) return vonk_plan_finish(node, ret, err);
    vonk_plan_unref(node);
    return st;
}

static vonk_status write_plan(vonk_session *session, const vonk_plan *rows, const vonk_plan **ret, vonk_error *err)
{
    vonk_plan *node = NULL;
    VONK_TRY(vonk_plan_new(vonk_session_budget(session), VONK_PN_WRITE_FILES, &rows, 1, &node, err));
    vonk_status st = vonk_plan_str(node, VONK_STR("numbers_of_python"), &node->write.format, err);
    if (st == VONK_OK) st = vonk_plan_str(node, VONK_STR("append"), &node->write.mode, err);
    if (st == VONK_OK) return vonk_plan_finish(node, ret, err);
    vonk_plan_unref(node);
    return st;
}

vonk_status python_plan(vonk_session *session, vonk_str form, const vonk_plan *rows, const vonk_plan **ret,
                        vonk_error *err)
{
    VONK_AUTO(vonk_expr_unref) const vonk_expr *call = NULL, *key = NULL;
    const vonk_plan *inputs[] = {rows, rows};
    const size_t colon = vonk_min_size(vonk_str_find_byte(form, ':', 0), form.len - 1);
    const vonk_str kind = vonk_str_sub(form, 0, colon);
    const bool groups = vonk_str_is(kind, "groups"), cogroups = vonk_str_is(kind, "cogroups");
    const uint32_t n = cogroups ? 2 : 1;
    vonk_plan *node = NULL;
    if (vonk_str_is(form, "read")) return read_plan(session, ret, err);
    if (vonk_str_is(form, "write")) return write_plan(session, rows, ret, err);
    VONK_TRY(make_call(session, vonk_str_sub(form, colon + 1, form.len), &call, err));
    VONK_TRY(make_key(session, &key, err));
    VONK_TRY(vonk_plan_new(vonk_session_budget(session),
                           groups || cogroups ? VONK_PN_PYTHON_GROUPS : VONK_PN_PYTHON_MAP, inputs, n, &node, err));
    node->number = vonk_str_is(kind, "barrier");
    vonk_status st = vonk_plan_set_list(node, 0, &call, 1, err);
    for (uint32_t i = 0; i < n && (groups || cogroups) && st == VONK_OK; i++)
        st = vonk_plan_set_list(node, 1 + i, &key, 1, err);
    if (st == VONK_OK) return vonk_plan_finish(node, ret, err);
    vonk_plan_unref(node);
    return st;
}
