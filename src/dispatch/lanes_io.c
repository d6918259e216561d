/*
 * A lane's life, as the queue thread knows it:
 *
 *   lanes_open -> (in hand) -> dispatch_answered -> idle -> lanes_give -> (in hand)
 *                     |                              |
 *                     +------> dispatch_ended <------+  (retired, or lost)
 *
 * What comes back is told to the legs it was about, and teaches about the site.
 */
#include "lanes_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "deliver/lane_end.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "mail/reason.h"
#include "spool/content.h"

enum {
	NO_DESCRIPTOR_MS = 1000,
	RESULTS_AT_HAND = 16,
};

static struct outgoing *
outgoing_of(struct lane *lane)
{
	return LIST_ENTRY(lane, struct outgoing, lane);
}

uint32_t
lanes_most(const struct conf *conf)
{
	struct rlimit files;
	uint64_t most = conf->deliver_connections;

	/* A lane takes up to three: two in a race, or one and a content file. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur != RLIM_INFINITY) {
		uint64_t left =
		    files.rlim_cur > conf->limits.sessions + 64
			? files.rlim_cur - conf->limits.sessions - 64
			: 0;

		if (most > left / 3)
			most = left / 3;
	}
	return most < 1 ? 1 : (uint32_t)most;
}

/* --- places --- */

/* The place among all lanes, and in the channel, is that account's now. */
static void
hold(struct dispatch *d, struct outgoing *o, struct span account)
{
	o->holder = span_dup(account);
	turns_hold(&d->all, account);
	turns_hold(&o->channel->line, account);
}

static void
give_back(struct dispatch *d, struct outgoing *o)
{
	if (o->holder == NULL)
		return;
	turns_give_back(&d->all, span_text(o->holder));
	turns_give_back(&o->channel->line, span_text(o->holder));
	free(o->holder);
	o->holder = NULL;
}

/* --- opening and closing --- */

struct outgoing *
lanes_new(struct dispatch *d, struct channel *c, uint32_t host)
{
	struct outgoing *o = MEM_NEW(struct outgoing);

	list_init(&o->idle);
	list_init(&o->at_address);
	list_append(&d->busy, &o->all);
	o->channel = c;
	o->host = host;
	o->address = address_of(d, c->target, host);
	address_lane_opened(o->address);
	c->lanes++;
	c->site->lanes++;
	d->lanes++;
	return o;
}

static void
become_idle(struct dispatch *d, struct outgoing *o)
{
	list_append(&o->channel->idle, &o->idle);
	list_remove(&o->all);
	list_append(&d->idle, &o->all);
	address_lane_is_idle(o->address, &o->at_address);
	o->channel->nidle++;
}

static bool
is_idle(const struct outgoing *o)
{
	return !list_is_empty(&o->idle);
}

static void
leave_idle(struct dispatch *d, struct outgoing *o)
{
	list_remove(&o->idle);
	list_remove(&o->at_address);
	list_remove(&o->all);
	list_append(&d->busy, &o->all);
	o->channel->nidle--;
}

void
lanes_give(struct dispatch *d, struct outgoing *o, struct load *load,
    struct attempt *a)
{
	o->load = load;
	o->is_too_late = false;
	hold(d, o, span_text(load->message->env->account));
	o->channel->site->progress = loop_now(d->loop);
	if (!is_idle(o)) {
		d->out.open(
		    &o->lane, o->channel->target, o->host, a, d->out.arg);
		return;
	}
	leave_idle(d, o);
	d->out.give(&o->lane, a, d->out.arg);
}

void
lanes_retire(struct dispatch *d, struct outgoing *o)
{
	leave_idle(d, o);
	o->is_retiring = true;
	d->retiring++;
	address_lane_retires(o->address);
	d->out.quit(&o->lane, d->out.arg);
}

/* --- what a lane brings back --- */

static enum leg_outcome
outcome_of(
    const struct attempt_rcpt *r, const struct lane_end *end, bool may_hold)
{
	static const enum leg_outcome outcomes[] = {
		[OUTCOME_NONE] = LEG_NOT_TRIED,
		[OUTCOME_DELIVERED] = LEG_DELIVERED,
		[OUTCOME_NEXT_TRANSACTION] = LEG_NEXT_TRANSACTION,
		[OUTCOME_NEXT_CONNECTION] = LEG_NEXT_CONNECTION,
		[OUTCOME_NEXT_HOST] = LEG_NEXT_HOST,
		[OUTCOME_ELSEWHERE] = LEG_ELSEWHERE,
		[OUTCOME_LATER] = LEG_LATER,
		[OUTCOME_MISTRUSTED] = LEG_MISTRUSTED,
		[OUTCOME_FAILED] = LEG_FAILED,
	};

	if (r->outcome == OUTCOME_MISTRUSTED && !may_hold)
		return LEG_LATER;
	/* It was not to be had there: it is tried elsewhere, or later. */
	if (r->outcome == OUTCOME_NONE && end != NULL &&
	    (end->blame == BLAME_HOST || end->blame == BLAME_CHANNEL))
		return LEG_NEXT_HOST;
	return outcomes[r->outcome];
}

/* The results of one leg: of its recipients, in the order they were taken. */
static uint32_t
results_of(const struct dispatch *d, const struct attempt *a, uint32_t from,
    const struct leg *leg, const struct lane_end *end, struct leg_result *out)
{
	const struct envelope *env = leg->message->env;
	uint32_t n = 0;

	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
	     i = env->rcpts[i].next) {
		const struct attempt_rcpt *r = &a->rcpts[from + n];

		if (from + n >= a->nrcpt || r->index != i)
			continue;
		out[n++] = (struct leg_result){ .rcpt = i,
			.outcome = outcome_of(r, end, mistrust_has_room(d)),
			.reason = r->reason != NULL || end == NULL
				      ? r->reason
				      : end->reason };
	}
	return n;
}

static void
settle_legs(struct dispatch *d, struct outgoing *o, const struct attempt *a,
    const struct lane_end *end, struct leg_result *results)
{
	struct leg_event ev = dispatch_event(d, LEG_BACK);
	struct channel *c = o->channel;
	uint32_t at = 0;

	ev.reason =
	    d->bounced; /* if that is what the leg was called back for */
	ev.results = results;
	ev.host = o->host < 32 ? 1u << o->host : 0;
	ev.blames_host =
	    a->content_ended && end != NULL && end->blame == BLAME_MESSAGE;
	ev.lacks_dsn = !a->has_dsn;
	ev.lacks_by = !a->has_by;
	ev.is_unreached =
	    end != NULL && end->blame == BLAME_HOST && attempt_is_untouched(a);
	for (uint32_t i = 0; i < o->load->nlegs; i++) {
		struct leg *leg = o->load->legs[i];

		ev.nresults = results_of(d, a, at, leg, end, results);
		ev.has_next_host =
		    channel_has_other(c, leg->tried | ev.host, ev.now);
		ev.has_other_host =
		    channel_has_untried(c, leg->tried | ev.host);
		ev.random = random_u32();
		at += ev.nresults;
		dispatch_step(d, leg, &ev);
	}
}

/* What the answers teach about the host. */
static void
learn(struct dispatch *d, const struct outgoing *o, const struct attempt *a)
{
	struct site *s = o->channel->site;
	uint64_t now = loop_now(d->loop);
	uint32_t delivered = 0, left = 0, answered = 0;
	bool next = false;

	for (uint32_t i = 0; i < a->nrcpt; i++) {
		delivered += a->rcpts[i].outcome == OUTCOME_DELIVERED;
		left += a->rcpts[i].outcome == OUTCOME_NEXT_TRANSACTION;
		/* What it cannot take it was not asked for. */
		answered += a->rcpts[i].outcome != OUTCOME_NONE &&
			    a->rcpts[i].outcome != OUTCOME_ELSEWHERE;
		next |= a->rcpts[i].outcome == OUTCOME_NEXT_CONNECTION;
	}
	if (left > 0 && answered > left)
		site_number_met(&s->rcpts, answered - left, now);
	else if (delivered > 0)
		site_number_passed(&s->rcpts, answered, now);
	if (next && o->carried > 0)
		site_number_met(&s->messages, o->carried, now);
	else if (delivered > 0)
		site_number_passed(&s->messages, o->carried + 1, now);
	if (delivered > 0)
		channel_succeeded(
		    o->channel, o->host, span_text(a->env->account));
}

/* `end`: of the lane, when it ended with this; else NULL. Frees the attempt. */
static void
bring_back(struct dispatch *d, struct outgoing *o, struct attempt *a,
    const struct lane_end *end)
{
	struct leg_result few[RESULTS_AT_HAND], *results = few;
	struct message *m = o->load->message;
	struct leg_fact_more words = { .tls = a->tls };

	if (a->nrcpt > RESULTS_AT_HAND)
		results = mem_alloc(a->nrcpt * sizeof *results);
	learn(d, o, a);
	give_back(d, o);
	settle_legs(d, o, a, end, results);
	if (results != few)
		free(results);
	free(o->load);
	o->load = NULL;
	mistrust_note(d, m, o->channel->site, a);
	dispatch_settle(d, m, &words);
	content_unref(a->content);
	attempt_free(a);
}

static void
outgoing_free(struct outgoing *o)
{
	assert(o->load == NULL && o->holder == NULL && !is_idle(o));
	list_remove(&o->all);
	free(o);
}

static bool
may_carry_more(const struct dispatch *d, const struct outgoing *o)
{
	return o->carried < site_number_get(&o->channel->site->messages,
				UINT32_MAX, loop_now(d->loop));
}

void
dispatch_answered(
    struct dispatch *d, struct lane *lane, struct attempt *a, bool more)
{
	struct outgoing *o = outgoing_of(lane);
	struct channel *c = o->channel;

	c->site->progress = loop_now(d->loop);
	o->carried += !attempt_is_untouched(a);
	if (more)
		become_idle(d, o);
	bring_back(d, o, a, NULL);
	if (is_idle(o) && !may_carry_more(d, o))
		lanes_retire(d, o);
	if (o->has_ended)
		outgoing_free(o); /* the attempt had come too late for it */
	lines_mark(d, c);
	dispatch_end_turn(d);
}

/* Somebody must act, and hears of it: but not once a connection. */
static void
tell_login(struct dispatch *d, struct site *site, const struct lane_end *end)
{
	struct buf room = { 0 };

	if (site_tells_login(site, loop_now(d->loop)))
		FACT(RELAY_LOGIN_FAILED, fact_string("relay", site->name),
		    facts_reason(end->reason, &room));
	buf_clear(&room);
}

static void
tell_closed(const struct channel *c, uint64_t now)
{
	struct buf room = { 0 };

	FACT(SITE_CLOSED, fact_string("site", c->site->name),
	    fact_s("next", (channel_opens_at(c, now) - now + 999) / 1000),
	    facts_reason(channel_why(c, now), &room));
	buf_clear(&room);
}

/* Whose fault it was: the site's, the channel's, the message's, or nobody's. */
static void
note_end(struct dispatch *d, struct outgoing *o, const struct attempt *a,
    const struct lane_end *end)
{
	struct channel *c = o->channel;
	struct backoff backoff = { d->conf->retry, d->conf->nretry };
	struct site_failure f = { &backoff, end->reason, loop_now(d->loop),
		random_u32() };
	bool was_open = channel_is_open(c, f.now);

	switch (end->blame) {
	case BLAME_NONE: break;
	case BLAME_HOST: channel_host_failed(c, o->host, &f); break;
	case BLAME_CHANNEL: channel_failed(c, o->host, &f); break;
	case BLAME_MESSAGE:
		if (a != NULL)
			channel_died(c, o->host, span_text(a->env->account),
			    a->env->id, &f);
		break;
	}
	if (end->login_failed)
		tell_login(d, c->site, end);
	if (was_open && !channel_is_open(c, f.now))
		tell_closed(c, f.now);
	if (end->no_descriptor)
		lines_wake_at(d, c, f.now + NO_DESCRIPTOR_MS);
}

void
dispatch_ended(struct dispatch *d, struct lane *lane, struct attempt *a,
    const struct lane_end *end)
{
	struct outgoing *o = outgoing_of(lane);
	struct channel *c = o->channel;

	c->lanes--;
	c->site->lanes--;
	d->lanes--;
	d->retiring -= o->is_retiring;
	if (is_idle(o))
		leave_idle(d, o);
	address_lane_ended(d, o->address, o->is_retiring);
	c->site->last_used = c->site->progress = loop_now(d->loop);
	note_end(d, o, a, end);
	if (a != NULL)
		bring_back(d, o, a, end);
	if (o->load == NULL)
		outgoing_free(o);
	else /* what was given to it at its end comes back on its own */
		o->has_ended = true;
	if (!end->no_descriptor)
		lines_mark_site(d, c->site);
	dispatch_end_turn(d);
	if (!d->running && d->idle_cb != NULL)
		d->idle_cb(d->idle_arg);
}

void
dispatch_too_late(struct dispatch *d, struct lane *lane)
{
	struct outgoing *o = outgoing_of(lane);

	if (o->load == NULL)
		return;
	o->is_too_late = true;
	operator_back(d, o->load->message, false);
}

bool
lanes_may_give_back(const struct leg *leg)
{
	return leg->state == LEG_LEAVING &&
	       !outgoing_of(leg->lane)->is_too_late;
}

void
dispatch_in_hand(struct dispatch *d, const char *account,
    void (*each)(struct message *m, void *arg), void *arg)
{
	LIST_FOREACH_SAFE (node, next, &d->busy) {
		struct outgoing *o = LIST_ENTRY(node, struct outgoing, all);

		if (o->load != NULL &&
		    span_equal_nocase(span_text(o->load->message->env->account),
			span_text(account)))
			each(o->load->message, arg);
	}
}
