/* cmd/cmd.h -- what the subcommands share: flags, settings, the engine they start. */
#ifndef VONK_CMD_CMD_H
#define VONK_CMD_CMD_H

#include "base/log.h"
#include "session/session.h"

/* One flag of a subcommand: a row, so that help and parsing cannot differ. */
typedef struct vonk__flag {
    const char *name;     /* "--port" */
    const char *argument; /* "PORT"; NULL: a switch */
    const char *help;
    const char **text;    /* receives the argument, or "1" of a switch; the last one given counts */
    size_t      *many;    /* not NULL: text is an array of VONK__MANY and *many counts */
} vonk__flag;
#define VONK__MANY 64

typedef struct vonk__subcommand {
    const char *name, *help;
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand's name; returns the exit status */
} vonk__subcommand;

int vonk__cmd_server(int argc, char **argv);
int vonk__cmd_sql(int argc, char **argv);
int vonk__cmd_submit(int argc, char **argv);

/* Reads "--flag value" and "--flag=value"; -h and --help print the flags. Returns false when the program should end, with *ret_status. */
bool vonk__flags_read(const char *usage, const vonk__flag *flags, size_t n, int argc, char **argv, int *ret_status);
void vonk__error_print(const vonk_error *err); /* on stderr, as "[CONDITION] text SQLSTATE: xxxxx" */

/* ---- settings: defaults, then spark-defaults.conf ($SPARK_CONF_DIR, $SPARK_HOME/conf, or --properties-file alone,
 * or after it with load_defaults), then VONK_CONF_<key with _ for .> of the environment,
 * then --conf key=value. */
typedef struct vonk__settings {
    const char *properties_file, *load_defaults, *memory, *threads, *spill_dir, *warehouse_dir;
    const char *conf[VONK__MANY]; /* "key=value" of --conf */
    size_t      n_conf;
} vonk__settings;
vonk_status vonk__settings_conf(const vonk__settings *settings, const vonk_conf **ret, vonk_error *err);
vonk_status vonk__engine_start(const vonk__settings *settings, vonk_engine **ret, vonk_error *err);
/* "2g", "512m", "1048576" */
vonk_status vonk__parse_bytes(const char *text, int64_t *ret, vonk_error *err);

#endif
