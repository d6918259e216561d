/*
 * trim: gives memory back to the system that a crowd has left. The allocator
 * keeps what is free between things that stay; to find it takes time in
 * proportion to the heap, so it is looked for rarely, and in the pool.
 */
#ifndef IO_TRIM_H
#define IO_TRIM_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct trim {
	uint64_t most; /* bytes in use, since the last one */
	uint64_t last; /* bytes in use, at the last look */
	int64_t base; /* bytes that are held and not in use: the least so far */
	bool has_base;
	uint64_t next_at; /* monotonic ms; not before */
	bool runs; /* in the pool */
};

enum { TRIM_WORTH = 4 * 1024 * 1024, TRIM_PAUSE_MS = 30000 };

/*
 * Whether it is worth it: of the most that was in use at a look TRIM_WORTH are
 * free now, or so much more is `held` (resident) without being in use than was
 * after the last time (a crowd may come and go between two looks); the fall is
 * about over, and the last time is TRIM_PAUSE_MS ago. If so, the count starts
 * anew.
 */
bool trim_is_due(struct trim *t, uint64_t in_use, uint64_t held, uint64_t now);
/*
 * To be called every second or so with the bytes in use, as far as they can be
 * known; asks the system what is held, and does it when it is due. `t` lives as
 * long as the loop.
 */
void trim_look(struct trim *t, struct loop *loop, uint64_t in_use);

#endif
