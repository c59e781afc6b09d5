/* text/zone_int.h -- inside text: the table of a zone. */
#ifndef VONK_TEXT_ZONE_INT_H
#define VONK_TEXT_ZONE_INT_H

#include "text/zone.h"

typedef struct vonk__zone_period {
    int32_t offset_s;
    uint32_t abbreviation; /* in abbreviations */
    bool dst;
} vonk__zone_period;

struct vonk_zone {
    char *name, *abbreviations; /* NUL-terminated texts, one behind the other */
    vonk_zone *next;
    bool fixed;
    int32_t offset_s; /* of fixed zones */
    uint32_t n;       /* transitions */
    int64_t *at;      /* [n]: instants in seconds, ascending */
    vonk__zone_period *periods; /* [n + 1]: 0 holds before at[0], i + 1 from at[i] on */
    int64_t table_end; /* instants from here on: the same as 400 years before, if `repeats`; else the last period */
    bool repeats;
};

/* Fills the table from the bytes of a zone file (RFC 8536). MALFORMED_INPUT when they are not one. */
vonk_status vonk__zone_read_rules(vonk_str bytes, vonk_zone *zone, vonk_error *err);

#endif
