/*
 * The brake: what its account's recipients say goes to who counts it, and when the
 * brake falls all that waits of the account is held, some messages a turn.
 */
#include "dispatch_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "dispatch/order.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "mail/reason.h"

enum { HELD_A_TURN = 200 };

/* A walk over the queue, for one account. */
struct braking {
	struct list node; /* in dispatch->brakes */
	struct dispatch *dispatch; /* borrowed */
	struct deadline *next; /* owned */
	char *account; /* owned */
	struct queue_place place; /* behind which it goes on */
};

/* RFC 3463: nobody is there, or not any more. */
static bool
is_unknown(struct span status)
{
	return span_equal(status, SPAN("5.1.1")) ||
	       span_equal(status, SPAN("5.1.6")) ||
	       span_equal(status, SPAN("5.1.10")) ||
	       span_equal(status, SPAN("5.2.1"));
}

void
brake_note_facts(struct dispatch *d, const struct message *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->facts.n; i++) {
		const struct leg_fact *f = &d->facts.list[i];
		struct words w;

		if (f->type != LEG_FACT_FAILED)
			continue;
		w = reason_words(m->rcpts[f->rcpt].reason);
		/* Hosts' replies count, no verdict of ours. */
		n += !span_is_empty(w.said) && is_unknown(w.status);
	}
	if (n > 0 && d->budget.unknown != NULL && m->env->account[0] != '\0')
		d->budget.unknown(m->env->account, n, d->budget.arg);
}

static void
braking_free(struct braking *b)
{
	list_remove(&b->node);
	deadline_close(b->next);
	free(b->account);
	free(b);
}

static void
on_done(const struct dispatch_done *done, void *arg)
{
	(void)done; /* it is recorded soon, and the lane's answer is told */
	(void)arg;
}

static void
go_on(void *arg)
{
	struct order order = { .verb = ORDER_STOP };
	struct braking *b = arg;
	struct dispatch *d = b->dispatch;
	struct message *m = queue_after(d->queue, b->place);

	for (int n = 0; m != NULL && n < HELD_A_TURN; n++) {
		b->place = queue_place_of(m);
		if (span_equal_nocase(
			span_text(m->env->account), span_text(b->account)) &&
		    order_judge(&order, m) == ORDER_CAN)
			dispatch_do(d, m, &order, on_done, NULL);
		m = queue_after(d->queue, b->place);
	}
	if (m == NULL)
		braking_free(b);
	else
		deadline_set(b->next, 1);
}

void
dispatch_brake(struct dispatch *d, const char *account)
{
	struct braking *b = MEM_NEW(struct braking);

	b->dispatch = d;
	b->account = mem_strdup(account);
	b->next = deadline_new(d->loop, go_on, b);
	list_append(&d->brakes, &b->node);
	deadline_set(b->next, 1);
}

void
brake_forget(struct dispatch *d)
{
	LIST_FOREACH_SAFE (node, next, &d->brakes)
		braking_free(LIST_ENTRY(node, struct braking, node));
}
