/*
 * health: what keeps the relay from its work, or will soon: each reason in words,
 * with what to do.
 */
#ifndef DESK_HEALTH_H
#define DESK_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct pages;

/* Descriptors of this process: in use, and how many there may be. */
struct descriptors {
	uint64_t open, most;
};
struct descriptors descriptors_now(void);

/*
 * Appends a line for each reason, "error: ..." or "warning: ...". Whether there is
 * no error.
 */
bool health_write(const struct pages *p, struct buf *out);

#endif
