/* The parts of dispatch, for the three files that are it. */
#ifndef DISPATCH_DISPATCH_PRIV_H
#define DISPATCH_DISPATCH_PRIV_H

#include "conf/conf.h"
#include "dispatch/dispatch.h"
#include "mail/words.h"
#include "route/router.h"
#include "sched/queue.h"
#include "sched/site.h"

struct dispatch {
	struct loop *loop; /* borrowed: the relay's */
	const struct conf *conf; /* owned reference */
	struct spool *spool; /* borrowed */
	struct crew *crew; /* borrowed */
	struct queue *queue; /* owned */
	struct router *router; /* owned */
	struct deadline *due; /* owned: the next message */
	struct deadline *put_off; /* owned: closed sites have a line */
	struct deadline *sweep; /* owned */
	uint32_t lanes, reports; /* under way */
	uint32_t era; /* how often there was a new configuration */
	bool running;
	uint64_t health_at; /* when the spool was asked last */
	bool is_paused; /* the spool cannot record what is delivered */
	void (*idle)(void *arg); /* NULL: nobody asked */
	void *idle_arg;
};

/* --- dispatch.c --- */

/* One thing that happened to a recipient: told to the queue, and logged. */
struct news {
	struct queued *m;
	uint32_t rcpt;
	enum rcpt_event event;
	struct words words; /* without a status: none, the last ones stay */
	const char *tls; /* "" or NULL: none */
	uint64_t not_before; /* RCPT_EVENT_POSTPONED */
	const char *postponed_by; /* the same: the site's name */
};
void dispatch_tell(
    struct dispatch *d, const struct news *news, struct progress *row);
/*
 * Records `n` rows of the message, gives back one share of its round, and
 * does what the end of the round asks for. The message may be gone then.
 */
void dispatch_record(struct dispatch *d, struct queued *m,
    const struct progress *rows, uint32_t n);
/* Does what queue_review() asks for. */
void dispatch_do(struct dispatch *d, struct queued *m, unsigned todo);
/* Whether deliveries can be recorded; if not, it looks again soon. */
bool dispatch_may_deliver(struct dispatch *d);
/* Sets the clock for what is due next. */
void dispatch_arm(struct dispatch *d);

/* --- lanes.c --- */

/* All routed recipients of the message, as jobs at their sites. */
void lanes_enqueue(struct dispatch *d, struct queued *m);
/*
 * Gives waiting jobs to lanes, old ones and new; has them put off, in turns,
 * while the site is closed.
 */
void lanes_serve(struct dispatch *d, struct site *site);
/* A turn of that: deadline_cb for `put_off`. */
void lanes_put_off(void *dispatch);
/* Forgets the jobs in line; they come again at the next start. */
void lanes_let_go(struct dispatch *d, struct site *site);

/* --- reports.c --- */

void reports_send(struct dispatch *d, struct queued *m);
void reports_warn(struct dispatch *d, struct queued *m);

#endif
