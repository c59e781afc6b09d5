/* tests/clients/py_encode.c -- one request to a Python worker, for test_python_streams.py: py_encode MINOR <
 * description > bytes
 *
 * Each line is a name and its values, all texts and bytes in hexadecimal ("-": empty):
 *   eval | stage | partition | attempt | cpus | task_id NUMBER       python_version | files_folder | resources TEXT
 *   barrier SOCKET SECRET     property KEY VALUE     include NAME     broadcast ID PATH
 *   runner KEY VALUE          setting KEY VALUE (of the eval type)    command BYTES (of an RDD)
 *   udf RESULT_ID             then its:  chain BYTES, arg OFFSET NAME
 *   udtf ANALYZED HANDLER TYPE NAME      partition_column N           arg OFFSET NAME */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "python/task.h"

enum { MOST = 64 };

static vonk_arena *arena;
static vonk_py_pair properties[MOST], runner[MOST], settings[MOST];
static vonk_str includes[MOST], chains[MOST];
static vonk_py_broadcast broadcasts[MOST];
static vonk_py_arg args[MOST];
static int32_t partition_columns[MOST];
static vonk_py_udf udfs[MOST];
static vonk_py_udtf udtf = {.args = args, .partition_columns = partition_columns};
static uint32_t n_args, n_chains;
static vonk_py_request request = {.properties = properties,
                                  .includes = includes,
                                  .broadcasts = broadcasts,
                                  .runner_conf = runner,
                                  .eval_conf = settings,
                                  .udfs = udfs};

static void no_fail(vonk_status st, const vonk_error *err)
{
    if (st == VONK_OK) return;
    fprintf(stderr, "%s\n", vonk_error_message(err));
    exit(1);
}

static void refuse(const char *what)
{
    fprintf(stderr, "not understood: %s\n", what);
    exit(2);
}

static vonk_str unhex(const char *digits)
{
    vonk_error err = VONK_ERROR_INIT;
    const size_t n = vonk_str_is(VONK_STR("-"), digits) ? 0 : vonk_str_of(digits).len / 2;
    char *bytes;
    no_fail(vonk_arena_alloc(arena, n + 1, &bytes, &err), &err);
    for (size_t i = 0; i < n; i++) {
        const char pair[] = {digits[2 * i], digits[2 * i + 1], 0};
        char *end;
        bytes[i] = (char)strtol(pair, &end, 16);
        if (*end) refuse(digits);
    }
    return (vonk_str){bytes, n};
}

static void put_pair(vonk_py_pair *pairs, uint32_t *n, char *const *words)
{
    if (*n == MOST) refuse("too many pairs");
    pairs[(*n)++] = (vonk_py_pair){unhex(words[1]), unhex(words[2])};
}

static bool put_number(char *const *words)
{
    const vonk_str name = vonk_str_of(words[0]);
    const int64_t number = strtoll(words[1], NULL, 10);
    if (vonk_str_is(name, "eval"))
        request.eval = (vonk_py_eval)number;
    else if (vonk_str_is(name, "stage"))
        request.stage = (int32_t)number;
    else if (vonk_str_is(name, "partition"))
        request.partition = (int32_t)number;
    else if (vonk_str_is(name, "attempt"))
        request.attempt = (int32_t)number;
    else if (vonk_str_is(name, "cpus"))
        request.cpus = (int32_t)number;
    else if (vonk_str_is(name, "task_id"))
        request.task_id = number;
    else if (vonk_str_is(name, "udf"))
        udfs[request.n_udfs++] =
            (vonk_py_udf){.args = args + n_args, .commands = chains + n_chains, .result_id = number};
    else if (vonk_str_is(name, "partition_column"))
        partition_columns[udtf.n_partition_columns++] = (int32_t)number;
    else
        return false;
    return true;
}

static bool put_text(char *const *words)
{
    const vonk_str name = vonk_str_of(words[0]);
    if (vonk_str_is(name, "python_version"))
        request.python_version = unhex(words[1]);
    else if (vonk_str_is(name, "files_folder"))
        request.files_folder = unhex(words[1]);
    else if (vonk_str_is(name, "resources"))
        request.resources_json = unhex(words[1]);
    else if (vonk_str_is(name, "command"))
        request.command = unhex(words[1]);
    else if (vonk_str_is(name, "include"))
        includes[request.n_includes++] = unhex(words[1]);
    else if (vonk_str_is(name, "chain")) {
        chains[n_chains++] = unhex(words[1]);
        udfs[request.n_udfs - 1].n_commands++;
    } else
        return false;
    return true;
}

static void put_arg(char *const *words)
{
    args[n_args++] = (vonk_py_arg){(int32_t)strtol(words[1], NULL, 10), unhex(words[2])};
    if (request.udtf)
        udtf.n_args++;
    else
        udfs[request.n_udfs - 1].n_args++;
}

static bool put_more(char *const *words, int n)
{
    const vonk_str name = vonk_str_of(words[0]);
    if (vonk_str_is(name, "barrier") && n == 3) {
        request.barrier = true;
        request.barrier_socket = unhex(words[1]);
        request.barrier_secret = unhex(words[2]);
    } else if (vonk_str_is(name, "property") && n == 3)
        put_pair(properties, &request.n_properties, words);
    else if (vonk_str_is(name, "runner") && n == 3)
        put_pair(runner, &request.n_runner_conf, words);
    else if (vonk_str_is(name, "setting") && n == 3)
        put_pair(settings, &request.n_eval_conf, words);
    else if (vonk_str_is(name, "broadcast") && n == 3)
        broadcasts[request.n_broadcasts++] = (vonk_py_broadcast){strtoll(words[1], NULL, 10), unhex(words[2])};
    else if (vonk_str_is(name, "arg") && n == 3)
        put_arg(words);
    else if (vonk_str_is(name, "udtf") && n == 5) {
        udtf.analyze_result = unhex(words[1]);
        udtf.handler = unhex(words[2]);
        udtf.return_type = unhex(words[3]);
        udtf.name = unhex(words[4]);
        request.udtf = &udtf;
    } else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    vonk_error err = VONK_ERROR_INIT;
    VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
    char *line = NULL;
    size_t room = 0;
    if (argc != 2) return 2;
    no_fail(vonk_arena_new(vonk_budget_root(), &arena, &err), &err);
    while (getline(&line, &room, stdin) > 0) {
        char *words[6], *rest = line;
        int n = 0;
        while (n < 6 && (words[n] = strsep(&rest, " \n")) && *words[n]) n++;
        if (n < 2 || !((n == 2 && (put_number(words) || put_text(words))) || put_more(words, n))) refuse(line);
        if (request.n_udfs == MOST || n_args == MOST || n_chains == MOST || request.n_broadcasts == MOST)
            refuse("too many");
    }
    free(line);
    vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
    no_fail(vonk_py_request_encode((vonk_py_version)strtol(argv[1], NULL, 10), &request, &out, &err), &err);
    fwrite(out.data, 1, out.len, stdout);
    vonk_arena_free(arena);
    return 0;
}
