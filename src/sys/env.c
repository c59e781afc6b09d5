/* sys/env.c */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <locale.h>
#include <unistd.h>

#include "sys/env.h"
#include "sys/loop.h"
#include "sys/thread.h"

vonk_str vonk_env_get(const char *name) { return vonk_str_of(getenv(name)); }

bool vonk_env_next(size_t *inout_at, vonk_str *ret_name, vonk_str *ret_value)
{
    if (!environ) return false;
    while (environ[*inout_at]) {
        const char *entry = environ[(*inout_at)++];
        const char *equals = strchr(entry, '=');
        if (!equals) continue;
        *ret_name = (vonk_str){entry, (size_t)(equals - entry)};
        *ret_value = vonk_str_of(equals + 1);
        return true;
    }
    return false;
}

static vonk_once names_once = VONK_ONCE_INIT;
static char user_name[256] = "unknown", host_name[256] = "localhost";

static void find_names(void)
{
    char storage[16384];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(geteuid(), &entry, storage, sizeof(storage), &found) == 0 && found)
        memcpy(user_name, entry.pw_name, strnlen(entry.pw_name, sizeof(user_name) - 1) + 1);
    user_name[sizeof(user_name) - 1] = 0;
    if (gethostname(host_name, sizeof(host_name) - 1) != 0 || host_name[0] == 0) memcpy(host_name, "localhost", 10);
}

vonk_str vonk_env_user_name(void)
{
    vonk_once_run(&names_once, find_names);
    return vonk_str_of(user_name);
}

vonk_str vonk_env_host_name(void)
{
    vonk_once_run(&names_once, find_names);
    return vonk_str_of(host_name);
}

vonk_status vonk_env_program_path(vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
    if (n <= 0 || n == (ssize_t)sizeof(path)) return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", "/proc/self/exe");
    return vonk_arena_str(arena, (vonk_str){path, (size_t)n}, ret, err);
}

vonk_status vonk_env_directory(vonk_arena *arena, vonk_str *ret, vonk_error *err)
{
    char path[4096];
    if (!getcwd(path, sizeof(path))) return VONK_FAIL(err, VONK_E_PATH_NOT_FOUND, "path", ".");
    return vonk_arena_str(arena, vonk_str_of(path), ret, err);
}

int64_t vonk_env_process_id(void) { return getpid(); }

bool vonk_env_is_terminal(int fd) { return isatty(fd) == 1; }

size_t vonk_env_terminal_width(void)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

int vonk_env_read_byte(void)
{
    unsigned char byte;
    if (!vonk_interrupts_wait_input(STDIN_FILENO)) return -1;
    return read(STDIN_FILENO, &byte, 1) == 1 ? byte : -1;
}

void vonk_env_pass_on(vonk_str text)
{
    while (text.len) {
        const ssize_t n = write(STDERR_FILENO, text.data, text.len);
        if (n <= 0) return;
        text = vonk_str_sub(text, (size_t)n, text.len);
    }
}

void vonk_env_use_utf8(void)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (utf8) (void)uselocale(utf8);
}
