/*
 * worker: a thread with a loop, for receiving sessions and outgoing
 * connections. All calls here are made on the queue thread, and all events
 * come there: what lies between travels in parcels. The first worker is a guest
 * on the queue thread: while one thread can do it all, no thread need be woken
 * for another.
 */
#ifndef CREW_WORKER_H
#define CREW_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "deliver/lane.h"
#include "deliver/lane_io.h"
#include "submit/session_io.h"

struct aliases;
struct attempt;
struct auth;
struct envelope;
struct ledger;
struct loop;
struct signer;
struct spool;
struct suppressor;
struct target;
struct worker;

/* What comes back, on the queue thread. */
struct worker_events {
	void (*accepted)(
	    struct envelope *env, const struct submit_origin *from, void *arg);
	void (*logged_in)(void *token, void *arg);
	void (*closed)(struct worker *w, void *token, void *arg);
	void (*answered)(
	    struct lane *lane, struct attempt *a, bool more, void *arg);
	/* What worker_withdraw() asked for is not done: the answer comes. */
	void (*too_late)(struct lane *lane, void *arg);
	/* The lane is the callee's to free; what `end` owns is not. */
	void (*ended)(struct lane *lane, struct attempt *a,
	    const struct lane_end *end, void *arg);
	void *arg;
};

/* What all workers have in common; borrowed: outlives them. */
struct worker_shared {
	struct loop *queue;
	struct spool *spool;
	struct auth *auth;
	struct ledger *ledger; /* NULL: budgets are not asked */
	struct suppressor *suppressor; /* NULL: nobody is refused */
	struct signer *signer; /* signs what leaves; or NULL */
	uint32_t workers; /* how many share what is for all: crew's to set */
};

/*
 * `like` is one that was started before, with whom this one shares what can be
 * shared, and after whom it is numbered; NULL for the first.
 */
struct worker *
worker_start(const struct worker *like, const struct worker_shared *shared,
    const struct worker_events *events, struct err *err);
/* Asks sessions and lanes to end; the thread goes on until they have. */
void worker_quit(struct worker *w);
/* Breaks off what has not ended. */
void worker_abort(struct worker *w);
/* Sessions and lanes are gone: ends the thread if it has one, frees. */
void worker_join(struct worker *w);

/* Further addresses of accounts, from now on; takes one reference; or NULL. */
void worker_set_aliases(struct worker *w, struct aliases *aliases);
/* Sessions whose login has ended meanwhile end (session_io_look()). */
void worker_look_at_logins(struct worker *w);
/* Takes what the connection holds. */
void worker_serve(struct worker *w, const struct submit_connection *c);
/* How many sessions and lanes it has been given and not reported back. */
uint32_t worker_load(const struct worker *w);
/* CPU time of its thread so far; of a guest's, that of the queue too. */
uint64_t worker_ran_ns(const struct worker *w);

/*
 * What the operator asks of a worker's sessions: to list some, or to end some. The
 * answer comes with `done`, on the queue thread; it frees the ask. `done` must not
 * count on the worker's life.
 */
struct session_ask {
	uint64_t after; /* list: those behind that number */
	struct session_row
	    *rows; /* owned; room for `most`; NULL: it ends some */
	size_t most;
	uint64_t number; /* end: see session_io_dismiss() */
	char *account; /* owned, or NULL */
	size_t n; /* the answer: how many there are, or were ended */
	void (*done)(struct session_ask *ask);
	void *arg;
};
/* Takes the ask. */
void worker_ask_sessions(struct worker *w, struct session_ask *ask);
void session_ask_free(struct session_ask *ask);

/*
 * To that host of the target. Takes the attempt and a reference to the target; the
 * lane is the caller's, and stays where it is until its end is told.
 */
void worker_open_lane(struct worker *w, struct lane *lane,
    struct target *target, uint32_t host, struct attempt *a);
void worker_give(struct lane *lane, struct attempt *a);
/* No more work for it: it ends, if it is idle still. */
void worker_quit_lane(struct lane *lane);
/*
 * Breaks off what the lane has in hand, if it still can: `ended` comes with the
 * attempt, and says so, or `too_late`; nothing when the answer is on its way.
 */
void worker_withdraw(struct lane *lane);

#endif
