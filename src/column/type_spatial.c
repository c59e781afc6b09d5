/* column/type_spatial.c -- which spatial reference systems exist, and their names in schema JSON ("EPSG:3857",
 * "OGC:CRS84"). */
#include <stdio.h>
#include <stdlib.h>

#include "column/type_int.h"

typedef enum authority { SRID, EPSG, ESRI, OGC } authority;
static const char *const authority_names[] = {"SRID", "EPSG", "ESRI", "OGC"};

typedef struct srid_range {
    int32_t first, last;
    uint8_t authority, geographic;
} srid_range;
static const srid_range ranges[] = {
#define SRIDS(first, last, authority, geographic) {first, last, authority, geographic},
#include "column/srid.def"
#undef SRIDS
};

static const struct {
    int32_t srid;
    const char *name;
} ogc_names[] = {{4267, "CRS27"}, {4269, "CRS83"}, {4326, "CRS84"}};

static const srid_range *find(int32_t srid)
{
    size_t lo = 0, hi = VONK_COUNTOF(ranges);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (ranges[mid].last < srid)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < VONK_COUNTOF(ranges) && ranges[lo].first <= srid ? &ranges[lo] : NULL;
}

bool vonk__srid_is_known(bool geography, int32_t srid)
{
    if (srid == -1) return true;
    const srid_range *r = find(srid);
    return r && (!geography || r->geographic);
}

void vonk__srid_crs(int32_t srid, char into[32])
{
    const srid_range *r = find(srid);
    if (srid < 0 || !r) {
        (void)snprintf(into, 32, "SRID:ANY");
        return;
    }
    for (size_t i = 0; i < VONK_COUNTOF(ogc_names); i++)
        if (ogc_names[i].srid == srid) {
            (void)snprintf(into, 32, "OGC:%s", ogc_names[i].name);
            return;
        }
    (void)snprintf(into, 32, "%s:%d", authority_names[r->authority], srid);
}

bool vonk__srid_of_crs(vonk_str crs, int32_t *ret)
{
    char name[32];
    if (vonk_str_is(crs, "SRID:ANY")) {
        *ret = -1;
        return true;
    }
    for (size_t i = 0; i < VONK_COUNTOF(ogc_names); i++) {
        (void)snprintf(name, sizeof(name), "OGC:%s", ogc_names[i].name);
        if (vonk_str_is(crs, name)) {
            *ret = ogc_names[i].srid;
            return true;
        }
    }
    size_t colon = vonk_str_find_byte(crs, ':', 0);
    if (colon == SIZE_MAX || crs.len - colon > 8 || crs.len - colon < 2) return false;
    int32_t srid = 0;
    for (size_t i = colon + 1; i < crs.len; i++) {
        if (crs.data[i] < '0' || crs.data[i] > '9') return false;
        srid = srid * 10 + (crs.data[i] - '0');
    }
    if (!find(srid)) return false;
    vonk__srid_crs(srid, name);
    *ret = srid;
    return vonk_str_is(crs, name);
}
