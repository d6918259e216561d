/*
 * play: what src/dispatch/dispatch_io.c and lines_io.c do around the two cores,
 * played with a clock that moves when a test says so: one message, its legs, a
 * heap of times, a site with its line for each domain. What the cores ask for and
 * what happens is written into `out`, a line each; nothing is left unsaid.
 */
#ifndef TESTS_DISPATCH_PLAY_H
#define TESTS_DISPATCH_PLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "deliver/lane.h"
#include "dispatch/leg.h"
#include "dispatch/message.h"
#include "sched/heap.h"

enum { PLAY_RCPTS = 32, PLAY_WAITS = 8 };

/* Where the leg of that index is delivered. */
struct play_place {
	struct site *site; /* owned; NULL: it was never routed */
	struct channel *channel; /* the site's */
	struct lane lane;
	uint32_t host; /* that the lane is at */
};

struct play {
	struct leg_options leg_options;
	struct message_options message_options;
	uint32_t waits[PLAY_WAITS]; /* s */
	uint64_t now; /* monotonic ms */
	int64_t wall; /* ms */
	uint32_t era, flags;
	struct message *message; /* owned; NULL: not yet, or done */
	struct heap heap;
	struct leg_facts facts;
	struct play_place places[PLAY_RCPTS];
	/* What the spool knew, before the message is made. */
	struct progress rows[PLAY_RCPTS];
	struct reason *row_reasons[PLAY_RCPTS]; /* owned references */
	uint64_t age;
	bool is_read_back;
	/* A report under way. */
	uint32_t told[PLAY_RCPTS], ntold;
	struct buf out;
};

void play_init(struct play *s);
void play_clear(struct play *s);

/* "60s", "4h", "5d", "1m30s" is "90s": the largest unit that it is a number of. */
void play_duration(struct buf *out, uint64_t ms);
struct reason *play_reason(struct span said);

/* The message comes in; its recipients end with an empty span. */
void play_add(struct play *s, const struct envelope_parts *parts);
struct leg_event play_event(const struct play *s, enum leg_event_type type);
void play_step(struct play *s, struct leg *leg, const struct leg_event *ev);
/* What was settled: told, and what the message needs. */
void play_settle(struct play *s);
void play_message_event(struct play *s, const struct message_event *ev);
/* Time passes, and what is due comes in its order. */
void play_wait(struct play *s, uint64_t ms);

/* The leg's way is known: a site of so many hosts, the first preferred. */
void play_routed(struct play *s, struct leg *leg, uint32_t hosts);
/* Its first host is not to be had. */
void play_closed(struct play *s, struct leg *leg, struct reason *why);
/* A lane takes at most `most` of its recipients; whether it did. */
bool play_take(struct play *s, struct leg *leg, uint32_t most);
/* What became of those that the lane had: `n` outcomes, the last for the rest. */
struct play_end {
	const enum leg_outcome *outcomes;
	uint32_t n;
	bool blames_host, is_unreached, lacks_dsn, lacks_by;
	struct reason *reason; /* borrowed; NULL: nothing was said */
};
void play_back(struct play *s, struct leg *leg, const struct play_end *end);
void play_remove_untold(struct play *s);
void play_stored(struct play *s, bool is_stored);
/* NULL, or what does not hold of the message's counters and its legs. */
const char *play_wrong(const struct play *s);

#endif
