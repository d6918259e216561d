/*
 * dispatch: moves waiting messages: wakes the legs that are due, has them routed,
 * lets them stand in line, gives them to lanes, records what became of them, and
 * tells senders. Everything on the queue thread.
 *
 *   dispatch_io.c  messages come in; times; needs of legs and messages
 *   lines_io.c     channels and lanes
 *   reports_io.c   what senders are told
 *   operator_io.c  the operator's verbs
 *   facts.c        what the log is told
 */
#ifndef DISPATCH_DISPATCH_H
#define DISPATCH_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "mail/progress.h"

struct attempt;
struct buf;
struct conf;
struct dispatch;
struct envelope;
struct history;
struct lane;
struct lane_end;
struct loop;
struct message;
struct order;
struct queue;
struct route;
struct router;
struct router_next;
struct spool;
struct target;
struct words;

/* Who makes connections: main wires the crew to it. Each takes the attempt. */
struct dispatch_lanes {
	/* Takes a reference of its own to the target. */
	void (*open)(struct lane *lane, struct target *target, uint32_t host,
	    struct attempt *a, void *arg);
	void (*give)(struct lane *lane, struct attempt *a, void *arg);
	/* Breaks the attempt off, if it is not too late. */
	void (*withdraw)(struct lane *lane, void *arg);
	/* No more work for it. */
	void (*quit)(struct lane *lane, void *arg);
	void *arg;
};

/* Who knows what accounts have used: main wires the ledger to it. */
struct dispatch_budget {
	/*
	 * Whether a message may be let go; it counts from then on. If not, it is
	 * in `wait` for how many ms, and in `why` because of what; an empty one:
	 * it is not known yet.
	 */
	bool (*let_go)(const struct message *m, uint64_t *wait, struct buf *why,
	    void *arg);
	/* One is held since before the start. */
	void (*held)(const struct message *m, void *arg);
	/* One is held no more: it is over, or was let go by hand, and counts. */
	void (*unheld)(const struct message *m, bool counts, void *arg);
	/* Whether the account is stopped: what comes still is held. */
	bool (*is_stopped)(struct span account, void *arg);
	/* So many of its recipients are not known to their hosts. */
	void (*unknown)(const char *account, uint32_t n, void *arg);
	void *arg;
};

/* Who asks filters about messages that were accepted: main wires intake to it. */
struct dispatch_filters {
	/* dispatch_filtered() comes once, later; nothing is borrowed till then. */
	void (*ask)(const struct message *m, void *arg);
	void *arg;
};
enum dispatch_verdict {
	DISPATCH_PASSED,
	DISPATCH_CHANGED, /* the spool has it as it is now: `env` */
	DISPATCH_REFUSED, /* for good */
	DISPATCH_DISCARDED,
	DISPATCH_PUT_OFF,
};
struct dispatch_filtered {
	uint64_t id;
	enum dispatch_verdict verdict;
	struct envelope *env; /* taken; NULL: it is not changed */
	/* CHANGED: recipients that were there, and are none any more. */
	const struct progress *news;
	size_t nnews;
	const char
	    *filter; /* REFUSED, PUT_OFF: which one; NULL: none of them */
	const char *reply; /* the same: as a client would hear it */
};

/* What waited of an account when its brake fell. */
struct dispatch_braked {
	const char *account;
	uint32_t
	    waiting; /* messages; all of them are held, or being delivered */
	struct span sample; /* lines about the newest */
};
/* Once; with NULL when the relay ends first. */
typedef void (*dispatch_braked_cb)(
    const struct dispatch_braked *braked, void *arg);

/* Borrows the loop; takes a reference of its own to the configuration. */
struct dispatch *
dispatch_new(struct loop *loop, const struct conf *conf, struct err *err);
/* Before dispatch_start(). Borrows the spool. */
void dispatch_set_road(struct dispatch *d, struct spool *spool,
    const struct dispatch_lanes *lanes);
/* The same. Without it, what was held for lack of room is let go at the start. */
void
dispatch_set_budget(struct dispatch *d, const struct dispatch_budget *budget);
/* The same. Without it, no message may have MESSAGE_UNFILTERED. */
void dispatch_set_filters(
    struct dispatch *d, const struct dispatch_filters *filters);
void
dispatch_filtered(struct dispatch *d, const struct dispatch_filtered *answer);
/*
 * Hears of each recipient that failed for good, and why; or NULL. Before
 * dispatch_start().
 */
void dispatch_on_failed(struct dispatch *d,
    void (*failed)(const struct envelope *env, struct span rcpt,
	const struct words *words, void *arg),
    void *arg);
/*
 * A reload: what may fail is made, and nothing changes before dispatch_take(),
 * which is for the same configuration.
 */
struct router_next *dispatch_prepare(
    const struct dispatch *d, const struct conf *conf, struct err *err);
void dispatch_take(
    struct dispatch *d, const struct conf *conf, struct router_next *next);
/* Instead of taking it; NULL is allowed. */
void dispatch_discard(struct router_next *next);
/* Begins to deliver. */
void dispatch_start(struct dispatch *d);
/* Nothing is routed and no lane opened from now on. */
void dispatch_stop(struct dispatch *d);
/* Whether nothing is under way that must be waited for. */
bool dispatch_is_idle(const struct dispatch *d);
/* Called whenever a report or a lane is over after dispatch_stop(). */
void dispatch_on_idle(struct dispatch *d, void (*idle)(void *arg), void *arg);
void dispatch_free(struct dispatch *d);

/* A message from the spool's past; spool_load_cb. */
void dispatch_load(struct envelope *env, const struct progress *rows,
    uint32_t flags, void *dispatch);
/* How a new one came in: for its history. */
struct dispatch_origin {
	const char *sid; /* borrowed, as the next; "": by no session */
	const char *message_id; /* its Message-ID; "": it has none */
	bool is_over; /* its account's budget has no room: it is held */
};
/* A new one. Takes the envelope. */
void dispatch_add(struct dispatch *d, struct envelope *env,
    const struct dispatch_origin *from);

/*
 * The message is another machine's now (spool_events.lost): nothing more of it is
 * tried or told, and it is forgotten when its lanes have given it back.
 */
void dispatch_lost(struct dispatch *d, uint64_t id);

/* What workers say. */
void dispatch_answered(
    struct dispatch *d, struct lane *lane, struct attempt *a, bool more);
/* `a`: what the lane still had; NULL: nothing. */
void dispatch_ended(struct dispatch *d, struct lane *lane, struct attempt *a,
    const struct lane_end *end);

/* What was to be withdrawn is not: its host may have it. */
void dispatch_too_late(struct dispatch *d, struct lane *lane);

/*
 * Where mail of that domain goes, for who only wants to know; the callback comes
 * once, at once or later, or, if the relay ends before, never. The route is borrowed
 * for the call.
 */
typedef void (*dispatch_way_cb)(const struct route *route, void *arg);
void dispatch_find_way(struct dispatch *d, struct span domain,
    struct span account, dispatch_way_cb cb, void *arg);

/* For who shows what waits. */
struct queue *dispatch_queue(struct dispatch *d);
struct router *dispatch_router(struct dispatch *d);
/* What happened lately; the desk adds what the operator did. */
struct history *dispatch_history(struct dispatch *d);

/*
 * Tells somebody something by mail, from the null sender: an address as it leaves,
 * a line, and text with lines that end in LF. It is in the log already: when it
 * cannot be stored it is lost.
 */
void dispatch_notify(
    struct dispatch *d, struct span to, struct span subject, struct span text);

/*
 * The operator's hand. `cb` comes once, later, when what was asked for is on
 * stable storage. `late` are addresses (borrowed) that were with a host when they
 * were asked for: it took them, or may have. `affected` counts these, too.
 * `recorded` false: the spool could not record it yet. The message may be gone when
 * it returns.
 */
struct dispatch_done {
	uint64_t id;
	char *const *late; /* nlate of them */
	uint32_t nlate;
	uint32_t affected; /* recipients that it was about */
	bool recorded;
};
typedef void (*dispatch_done_cb)(const struct dispatch_done *done, void *arg);
/* Only what order_judge() says can be done. */
void dispatch_do(struct dispatch *d, struct message *m,
    const struct order *order, dispatch_done_cb cb, void *arg);
/*
 * The messages of an account that connections have: one may come more than once.
 * dispatch_do() may be called for them.
 */
void dispatch_in_hand(struct dispatch *d, const char *account,
    void (*each)(struct message *m, void *arg), void *arg);
/*
 * All that waits of an account is held, as ORDER_STOP does, some a turn: it departs
 * from its habit.
 */
void dispatch_brake(struct dispatch *d, const char *account,
    dispatch_braked_cb done, void *arg);
/* An account is not stopped any more: what still stood in line of it goes on. */
void dispatch_readmit(struct dispatch *d);
/*
 * Mail of that author's domain is not tried at that site (by its name), because of
 * what was said there: what waits is held, some a turn, and so is what comes.
 */
void dispatch_hold_domain(struct dispatch *d, struct span domain,
    const char *site, const struct words *words);
/* It is tried again everywhere. */
void dispatch_trust_domain(struct dispatch *d, struct span domain);
/*
 * Hears when a site is the first, or the next, not to believe a domain, which is held
 * there from then on; and of domains of which messages were held before the start.
 */
void dispatch_on_mistrusted(struct dispatch *d,
    void (*mistrusted)(struct span domain, const char *site,
	const struct words *words, void *arg),
    void (*held_before)(struct span domain, void *arg), void *arg);

#endif
