/*
 * Walks over all messages that wait, by arrival, some of them a turn: for what is
 * done to each of an account's or of a domain's. What comes in behind the place where
 * a walk is it meets, too.
 */
#include "dispatch_priv.h"

#include "io/deadline.h"

enum { MESSAGES_A_TURN = 200 };

static void
end(struct walk *w, bool is_whole)
{
	list_remove(&w->node);
	deadline_close(w->next);
	w->over(w, is_whole);
}

static void
go_on(void *arg)
{
	struct walk *w = arg;
	struct dispatch *d = w->dispatch;
	struct message *m = queue_after(d->queue, w->place);

	for (int n = 0; m != NULL && n < MESSAGES_A_TURN; n++) {
		w->place = queue_place_of(m);
		w->each(w, m); /* which may be its end */
		m = queue_after(d->queue, w->place);
	}
	dispatch_end_turn(d);
	if (m == NULL)
		end(w, true);
	else
		deadline_set(w->next, 1);
}

void
walk_begin(struct walk *w, struct dispatch *d)
{
	w->dispatch = d;
	w->next = deadline_new(d->loop, go_on, w);
	list_append(&d->walks, &w->node);
	deadline_set(w->next, 1);
}

void
walks_forget(struct dispatch *d)
{
	LIST_FOREACH_SAFE (node, next, &d->walks)
		end(LIST_ENTRY(node, struct walk, node), false);
}
