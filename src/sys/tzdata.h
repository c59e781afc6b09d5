/* sys/tzdata.h -- the system's time zone files. */
#ifndef VONK_SYS_TZDATA_H
#define VONK_SYS_TZDATA_H

#include "base/buf.h"

/* Bytes of the zone file of this name (no path tricks). *ret_found false: no such zone. */
vonk_status vonk_tzdata_read(const char *name, vonk_buf *out, bool *ret_found, vonk_error *err);
/* The machine's zone: TZ, /etc/timezone, where /etc/localtime points to; else UTC. Returns its length. */
size_t      vonk_tzdata_local_name(char *out, size_t bytes);

#endif
