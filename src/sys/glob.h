/* sys/glob.h -- path patterns as Hadoop has them: ? * [abc] [a-z] [^abc] \x {ab,c{d,e}}; no wildcard matches a slash. */
#ifndef VONK_SYS_GLOB_H
#define VONK_SYS_GLOB_H

#include "base/arena.h"

/* Has `path` any of { } [ ] * ? \ ? Without them it is a plain name, which need not be looked for. */
bool vonk_glob_is_pattern(vonk_str path);

/* The existing paths that match, sorted bytewise, each once. A pattern that is no pattern gives FAILED_READ_FILE.NO_HINT with its problem.
 * At most VONK_GLOB_MOST alternatives after braces are opened, else the same. */
vonk_status vonk_glob_expand(vonk_arena *arena, vonk_str pattern, vonk_str **ret_paths, size_t *ret_n, vonk_error *err);
#define VONK_GLOB_MOST 65536

/* Does one name (a path component or any text) match a pattern without braces that hold slashes? Used for pathGlobFilter. */
vonk_status vonk_glob_match(vonk_str pattern, vonk_str name, bool *ret, vonk_error *err);

#endif
