/*
 * Messages come in: new ones, those that the spool brings back, and those that are
 * another one now. And they are lost to another machine.
 */
#include "dispatch_priv.h"

#include "facts/fact.h"
#include "io/loop.h"
#include "mail/attrs.h"
#include "mail/wishes.h"
#include "spool/spool.h"

static struct message *
add(struct dispatch *d, struct envelope *env, const struct progress *rows,
    uint32_t flags)
{
	uint64_t now = loop_now(d->loop);
	struct message *m =
	    message_new(env, rows, flags, &d->leg_options, now, wall_now());
	struct message_event ev = { .type = MESSAGE_MOVED, .now = now };

	queue_add_take(d->queue, m);
	if (m->untold == 0 && m->open > 0)
		(void)message_step(m, &ev, &d->message_options);
	else /* the spool left it with something to tell: at the start */
		m->due.at = now;
	rest_arm(d, m);
	rest_note(d, m);
	if ((m->flags & MESSAGE_OVER_BUDGET) != 0)
		budget_held(d, m, rows == NULL);
	if ((m->flags & MESSAGE_UNFILTERED) != 0)
		filters_wait(d, m);
	return m;
}

/*
 * Nobody has the old one but the queue and the heap: it was held, no leg of it is
 * under way, and reports know it by its id.
 */
void
dispatch_replace(struct dispatch *d, struct message *m, struct envelope *env,
    const struct progress *rows, unsigned flags)
{
	struct message *next = message_new(
	    env, rows, flags, &d->leg_options, loop_now(d->loop), wall_now());

	next->born = m->born;
	next->reported = m->reported;
	next->report_at = m->report_at;
	next->state = m->state;
	rest_disarm(d, m);
	queue_remove(d->queue, m);
	message_free(m);
	queue_add_take(d->queue, next);
	rest_arm(d, next);
	budget_moved(d, next);
	/* What was ordered meanwhile was recorded with the flag that is gone. */
	spool_set_flags(d->spool, env->id, next->flags);
	dispatch_settle(d, next, NULL);
}

void
dispatch_load(struct envelope *env, const struct progress *rows, uint32_t flags,
    void *dispatch)
{
	struct dispatch *d = dispatch;

	/*
	 * The loop does not turn while the spool is read: its time would stand
	 * still, and with the wall clock going on, all would be due too early.
	 */
	if (!d->running)
		loop_refresh(d->loop);
	mistrust_loaded(d, add(d, env, rows, flags));
	if (d->running)
		dispatch_set_alarm(d);
}

bool
dispatch_is_stopped(const struct dispatch *d, struct span account)
{
	return d->budget.is_stopped != NULL && account.len > 0 &&
	       d->budget.is_stopped(account, d->budget.arg);
}

void
dispatch_add(struct dispatch *d, struct envelope *env,
    const struct dispatch_origin *from)
{
	uint32_t flags = from->is_over ? MESSAGE_OVER_BUDGET : 0;

	/* As intake has recorded it. */
	if (wishes_release(envelope_attrs(env)) > env->arrived)
		flags |= MESSAGE_FUTURE;
	if (!span_is_empty(attrs_get(envelope_attrs(env), ATTR_HELD_BY)))
		flags |= MESSAGE_QUARANTINED;
	if (!span_is_empty(attrs_get(envelope_attrs(env), ATTR_CAME)))
		flags |= MESSAGE_UNFILTERED;

	facts_keep_accepted(d->history, env, from);
	if (dispatch_is_stopped(d, span_text(env->account))) {
		flags |= MESSAGE_STOPPED;
		spool_set_flags(d->spool, env->id, flags);
	}
	(void)add(d, env, NULL, flags);
	if (d->running)
		dispatch_on_alarm(d);
}

void
dispatch_lost(struct dispatch *d, uint64_t id)
{
	struct leg_event ev = dispatch_event(d, LEG_REMOVE);
	struct message *m = queue_find(d->queue, id);

	if (m == NULL)
		return;
	FACT(LOST, fact_id("qid", id), fact_string("user", m->env->account));
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		dispatch_step(d, &m->legs[i], &ev);
	message_forget_untold(m);
	d->facts.n = 0; /* the other machine tells what becomes of it */
	dispatch_settle(d, m, NULL);
	dispatch_end_turn(d);
}
