/*
 * queue: all messages that wait, and what is due when. Pure: time (monotonic
 * milliseconds) and random come as arguments; it starts nothing and writes
 * nothing. The relay asks what is due, routes it, hands it to lanes, and tells
 * what became of each recipient; the queue says what must be recorded and what
 * is to be done when a round is over.
 *
 * A round is one pass over the recipients of a message that are due: routed,
 * handed to their sites, answered. A message has one round at a time.
 */
#ifndef SCHED_QUEUE_H
#define SCHED_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mail/envelope.h"
#include "mail/progress.h"
#include "sched/backoff.h"

struct queue;
struct reason;
struct site;

/* What may happen to a recipient; see the table in queue.c. */
enum rcpt_event {
	RCPT_EVENT_DELIVERED, /* the next host took it */
	RCPT_EVENT_TEMPORARY, /* tried, and put off */
	RCPT_EVENT_POSTPONED, /* not tried: the site is closed */
	RCPT_EVENT_FAILED, /* for good */
	RCPT_EVENT_TOO_OLD,
	RCPT_EVENT_REPORTED, /* the sender was told */
	RCPT_EVENT_REMOVED,
};

enum rcpt_phase { PHASE_WAITING, PHASE_ROUTING, PHASE_IN_LINE, PHASE_LANE };

struct queued_rcpt {
	uint8_t state; /* enum rcpt_state */
	uint8_t phase; /* enum rcpt_phase */
	uint16_t tries, step;
	uint32_t last; /* wall s of the last attempt; 0: none */
	uint64_t due; /* monotonic ms */
	struct site *site; /* borrowed; of this round */
	struct reason *reason; /* a reference; why, NULL: nothing yet */
};

struct queued {
	struct envelope *env; /* owned */
	struct list order; /* all messages, by id */
	uint64_t due;
	int64_t born; /* monotonic ms; before the start: negative */
	uint32_t heap_at; /* place in the heap */
	uint32_t busy; /* jobs under way in this round, and the caller */
	uint32_t routing; /* of these: questions not answered yet */
	uint8_t flags; /* enum message_flags */
	bool in_heap;
	bool is_removed; /* by the operator, during a round */
	bool is_reporting; /* a report of it is being stored */
	struct queued_rcpt rcpts[];
};

struct queue_options {
	struct backoff backoff; /* what it points to lives as long */
	uint64_t expire, delay_warning; /* ms; delay_warning 0: none */
};

struct queue *queue_new(const struct queue_options *options);
void queue_set_options(struct queue *q, const struct queue_options *options);
void queue_free(struct queue *q);

size_t queue_count(const struct queue *q);
struct queued *queue_find(const struct queue *q, uint64_t id);
/* The messages in order of id, from the first with an id above `after`. */
struct queued *queue_after(const struct queue *q, uint64_t after);
struct queued *queue_next(const struct queue *q, const struct queued *m);

/*
 * Takes the envelope. `rows` (env->nrcpt of them, borrowed) is what the spool
 * knew at start; NULL for a new message, which is due at once.
 */
struct queued *queue_add(struct queue *q, struct envelope *env,
    const struct progress *rows, uint32_t flags, uint64_t now, int64_t wall);

/* When the next message is due; UINT64_MAX: none. */
uint64_t queue_next_due(const struct queue *q);
/*
 * The next due message, its due recipients in PHASE_ROUTING and `busy` 1: the
 * caller's share, given back with queue_release(). NULL: nothing is due.
 */
struct queued *queue_take_due(struct queue *q, uint64_t now);

/*
 * Something happened to a recipient. `reason` is why (the queue takes a
 * reference of its own); NULL: the last one stays. Temporary ones get their next
 * time here (or grow too old). *out is the row to record; its reason is the
 * queue's.
 */
struct rcpt_news {
	uint32_t rcpt;
	enum rcpt_event event;
	struct reason *reason; /* borrowed */
	uint64_t not_before; /* RCPT_EVENT_POSTPONED: monotonic ms */
	uint64_t now;
	int64_t wall;
	uint32_t random;
};
void queue_tell(struct queue *q, struct queued *m, const struct rcpt_news *news,
    struct progress *out);

/*
 * Nothing happened to a recipient in line: it is due still, will be routed again,
 * and the way there cost it no try.
 */
void queue_put_back(struct queued *m, uint32_t rcpt);

/* What the end of a round asks for, more than one may be. */
enum queue_todo {
	QUEUE_REPORT = 1, /* some failed or expired: tell the sender, then
			     RCPT_EVENT_REPORTED for each */
	QUEUE_WARN = 2, /* tell the sender of the delay, set the flag */
	QUEUE_DONE = 4, /* nothing is left: queue_remove() */
};
/*
 * Gives back a share of `busy`. With the last one the round is over: the
 * message is put back for its next time, and what is to be done is returned.
 */
unsigned queue_release(struct queue *q, struct queued *m, uint64_t now);
/* The same question again, after a report was stored. */
unsigned queue_review(struct queue *q, struct queued *m, uint64_t now);

/* Sets or clears MESSAGE_HELD, MESSAGE_WARNED. A held one is never due. */
void queue_set_flags(struct queue *q, struct queued *m, uint32_t flags);
/* All its waiting recipients are due now. */
void queue_hurry(struct queue *q, struct queued *m, uint64_t now);
/* Frees it; it must not be busy. */
void queue_remove(struct queue *q, struct queued *m);

/* When the last attempt was made, wall ms; 0: none was. */
int64_t queued_last(const struct queued_rcpt *r);
/* Age, ms. */
uint64_t queued_age(const struct queued *m, uint64_t now);

#endif
