/* base/banned.h -- calls that nobody may make: no bounds, hidden state, or the machine's locale. Included in front of every
 * file of ours by the build. What only some folders may call is checked on the objects by tools/banned.py.
 *
 * The system's own headers declare these names, so those that do come first. */
#ifndef VONK_BASE_BANNED_H
#define VONK_BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Where the C library has a macro of that name. */
#undef strcpy
#undef strcat
#undef strtok
#undef alloca
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok localtime gmtime ctime asctime atoi atol atoll atof gets srand \
    alloca tmpnam
#define rand() rand_is_banned_see_sys_entropy_h /* OpenSSL has a parameter of that name: only calls */

#endif
