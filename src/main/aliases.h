/*
 * aliases: the file of further addresses (auth.aliases) while the relay runs: a
 * change is taken up by itself; a file with a mistake is told, and leaves the
 * addresses as they were.
 */
#ifndef MAIN_ALIASES_H
#define MAIN_ALIASES_H

#include <stdbool.h>
#include <stdint.h>

struct crew;
struct loop;
struct rooms;

/* Its owner's part; `{0}` is a start. */
struct alias_watch {
	struct loop *loop; /* borrowed */
	struct rooms *rooms; /* borrowed */
	struct crew *const *crew; /* borrowed: NULL there once it is gone */
	uint64_t seen; /* what the file looked like; 0: there is none */
	uint64_t looked_at; /* ms */
	bool is_reading;
};

/* What is in rooms->aliases was read just now: at the start, at a reload. */
void aliases_note(struct alias_watch *w);
/* Comes often; `now` is the loop's, ms. */
void aliases_look(struct alias_watch *w, uint64_t now);

#endif
