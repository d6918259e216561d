/*
 * status: the relay in one page, in JSON: what waits, how the spool is, what the
 * sites that have work do, all counters.
 */
#ifndef DESK_STATUS_H
#define DESK_STATUS_H

#include <jansson.h>
#include <stdint.h>

struct channel;
struct history;
struct queue;
struct router;
struct spool;
struct state;

/* What it is told of; all borrowed for the call. */
struct status_of {
	const struct queue *queue;
	struct router *router;
	struct spool *spool;
	struct state *state;
	const struct history *history;
	uint64_t now, started; /* the loop's time, ms */
};

json_t *status_make(const struct status_of *of);
/* One channel: its name, who stands in its line, and why it is closed. */
json_t *status_channel(const struct channel *c, uint64_t now);

#endif
