/* stamp: a moment as RFC 3339 (section 5.6) writes it. */
#ifndef BASE_STAMP_H
#define BASE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct buf;

/* "2027-01-31T08:00:00Z", "2027-01-31T10:00:00+02:00"; ms since 1970. */
bool stamp_parse(struct span text, int64_t *ms);
/* In UTC, to the second. */
void stamp_write(int64_t ms, struct buf *out);

#endif
