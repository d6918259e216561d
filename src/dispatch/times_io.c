/*
 * A reload may change for how long messages wait, and when their senders are warned:
 * all that wait get their times anew, also those that rest.
 */
#include "dispatch_priv.h"

#include <stdlib.h>

#include "base/mem.h"

static void
on_message(struct walk *w, struct message *m)
{
	struct dispatch *d = w->dispatch;

	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		struct leg *leg = &m->legs[i];

		/* What is called back, held or over has no time of its own. */
		if (leg->state == LEG_HELD || leg->state == LEG_LEAVING ||
		    leg->state == LEG_OVER)
			continue;
		leg_set_due(leg, &d->leg_options);
		heap_set(&d->heap, &leg->due, leg->due.at);
	}
	dispatch_settle(d, m, NULL);
}

static void
on_over(struct walk *w, bool is_whole)
{
	(void)is_whole;
	free(w);
}

void
times_are_new(struct dispatch *d)
{
	struct walk *w = MEM_NEW(struct walk);

	w->each = on_message;
	w->over = on_over;
	walk_begin(w, d);
}
