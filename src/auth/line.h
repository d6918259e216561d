/*
 * line: who waits for a room in the pool, where passwords are checked. Rooms
 * are given in turns of addresses, and no address ever has all of them. The
 * caller has the lock.
 */
#ifndef AUTH_LINE_H
#define AUTH_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"

struct line {
	struct map hosts; /* of struct host, by number; those with anything */
	struct list turns; /* of struct host with a line, the next one first */
	unsigned running, most; /* rooms taken, rooms there are: 2 or more */
};

void line_init(struct line *l, unsigned most, const uint64_t seed[2]);
void line_clear(struct line *l);
/* True: it has a room at once. Else it waits, and line_leave() will name it. */
bool line_enter(struct line *l, uint64_t host, struct list *node);
/* It waits no longer, without having had a room. */
void line_quit(struct line *l, uint64_t host, struct list *node);
/* A room is free; the node that has it now, or NULL. */
struct list *line_leave(struct line *l, uint64_t host);

#endif
