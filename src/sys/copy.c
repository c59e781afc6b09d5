/* sys/copy.c -- files and folders copied, in pieces. */
#include "sys/files.h"

enum { PIECE_BYTES = 1 << 20, MOST_DEPTH = 64 };

vonk_status vonk_file_copy(vonk_budget *budget, vonk_str from, vonk_str to, vonk_error *err)
{
    VONK_AUTO(vonk_file_free) vonk_file *in = NULL, *out = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf piece = {0};
    vonk_buf_init(&piece, budget, PIECE_BYTES);
    VONK_TRY(vonk_file_open(budget, from, VONK_FILE_READ, &in, err));
    VONK_TRY(vonk_file_open(budget, to, VONK_FILE_REPLACE, &out, err));
    VONK_TRY(vonk_buf_reserve(&piece, PIECE_BYTES, err));
    for (int64_t at = 0;;) {
        size_t n = 0;
        VONK_TRY(vonk_file_read_at(in, at, piece.data, PIECE_BYTES, &n, err));
        VONK_TRY(vonk_file_write(out, piece.data, n, err));
        at += (int64_t)n;
        if (n < PIECE_BYTES) return vonk_file_close(VONK_STEAL(out), err);
    }
}

static vonk_status copy_folder(vonk_budget *budget, vonk_str from, vonk_str to, int depth, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    vonk_dir_entry *entries = NULL;
    size_t n = 0;
    if (depth > MOST_DEPTH)
        return VONK_FAIL(err, VONK_E_UNSUPPORTED_FEATURE, "feature",
                         VONK_F("copying folders more than %d deep", MOST_DEPTH));
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    VONK_TRY(vonk_dir_make(to, err));
    VONK_TRY(vonk_dir_list(arena, from, &entries, &n, err));
    for (size_t i = 0; i < n; i++) {
        vonk_str in, out;
        VONK_TRY(vonk_path_join(arena, from, entries[i].name, &in, err));
        VONK_TRY(vonk_path_join(arena, to, entries[i].name, &out, err));
        if (entries[i].info.kind == VONK_FILE_DIRECTORY) VONK_TRY(copy_folder(budget, in, out, depth + 1, err));
        if (entries[i].info.kind == VONK_FILE_REGULAR) VONK_TRY(vonk_file_copy(budget, in, out, err));
    }
    return VONK_OK;
}

vonk_status vonk_dir_copy_tree(vonk_budget *budget, vonk_str from, vonk_str to, vonk_error *err)
{
    return copy_folder(budget, from, to, 0, err);
}
