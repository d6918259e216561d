/*
 *             +------------------- HELD <---- (any state but OVER, by hold)
 *             v
 *  +-----> WAITING -> ROUTING -> LINE -> LANE -> (settled)
 *  |          ^          |        ^       |  ^        |
 *  |          +----------+        |       v  |        |
 *  |                              |   LEAVING         |
 *  |                              +-------------------+  something is left to
 *  +--------------------------------------------------+  do now, later, or
 *                                            OVER <---+  nothing
 *
 * The table says what an event does in each state. What it does to recipients is
 * settled one by one; the leg's next state follows from what is left of them.
 */
#include "dispatch/leg.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "dispatch/message.h"
#include "facts/fact.h"
#include "mail/param.h"
#include "mail/qid.h"
#include "mail/reason.h"

/* One step under way. */
struct step {
	struct leg *leg;
	const struct leg_event *ev;
	const struct leg_options *options;
	struct leg_facts *facts;
};

#define LEG_FOREACH(i, leg)                                                    \
	for (uint32_t i = (leg)->first; i != ENVELOPE_NO_MORE;                 \
	     i = (leg)->message->env->rcpts[i].next)

const char *
leg_state_name(enum leg_state state)
{
	static const char *const names[LEG_STATES] = { "waiting", "held",
		"routing", "line", "lane", "leaving", "over" };

	return names[state];
}

const char *
leg_event_name(enum leg_event_type type)
{
	static const char *const names[LEG_EVENTS] = { "due", "routed",
		"unrouted", "reroute", "taken", "back", "hold", "release",
		"retry", "bounce", "remove", "mistrust", "stop" };

	return names[type];
}

void
leg_facts_clear(struct leg_facts *facts)
{
	free(facts->list);
	*facts = (struct leg_facts){ 0 };
}

static void
tell(struct step *s, uint32_t rcpt, enum leg_fact_type type)
{
	struct leg_facts *f = s->facts;

	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 8 : f->cap * 2;
		f->list = mem_realloc(f->list, f->cap * sizeof *f->list);
	}
	f->list[f->n++] = (struct leg_fact){ s->leg, rcpt, type };
}

/* --- times --- */

bool
leg_stands_still(const struct leg *leg)
{
	return leg->state == LEG_HELD &&
	       (leg->message->flags & MESSAGE_HOLDS) != MESSAGE_UNFILTERED;
}

uint64_t
leg_end(const struct leg *leg, const struct leg_options *o)
{
	const struct message *m = leg->message;
	int64_t at = m->born + (int64_t)(o->expire + leg->stood);
	int64_t by = m->born + (int64_t)m->by * 1000;

	/* RFC 2852: that time runs whoever holds it. */
	if (m->by != 0 && m->by_returns && by < at)
		at = by;
	return at < 0 ? 0 : (uint64_t)at;
}

static bool
is_queued(const struct recipient *r)
{
	return r->state == RCPT_QUEUED;
}

static bool
has_queued(const struct leg *leg)
{
	LEG_FOREACH (i, leg)
		if (is_queued(&leg->message->rcpts[i]))
			return true;
	return false;
}

static uint64_t
next_attempt(const struct leg *leg)
{
	uint64_t at = UINT64_MAX;

	LEG_FOREACH (i, leg) {
		const struct recipient *r = &leg->message->rcpts[i];

		if (is_queued(r) && r->due < at)
			at = r->due;
	}
	return at;
}

bool
leg_wants(const struct leg *leg, uint32_t rcpt, uint64_t now)
{
	const struct recipient *r = &leg->message->rcpts[rcpt];

	return is_queued(r) && !r->is_out && r->due <= now;
}

bool
leg_is_in_hand(const struct leg *leg)
{
	return leg->state >= LEG_ROUTING && leg->state <= LEG_LEAVING;
}

enum turn_rank
leg_rank(const struct leg *leg)
{
	static const enum turn_rank ranks[URGENCIES][2] = {
		[URGENCY_USUAL] = { TURN_FIRST, TURN_RETRY },
		[URGENCY_HIGH] = { TURN_FIRST_HIGH, TURN_RETRY_HIGH },
		[URGENCY_LOW] = { TURN_FIRST_LOW, TURN_RETRY_LOW },
	};
	bool is_retry = false;

	if (leg->is_next)
		return TURN_FRONT;
	LEG_FOREACH (i, leg)
		is_retry |= is_queued(&leg->message->rcpts[i]) &&
			    leg->message->rcpts[i].tries > 0;
	return ranks[leg->message->urgency][is_retry];
}

/* --- states --- */

static void
trace(const struct leg *leg, enum leg_state to)
{
	FACT(LEG, fact_id("qid", leg->message->env->id),
	    fact_text("domain", envelope_domain(leg->message->env, leg->first)),
	    fact_word("from", leg_state_name((enum leg_state)leg->state)),
	    fact_word("to", leg_state_name(to)));
}

void
leg_set_due(struct leg *leg, const struct leg_options *o)
{
	uint64_t at = next_attempt(leg), end = leg_end(leg, o);

	leg->due.at = leg->state == LEG_WAITING && at < end ? at : end;
}

/* What each state needs, and when the leg is to be woken in it. */
static enum leg_need
need_of(struct leg *leg, const struct leg_options *o)
{
	static const enum leg_need needs[LEG_STATES] = {
		[LEG_WAITING] = LEG_WAIT,
		[LEG_HELD] = LEG_REST,
		[LEG_ROUTING] = LEG_ROUTE,
		[LEG_LINE] = LEG_JOIN,
		[LEG_LANE] = LEG_CARRY,
		[LEG_LEAVING] = LEG_WITHDRAW,
		[LEG_OVER] = LEG_END,
	};

	leg_set_due(leg, o);
	return needs[leg->state];
}

/* The one place where a leg's state changes. */
static enum leg_need
enter(struct step *s, enum leg_state to)
{
	struct leg *leg = s->leg;
	struct message *m = leg->message;
	bool was = leg_is_in_hand(leg);

	trace(leg, to);
	family_add(FAMILY_LEGS, leg->state, -1);
	family_add(FAMILY_LEGS, to, 1);
	leg->is_rerouted =
	    to == LEG_ROUTING && (leg->is_rerouted || leg->state == LEG_LINE);
	leg->state = (uint8_t)to;
	if (was && !leg_is_in_hand(leg))
		m->in_hand--;
	else if (!was && leg_is_in_hand(leg))
		m->in_hand++;
	if (to != LEG_LANE && to != LEG_LEAVING)
		leg->lane = NULL;
	if (to < LEG_LINE || to == LEG_OVER)
		leg->channel = NULL;
	if (to != LEG_ROUTING && to != LEG_LINE)
		leg->is_next = false;
	if (to == LEG_WAITING || to == LEG_HELD || to == LEG_OVER) {
		/* The attempt is over. */
		leg->answered = leg->returned = 0;
		leg->by_hand = false;
		leg->wish = WISH_NONE;
	}
	if (to == LEG_OVER)
		m->open--;
	return need_of(leg, s->options);
}

/* --- what happens to recipients --- */

static const struct {
	enum leg_fact_type type;
	enum rcpt_state state;
} ends[] = {
	[WISH_EXPIRE] = { LEG_FACT_EXPIRED, RCPT_EXPIRED },
	[WISH_BOUNCE] = { LEG_FACT_FAILED, RCPT_FAILED },
	[WISH_REMOVE] = { LEG_FACT_REMOVED, RCPT_REMOVED },
};

static bool
is_meant(const struct step *s, uint32_t rcpt)
{
	return s->ev->only == NULL || s->ev->only[rcpt];
}

/* Of all that are neither over nor with a host, and that the event is about. */
static void
end_rest(struct step *s, enum leg_wish how, struct reason *reason)
{
	struct message *m = s->leg->message;

	LEG_FOREACH (i, s->leg) {
		if (!is_queued(&m->rcpts[i]) || !is_meant(s, i))
			continue;
		/* What its host said explains more than what its site does. */
		if (how != WISH_EXPIRE || m->rcpts[i].reason == NULL)
			recipient_set_reason(&m->rcpts[i], reason);
		message_set_state(m, i, ends[how].state);
		tell(s, i, ends[how].type);
	}
}

/* It cost an attempt. */
static void
count_try(struct step *s, struct recipient *r)
{
	r->last = s->ev->wall <= 0 ? 0 : (uint32_t)(s->ev->wall / 1000);
	if (r->tries < UINT16_MAX)
		r->tries++;
}

static void
put_off(struct step *s, uint32_t rcpt)
{
	struct recipient *r = &s->leg->message->rcpts[rcpt];

	count_try(s, r);
	if (!s->leg->by_hand && r->step < 127)
		r->step++;
	r->due = s->ev->now + backoff_delay(&s->options->backoff,
				  r->step == 0 ? 1 : r->step, s->ev->random);
	/* What the operator wants held does not expire on its way back. */
	if (s->leg->wish != WISH_HOLD &&
	    s->ev->now >= leg_end(s->leg, s->options)) {
		message_set_state(s->leg->message, rcpt, RCPT_EXPIRED);
		tell(s, rcpt, LEG_FACT_EXPIRED);
	} else {
		tell(s, rcpt, LEG_FACT_DEFERRED);
	}
}

/* It stood in line, and its way cannot be asked for just now: that is no try. */
static void
put_back(struct step *s, uint32_t rcpt)
{
	s->leg->message->rcpts[rcpt].due =
	    s->ev->now + backoff_delay(&s->options->backoff, 1, s->ev->random);
	tell(s, rcpt, LEG_FACT_DEFERRED);
}

/* It does not expire: it is held, as soon as the leg is settled. */
static void
mistrust(struct step *s, uint32_t rcpt)
{
	struct recipient *r = &s->leg->message->rcpts[rcpt];

	count_try(s, r);
	r->due = s->ev->now;
	s->leg->is_mistrusted = true;
	tell(s, rcpt, LEG_FACT_DEFERRED);
}

static void
end_one(struct step *s, uint32_t rcpt, enum rcpt_state state,
    enum leg_fact_type type)
{
	struct message *m = s->leg->message;

	count_try(s, &m->rcpts[rcpt]);
	message_set_state(m, rcpt, state);
	tell(s, rcpt, type);
}

/* Of the success, which the next host will not send. */
static bool
wants_report(const struct step *s, uint32_t rcpt)
{
	const struct envelope *env = s->leg->message->env;

	return env->sender[0] != '\0' &&
	       params_wants_relayed(envelope_attrs(env),
		   envelope_rcpt_attrs(env, rcpt), s->ev->lacks_dsn,
		   s->ev->lacks_by);
}

/* For good only when each of its hosts has said so. */
static enum leg_outcome
weigh_elsewhere(const struct step *s)
{
	if (s->ev->has_next_host)
		return LEG_NEXT_HOST;
	return s->ev->has_other_host || s->leg->may_wait ? LEG_LATER
							 : LEG_FAILED;
}

/* What the outcome comes to in this attempt: on at once, or a try. */
static enum leg_outcome
weigh(const struct step *s, enum leg_outcome outcome)
{
	const struct leg *leg = s->leg;

	if (outcome == LEG_ELSEWHERE)
		return weigh_elsewhere(s);
	if (outcome == LEG_NEXT_HOST &&
	    (!s->ev->has_next_host || leg->answered >= LEG_HOSTS_ASKED))
		return LEG_LATER;
	/* The second time it goes on a fresh connection; that one counts. */
	if (outcome == LEG_NEXT_CONNECTION && leg->returned > 2)
		return LEG_LATER;
	return outcome;
}

static void
settle(struct step *s, const struct leg_result *result)
{
	struct recipient *r = &s->leg->message->rcpts[result->rcpt];

	assert(r->is_out && is_queued(r));
	r->is_out = 0;
	recipient_set_reason(r, result->reason);
	switch (weigh(s, result->outcome)) {
	case LEG_NOT_TRIED:
	case LEG_NEXT_TRANSACTION:
	case LEG_NEXT_CONNECTION:
	case LEG_NEXT_HOST:
	case LEG_ELSEWHERE: break; /* weighed: it is one of the others */
	case LEG_DELIVERED:
		end_one(s, result->rcpt,
		    wants_report(s, result->rcpt) ? RCPT_RELAYED
						  : RCPT_DELIVERED,
		    LEG_FACT_DELIVERED);
		break;
	case LEG_LATER: put_off(s, result->rcpt); break;
	case LEG_MISTRUSTED: mistrust(s, result->rcpt); break;
	case LEG_FAILED:
		end_one(s, result->rcpt, RCPT_FAILED, LEG_FACT_FAILED);
		break;
	}
}

/* Counts once a leg, however many of its recipients say the same. */
static void
count_hosts(struct step *s)
{
	struct leg *leg = s->leg;
	bool host = false, connection = false, elsewhere = false;

	for (uint32_t i = 0; i < s->ev->nresults; i++) {
		enum leg_outcome o = s->ev->results[i].outcome;

		host |= o == LEG_NEXT_HOST;
		elsewhere |= o == LEG_ELSEWHERE;
		connection |= o == LEG_NEXT_CONNECTION;
	}
	if (host && !s->ev->is_unreached && leg->answered < UINT8_MAX)
		leg->answered++;
	leg->may_wait |= host;
	if (connection && leg->returned < LEG_RETURNED_MOST)
		leg->returned = (leg->returned + 1) & 127;
	if (host || elsewhere || s->ev->blames_host)
		leg->tried |= s->ev->host;
}

/* --- what the events do --- */

static enum leg_need
hold(struct step *s)
{
	LEG_FOREACH (i, s->leg)
		if (is_queued(&s->leg->message->rcpts[i]))
			tell(s, i, LEG_FACT_HELD);
	s->leg->stood = s->ev->now - s->leg->stood;
	return enter(s, LEG_HELD);
}

/* It may go on: what is left decides how. */
static enum leg_need
go_on(struct step *s)
{
	struct leg *leg = s->leg;

	if (!has_queued(leg))
		return enter(s, LEG_OVER);
	if (leg->wish == WISH_HOLD ||
	    (leg->wish == WISH_NONE && leg->is_mistrusted))
		return hold(s);
	if (leg->wish != WISH_NONE) {
		end_rest(s, (enum leg_wish)leg->wish,
		    leg->wish == WISH_BOUNCE ? s->ev->reason : NULL);
		return enter(s, LEG_OVER);
	}
	if (next_attempt(leg) > s->ev->now)
		return enter(s, LEG_WAITING);
	/* Without a way all that were due were put off. */
	assert(leg->channel != NULL);
	leg->is_next = true;
	return enter(s, LEG_LINE);
}

static enum leg_need
on_due(struct step *s)
{
	struct leg *leg = s->leg;

	if (s->ev->now >= leg_end(leg, s->options)) {
		end_rest(s, WISH_EXPIRE, s->ev->reason);
		return enter(s, LEG_OVER);
	}
	if (leg->state == LEG_WAITING && next_attempt(leg) <= s->ev->now)
		return enter(s, LEG_ROUTING);
	return need_of(leg, s->options) == LEG_WAIT ? LEG_WAIT : LEG_NOTHING;
}

static enum leg_need
on_routed(struct step *s)
{
	struct leg *leg = s->leg;

	leg->channel = s->ev->channel;
	leg->era = s->ev->era;
	if ((leg->tried & s->ev->hosts) == s->ev->hosts)
		leg->tried = leg->may_wait = 0; /* all were: it begins again */
	return enter(s, LEG_LINE);
}

static enum leg_need
on_unrouted(struct step *s)
{
	struct message *m = s->leg->message;

	LEG_FOREACH (i, s->leg) {
		if (!leg_wants(s->leg, i, s->ev->now))
			continue;
		recipient_set_reason(&m->rcpts[i], s->ev->reason);
		if (s->ev->outcome == LEG_FAILED)
			end_one(s, i, RCPT_FAILED, LEG_FACT_FAILED);
		else if (s->leg->is_rerouted)
			put_back(s, i);
		else
			put_off(s, i);
	}
	return go_on(s);
}

static enum leg_need
on_reroute(struct step *s)
{
	return enter(s, LEG_ROUTING);
}

static enum leg_need
on_taken(struct step *s)
{
	s->leg->lane = s->ev->lane;
	return enter(s, LEG_LANE);
}

static enum leg_need
on_back(struct step *s)
{
	s->leg->is_let = false;
	count_hosts(s);
	for (uint32_t i = 0; i < s->ev->nresults; i++)
		settle(s, &s->ev->results[i]);
	return go_on(s);
}

/* Nobody tries it: it waits for filters. */
static enum leg_need
on_due_held(struct step *s)
{
	if (leg_stands_still(s->leg) ||
	    s->ev->now < leg_end(s->leg, s->options))
		return LEG_NOTHING;
	end_rest(s, WISH_EXPIRE, s->ev->reason);
	return enter(s, LEG_OVER);
}

/* The lane is asked; what it could not do yet is done when the leg is back. */
static enum leg_need
call_back(struct step *s, enum leg_wish wish)
{
	struct leg *leg = s->leg;

	if (wish > leg->wish)
		leg->wish = wish & 7;
	if (leg->state == LEG_LEAVING)
		return LEG_NOTHING;
	return enter(s, LEG_LEAVING);
}

static enum leg_need
on_due_out(struct step *s)
{
	if (s->ev->now < leg_end(s->leg, s->options))
		return LEG_NOTHING;
	return call_back(s, WISH_EXPIRE);
}

static enum leg_need
on_hold_out(struct step *s)
{
	return call_back(s, WISH_HOLD);
}

static enum leg_need
on_bounce_out(struct step *s)
{
	return call_back(s, WISH_BOUNCE);
}

static enum leg_need
on_remove_out(struct step *s)
{
	return call_back(s, WISH_REMOVE);
}

static enum leg_need
on_release_out(struct step *s)
{
	if (s->leg->wish == WISH_HOLD)
		s->leg->wish = WISH_NONE;
	return LEG_NOTHING;
}

static enum leg_need
on_release(struct step *s)
{
	struct leg *leg = s->leg;

	/* Nothing lets go of what a filter is to see: its flag goes first. */
	assert(leg_stands_still(leg));
	leg->stood = s->ev->now - leg->stood;
	leg->is_mistrusted = false;
	leg->is_let = s->ev->is_word;
	LEG_FOREACH (i, leg)
		if (is_queued(&leg->message->rcpts[i]))
			tell(s, i, LEG_FACT_HELD);
	return enter(s, LEG_WAITING);
}

static enum leg_need
on_retry(struct step *s)
{
	LEG_FOREACH (i, s->leg) {
		struct recipient *r = &s->leg->message->rcpts[i];

		if (is_queued(r) && is_meant(s, i) && r->due > s->ev->now)
			r->due = s->ev->now;
	}
	s->leg->by_hand = true;
	return s->leg->state == LEG_WAITING ? enter(s, LEG_ROUTING)
					    : LEG_NOTHING;
}

/* Some of it ended: it stays where it is, as long as somebody is to be tried. */
static enum leg_need
stay(struct step *s)
{
	struct leg *leg = s->leg;

	if (!has_queued(leg))
		return enter(s, LEG_OVER);
	if (leg_is_in_hand(leg) && next_attempt(leg) > s->ev->now)
		return enter(s, LEG_WAITING);
	return need_of(leg, s->options) == LEG_WAIT ? LEG_WAIT : LEG_NOTHING;
}

static enum leg_need
on_bounce(struct step *s)
{
	end_rest(s, WISH_BOUNCE, s->ev->reason);
	return stay(s);
}

static enum leg_need
on_remove(struct step *s)
{
	end_rest(s, WISH_REMOVE, NULL);
	return stay(s);
}

/* Others of the same author are not believed there: this one is not tried. */
static enum leg_need
on_mistrust(struct step *s)
{
	struct leg *leg = s->leg;

	if (leg->is_let)
		return LEG_NOTHING;
	LEG_FOREACH (i, leg)
		if (is_queued(&leg->message->rcpts[i]))
			recipient_set_reason(
			    &leg->message->rcpts[i], s->ev->reason);
	leg->is_mistrusted = true;
	return hold(s);
}

static enum leg_need
on_stop(struct step *s)
{
	return enter(s, LEG_WAITING);
}

/* --- the table --- */

#define IN(state) (1u << LEG_##state)
enum {
	READY = IN(WAITING) | IN(ROUTING) | IN(LINE),
	OUT = IN(LANE) | IN(LEAVING),
};

static const struct {
	enum leg_event_type event;
	unsigned states;
	enum leg_need (*does)(struct step *s);
} table[] = {
	{ LEG_DUE, READY, on_due },
	{ LEG_DUE, IN(HELD), on_due_held },
	{ LEG_DUE, IN(LANE), on_due_out },
	{ LEG_ROUTED, IN(ROUTING), on_routed },
	{ LEG_UNROUTED, IN(ROUTING), on_unrouted },
	{ LEG_REROUTE, IN(ROUTING) | IN(LINE), on_reroute },
	{ LEG_TAKEN, IN(LINE), on_taken },
	{ LEG_BACK, OUT, on_back },
	{ LEG_HOLD, READY, hold },
	{ LEG_HOLD, OUT, on_hold_out },
	{ LEG_RELEASE, IN(HELD), on_release },
	{ LEG_RELEASE, OUT, on_release_out },
	{ LEG_RETRY, READY | IN(HELD) | OUT, on_retry },
	{ LEG_BOUNCE, READY | IN(HELD), on_bounce },
	{ LEG_BOUNCE, OUT, on_bounce_out },
	{ LEG_REMOVE, READY | IN(HELD), on_remove },
	{ LEG_REMOVE, OUT, on_remove_out },
	{ LEG_MISTRUST, READY, on_mistrust },
	{ LEG_STOP, IN(ROUTING) | IN(LINE), on_stop },
};

enum leg_need
leg_step(struct leg *leg, const struct leg_event *ev,
    const struct leg_options *options, struct leg_facts *facts)
{
	struct step s = { leg, ev, options, facts };

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].event == ev->type &&
		    (table[i].states & (1u << leg->state)) != 0)
			return table[i].does(&s);
	return LEG_NOTHING;
}

/* --- the beginning, and what is recorded --- */

void
leg_begin(struct leg *leg, struct leg_past past,
    const struct leg_options *options, uint64_t now)
{
	struct message *m = leg->message;

	leg->state = LEG_WAITING;
	leg->stood = past.stood;
	m->open++;
	if (!has_queued(leg)) {
		leg->state = LEG_OVER;
		m->open--;
	} else if (past.is_held) {
		leg->state = LEG_HELD;
		leg->is_mistrusted = past.is_mistrusted;
		if (leg_stands_still(leg))
			leg->stood = now - past.stood;
	}
	family_add(FAMILY_LEGS, leg->state, 1);
	(void)need_of(leg, options);
}

/* As it is recorded; what a clock says that went astray is not. */
static uint32_t
row_stood(const struct leg *leg, uint64_t now, int64_t wall)
{
	uint64_t ms = leg->stood;
	int64_t seconds;

	if (!leg_stands_still(leg))
		return (uint32_t)((ms + 500) / 1000);
	seconds = (wall - (int64_t)(now - ms)) / 1000;
	return seconds > 0 && seconds < UINT32_MAX ? (uint32_t)seconds : 0;
}

struct progress
leg_row(const struct leg *leg, uint32_t rcpt, uint64_t now, int64_t wall)
{
	const struct recipient *r = &leg->message->rcpts[rcpt];
	int64_t wait = r->due > now ? (int64_t)(r->due - now) : 0;

	return (struct progress){
		.rcpt = rcpt,
		.state = (enum rcpt_state)r->state,
		.held = leg_stands_still(leg) && is_queued(r),
		.is_mistrusted = leg->state == LEG_HELD && is_queued(r) &&
				 leg->is_mistrusted,
		.tries = r->tries,
		.step = r->step,
		.last = recipient_last(r),
		.due = is_queued(r) ? wall + wait : 0,
		.stood = is_queued(r) ? row_stood(leg, now, wall) : 0,
		.reason = r->reason,
	};
}
