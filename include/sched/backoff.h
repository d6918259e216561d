/*
 * backoff: how long until the next attempt, from the configured list of waits;
 * the last one repeats. Pure: randomness comes as an argument.
 */
#ifndef SCHED_BACKOFF_H
#define SCHED_BACKOFF_H

#include <stddef.h>
#include <stdint.h>

struct backoff {
	const uint32_t *waits; /* s; borrowed */
	size_t count;
};

/*
 * Milliseconds after the `tries`-th failed attempt (1: the first). Up to a
 * tenth early, so that what failed together does not come back together.
 */
uint64_t
backoff_delay(const struct backoff *b, unsigned tries, uint32_t random);

#endif
