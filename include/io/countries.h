/*
 * countries: which country a numeric address is in, by a database of MaxMind's form
 * (GeoLite2-Country, DB-IP Country). The file is copied when it is opened, so that
 * nothing that is done to it afterwards matters. From every thread.
 */
#ifndef IO_COUNTRIES_H
#define IO_COUNTRIES_H

#include <stdint.h>

#include "base/err.h"

struct countries;

struct countries *countries_new(void);
void countries_free(struct countries *c); /* NULL is allowed */
/*
 * Blocks; for the start, a reload and the pool. NULL: where geoipupdate and Debian
 * put such a file, if there is one; "none": there is to be none. 0, or a negative
 * code and what was before stays.
 */
int countries_open(struct countries *c, const char *path, struct err *err);
/* Changes when that file does; blocks. */
uint64_t countries_mark(const char *path);
/* Its two letters as a number; 0: not known. `c` may be NULL. */
uint64_t countries_find(struct countries *c, const char *address);

#endif
