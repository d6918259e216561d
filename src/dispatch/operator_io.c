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

/* An operator who waits for legs of a message to come back. */
struct wait {
	struct list node; /* in dispatch->waits */
	struct message *message; /* borrowed: the last leg back settles this */
	uint32_t *rcpts; /* owned: those that were with a host */
	uint32_t nrcpts;
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
wait_new(struct message *m, dispatch_verb_cb cb, void *arg)
{
	struct wait *w = MEM_NEW(struct wait);

	w->message = m;
	w->cb = cb;
	w->arg = arg;
	w->rcpts = mem_zalloc(m->env->nrcpt, sizeof *w->rcpts);
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		if (m->rcpts[i].is_out)
			w->rcpts[w->nrcpts++] = i;
	return w;
}

/* Leaves those that the host took, or may have taken. */
static void
keep_late(struct wait *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->nrcpts; i++) {
		const struct recipient *r = &w->message->rcpts[w->rcpts[i]];

		if (r->state == RCPT_DELIVERED || r->is_out)
			w->rcpts[n++] = w->rcpts[i];
	}
	w->nrcpts = n;
}

static void
answer(struct wait *w)
{
	list_remove(&w->node);
	keep_late(w);
	w->cb(w->message->env, w->rcpts, w->nrcpts, w->arg);
	free(w->rcpts);
	free(w);
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
operator_back(struct dispatch *d, struct message *m)
{
	LIST_FOREACH_SAFE (node, next, &d->waits) {
		struct wait *w = LIST_ENTRY(node, struct wait, node);

		if (w->message == m && !has_leaving(m))
			answer(w);
	}
}

void
operator_too_late(struct dispatch *d, struct message *m)
{
	LIST_FOREACH_SAFE (node, next, &d->waits) {
		struct wait *w = LIST_ENTRY(node, struct wait, node);

		if (w->message == m)
			answer(w);
	}
}

/* A failure that nobody was told of yet is nobody's business any more. */
static void
forget_untold(struct message *m)
{
	for (uint32_t i = 0; i < m->env->nrcpt; i++)
		if (recipient_is_untold(&m->rcpts[i]))
			message_set_state(m, i, RCPT_REMOVED);
}

/* All of it is released: what older spools say of the whole message, too. */
static void
forget_held(struct dispatch *d, struct message *m)
{
	if ((m->flags & MESSAGE_HELD) == 0)
		return;
	m->flags &= (uint8_t)~MESSAGE_HELD;
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
	struct wait *w = wait_new(m, cb, arg);

	ev.reason = d->bounced;
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		dispatch_step(d, &m->legs[i], &ev);
	if (verb == VERB_REMOVE)
		forget_untold(m);
	if (verb == VERB_RELEASE)
		forget_held(d, m);
	if (verb == VERB_RETRY)
		open_sites(d);
	list_append(&d->waits, &w->node);
	dispatch_settle(d, m, NULL); /* answers, if nothing is to be waited for */
	dispatch_end_turn(d);
}
