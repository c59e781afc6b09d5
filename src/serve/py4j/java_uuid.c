/* serve/py4j/java_uuid.c -- java.util.UUID. */
#include "serve/py4j/py4j_int.h"
#include "sys/entropy.h"

typedef struct uuid {
    vonk__j_object head;
    char text[37];
} uuid;
static vonk_status uuid_random(vonk__j_call *call, vonk_error *err)
{
    uuid *made = NULL;
    VONK_TRY(vonk__j_object_new(call->machine, "java.util.UUID", &made, err));
    vonk_random_uuid(made->text);
    return vonk__j_return(call, vonk__j_of(&made->head));
}
static vonk_status uuid_text(vonk__j_caller *caller, vonk__j_object *self, uint32_t depth, vonk_buf *out,
                             vonk_error *err)
{
    (void)caller, (void)depth;
    return vonk_buf_add_c(out, ((uuid *)self)->text, err);
}

static const vonk__j_member members[] = {
    {"randomUUID", "", "java.util.UUID", uuid_random, VONK__J_STATIC, 0},
};
static const vonk__j_row rows[] = {
    {.fqn = "java.util.UUID",
     .flags = VONK__J_ABSTRACT,
     VONK__J_MEMBERS(members),
     .size = sizeof(uuid),
     .text = uuid_text},
};
const vonk__j_area vonk__j_area_java_uuid = {rows, VONK_COUNTOF(rows)};
