/* tests/faults/folder.c -- see folder.h */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"

enum { MOST_FILES = 500, PATH_BYTES = 1000, ID_BYTES = 36 };

typedef struct file {
    char path[PATH_BYTES]; /* below the root */
    bool is_folder;
    size_t n;
    char *bytes;
} file;

typedef struct files {
    file at[MOST_FILES];
    size_t n;
} files;

static char root[PATH_BYTES];
static files kept, now;

static void fail(const char *what, const char *path)
{
    fprintf(stderr, "%s %s\n", what, path);
    exit(1);
}

static void whole_path(char *to, const char *path)
{
    if (snprintf(to, 2 * PATH_BYTES, "%s/%s", root, path) < 0) fail("cannot name", path);
}

static void read_file(file *f)
{
    char path[2 * PATH_BYTES];
    struct stat facts;
    whole_path(path, f->path);
    if (stat(path, &facts) != 0) fail("cannot look at", path);
    f->is_folder = S_ISDIR(facts.st_mode);
    if (f->is_folder) return;
    FILE *in = fopen(path, "rb");
    f->n = (size_t)facts.st_size;
    f->bytes = malloc(f->n + 1);
    if (!in || !f->bytes || fread(f->bytes, 1, f->n, in) != f->n) fail("cannot read", path);
    fclose(in);
}

static void forget(files *all)
{
    for (size_t i = 0; i < all->n; i++) free(all->at[i].bytes);
    memset(all->at, 0, all->n * sizeof all->at[0]);
    all->n = 0;
}

/* Names in order; folders before what is in them. */
static void list(files *all, const char *below)
{
    struct dirent **entries = NULL;
    char path[2 * PATH_BYTES];
    whole_path(path, below);
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0) fail("cannot list", path);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            if (all->n == MOST_FILES) fail("too many files in", path);
            file *f = &all->at[all->n++];
            int used = snprintf(f->path, sizeof f->path, "%s%s%s", below, *below ? "/" : "", name);
            if (used < 0 || (size_t)used >= sizeof f->path) fail("too long a name in", path);
            read_file(f);
            if (f->is_folder) list(all, f->path);
        }
        free(entries[i]);
    }
    free(entries);
}

static void remove_all(void)
{
    char path[2 * PATH_BYTES];
    forget(&now);
    list(&now, "");
    for (size_t i = now.n; i-- > 0;) {
        whole_path(path, now.at[i].path);
        if (remove(path) != 0) fail("cannot remove", path);
    }
}

const char *folder_make(void)
{
    const char *above = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/vonk-faults-XXXXXX", above ? above : "/tmp");
    if (!mkdtemp(root)) fail("cannot make", root);
    return root;
}

void folder_keep(void)
{
    forget(&kept);
    list(&kept, "");
}

void folder_bring_back(void)
{
    char path[2 * PATH_BYTES];
    remove_all();
    for (size_t i = 0; i < kept.n; i++) {
        const file *f = &kept.at[i];
        whole_path(path, f->path);
        if (f->is_folder) {
            if (mkdir(path, 0777) != 0) fail("cannot make", path);
            continue;
        }
        FILE *out = fopen(path, "wb");
        if (!out || fwrite(f->bytes, 1, f->n, out) != f->n || fclose(out) != 0) fail("cannot write", path);
    }
}

/* "part-00000-<id>-c000": the id differs from write to write. */
static void add_name(FILE *to, const char *name)
{
    while (*name) {
        size_t n = strspn(name, "0123456789abcdef-");
        const char *id = n > ID_BYTES ? name + n - ID_BYTES : name;
        for (; n >= ID_BYTES && id >= name; id--)
            if (id[8] == '-' && id[13] == '-' && id[18] == '-' && id[23] == '-') break;
        if (n >= ID_BYTES && id >= name) {
            fprintf(to, "%.*sID", (int)(id - name), name);
            name = id + ID_BYTES;
        } else {
            fputc(*name++, to);
        }
    }
}

static uint64_t checksum(const file *f)
{
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < f->n; i++) sum = (sum ^ (uint8_t)f->bytes[i]) * 1099511628211u;
    return sum;
}

static char *describe_file(const file *f)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to) fail("cannot describe", f->path);
    add_name(to, f->path);
    if (f->is_folder)
        fputs("/\n", to);
    else
        fprintf(to, " %zu %016llx\n", f->n, (unsigned long long)checksum(f));
    if (fclose(to) != 0) fail("cannot describe", f->path);
    return text;
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Lines in order: files of one kind differ only by their ids. */
char *folder_describe(void)
{
    char *text = NULL, *lines[MOST_FILES];
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to) fail("cannot describe", root);
    forget(&now);
    list(&now, "");
    for (size_t i = 0; i < now.n; i++) lines[i] = describe_file(&now.at[i]);
    qsort(lines, now.n, sizeof lines[0], compare_lines);
    for (size_t i = 0; i < now.n; i++) {
        fputs(lines[i], to);
        free(lines[i]);
    }
    if (fclose(to) != 0) fail("cannot describe", root);
    return text;
}

void folder_remove(void)
{
    remove_all();
    if (rmdir(root) != 0) fail("cannot remove", root);
    forget(&now);
    forget(&kept);
}
