/* cmd/main.c -- the one binary: picks the subcommand. */
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "cmd/cmd.h"
#include "sys/loop.h"

static const vonk__subcommand subcommands[] = {
    {"server", "answer Spark Connect clients", vonk__cmd_server},
    {"sql", "run SQL: given text, a file, or line by line", vonk__cmd_sql},
    {"submit", "run a program of classic PySpark, as spark-submit", vonk__cmd_submit},
};

static int print_help(FILE *to)
{
    fprintf(to, "usage: vonk SUBCOMMAND [FLAGS]\n\n");
    for (size_t i = 0; i < VONK_COUNTOF(subcommands); i++)
        fprintf(to, "  %-8s %s\n", subcommands[i].name, subcommands[i].help);
    fprintf(to, "  %-8s %s\n  %-8s %s\n\n`vonk SUBCOMMAND --help` lists its flags.\n", "help", "this text", "--version",
            "the version");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc < 2) return print_help(stderr);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        puts("vonk " VONK_VERSION " (behaves as Apache Spark " VONK_SPARK_VERSION ")");
        return 0;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_help(stdout);
    for (size_t i = 0; i < VONK_COUNTOF(subcommands); i++)
        if (strcmp(argv[1], subcommands[i].name) == 0) return subcommands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "vonk: no subcommand '%s'\n\n", argv[1]);
    return print_help(stderr);
}
