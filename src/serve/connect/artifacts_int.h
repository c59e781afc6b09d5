/* serve/connect/artifacts_int.h -- what artifacts.c and upload.c share: a session's store of files. */
#ifndef VONK_SERVE_CONNECT_ARTIFACTS_INT_H
#define VONK_SERVE_CONNECT_ARTIFACTS_INT_H

#include "serve/connect/connect_int.h"

struct vonk_connect_artifacts {
    vonk_budget *budget;
    char *folder; /* of this session alone; gone with it */
    vonk_mutex lock;
    VONK_VEC(char *) includes; /* names below pyfiles/ that belong on Python's path */
};

/* A relative path that stays below its root, without "." and "..": INVALID_ARTIFACT_PATH. */
vonk_status vonk__connect_check_artifact_name(vonk_str name, vonk_error *err);
/* The session's store, made when there is none. */
vonk_status vonk__connect_open_store(vonk_connect_session *session, vonk_connect_artifacts **ret, vonk_error *err);
/* Moves the file at `staged` to its place. ARTIFACT_ALREADY_EXISTS: other content has the name. */
vonk_status vonk__connect_store_artifact(vonk_connect_artifacts *artifacts, vonk_arena *arena, vonk_str name, vonk_str staged, vonk_error *err);
/* The backend hears of it. name_sent: as the client wrote it, with "#folder" behind an archive's name. */
vonk_status vonk__connect_tell_artifact(vonk_connect_session *session, vonk_connect_artifacts *artifacts, vonk_arena *arena, vonk_str name, vonk_str name_sent,
                                        vonk_error *err);

#endif
