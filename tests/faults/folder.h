/* tests/faults/folder.h -- a folder for scenarios that write: kept as it is now, brought back to that, and described. The system's own
 * calls and memory, so that none of its steps is a point that fails. One at a time. */
#ifndef VONK_TESTS_FOLDER_H
#define VONK_TESTS_FOLDER_H

#include <stddef.h>

/* Makes an empty one below $TMPDIR; the path lives until folder_remove. */
const char *folder_make(void);
void        folder_keep(void);  /* what is in it now is what folder_bring_back gives */
void        folder_bring_back(void);
/* Each file below it, hidden ones too, one line each: name (ids of writes as "ID"), size, checksum. malloc'ed. */
char       *folder_describe(void);
void        folder_remove(void);

#endif
