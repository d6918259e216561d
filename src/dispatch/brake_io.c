/*
 * The brake: what its account's recipients say goes to who counts it, and when the
 * brake falls all that waits of the account is held, some messages a turn.
 */
#include "dispatch_priv.h"

#include <stdlib.h>

#include "base/mem.h"
#include "dispatch/order.h"
#include "mail/qid.h"
#include "mail/reason.h"

enum { SAMPLE = 5 };

/* A walk over the queue, for one account. */
struct braking {
	struct walk walk;
	char *account; /* owned */
	uint32_t waiting; /* messages of the account, so far */
	struct buf sample[SAMPLE]; /* a line each, of the newest */
	dispatch_braked_cb done;
	void *arg;
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

/* The account's messages are told by the last few of them. */
static void
note_sample(struct braking *b, const struct message *m)
{
	struct buf *line = &b->sample[b->waiting++ % SAMPLE];

	buf_reset(line);
	(void)buf_printf(line, "    %s  to <%s>", qid_format(m->env->id).text,
	    m->env->rcpts[0].address);
	if (m->env->nrcpt > 1)
		(void)buf_printf(line, " and %u more", m->env->nrcpt - 1);
	(void)buf_append_char(line, '\n');
}

static void
tell_done(struct braking *b)
{
	struct buf sample = { 0 };
	struct dispatch_braked braked = { b->account, b->waiting, { 0 } };

	for (uint32_t i = 0; i < SAMPLE; i++)
		(void)buf_append_span(
		    &sample, buf_span(&b->sample[(b->waiting + i) % SAMPLE]));
	braked.sample = buf_span(&sample);
	b->done(&braked, b->arg);
	buf_clear(&sample);
}

static void
on_over(struct walk *w, bool is_whole)
{
	struct braking *b = LIST_ENTRY(w, struct braking, walk);

	if (is_whole)
		tell_done(b);
	else
		b->done(NULL, b->arg);
	for (unsigned i = 0; i < SAMPLE; i++)
		buf_clear(&b->sample[i]);
	free(b->account);
	free(b);
}

static void
on_done(const struct dispatch_done *done, void *arg)
{
	(void)done; /* it is recorded soon, and the lane's answer is told */
	(void)arg;
}

static const struct order stop = { .verb = ORDER_STOP };

/* What connections have comes first: the rest of it cannot go any more. */
static void
hold(struct message *m, void *arg)
{
	struct dispatch *d = arg;

	if (order_judge(&stop, m) == ORDER_CAN)
		dispatch_do(d, m, &stop, on_done, NULL);
}

static void
on_message(struct walk *w, struct message *m)
{
	struct braking *b = LIST_ENTRY(w, struct braking, walk);

	if (!span_equal_nocase(
		span_text(m->env->account), span_text(b->account)))
		return;
	note_sample(b, m);
	hold(m, w->dispatch);
}

void
dispatch_brake(
    struct dispatch *d, const char *account, dispatch_braked_cb done, void *arg)
{
	struct braking *b = MEM_NEW(struct braking);

	b->walk.each = on_message;
	b->walk.over = on_over;
	b->done = done;
	b->arg = arg;
	b->account = mem_strdup(account);
	walk_begin(&b->walk, d);
	dispatch_in_hand(d, account, hold, d);
}
