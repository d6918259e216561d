/*
 * turns: who gets the next place where there are few: a lane, a question to the
 * name servers. Who wants one stands in the line of its own account, and the
 * accounts take turns, so that nobody waits for another one's bulk run. In an
 * account's line what is more urgent to it stands before the rest, and first attempts
 * before retries, but every fourth place goes to a retry that waits; who had a place
 * already and needs another at once stands in front of all. Pure; knows nothing of what the places are.
 */
#ifndef SCHED_TURNS_H
#define SCHED_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/span.h"

enum turn_rank {
	TURN_FRONT, /* had its turn, and goes on */
	TURN_FIRST_HIGH, /* a first attempt, before the usual ones, */
	TURN_RETRY_HIGH,
	TURN_FIRST, /* a usual one, */
	TURN_RETRY,
	TURN_FIRST_LOW, /* and behind them */
	TURN_RETRY_LOW,
	TURN_RANKS,
};

struct turn_account;

/* Who waits, as a part of the owner's struct. `{0}` is one that does not. */
struct turn {
	struct list node;
	struct turn_account *account; /* borrowed; NULL: stands nowhere */
	uint8_t rank; /* enum turn_rank */
};

struct turns {
	struct list ready; /* accounts with somebody in line, next one first */
	struct map accounts; /* those that wait or hold a place */
	uint32_t waiting; /* in all lines */
	uint32_t held; /* places given out and not given back */
};

void turns_init(struct turns *t);
/* Nobody may wait any more; places that are held are forgotten. */
void turns_clear(struct turns *t);

/* At the end of its rank; TURN_FRONT: in front of all. It stands nowhere yet. */
void turns_join(struct turns *t, struct turn *turn, struct span account,
    enum turn_rank rank);
/* Out of its line, without a place. */
void turns_leave(struct turns *t, struct turn *turn);
bool turn_is_waiting(const struct turn *turn);
/* Whose line it stands in. Lives as long as it does. */
struct span turn_account(const struct turn *turn);

/* What a place is like, and who may have it. Zero: there is no end of places. */
struct turns_place {
	/*
	 * An account that holds more places than this gets no further one;
	 * 0: however many it holds.
	 */
	uint32_t held_most;
	/* NULL: everybody may. The first TURNS_LOOKED_AT of each rank are asked. */
	bool (*fits)(const struct turn *turn, void *arg);
	/* NULL: every account may. Asked before anybody of it is. */
	bool (*admits)(struct span account, void *arg);
	void *arg;
};
enum { TURNS_LOOKED_AT = 64 };

/*
 * Whose turn it is, taken out of the line; its account goes behind the others.
 * NULL: nobody who may. No place is held by that.
 */
struct turn *turns_take(struct turns *t, const struct turns_place *place);
/* The same, but all stay where they are. */
const struct turn *
turns_peek(const struct turns *t, const struct turns_place *place);
/* An account holds a place more, or has given one back. */
void turns_hold(struct turns *t, struct span account);
void turns_give_back(struct turns *t, struct span account);
uint32_t turns_held(const struct turns *t, struct span account);
/* How many of that account wait. */
uint32_t turns_waiting(const struct turns *t, struct span account);

#endif
