/*
 * certificates: their files while the relay runs. One that was renewed is taken
 * up by itself, without a reload; one that ends soon is warned of once a day.
 */
#ifndef MAIN_CERTIFICATES_H
#define MAIN_CERTIFICATES_H

#include <stdint.h>

struct rooms;

struct certificates {
	uint64_t taken, seen; /* what the files looked like */
	uint64_t looked_at, warned_at; /* ms; 0: never */
};

/* What is served was read just now: at the start, and at a reload. */
void certificates_note(struct certificates *c, const struct rooms *rooms);
/* Comes often; `now` is the loop's, ms. */
void
certificates_look(struct certificates *c, struct rooms *rooms, uint64_t now);

#endif
