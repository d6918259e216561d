/*
 * Messages that came when their account's budget had no room: held, whole, in the
 * order in which they came, until it has. Each account has a line; the oldest of it
 * asks, is let go or told how long to wait, and so on. Nobody asks more often than
 * it can help, and somebody asks once a minute in any case: an open transaction may
 * have given back what it had, or a new configuration may give more.
 *
 * What the operator holds beside stays where it is, and others of its line pass.
 */
#include "dispatch_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "mail/qid.h"
#include "mail/reason.h"
#include "spool/spool.h"

enum {
	LET_GO_A_TURN = 50,
	SOON_MS = 20, /* an account is being read */
	ASKED_MS = 60000,
};

/* An account's. */
struct held_line {
	struct list node; /* in dispatch->held_lines */
	char *account; /* owned */
	struct list waiting; /* struct held, the oldest first */
	uint64_t at; /* monotonic ms: when its first one asks again */
};

struct held {
	struct list node;
	struct held_line *line; /* borrowed: lives while one is in it */
	struct message *message; /* borrowed, pinned */
};

static struct reason *
make_reason(struct span what)
{
	struct words w = { .status = SPAN("4.7.1"), .what = what };

	return reason_new(&w);
}

/*
 * In memory only, of those that were never tried. NULL: nothing is in their way any
 * more. Shared by all but the first of a line, for whom more is known.
 */
static void
set_reason(struct message *m, struct reason *reason)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++) {
		struct recipient *r = &m->rcpts[i];

		if (r->tries > 0 || r->state != RCPT_QUEUED)
			continue;
		reason_unref(r->reason);
		r->reason = reason_ref(reason);
	}
}

/* --- lines --- */

static void
set_alarm(struct dispatch *d)
{
	uint64_t now = loop_now(d->loop), first = UINT64_MAX;

	LIST_FOREACH (node, &d->held_lines) {
		const struct held_line *line =
		    LIST_ENTRY(node, struct held_line, node);

		if (line->at < first)
			first = line->at;
	}
	if (first == UINT64_MAX)
		deadline_cancel(d->held_alarm);
	else
		deadline_set(d->held_alarm, first > now ? first - now : 1);
}

static struct held_line *
line_of(struct dispatch *d, const char *account)
{
	struct held_line *line = map_get(&d->held_by, span_text(account));

	if (line != NULL)
		return line;
	line = MEM_NEW(struct held_line);
	line->account = mem_strdup(account);
	line->at = loop_now(d->loop);
	list_init(&line->waiting);
	list_append(&d->held_lines, &line->node);
	(void)map_put(&d->held_by, span_text(line->account), line);
	return line;
}

/* Those of before a start come in the order of their ids, behind new ones. */
static void
insert(struct held_line *line, struct held *h)
{
	struct list *after = line->waiting.prev;

	while (after != &line->waiting &&
	       LIST_ENTRY(after, struct held, node)->message->env->id >
		   h->message->env->id)
		after = after->prev;
	list_prepend(after, &h->node);
}

void
budget_held(struct dispatch *d, struct message *m, bool is_new)
{
	struct held *h = MEM_NEW(struct held);

	h->message = m;
	m->pins++;
	h->line = line_of(d, m->env->account);
	insert(h->line, h);
	(void)map_put_u64(&d->held, m->env->id, h);
	set_reason(m, d->held_reason);
	if (is_new)
		FACT(BUDGET_HELD, fact_id("qid", m->env->id),
		    fact_string("user", m->env->account));
	else if (d->budget.held != NULL)
		d->budget.held(m, d->budget.arg);
	set_alarm(d);
}

static void
leave(struct dispatch *d, struct held *h)
{
	struct held_line *line = h->line;

	(void)map_remove_u64(&d->held, h->message->env->id);
	h->message->pins--;
	list_remove(&h->node);
	free(h);
	if (!list_is_empty(&line->waiting))
		return;
	(void)map_remove(&d->held_by, span_text(line->account));
	list_remove(&line->node);
	free(line->account);
	free(line);
}

void
budget_unheld(struct dispatch *d, struct message *m, bool counts)
{
	struct held *h = map_get_u64(&d->held, m->env->id);

	if (h == NULL)
		return;
	h->line->at = loop_now(d->loop);
	leave(d, h);
	set_reason(m, NULL);
	if (d->budget.unheld != NULL)
		d->budget.unheld(m, counts, d->budget.arg);
	set_alarm(d);
}

void
budget_moved(struct dispatch *d, struct message *to)
{
	struct held *h = map_get_u64(&d->held, to->env->id);

	if (h == NULL)
		return;
	h->message = to; /* the one before is gone */
	to->pins++;
}

void
budget_ask_all(struct dispatch *d)
{
	LIST_FOREACH (node, &d->held_lines)
		LIST_ENTRY(node, struct held_line, node)->at =
		    loop_now(d->loop);
	set_alarm(d);
}

/* --- letting go --- */

static void
let_go(struct dispatch *d, struct held *h)
{
	struct leg_event ev = dispatch_event(d, LEG_RELEASE);
	struct message *m = h->message;

	FACT(BUDGET_LET_GO, fact_id("qid", m->env->id),
	    fact_string("user", m->env->account),
	    fact_ms("waited", message_age(m, ev.now)));
	leave(d, h);
	set_reason(m, NULL);
	message_set_flags(m, m->flags & ~(unsigned)MESSAGE_OVER_BUDGET, ev.now);
	spool_set_flags(d->spool, m->env->id, m->flags);
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		dispatch_step(d, &m->legs[i], &ev);
	dispatch_settle(d, m, NULL);
}

/* The oldest that nothing else holds. */
static struct held *
first_of(const struct held_line *line)
{
	LIST_FOREACH (node, &line->waiting) {
		struct held *h = LIST_ENTRY(node, struct held, node);

		if ((h->message->flags & MESSAGE_HOLDS) == MESSAGE_OVER_BUDGET)
			return h;
	}
	return NULL;
}

/* False: there is no room. */
static bool
ask(struct dispatch *d, struct held_line *line, struct held *h)
{
	struct buf why = { 0 };
	uint64_t wait = 0;

	if (h->message->open == 0) { /* the operator has ended all of it */
		budget_unheld(d, h->message, false);
		return true;
	}
	if (d->budget.let_go == NULL ||
	    d->budget.let_go(h->message, &wait, &why, d->budget.arg)) {
		let_go(d, h);
		return true;
	}
	if (buf_len(&why) > 0) {
		struct reason *reason = make_reason(buf_span(&why));

		set_reason(h->message, reason);
		reason_unref(reason);
	} else {
		wait = SOON_MS;
	}
	buf_clear(&why);
	line->at = loop_now(d->loop) + (wait < ASKED_MS ? wait : ASKED_MS);
	return false;
}

/* As many as there is room for; how many of `left` more may be in this turn. */
static int
serve(struct dispatch *d, struct held_line *line, int left)
{
	bool is_last = false, has_room = true;

	while (left > 0 && has_room && !is_last) {
		struct held *h = first_of(line);

		if (h == NULL) {
			line->at = loop_now(d->loop) + ASKED_MS;
			break;
		}
		/* The line goes with the last one in it. */
		is_last = line->waiting.next->next == &line->waiting;
		has_room = ask(d, line, h);
		left--;
	}
	return left;
}

void
budget_on_alarm(void *arg)
{
	struct dispatch *d = arg;
	uint64_t now = loop_now(d->loop);
	int left = LET_GO_A_TURN;

	if (!d->running || !dispatch_may_deliver(d)) {
		if (d->running)
			deadline_set(d->held_alarm, 1000);
		return;
	}
	LIST_FOREACH_SAFE (node, next, &d->held_lines) {
		struct held_line *line =
		    LIST_ENTRY(node, struct held_line, node);

		if (line->at <= now)
			left = serve(d, line, left);
	}
	set_alarm(d);
	dispatch_end_turn(d);
}

/* --- making and ending --- */

void
budget_init(struct dispatch *d)
{
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	map_init(&d->held_by, seed);
	map_init(&d->held, seed);
	list_init(&d->held_lines);
	d->held_alarm = deadline_new(d->loop, budget_on_alarm, d);
	d->held_reason = make_reason(SPAN(
	    "its account's budget has no room, and others wait before it"));
}

void
budget_clear_lines(struct dispatch *d)
{
	LIST_FOREACH_SAFE (l, next_line, &d->held_lines) {
		struct held_line *line = LIST_ENTRY(l, struct held_line, node);

		LIST_FOREACH_SAFE (h, next, &line->waiting)
			free(LIST_ENTRY(h, struct held, node));
		free(line->account);
		free(line);
	}
	map_clear(&d->held_by);
	map_clear(&d->held);
	deadline_close(d->held_alarm);
	reason_unref(d->held_reason);
}
