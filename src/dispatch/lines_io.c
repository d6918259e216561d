/*
 * Lines are served at the end of a turn, when all legs whose way is known have
 * joined. Lanes pull: one that has answered takes the next leg that may go to its
 * host, with what else of the same message stands in the same line; a leg that
 * finds no idle lane may open one, as far as its site has earned it and there is
 * a place among all lanes.
 */
#include "dispatch_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"
#include "deliver/attempt.h"
#include "deliver/lane.h"
#include "deliver/lane_end.h"
#include "io/loop.h"
#include "mail/reason.h"
#include "sched/target.h"
#include "spool/content.h"
#include "spool/spool.h"

enum {
	REROUTED_A_TURN = 500,
	NO_DESCRIPTOR_MS = 1000,
	FRESH_FROM =
	    2, /* a leg that came back so often wants a new connection */
	RESULTS_AT_HAND = 16,
	IDLE_LOOKED_AT = 200,
	LAST_LANE_FROM = 4, /* sites of so many lanes keep one for others */
};

/* What a lane has in hand: legs of one message. */
struct load {
	struct message *message; /* borrowed: lives until its legs are back */
	uint32_t nlegs;
	struct leg *legs[];
};

/* A lane, as the queue thread knows it. */
struct outgoing {
	struct lane lane; /* the handle that its worker knows */
	struct list idle, all_idle; /* in its channel's, and in all */
	struct channel *channel; /* borrowed: sites outlive their lanes */
	struct address *address; /* borrowed: lives while lanes go there */
	struct load *load; /* owned; NULL: none */
	char *holder; /* owned; whose place it has; NULL: nobody's */
	uint32_t host, carried;
	bool has_ended; /* an attempt is on its way back from it */
};

static struct outgoing *
outgoing_of(struct lane *lane)
{
	return LIST_ENTRY(lane, struct outgoing, lane);
}

uint32_t
lines_most(const struct conf *conf)
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

static void
wake_at(struct dispatch *d, struct channel *c, uint64_t at)
{
	c->due.kind = DUE_CHANNEL;
	heap_set(&d->heap, &c->due, at);
}

/* --- places --- */

static struct span
account_of(const struct message *m)
{
	return span_text(m->env->account);
}

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

/* --- who may --- */

struct look {
	struct dispatch *d;
	struct channel *channel;
	uint64_t now;
	uint32_t host; /* when there is one */
	bool has_host, is_fresh;
};

static bool
fits(const struct turn *turn, void *arg)
{
	const struct leg *leg = LIST_ENTRY(turn, struct leg, turn);
	const struct look *look = arg;

	if (leg->returned >= FRESH_FROM && !look->is_fresh)
		return false;
	return !look->has_host ||
	       channel_allows(look->channel, leg->tried, look->host, look->now);
}

static bool
admits(struct span account, void *arg)
{
	const struct look *look = arg;
	struct reason *why;

	return site_admits(look->channel->site, account, look->now, &why);
}

/* --- what a lane takes --- */

struct taking {
	struct dispatch *d;
	struct channel *channel;
	struct load *load;
	uint32_t *rcpts; /* owned */
	uint32_t nrcpts, most;
};

/* The recipients of the leg that are due, as far as there is room. */
static bool
take_rcpts(struct taking *t, struct leg *leg, uint64_t now)
{
	struct message *m = leg->message;
	uint32_t before = t->nrcpts;

	for (uint32_t i = leg->first;
	     i != ENVELOPE_NO_MORE && t->nrcpts < t->most;
	     i = m->env->rcpts[i].next) {
		if (!leg_wants(leg, i, now))
			continue;
		m->rcpts[i].is_out = 1;
		t->rcpts[t->nrcpts++] = i;
	}
	return t->nrcpts > before;
}

static void
take_leg(struct taking *t, struct leg *leg, struct outgoing *o)
{
	struct leg_event ev = dispatch_event(t->d, LEG_TAKEN);

	ev.lane = &o->lane;
	t->load->legs[t->load->nlegs++] = leg;
	dispatch_step(t->d, leg, &ev);
}

/* What else of the message stands in the same line. */
static void
take_others(struct taking *t, struct outgoing *o, struct look *look)
{
	struct message *m = t->load->message;

	for (uint32_t i = 0; i < m->env->ngroups && t->nrcpts < t->most; i++) {
		struct leg *leg = &m->legs[i];

		if (leg->state != LEG_LINE || leg->channel != t->channel ||
		    leg->era != t->d->era || !fits(&leg->turn, look))
			continue;
		if (take_rcpts(t, leg, look->now))
			take_leg(t, leg, o);
	}
}

static struct attempt *
attempt_for(const struct taking *t)
{
	struct message *m = t->load->message;

	return attempt_new(m->env, spool_content(t->d->spool, m->env->id),
	    t->rcpts, t->nrcpts);
}

static uint32_t
rcpts_most(const struct dispatch *d, const struct channel *c)
{
	return site_number_get(
	    &c->site->rcpts, SITE_RCPTS_MOST, loop_now(d->loop));
}

/* Loads the lane with the leg, whose turn it was; NULL: nothing of it is due. */
static struct attempt *
load(struct dispatch *d, struct outgoing *o, struct leg *leg, struct look *look)
{
	struct message *m = leg->message;
	struct taking t = {
		.d = d, .channel = o->channel, .most = rcpts_most(d, o->channel)
	};
	struct attempt *a;
	bool has_work;

	t.load = mem_zalloc(
	    1, sizeof *t.load + m->env->ngroups * sizeof t.load->legs[0]);
	t.load->message = m;
	t.rcpts = mem_alloc((m->env->nrcpt < t.most ? m->env->nrcpt : t.most) *
			    sizeof *t.rcpts);
	has_work = take_rcpts(&t, leg, look->now);
	assert(has_work); /* a leg in line has something to do */
	take_leg(&t, leg, o);
	take_others(&t, o, look);
	a = attempt_for(&t);
	free(t.rcpts);
	o->load = t.load;
	hold(d, o, account_of(m));
	o->channel->site->progress = look->now;
	return a;
}

/* --- serving a line --- */

/*
 * Whose turn it is. Who came in line before a reload may have another way now, or
 * must be safer on it: routed again, some a turn, for a line may be long.
 */
static struct leg *
take_turn(struct dispatch *d, struct look *look, struct turns_place *place)
{
	struct channel *c = look->channel;

	for (unsigned n = 0; n < REROUTED_A_TURN; n++) {
		struct turn *turn = turns_take(&c->line, place);
		struct leg_event ev = dispatch_event(d, LEG_REROUTE);
		struct leg *leg;

		if (turn == NULL)
			return NULL;
		leg = LIST_ENTRY(turn, struct leg, turn);
		if (leg->era == d->era)
			return leg;
		leg->is_next = true; /* it was its turn */
		dispatch_step(d, leg, &ev);
		dispatch_settle(d, leg->message, NULL);
	}
	wake_at(d, c, look->now + 1);
	return NULL;
}

static void
fill_idle(struct dispatch *d, struct channel *c, struct turns_place *place)
{
	LIST_FOREACH_SAFE (node, next, &c->idle) {
		struct outgoing *o = LIST_ENTRY(node, struct outgoing, idle);
		struct look *look = place->arg;
		struct leg *leg;

		look->has_host = true;
		look->host = o->host;
		look->is_fresh = o->carried == 0;
		leg = take_turn(d, look, place);
		if (leg == NULL)
			continue;
		list_remove(&o->idle);
		list_remove(&o->all_idle);
		c->nidle--;
		d->out.give(&o->lane, load(d, o, leg, look), d->out.arg);
	}
}

static void
retire(struct dispatch *d, struct outgoing *o)
{
	list_remove(&o->idle);
	list_remove(&o->all_idle);
	o->channel->nidle--;
	d->out.quit(&o->lane, d->out.arg);
}

/* An idle lane to an address that others wait for makes room there. */
static void
retire_at_full(struct dispatch *d, const struct target *t)
{
	unsigned looked = 0;

	LIST_FOREACH (node, &d->idle) {
		struct outgoing *o =
		    LIST_ENTRY(node, struct outgoing, all_idle);

		for (uint32_t i = 0; i < t->nhosts; i++)
			if (address_is(o->address, t, i)) {
				retire(d, o);
				return;
			}
		if (++looked == IDLE_LOOKED_AT)
			return;
	}
}

/* A place among all lanes for that account; if not now, it stands in line. */
static bool
has_place(struct dispatch *d, struct channel *c, struct span account)
{
	uint32_t left = d->lanes_most > d->lanes ? d->lanes_most - d->lanes : 0;

	if (left > 0 && turns_held(&d->all, account) <= left)
		return true;
	if (!turn_is_waiting(&c->want))
		turns_join(&d->all, &c->want, account, TURN_FIRST);
	if (left == 0 && !list_is_empty(&d->idle))
		retire(d, LIST_ENTRY(d->idle.next, struct outgoing, all_idle));
	return false;
}

static void
open_lane(struct dispatch *d, struct look *look, struct leg *leg)
{
	struct channel *c = look->channel;
	struct outgoing *o = MEM_NEW(struct outgoing);

	list_init(&o->idle);
	list_init(&o->all_idle);
	o->channel = c;
	o->host = look->host;
	o->address = address_of(d, c->target, o->host);
	address_lane_opened(o->address);
	c->lanes++;
	c->site->lanes++;
	d->lanes++;
	d->out.open(
	    &o->lane, c->target, o->host, load(d, o, leg, look), d->out.arg);
}

/* The last lane of a site is for an account that has none, or one. */
static void
keep_last(const struct site *s, struct turns_place *place)
{
	bool is_last =
	    s->lanes_max >= LAST_LANE_FROM && s->lanes + 1 >= s->lanes_max;

	place->held_most = is_last ? 1 : 0;
}

/* Whether one was opened. */
static bool
open_next(struct dispatch *d, struct channel *c, struct turns_place *place)
{
	struct look *look = place->arg;
	const struct turn *turn;
	struct leg *leg;
	int host;

	look->has_host = false;
	look->is_fresh = true;
	keep_last(c->site, place);
	turn = turns_peek(&c->line, place);
	if (turn == NULL || !has_place(d, c, turn_account(turn)))
		return false;
	leg = take_turn(d, look, place);
	place->held_most = 0;
	if (leg == NULL)
		return false;
	host = channel_choose_but(c, leg->tried, addresses_full(d, c->target),
	    look->now, random_u32());
	if (host == CHANNEL_NO_HOST) {
		turns_join(
		    &c->line, &leg->turn, account_of(leg->message), TURN_FRONT);
		addresses_wait(d, c);
		retire_at_full(d, c->target);
		return false;
	}
	look->has_host = true;
	look->host = (uint32_t)host;
	open_lane(d, look, leg);
	return true;
}

/*
 * The site has no lane left to give, and nobody in line may use an idle one: then
 * that one makes room. It may be another channel's.
 */
static void
make_room(struct dispatch *d, struct channel *wants)
{
	struct site *s = wants->site;

	if (s->lanes < s->lanes_max)
		return;
	LIST_FOREACH (node, &s->channels) {
		struct channel *c = LIST_ENTRY(node, struct channel, node);

		if (c->nidle == 0)
			continue;
		retire(d, LIST_ENTRY(c->idle.next, struct outgoing, idle));
		return;
	}
}

/* When nothing wakes it by itself. */
static void
wake_later(struct dispatch *d, struct channel *c, uint64_t again, uint64_t now)
{
	uint64_t at = again, ban = site_ban_ends(c->site, now);

	if (!channel_is_open(c, now))
		at = channel_opens_at(c, now);
	if (at == 0 || (ban != UINT64_MAX && ban < at))
		at = ban == UINT64_MAX ? at : ban;
	if (at > now && (c->due.place == 0 || at < c->due.at))
		wake_at(d, c, at);
}

static void
serve(struct dispatch *d, struct channel *c)
{
	struct look look = { .d = d, .channel = c, .now = loop_now(d->loop) };
	struct turns_place place = {
		.fits = fits, .admits = admits, .arg = &look
	};
	uint64_t again = 0;

	/* What is delivered now could not be recorded, and would go twice. */
	if (c->line.waiting == 0 || !dispatch_may_deliver(d))
		return;
	if (channel_is_open(c, look.now)) {
		fill_idle(d, c, &place);
		while (channel_wants_lane(c, look.now, &again))
			if (!open_next(d, c, &place))
				break;
		if (c->line.waiting > 0)
			make_room(d, c);
	}
	if (c->line.waiting > 0)
		wake_later(d, c, again, look.now);
}

void
lines_mark(struct dispatch *d, struct channel *c)
{
	if (list_is_empty(&c->serve))
		list_append(&d->serve, &c->serve);
}

static void
mark_site(struct dispatch *d, struct site *s)
{
	LIST_FOREACH (node, &s->channels)
		lines_mark(d, LIST_ENTRY(node, struct channel, node));
}

void
lines_mark_all(struct dispatch *d)
{
	struct site *s;
	size_t at = 0;

	while ((s = router_next_site(d->router, &at)) != NULL)
		mark_site(d, s);
}

/* Channels whose turn for one of all lanes it is. */
static void
serve_wants(struct dispatch *d)
{
	while (d->lanes < d->lanes_most) {
		struct turns_place place = { .held_most =
						 d->lanes_most - d->lanes };
		struct turn *turn = turns_take(&d->all, &place);
		struct channel *c;
		uint32_t lanes = d->lanes;

		if (turn == NULL)
			return;
		c = LIST_ENTRY(turn, struct channel, want);
		serve(d, c);
		if (d->lanes == lanes)
			return; /* it stands in line again, or needs none */
	}
}

void
lines_serve_marked(struct dispatch *d)
{
	struct list *node;

	if (!d->running)
		return;
	serve_wants(d);
	while ((node = list_pop(&d->serve)) != NULL)
		serve(d, LIST_ENTRY(node, struct channel, serve));
}

void
lines_forget(struct dispatch *d)
{
	struct site *s;
	size_t at = 0;

	while ((s = router_next_site(d->router, &at)) != NULL)
		LIST_FOREACH (node, &s->channels) {
			struct channel *c =
			    LIST_ENTRY(node, struct channel, node);

			list_remove(&c->serve);
			list_remove(&c->full);
			heap_drop(&d->heap, &c->due);
			if (turn_is_waiting(&c->want))
				turns_leave(&d->all, &c->want);
		}
}

void
lines_withdraw(struct dispatch *d, struct lane *lane)
{
	d->out.withdraw(lane, d->out.arg);
}

/* --- what a lane brings back --- */

static enum leg_outcome
outcome_of(const struct attempt_rcpt *r, const struct lane_end *end)
{
	static const enum leg_outcome outcomes[] = {
		[OUTCOME_NONE] = LEG_NOT_TRIED,
		[OUTCOME_DELIVERED] = LEG_DELIVERED,
		[OUTCOME_NEXT_TRANSACTION] = LEG_NEXT_TRANSACTION,
		[OUTCOME_NEXT_CONNECTION] = LEG_NEXT_CONNECTION,
		[OUTCOME_NEXT_HOST] = LEG_NEXT_HOST,
		[OUTCOME_LATER] = LEG_LATER,
		[OUTCOME_FAILED] = LEG_FAILED,
	};

	/* It was not to be had there: it is tried elsewhere, or later. */
	if (r->outcome == OUTCOME_NONE && end != NULL &&
	    (end->blame == BLAME_HOST || end->blame == BLAME_CHANNEL))
		return LEG_NEXT_HOST;
	return outcomes[r->outcome];
}

/* The results of one leg: of its recipients, in the order they were taken. */
static uint32_t
results_of(const struct attempt *a, uint32_t from, const struct leg *leg,
    const struct lane_end *end, struct leg_result *out)
{
	const struct envelope *env = leg->message->env;
	uint32_t n = 0;

	for (uint32_t i = leg->first; i != ENVELOPE_NO_MORE;
	     i = env->rcpts[i].next) {
		const struct attempt_rcpt *r = &a->rcpts[from + n];

		if (from + n >= a->nrcpt || r->index != i)
			continue;
		out[n++] = (struct leg_result){ .rcpt = i,
			.outcome = outcome_of(r, end),
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
	ev.is_unreached =
	    end != NULL && end->blame == BLAME_HOST && attempt_is_untouched(a);
	for (uint32_t i = 0; i < o->load->nlegs; i++) {
		struct leg *leg = o->load->legs[i];

		ev.nresults = results_of(a, at, leg, end, results);
		ev.has_next_host =
		    channel_has_other(c, leg->tried | ev.host, ev.now);
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
		answered += a->rcpts[i].outcome != OUTCOME_NONE;
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
		channel_succeeded(o->channel, o->host);
}

/* `end`: of the lane, when it ended with this; else NULL. Frees the attempt. */
static void
bring_back(struct dispatch *d, struct outgoing *o, struct attempt *a,
    const struct lane_end *end)
{
	struct leg_result few[RESULTS_AT_HAND], *results = few;
	struct message *m = o->load->message;
	struct fact_words words = { .tls = a->tls };

	if (a->nrcpt > RESULTS_AT_HAND)
		results = mem_alloc(a->nrcpt * sizeof *results);
	learn(d, o, a);
	give_back(d, o);
	settle_legs(d, o, a, end, results);
	if (results != few)
		free(results);
	free(o->load);
	o->load = NULL;
	dispatch_settle(d, m, &words);
	content_unref(a->content);
	attempt_free(a);
}

static void
outgoing_free(struct outgoing *o)
{
	assert(o->load == NULL && o->holder == NULL);
	list_remove(&o->idle);
	list_remove(&o->all_idle);
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
	if (more) {
		list_append(&c->idle, &o->idle);
		list_append(&d->idle, &o->all_idle);
		c->nidle++;
	}
	bring_back(d, o, a, NULL);
	if (more && !list_is_empty(&o->idle) && !may_carry_more(d, o))
		retire(d, o);
	if (o->has_ended)
		outgoing_free(o); /* the attempt had come too late for it */
	lines_mark(d, c);
	dispatch_end_turn(d);
}

/* Somebody must act, and hears of it: but not once a connection. */
static void
tell_login(struct dispatch *d, struct site *site, const struct lane_end *end)
{
	struct words w = reason_words(end->reason);
	struct buf line = { 0 };

	if (!site_tells_login(site, loop_now(d->loop)))
		return;
	words_join(&line, &w);
	log_error("relay_login_failed relay=%s reason=%s",
	    log_quote_text(site->name), log_quote(buf_span(&line)));
	buf_clear(&line);
}

static void
tell_closed(const struct channel *c, uint64_t now)
{
	struct words w = reason_words(channel_why(c, now));
	struct buf line = { 0 };

	words_join(&line, &w);
	log_warn("site_closed site=%s next=%llus reason=%s",
	    log_quote_text(c->site->name),
	    (unsigned long long)(channel_opens_at(c, now) - now + 999) / 1000,
	    log_quote(buf_span(&line)));
	buf_clear(&line);
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
	case BLAME_CHANNEL: channel_failed(c, &f); break;
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
		wake_at(d, c, f.now + NO_DESCRIPTOR_MS);
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
	address_lane_ended(d, o->address);
	c->site->last_used = c->site->progress = loop_now(d->loop);
	if (!list_is_empty(&o->idle)) {
		list_remove(&o->idle);
		list_remove(&o->all_idle);
		c->nidle--;
	}
	note_end(d, o, a, end);
	if (a != NULL)
		bring_back(d, o, a, end);
	if (o->load == NULL)
		outgoing_free(o);
	else /* what was given to it at its end comes back on its own */
		o->has_ended = true;
	if (!end->no_descriptor)
		mark_site(d, c->site);
	dispatch_end_turn(d);
	if (!d->running && d->idle_cb != NULL)
		d->idle_cb(d->idle_arg);
}

void
dispatch_too_late(struct dispatch *d, struct lane *lane)
{
	struct outgoing *o = outgoing_of(lane);

	if (o->load != NULL)
		operator_too_late(d, o->load->message);
}
