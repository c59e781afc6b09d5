/* vonk/vonk.h -- Vonk inside a C program: open a context, run SQL, receive Arrow.
 *
 * A context is one session: its settings, its temporary views. Calls on one context must not overlap; different contexts may be used by different threads.
 * Everything a function gives out says how it is released. Strings are UTF-8. */
#ifndef VONK_VONK_H
#define VONK_VONK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Arrow's C data and stream interfaces (arrow.apache.org/docs/format/CDataInterface.html), declared once per program. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4
struct ArrowSchema {
    const char          *format, *name, *metadata;
    int64_t              flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t             length, null_count, offset, n_buffers, n_children;
    const void        **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

typedef struct vonk_context vonk_context;

typedef struct vonk_context_options {
    int64_t     memory_bytes;  /* 0: 60 % of the machine's or cgroup's limit */
    uint32_t    n_threads;     /* 0: all cores */
    const char *spill_dir;     /* NULL: $TMPDIR or /tmp */
    const char *warehouse_dir; /* NULL: spark-warehouse below the working directory */
} vonk_context_options;

/* What went wrong. Strings live until the next call on the context, or, for a failed vonk_context_open, until the next one of this thread. */
typedef struct vonk_failure {
    const char *condition; /* "DIVIDE_BY_ZERO"; "": Spark has none for it */
    const char *sqlstate;  /* "22012" */
    const char *message;
} vonk_failure;

/* All return 0, or -1 and then *ret_failure (which may be NULL) says why. options may be NULL. */
int  vonk_context_open(const vonk_context_options *options, vonk_context **ret, vonk_failure *ret_failure);
void vonk_context_close(vonk_context *context); /* after its streams and their arrays are released; NULL is fine */
/* A setting: vonk_context_set(c, "spark.sql.session.timeZone", "UTC", ...). */
int vonk_context_set(vonk_context *context, const char *key, const char *value, vonk_failure *ret_failure);
/* Runs one statement. The stream's batches come while the query runs; releasing the stream early cancels it. */
int vonk_context_sql(vonk_context *context, const char *sql, struct ArrowArrayStream *ret_stream, vonk_failure *ret_failure);

#ifdef __cplusplus
}
#endif
#endif
