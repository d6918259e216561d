/*
 * scan: a walk over the waiting messages that a request is about, some of them a
 * turn. The request has "ids", or the filter chooses among all; "after" is where
 * the answer before ended, and the next one ends. A turn is a few milliseconds.
 */
#ifndef DESK_SCAN_H
#define DESK_SCAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "dispatch/queue.h"
#include "filter.h"

/*
 * A request names no more ids than that. Writing an answer out costs as much again
 * as making it: so a turn ends after a millisecond.
 */
enum { SCAN_IDS_MOST = 1000, SCAN_TURN_MS = 1 };

struct scan {
	struct queue *queue; /* borrowed */
	struct filter filter;
	const json_t *ids; /* borrowed from the request; NULL: all that wait */
	size_t nth; /* of the ids: the next */
	struct queue_place place; /* behind which it goes on */
	uint64_t now; /* ms */
	uint64_t until; /* loop_clock(); 0: it is not timed */
	bool is_over;
	bool *only; /* owned: see filter_match() */
	uint32_t only_cap;
	enum filter_part part; /* of the message that was found last */
};

/* What scan_next() found. */
struct scan_item {
	struct message *message; /* NULL: no such message waits */
	const char *id; /* of those that were named: as they were */
};

/* False: the request is wrong; `wrong` says how. scan_clear() in any case. */
bool scan_begin(struct scan *s, struct queue *q, const struct router *router,
    const json_t *request, uint64_t now, const char **wrong);
void scan_clear(struct scan *s);
/* Ids, a filter or "all" were given. */
bool scan_is_chosen(const struct scan *s);
/* False: the turn is over, or the walk is: s->is_over. */
bool scan_next(struct scan *s, struct scan_item *out);
/* The next scan_next() begins with the message that was found last. */
void scan_stay(struct scan *s);
/* Sets "more", and "after" if there is more. */
void scan_end(const struct scan *s, json_t *answer);

#endif
