/* cmd/main.c -- the one binary: picks the subcommand. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("vonk " VONK_VERSION);
    return 0;
}
