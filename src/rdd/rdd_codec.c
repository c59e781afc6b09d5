/* rdd/rdd_codec.c -- tasks as bytes. */
#include "rdd/rdd_codec.h"

typedef struct head {
    uint32_t context, rdd, mode, lines, codec, folder_bytes, ending_bytes, options_bytes;
} head;

vonk_status vonk__rdd_task_encode(const rdd_task *t, vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    head h = {.context = t->context,
              .rdd = t->rdd,
              .mode = t->mode,
              .lines = t->lines,
              .codec = t->codec,
              .folder_bytes = vonk_u32_of(t->folder.len),
              .ending_bytes = vonk_u32_of(t->ending.len),
              .options_bytes = vonk_u32_of(t->options.len)};
    char *to = NULL;
    ret->len = sizeof h + t->folder.len + t->ending.len + t->options.len;
    VONK_TRY(vonk_arena_alloc(arena, ret->len, &to, err));
    memcpy(to, &h, sizeof h);
    if (t->folder.len) memcpy(to + sizeof h, t->folder.data, t->folder.len);
    if (t->ending.len) memcpy(to + sizeof h + t->folder.len, t->ending.data, t->ending.len);
    if (t->options.len) memcpy(to + ret->len - t->options.len, t->options.data, t->options.len);
    ret->data = to;
    return VONK_OK;
}

vonk_status vonk__rdd_task_decode(vonk_str bytes, rdd_task *ret, vonk_error *err)
{
    head h = {0};
    if (bytes.len >= sizeof h) memcpy(&h, bytes.data, sizeof h);
    if (bytes.len < sizeof h || bytes.len - sizeof h != (uint64_t)h.folder_bytes + h.ending_bytes + h.options_bytes ||
        h.mode > RDD_TASK_SAVE || h.codec >= VONK_N_COMPRESS)
        return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", "a task", "problem", "its bytes are no task of an RDD");
    *ret = (rdd_task){.context = h.context,
                      .rdd = h.rdd,
                      .mode = (rdd_task_mode)h.mode,
                      .lines = h.lines != 0,
                      .codec = (vonk_compression)h.codec,
                      .folder = vonk_str_sub(bytes, sizeof h, sizeof h + h.folder_bytes),
                      .ending = vonk_str_sub(bytes, sizeof h + h.folder_bytes, bytes.len - h.options_bytes),
                      .options = vonk_str_sub(bytes, bytes.len - h.options_bytes, bytes.len)};
    return VONK_OK;
}
