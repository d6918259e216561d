/*
 * The operator's verbs. What stands in line or waits obeys at once; what a lane
 * has is called back, and the answer waits until it is back: for recipients whose
 * host had the message by then it came too late.
 */
#include "dispatch_priv.h"

#include <stdlib.h>

#include "base/mem.h"
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
	uint32_t nrcpts, nlate;
	dispatch_verb_cb cb;
	void *arg;
};

static const enum leg_event_type events[] = {
	[VERB_HOLD] = LEG_HOLD,
	[VERB_RELEASE] = LEG_RELEASE,
	[VERB_RETRY] = LEG_RETRY,
	[VERB_BOUNCE] = LEG_BOUNCE,
	[VERB_REMOVE] = LEG_REMOVE,
};

/* Whoever is with a host now: it may be too late for them. */
static struct wait *
wait_new(struct dispatch *d, struct message *m, dispatch_verb_cb cb, void *arg)
{
	struct wait *w = MEM_NEW(struct wait);

	list_init(&w->node);
	w->dispatch = d;
	w->message = m;
	w->id = m->env->id;
	w->cb = cb;
	w->arg = arg;
	w->rcpts = mem_zalloc(m->env->nrcpt, sizeof *w->rcpts);
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		if (m->rcpts[i].is_out)
			w->rcpts[w->nrcpts++] = i;
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
	struct dispatch_done done = { w->id, w->late, w->nlate, recorded };

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

static bool
has_leaving(const struct message *m)
{
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		if (m->legs[i].state == LEG_LEAVING)
			return true;
	return false;
}

void
operator_back(struct dispatch *d, struct message *m, bool is_done)
{
	LIST_FOREACH_SAFE (node, next, &d->waits) {
		struct wait *w = LIST_ENTRY(node, struct wait, node);

		if (w->message == m && !has_leaving(m))
			settle(w, is_done);
	}
}

void
operator_too_late(struct dispatch *d, struct message *m)
{
	LIST_FOREACH_SAFE (node, next, &d->waits) {
		struct wait *w = LIST_ENTRY(node, struct wait, node);

		if (w->message == m)
			settle(w, false);
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

/* The whole message is held, or released: also who is with a host just now. */
static void
set_held(struct dispatch *d, struct message *m, bool is_held)
{
	if (((m->flags & MESSAGE_HELD) != 0) == is_held)
		return;
	m->flags ^= MESSAGE_HELD;
	spool_set_flags(d->spool, m->env->id, m->flags);
}

static void
open_sites(struct dispatch *d)
{
	struct site *s;
	size_t at = 0;

	/* Asked for by hand: closed sites are tried at once, too. */
	while ((s = router_next_site(d->router, &at)) != NULL)
		site_open(s);
	lines_mark_all(d);
}

void
dispatch_do(struct dispatch *d, struct message *m, enum dispatch_verb verb,
    dispatch_verb_cb cb, void *arg)
{
	struct leg_event ev = dispatch_event(d, events[verb]);
	struct wait *w = wait_new(d, m, cb, arg);

	ev.reason = d->bounced;
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		dispatch_step(d, &m->legs[i], &ev);
	if (verb == VERB_REMOVE)
		message_forget_untold(m);
	if (verb == VERB_HOLD || verb == VERB_RELEASE)
		set_held(d, m, verb == VERB_HOLD);
	if (verb == VERB_RETRY)
		open_sites(d);
	list_append(&d->waits, &w->node);
	dispatch_settle(
	    d, m, NULL); /* answers, if nothing is to be waited for */
	dispatch_end_turn(d);
}
