/*
 * intake_io: does what a draft needs: the one door to the spool. A part of its
 * owner's struct; lives on one loop.
 */
#ifndef INTAKE_INTAKE_IO_H
#define INTAKE_INTAKE_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "intake/ledger_io.h"
#include "spool/spool.h"

struct content;
struct draft;
struct envelope;
struct filtering;
struct loop;
struct milter_ways;
struct suppressor;

struct intake_answer {
	const char
	    *refusal; /* what draft_answered() is told; NULL: it is done */
	enum spool_status status; /* the same, for who answers nobody */
	struct envelope
	    *env; /* after DRAFT_COMMIT, when it is done: the callee's */
	bool is_over; /* the same: it is held until its budget has room */
	const struct ledger_why *over; /* DRAFT_RESERVE: why there is no room */
	bool is_suppressed; /* DRAFT_SUPPRESSED: it is */
};
typedef void (*intake_cb)(const struct intake_answer *answer, void *arg);

struct intake {
	struct spool *spool; /* borrowed: outlives it */
	struct loop *loop; /* borrowed */
	/* Borrowed: outlives it; NULL (as it begins): budgets are not asked. */
	struct ledger *ledger;
	struct suppressor *suppressor; /* the same */
	struct reservation reservation;
	struct ledger_waiter waiter;
	struct milter_ways *ways; /* the same: to filters, if there are any */
	/* Borrowed, while it waits for its account, filters or the disk. */
	struct draft *draft;
	struct filtering *filtering; /* owned; NULL: none, or it has ended */
	struct spool_entry *rewritten; /* owned: see DRAFT_REWRITE; or NULL */
	struct buf piece; /* owned: on its way there */
	uint64_t rest_at;
	int64_t nread;
	struct ledger_why why; /* of the last one that had no room, */
	char refusal[512]; /* and what it was answered with */
	struct spool_entry *entry; /* owned; NULL: none */
	struct envelope *env; /* owned while committing */
	struct progress *news; /* the same; or NULL */
	struct content *content; /* a reference while committing */
	bool is_busy; /* a callback will come */
	intake_cb cb;
	void *arg;
};

void intake_init(struct intake *in, struct spool *spool, struct loop *loop,
    intake_cb cb, void *arg);
/* What the draft becomes takes the place of that message, which waits. */
void intake_replaces(struct intake *in, uint64_t id);
/*
 * Does d->need. True: it is done at once, and `now` says what came of it; else the
 * callback comes, later and once. The draft lives until then.
 */
bool intake_do(struct intake *in, struct draft *d, struct intake_answer *now);
/* It is over soon: filters are not waited for. The callback comes still. */
void intake_hurry(struct intake *in);
/* Gives up what was begun, if anything was. Not while it is busy. */
void intake_drop(struct intake *in);
/* The same of what the draft has no part in any more. */
void intake_settle(struct intake *in, const struct draft *d);

#endif
