/*
 * window: how much happened within the last so many seconds, at any moment. What
 * happened within a sixtieth of the window is kept as one, and leaves with the last
 * of it: so no span of that length ever holds more than is counted, and what is
 * counted stays for a sixtieth longer at most (a minute of an hour); what came at
 * once leaves to the millisecond. Pure: the time, monotonic, comes as an argument.
 */
#ifndef POLICY_WINDOW_H
#define POLICY_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum { WINDOW_SLOTS = 64, WINDOW_GRAINS = 60 };

struct window_slot {
	int64_t last; /* ms: when the last of it happened */
	uint32_t span; /* ms: the first of it came so long before */
	uint32_t n;
};

struct window {
	struct window_slot *slots; /* owned: a ring, the oldest first */
	uint32_t seconds; /* its length */
	uint32_t used; /* the sum of its slots */
	uint8_t head, n, cap;
	int64_t
	    warned; /* nobody is warned again before that time; 0: at once */
};

void window_init(struct window *w, uint32_t seconds);
void window_clear(struct window *w);
/* What counts now. Forgets what does not. */
uint32_t window_used(struct window *w, int64_t now);
void window_add(struct window *w, int64_t now, uint32_t n);
/* The same slots, as far as they count in one of its length. */
void window_take_over(struct window *w, const struct window *from, int64_t now);
/*
 * For how many ms from `now` on more than all but `n` of it counts: when `n` will
 * have left, if that many are counted.
 */
int64_t window_frees(const struct window *w, int64_t now, uint32_t n);

/* As ages, so that it can be kept; of what counts at `now`. */
void window_write(const struct window *w, int64_t now, struct buf *out);
/*
 * The same back, `passed` ms later, at `now`; what it is read from moves on. False:
 * these are no such bytes, and nothing is to be freed.
 */
bool
window_read(struct window *w, struct span *in, int64_t passed, int64_t now);

#endif
