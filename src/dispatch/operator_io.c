/*
 * The operator's verbs. What stands in line or waits obeys at once; what a lane
 * has is called back, and the answer waits until it is back: for recipients whose
 * host had the message by then it came too late.
 */
#include "lanes_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "dispatch/order.h"
#include "io/loop.h"
#include "spool/spool.h"

/* An operator who waits: for legs of a message to come back, then for the disk. */
struct wait {
	struct list node; /* in dispatch->waits, until all are back */
	struct dispatch *dispatch; /* borrowed */
	struct message *message; /* borrowed, until all are back */
	uint64_t id;
	uint32_t *rcpts; /* owned: those that were with a host */
	char **late; /* owned, as each is */
	uint32_t nrcpts, nlate, affected;
	dispatch_done_cb cb;
	void *arg;
};

static const enum leg_event_type events[] = {
	[ORDER_HOLD] = LEG_HOLD,
	[ORDER_RELEASE] = LEG_RELEASE,
	[ORDER_RETRY] = LEG_RETRY,
	[ORDER_BOUNCE] = LEG_BOUNCE,
	[ORDER_REMOVE] = LEG_REMOVE,
	[ORDER_STOP] = LEG_HOLD,
	[ORDER_UNDO] = LEG_RELEASE,
};

/* It is for the leg: who of it is with a host, for whom it may be too late? */
static void
note_rcpts(struct wait *w, const struct order *order, const struct leg *leg)
{
	const struct message *m = leg->message;
	bool calls_back = order->verb != ORDER_RELEASE &&
			  order->verb != ORDER_RETRY &&
			  order->verb != ORDER_UNDO;

	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
	     i = m->env->rcpts[i].next) {
		if (m->rcpts[i].state != RCPT_QUEUED ||
		    (order->only != NULL && !order->only[i]))
			continue;
		w->affected++;
		if (calls_back && m->rcpts[i].is_out)
			w->rcpts[w->nrcpts++] = i;
	}
}

static struct wait *
wait_new(struct dispatch *d, struct message *m, dispatch_done_cb cb, void *arg)
{
	struct wait *w = MEM_NEW(struct wait);

	list_init(&w->node);
	w->dispatch = d;
	w->message = m;
	w->id = m->env->id;
	w->cb = cb;
	w->arg = arg;
	w->rcpts = mem_zalloc(m->env->nrcpt, sizeof *w->rcpts);
	return w;
}

/* Those that the host took, or may have taken. */
static void
find_late(struct wait *w)
{
	const struct message *m = w->message;

	w->late = mem_zalloc(w->nrcpts + 1, sizeof *w->late);
	for (uint32_t i = 0; i < w->nrcpts; i++) {
		const struct recipient *r = &m->rcpts[w->rcpts[i]];

		if (r->state == RCPT_DELIVERED || r->state == RCPT_RELAYED ||
		    r->is_out)
			w->late[w->nlate++] =
			    mem_strdup(m->env->rcpts[w->rcpts[i]].address);
	}
}

static void
answer(struct wait *w, bool recorded)
{
	struct dispatch_done done = { w->id, w->late, w->nlate, w->affected,
		recorded };

	w->cb(&done, w->arg);
	for (uint32_t i = 0; i < w->nlate; i++)
		free(w->late[i]);
	free(w->late);
	free(w->rcpts);
	free(w);
}

static void
on_recorded(enum spool_status status, void *arg)
{
	/* ABSENT: the end of the message is recorded already. */
	answer(arg, status == SPOOL_OK || status == SPOOL_ABSENT);
}

/* All are back: the answer comes behind what is recorded now. */
static void
settle(struct wait *w, bool is_done)
{
	struct dispatch *d = w->dispatch;

	list_remove(&w->node);
	find_late(w);
	w->message = NULL;
	if (is_done)
		spool_done_synced(d->spool, w->id, d->loop, on_recorded, w);
	else
		spool_progress_synced(
		    d->spool, w->id, NULL, 0, d->loop, on_recorded, w);
}

/* Some of it may come back yet: a lane has not said what it can do about it. */
static bool
is_awaited(const struct message *m)
{
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		if (lanes_may_give_back(&m->legs[i]))
			return true;
	return false;
}

void
operator_back(struct dispatch *d, struct message *m, bool is_done)
{
	LIST_FOREACH_SAFE (node, next, &d->waits) {
		struct wait *w = LIST_ENTRY(node, struct wait, node);

		if (w->message == m && !is_awaited(m))
			settle(w, is_done);
	}
}

void
operator_forget(struct dispatch *d)
{
	LIST_FOREACH_SAFE (node, next, &d->waits) {
		struct wait *w = LIST_ENTRY(node, struct wait, node);

		list_remove(&w->node);
		find_late(w);
		answer(w, false);
	}
}

static bool
has_held_leg(const struct message *m)
{
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		if ((m->legs[i].state == LEG_HELD &&
			!m->legs[i].is_mistrusted) ||
		    (m->legs[i].state == LEG_LEAVING &&
			m->legs[i].wish == WISH_HOLD))
			return true;
	return false;
}

/*
 * What a message that is stopped is to be when that is undone: where the operator
 * held a part of it, all of it stays held, for nobody remembers which.
 */
static unsigned
marks_of_stop(const struct message *m)
{
	unsigned marks = MESSAGE_STOPPED;

	if ((m->flags & MESSAGE_HOLDS) == 0 && has_held_leg(m))
		marks |= MESSAGE_HELD;
	return marks;
}

/* The marks of the whole message that the order leaves; before the legs obey. */
static unsigned
marks_after(const struct message *m, const struct order *order)
{
	switch (order->verb) {
	case ORDER_HOLD:
		return order->only == NULL ? m->flags | MESSAGE_HELD : m->flags;
	case ORDER_RELEASE:
		return m->flags &
		       ~(unsigned)(MESSAGE_HELD | MESSAGE_OVER_BUDGET |
				   MESSAGE_FUTURE | MESSAGE_QUARANTINED);
	case ORDER_STOP: return m->flags | marks_of_stop(m);
	case ORDER_UNDO: return m->flags & ~(unsigned)MESSAGE_STOPPED;
	case ORDER_RETRY:
	case ORDER_BOUNCE:
	case ORDER_REMOVE: break;
	}
	return m->flags;
}

/* The rows of what stays held, where the mark that said so is gone. */
static void
record_held(struct dispatch *d, const struct message *m)
{
	uint64_t now = loop_now(d->loop);
	int64_t wall = wall_now();

	for (uint32_t l = 0; l < m->env->ngroups; l++)
		for (uint32_t i = m->legs[l].first;
		     i != ENVELOPE_NO_MORE && m->legs[l].state == LEG_HELD;
		     i = m->env->rcpts[i].next) {
			struct progress row =
			    leg_row(&m->legs[l], i, now, wall);

			if (row.state == RCPT_QUEUED)
				spool_progress(d->spool, m->env->id, &row, 1);
		}
}

/*
 * The marks of the whole message, which an older one has, or an import: then the
 * rows say nothing. That of the operator goes when any of it is released, and what
 * stays held is recorded leg by leg.
 */
static void
set_marks(struct dispatch *d, struct message *m, unsigned flags)
{
	unsigned gone = m->flags & ~flags;

	if (flags == m->flags)
		return;
	message_set_flags(m, flags, loop_now(d->loop));
	if ((gone & MESSAGE_OVER_BUDGET) != 0)
		budget_unheld(d, m, true);
	spool_set_flags(d->spool, m->env->id, m->flags);
	if ((gone & (MESSAGE_HELD | MESSAGE_OVER_BUDGET | MESSAGE_FUTURE |
			MESSAGE_QUARANTINED)) != 0)
		record_held(d, m);
}

void
dispatch_readmit(struct dispatch *d)
{
	lines_mark_all(d);
	dispatch_end_turn(d);
}

void
dispatch_do(struct dispatch *d, struct message *m, const struct order *order,
    dispatch_done_cb cb, void *arg)
{
	struct leg_event ev = dispatch_event(d, events[order->verb]);
	struct wait *w = wait_new(d, m, cb, arg);
	unsigned flags = marks_after(m, order);
	/* It is held by something else still. */
	bool stays =
	    (order->verb == ORDER_UNDO && (flags & MESSAGE_HOLDS) != 0) ||
	    ((order->verb == ORDER_RELEASE || order->verb == ORDER_RETRY) &&
		(flags & MESSAGE_UNFILTERED) != 0);

	ev.reason = d->bounced;
	ev.only = order->only;
	ev.is_word = order->verb == ORDER_RELEASE;
	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		if (!order_is_for(order, &m->legs[i]))
			continue;
		note_rcpts(w, order, &m->legs[i]);
		if (order->verb == ORDER_RETRY && m->legs[i].state == LEG_LINE)
			lines_open(d, m->legs[i].channel->site);
		if (!stays)
			dispatch_step(d, &m->legs[i], &ev);
	}
	if (order->verb == ORDER_RETRY || stays)
		filters_ask_now(d, m);
	if (order->verb == ORDER_REMOVE && order->only == NULL)
		message_forget_untold(m);
	set_marks(d, m, flags);
	list_append(&d->waits, &w->node);
	dispatch_settle(
	    d, m, NULL); /* answers, if nothing is to be waited for */
	dispatch_end_turn(d);
}
