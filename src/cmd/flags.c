/* cmd/flags.c -- command line flags from a table. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static void print_flags(FILE *to, const char *usage, const vonk__flag *flags, size_t n)
{
    fprintf(to, "usage: vonk %s\n\n", usage);
    for (size_t i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", flags[i].name, flags[i].argument ? " " : "",
                 flags[i].argument ? flags[i].argument : "");
        fprintf(to, "  %-28s %s\n", left, flags[i].help);
    }
}

static const vonk__flag *find(const vonk__flag *flags, size_t n, const char *arg, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(flags[i].name) == len && strncmp(flags[i].name, arg, len) == 0) return &flags[i];
    return NULL;
}

static bool refuse(const char *usage, const vonk__flag *flags, size_t n, const char *what, const char *arg,
                   int *ret_status)
{
    fprintf(stderr, "vonk: %s %s\n\n", what, arg);
    print_flags(stderr, usage, flags, n);
    *ret_status = 2;
    return false;
}

bool vonk__flags_read(const char *usage, const vonk__flag *flags, size_t n, int argc, char **argv, int *ret_status)
{
    for (int i = 1; i < argc; i++) {
        const char *equals = strncmp(argv[i], "--", 2) == 0 ? strchr(argv[i], '=') : NULL;
        const vonk__flag *flag = find(flags, n, argv[i], equals ? (size_t)(equals - argv[i]) : strlen(argv[i]));

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_flags(stdout, usage, flags, n);
            *ret_status = 0;
            return false;
        }
        if (!flag) return refuse(usage, flags, n, "unknown flag", argv[i], ret_status);
        if (!flag->argument) {
            *flag->text = "1";
            continue;
        }
        if (!equals && i + 1 >= argc) return refuse(usage, flags, n, "no argument for", argv[i], ret_status);
        const char *value = equals ? equals + 1 : argv[++i];
        if (!flag->many)
            *flag->text = value;
        else if (*flag->many < VONK__MANY)
            flag->text[(*flag->many)++] = value;
        else
            return refuse(usage, flags, n, "too many of", argv[i], ret_status);
    }
    return true;
}

void vonk__error_print(const vonk_error *err) { fprintf(stderr, "%s\n", vonk_error_message(err)); }
