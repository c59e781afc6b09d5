/* examples/embed.c -- Vonk inside a C program: SQL in, Arrow out.
 *     cc embed.c -lvonk -o embed && ./embed "SELECT id, id * id AS square FROM range(5)" */
#include <inttypes.h>
#include <stdio.h>

#include <vonk/vonk.h>

static int fail(const vonk_failure *f)
{
    fprintf(stderr, "%s (%s): %s\n", f->condition, f->sqlstate, f->message);
    return 1;
}

static int print_batches(struct ArrowArrayStream *stream)
{
    struct ArrowSchema schema;
    int64_t rows = 0;

    if (stream->get_schema(stream, &schema) != 0) return -1;
    for (int64_t c = 0; c < schema.n_children; c++)
        printf("column %" PRId64 ": %s, Arrow format %s\n", c, schema.children[c]->name, schema.children[c]->format);
    schema.release(&schema);
    for (;;) {
        struct ArrowArray batch;
        if (stream->get_next(stream, &batch) != 0) return -1;
        if (!batch.release) break;
        rows += batch.length;
        batch.release(&batch);
    }
    printf("%" PRId64 " rows\n", rows);
    return 0;
}

int main(int argc, char **argv)
{
    const char *sql = argc > 1 ? argv[1] : "SELECT id, id * id AS square FROM range(5)";
    vonk_context *context = NULL;
    vonk_failure failure;
    struct ArrowArrayStream stream;

    if (vonk_context_open(NULL, &context, &failure) != 0) return fail(&failure);
    if (vonk_context_sql(context, sql, &stream, &failure) != 0) {
        vonk_context_close(context);
        return fail(&failure);
    }
    const int status = print_batches(&stream);
    if (status != 0) fprintf(stderr, "%s\n", stream.get_last_error(&stream));
    stream.release(&stream);
    vonk_context_close(context);
    return status != 0;
}
