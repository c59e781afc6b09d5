/* text/zone.h -- time zones: names as java.time takes them, rules from the system's tzdata.
 *
 * A zone is found once and lives as long as the process: keep the pointer, share it between threads. */
#ifndef VONK_TEXT_ZONE_H
#define VONK_TEXT_ZONE_H

#include "base/budget.h"

typedef struct vonk_zone vonk_zone;

/* "America/Los_Angeles", "UTC", "Z", "+01:00", "UTC+1", "GMT-03:30", "EST", "+5:30": INVALID_TIMEZONE when there is none. */
vonk_status vonk_zone_find(vonk_str name, const vonk_zone **ret, vonk_error *err);
/* The same without raising (text of a timestamp with a zone). */
const vonk_zone *vonk_zone_lookup(vonk_str name); /* NULL: no such zone */
const vonk_zone *vonk_zone_utc(void);
vonk_str         vonk_zone_name(const vonk_zone *zone);
bool             vonk_zone_is_fixed(const vonk_zone *zone, int32_t *ret_offset_s);
/* Name of the machine's zone. */
vonk_str         vonk_zone_local_name(void);

/* Remembers the last period of constant offset, so that neighbours in time cost no search. Zero it first; one per thread and zone. */
typedef struct vonk_zone_cache {
    int64_t from_s, to_s; /* [from, to) */
    int32_t offset_s;
} vonk_zone_cache;

/* A local time: days since 1970-01-01 and microseconds of the day. It holds every instant in every zone; as microseconds since 1970-01-01 those at the ends of
 * the range would not fit. */
typedef struct vonk_local {
    int64_t day, us;
} vonk_local;

/* Seconds east of UTC at an instant. cache may be NULL. */
int32_t    vonk_zone_offset(const vonk_zone *zone, int64_t utc_s, vonk_zone_cache *cache);
/* zone NULL, here and below: timestamps without zone, whose microseconds are local. */
vonk_local vonk_zone_to_local(const vonk_zone *zone, int64_t utc_us, vonk_zone_cache *cache);
/* java.time's rule: a local time in a gap moves on by the gap's length; of two instants the earlier is taken. False: no timestamp is that far. */
bool vonk_zone_to_utc(const vonk_zone *zone, vonk_local local, int64_t *ret_us);
/* Abbreviation and whether daylight saving holds, at an instant (patterns with z). */
vonk_str vonk_zone_abbreviation(const vonk_zone *zone, int64_t utc_s, bool *ret_dst);

#endif
