/* session/embed.h -- brings the public header in, so that its declarations and our definitions are checked against each other. */
#ifndef VONK_SESSION_EMBED_H
#define VONK_SESSION_EMBED_H

#include "vonk/vonk.h"

#endif
