/* serve/py4j/archive.c -- zip and tar, as far as Python's packers write them: no encryption, no zip64, no links. */
#include "serve/py4j/archive.h"

#include "base/arena.h"
#include "codec/compress.h"
#include "sys/files.h"

enum { MOST_BYTES = 1 << 30, ZIP_END_BYTES = 22, ZIP_ENTRY_BYTES = 46, ZIP_LOCAL_BYTES = 30, TAR_BLOCK = 512 };

static vonk_status bad(vonk_str archive, const char *problem, vonk_error *err)
{
    return VONK_FAIL(err, VONK_E_MALFORMED_INPUT, "path", VONK_S(archive), "problem", problem);
}

/* Each part of a name goes down, never up. */
static bool is_safe(vonk_str name)
{
    if (!name.len || name.data[0] == '/' || memchr(name.data, 0, name.len)) return false;
    for (size_t at = 0; at <= name.len;) {
        size_t end = vonk_str_find_byte(name, '/', at);
        if (end == SIZE_MAX) end = name.len;
        if (vonk_str_is(vonk_str_sub(name, at, end), "..")) return false;
        at = end + 1;
    }
    return true;
}

static vonk_status put_file(vonk_arena *arena, vonk_str archive, vonk_str folder, vonk_str name, vonk_str content,
                            vonk_error *err)
{
    vonk_str path;
    VONK_AUTO(vonk_file_free) vonk_file *file = NULL;
    if (!is_safe(name)) return bad(archive, "a name in it leads out of its folder", err);
    VONK_TRY(vonk_path_join(arena, folder, name, &path, err));
    if (name.data[name.len - 1] == '/') return vonk_dir_make(path, err);
    size_t slash = path.len;
    while (path.data[slash - 1] != '/') slash--;
    VONK_TRY(vonk_dir_make(vonk_str_sub(path, 0, slash - 1), err));
    VONK_TRY(vonk_file_open(vonk_arena_budget(arena), path, VONK_FILE_REPLACE, &file, err));
    if (content.len) VONK_TRY(vonk_file_write(file, content.data, content.len, err));
    return vonk_file_close(VONK_STEAL(file), err);
}

/* ---- zip: a directory at the end says where everything is */

static uint32_t le(vonk_str s, size_t at, int bytes)
{
    uint32_t x = 0;
    for (int i = 0; i < bytes; i++) x |= (uint32_t)(uint8_t)s.data[at + (size_t)i] << 8 * i;
    return x;
}

static vonk_status unpack_entry(vonk_arena *arena, vonk_str archive, vonk_str folder, vonk_str all, size_t at,
                                vonk_error *err)
{
    VONK_AUTO(vonk_buf_done) vonk_buf plain = {0};
    VONK_AUTO(vonk_compressor_free) vonk_compressor *compressor = NULL;
    const uint32_t method = le(all, at + 10, 2), packed = le(all, at + 20, 4), size = le(all, at + 24, 4);
    const uint32_t name_bytes = le(all, at + 28, 2), local = le(all, at + 42, 4);
    if (at + ZIP_ENTRY_BYTES + name_bytes > all.len || (size_t)local + ZIP_LOCAL_BYTES > all.len)
        return bad(archive, "its directory is cut off", err);
    const vonk_str name = vonk_str_sub(all, at + ZIP_ENTRY_BYTES, at + ZIP_ENTRY_BYTES + name_bytes);
    const size_t from = (size_t)local + ZIP_LOCAL_BYTES + le(all, local + 26, 2) + le(all, local + 28, 2);
    if (from > all.len || packed > all.len - from) return bad(archive, "a file in it is cut off", err);
    const vonk_str content = vonk_str_sub(all, from, from + packed);
    if (method == 0) return put_file(arena, archive, folder, name, content, err);
    if (method != 8) return bad(archive, "a file in it is packed in another way than deflate", err);
    vonk_buf_init(&plain, vonk_arena_budget(arena), MOST_BYTES);
    VONK_TRY(vonk_compressor_new(vonk_arena_budget(arena), &compressor, err));
    vonk_cursor in = vonk_cursor_of(content.data, content.len, "an archive");
    VONK_TRY(vonk_decompress_all(compressor, VONK_COMPRESS_DEFLATE, &in, &plain, err));
    if (plain.len != size) return bad(archive, "a file in it has another size than it says", err);
    return put_file(arena, archive, folder, name, vonk_buf_str(&plain), err);
}

static vonk_status unzip(vonk_arena *arena, vonk_str archive, vonk_str folder, vonk_str all, vonk_error *err)
{
    if (all.len < ZIP_END_BYTES) return bad(archive, "it is no zip file", err);
    size_t end = all.len - ZIP_END_BYTES;
    while (end && memcmp(all.data + end, "PK\5\6", 4) != 0) end--;
    if (memcmp(all.data + end, "PK\5\6", 4) != 0) return bad(archive, "it is no zip file", err);
    size_t at = le(all, end + 16, 4);
    for (uint32_t n = le(all, end + 10, 2); n; n--) {
        if (at + ZIP_ENTRY_BYTES > end || memcmp(all.data + at, "PK\1\2", 4) != 0)
            return bad(archive, "its directory is cut off", err);
        VONK_TRY(unpack_entry(arena, archive, folder, all, at, err));
        at += ZIP_ENTRY_BYTES + le(all, at + 28, 2) + le(all, at + 30, 2) + le(all, at + 32, 2);
    }
    return VONK_OK;
}

/* ---- tar: blocks of 512 bytes */

static uint64_t octal(vonk_str field)
{
    uint64_t x = 0;
    for (size_t i = 0; i < field.len && field.data[i] >= '0' && field.data[i] <= '7'; i++)
        x = x << 3 | (uint64_t)(field.data[i] - '0');
    return x;
}
static vonk_str text_field(vonk_str all, size_t at, size_t bytes)
{
    const vonk_str field = vonk_str_sub(all, at, at + bytes);
    const size_t end = vonk_str_find_byte(field, 0, 0);
    return vonk_str_sub(field, 0, end == SIZE_MAX ? bytes : end);
}

static vonk_status untar(vonk_arena *arena, vonk_str archive, vonk_str folder, vonk_str all, vonk_error *err)
{
    vonk_str long_name = VONK_STR_NONE;
    for (size_t at = 0; at + TAR_BLOCK <= all.len && all.data[at];) {
        const uint64_t size = octal(vonk_str_sub(all, at + 124, at + 136));
        const char type = all.data[at + 156];
        const vonk_str prefix = text_field(all, at + 345, 155);
        vonk_str name = text_field(all, at, 100);
        at += TAR_BLOCK;
        if (size > all.len - at) return bad(archive, "a file in it is cut off", err);
        const vonk_str content = vonk_str_sub(all, at, at + (size_t)size);
        at += ((size_t)size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
        if (type == 'L') { /* GNU's: the name of the next one */
            long_name = text_field(content, 0, content.len);
            continue;
        }
        if (long_name.len)
            name = long_name;
        else if (prefix.len)
            VONK_TRY(vonk_path_join(arena, prefix, name, &name, err));
        long_name = VONK_STR_NONE;
        if (vonk_str_starts(name, VONK_STR("./"))) name = vonk_str_sub(name, 2, name.len);
        if (type == '5' && name.len) {
            if (!is_safe(name)) return bad(archive, "a name in it leads out of its folder", err);
            vonk_str path;
            VONK_TRY(vonk_path_join(arena, folder, name, &path, err));
            VONK_TRY(vonk_dir_make(path, err));
        }
        if (type == '0' || type == 0) VONK_TRY(put_file(arena, archive, folder, name, content, err));
    }
    return VONK_OK;
}

vonk_status vonk__j_unpack(vonk_budget *budget, vonk_str archive, vonk_str folder, vonk_error *err)
{
    VONK_AUTO(vonk_arena_free) vonk_arena *arena = NULL;
    VONK_AUTO(vonk_buf_done) vonk_buf all = {0}, plain = {0};
    VONK_AUTO(vonk_compressor_free) vonk_compressor *compressor = NULL;
    VONK_TRY(vonk_arena_new(budget, &arena, err));
    vonk_buf_init(&all, budget, MOST_BYTES);
    vonk_buf_init(&plain, budget, MOST_BYTES);
    VONK_TRY(vonk_file_read_all(archive, MOST_BYTES, &all, err));
    VONK_TRY(vonk_dir_make(folder, err));
    if (vonk_str_ends(archive, VONK_STR(".zip")) || vonk_str_ends(archive, VONK_STR(".jar")))
        return unzip(arena, archive, folder, vonk_buf_str(&all), err);
    if (vonk_str_ends(archive, VONK_STR(".tar"))) return untar(arena, archive, folder, vonk_buf_str(&all), err);
    if (vonk_str_ends(archive, VONK_STR(".tar.gz")) || vonk_str_ends(archive, VONK_STR(".tgz"))) {
        VONK_TRY(vonk_compressor_new(budget, &compressor, err));
        vonk_cursor in = vonk_cursor_of(all.data, all.len, "an archive");
        VONK_TRY(vonk_decompress_all(compressor, VONK_COMPRESS_GZIP, &in, &plain, err));
        return untar(arena, archive, folder, vonk_buf_str(&plain), err);
    }
    size_t slash = archive.len;
    while (slash && archive.data[slash - 1] != '/') slash--;
    return put_file(arena, archive, folder, vonk_str_sub(archive, slash, archive.len), vonk_buf_str(&all), err);
}
