/*
 * Laying messages to rest, and having them again: at the end of a turn those rest
 * which nobody has in hand and whose next time is a while ahead. While one rests one
 * entry stands in the heap for all of its times.
 */
#include "dispatch_priv.h"

#include "dispatch/rest.h"
#include "io/loop.h"

enum { A_WHILE_MS = 1000 };

void
rest_arm(struct dispatch *d, struct message *m)
{
	m->due.kind = DUE_MESSAGE;
	if (m->due.at != MESSAGE_NEVER)
		heap_set(&d->heap, &m->due, m->due.at);
	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		struct leg *leg = &m->legs[i];

		leg->due.kind = DUE_LEG;
		if (leg->state == LEG_WAITING)
			heap_set(&d->heap, &leg->due, leg->due.at);
	}
}

void
rest_disarm(struct dispatch *d, struct message *m)
{
	if (d->walk == m)
		d->walk = queue_next_awake(d->queue, m);
	heap_drop(&d->heap, &m->due);
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		heap_drop(&d->heap, &m->legs[i].due);
}

void
rest_note(struct dispatch *d, struct message *m)
{
	if (m->in_hand > 0)
		return;
	queue_note_idle(d->queue, m);
	dispatch_end_turn(d);
}

static void
on_woken(struct message *m, struct due *due, void *arg)
{
	struct dispatch *d = arg;

	heap_drop(&d->heap, due);
	rest_arm(d, m);
	rest_note(d, m);
}

static void
rest(struct dispatch *d, struct message *m, uint64_t at)
{
	struct due *due;

	rest_disarm(d, m);
	due = queue_rest(m);
	due->kind = DUE_RESTING;
	if (at != MESSAGE_NEVER)
		heap_set(&d->heap, due, at);
}

void
rest_all_idle(struct dispatch *d)
{
	uint64_t now = loop_now(d->loop);
	struct message *m;

	while ((m = queue_take_idle(d->queue)) != NULL) {
		uint64_t at = message_next_time(m);

		if ((at == MESSAGE_NEVER || at > now + A_WHILE_MS) &&
		    message_can_rest(m))
			rest(d, m, at);
	}
}

void
rest_init(struct dispatch *d)
{
	queue_on_woken(d->queue, on_woken, d);
}
