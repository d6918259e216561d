/*
 * crew: the workers, and which of them a new session or lane goes to. The
 * queue thread's alone.
 *
 * Little work stays together: a session and the lane that its messages leave by
 * on one worker pass each other without waking a second thread, which costs
 * more than what it is woken for. Much work spreads, as a worker that runs for
 * most of the time gets nothing new. Nothing moves from one to another later,
 * so the difference between them is kept small: sessions that are idle when
 * they come may all be at work some day.
 */
#ifndef CREW_CREW_H
#define CREW_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct aliases;
struct crew;
struct worker;
struct worker_events;
struct worker_shared;

/* What the choice looks at. */
struct crew_seat {
	uint32_t load; /* sessions and lanes */
	bool busy; /* its thread ran for most of the last while */
};

/*
 * The first that is not busy and has no more than CREW_UNEVEN sessions and
 * lanes more than the one with the least; else the one with the least. There is
 * at least one seat. The first is the queue thread's, which has work with every
 * session and lane: a CREW_QUEUE_PART-th of what a worker has with it, and that
 * counts as load of its own. So with two workers it takes its share of sessions,
 * and where there are so many that the queue needs a thread, it takes none.
 */
enum { CREW_UNEVEN = 8, CREW_QUEUE_PART = 16 };
size_t crew_choose(const struct crew_seat *seats, size_t n);

/* Starts so many; 0: one a processor. */
struct crew *crew_start(uint32_t workers, const struct worker_shared *shared,
    const struct worker_events *events, struct err *err);
uint32_t crew_count(const struct crew *c);
/* The one of that number, from 0 on. */
struct worker *crew_worker(struct crew *c, uint32_t i);
/* For a new session or lane. `now` in milliseconds, of a steady clock. */
struct worker *crew_pick(struct crew *c, uint64_t now);
/* Further addresses of accounts, for all of them (borrowed); or NULL. */
void crew_set_aliases(struct crew *c, struct aliases *aliases);
/* Sessions whose login has ended meanwhile end, on all of them. */
void crew_look_at_logins(struct crew *c);
/* Asks all sessions and lanes to end. */
void crew_quit(struct crew *c);
/* Breaks off what has not ended. */
void crew_abort(struct crew *c);
/* Sessions and lanes are gone: ends the threads, waits for them, frees. */
void crew_join(struct crew *c);

#endif
