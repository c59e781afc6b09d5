/* tests/fuzz/replay.c -- runs a fuzz target once over each file of its corpus, and over an empty and a one-byte input.
 *
 *   replay_NAME CORPUS        the folder may be missing */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int replay_file(const char *folder, const char *name);

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    int n_files = 0, n_failed = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    LLVMFuzzerTestOneInput((const uint8_t *)"\xff", 1);
    DIR *corpus = opendir(argv[1]);
    if (corpus) {
        for (struct dirent *entry = readdir(corpus); entry; entry = readdir(corpus)) {
            if (entry->d_name[0] == '.') continue;
            n_files++;
            n_failed += replay_file(argv[1], entry->d_name);
        }
        closedir(corpus);
    }
    printf("%d inputs replayed, %d could not be read\n", n_files + 2, n_failed);
    return n_failed != 0;
}

static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) return 1;
    uint8_t *data = NULL;
    size_t bytes = 0, room = 0;
    int status = 1;
    for (;;) {
        if (bytes == room) {
            room = room ? 2 * room : 65536;
            uint8_t *more = realloc(data, room);
            if (!more) goto out;
            data = more;
        }
        size_t got = fread(data + bytes, 1, room - bytes, file);
        if (got == 0) break;
        bytes += got;
    }
    if (ferror(file)) goto out;
    /* An exact copy, so that AddressSanitizer sees a read past the end. */
    uint8_t *exact = malloc(bytes ? bytes : 1);
    if (!exact) goto out;
    memcpy(exact, data, bytes);
    LLVMFuzzerTestOneInput(exact, bytes);
    free(exact);
    status = 0;
out:
    free(data);
    fclose(file);
    return status;
}
