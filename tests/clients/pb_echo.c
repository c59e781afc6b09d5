/* tests/clients/pb_echo.c -- decodes messages from standard input and writes them anew, for comparison with another
 * implementation.
 *
 * In:  [u32 length of the message's name][name][u32 length][message], any number of times
 * Out: [u32 0][u32 length][message written anew], or [u32 1][u32 length][error text]      all numbers little-endian */
#include <stdio.h>
#include <stdlib.h>

#include "../fuzz/pb_rewrite.h"
#include "net/connect_table.h"

static bool read_piece(char **ret, uint32_t *ret_bytes)
{
    if (fread(ret_bytes, sizeof(*ret_bytes), 1, stdin) != 1) return false;
    *ret = malloc(*ret_bytes + 1u);
    if (!*ret || fread(*ret, 1, *ret_bytes, stdin) != *ret_bytes) exit(2);
    (*ret)[*ret_bytes] = 0;
    return true;
}

static void write_piece(uint32_t status, vonk_str text)
{
    uint32_t head[2] = {status, vonk_u32_of(text.len)};
    fwrite(head, sizeof(head), 1, stdout);
    if (text.len) fwrite(text.data, 1, text.len, stdout);
    fflush(stdout);
}

static int find_message(const char *name)
{
    for (int i = 0; i < vonk_pb_connect.n_types; i++)
        if (strcmp(vonk_pb_type_name(&vonk_pb_connect, i), name) == 0) return i;
    fprintf(stderr, "no message is named %s\n", name);
    exit(2);
}

int main(void)
{
    char *name = NULL, *bytes = NULL;
    uint32_t n = 0;
    while (read_piece(&name, &n)) {
        if (!read_piece(&bytes, &n)) return 2;
        vonk_error err = VONK_ERROR_INIT;
        const vonk_pb_msg *m = NULL;
        VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
        VONK_AUTO(vonk_buf_done) vonk_buf out = {0};
        vonk_buf_init(&out, vonk_budget_root(), SIZE_MAX);
        vonk_status st = vonk_arena_new(vonk_budget_root(), &arena, &err);
        if (st == VONK_OK)
            st = vonk_pb_decode(&vonk_pb_connect, find_message(name), (vonk_str){bytes, n}, VONK_PB_MAX_DEPTH, arena,
                                &m, &err);
        vonk_pb_writer w = vonk_pb_writer_of(&vonk_pb_connect, &out, &err);
        if (st == VONK_OK) pb_rewrite(&w, m);
        if (st == VONK_OK) st = vonk_pb_writer_end(&w);
        write_piece(st != VONK_OK, st == VONK_OK ? vonk_buf_str(&out) : vonk_str_of(vonk_error_message(&err)));
        vonk_error_reset(&err);
        free(name);
        free(bytes);
    }
    return 0;
}
