/*
 * Lines are served at the end of a turn, when all legs whose way is known have
 * joined. Lanes pull: one that has answered takes the next leg that may go to its
 * host, with what else of the same message stands in the same line; a leg that
 * finds no idle lane may open one, as far as its site has earned it and there is
 * a place among all lanes.
 */
#include "lanes_priv.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "io/loop.h"
#include "sched/target.h"
#include "spool/spool.h"

enum {
	REROUTED_A_TURN = 500,
	FRESH_FROM = 2, /* so often back: it wants a new connection */
	LAST_LANE_FROM = 4, /* sites of so many lanes keep one for others */
};

void
lines_wake_at(struct dispatch *d, struct channel *c, uint64_t at)
{
	c->due.kind = DUE_CHANNEL;
	heap_set(&d->heap, &c->due, at);
}

/* --- who may --- */

struct look {
	const struct dispatch *dispatch;
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

	/* What stands in line of it is being held. */
	if (dispatch_is_stopped(look->dispatch, account))
		return false;
	return site_admits(look->channel->site, account, look->now, &why);
}

/*
 * Who came in line before a reload, or by an answer of the name servers that is
 * known no more, may have another way now, or must be safer on it. An answer that
 * is only old is asked for anew by that, and holds until there is another.
 */
static bool
is_its_way(const struct dispatch *d, const struct leg *leg)
{
	const struct route *known;

	if (leg->era != d->era)
		return false;
	known = router_known(
	    d->router, envelope_domain(leg->message->env, leg->first));
	return known != NULL && known->channel == leg->channel;
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
		    !is_its_way(t->d, leg) || !fits(&leg->turn, look))
			continue;
		if (take_rcpts(t, leg, look->now))
			take_leg(t, leg, o);
	}
}

static uint32_t
rcpts_most(const struct dispatch *d, const struct channel *c)
{
	return site_number_get(
	    &c->site->rcpts, SITE_RCPTS_MOST, loop_now(d->loop));
}

/* For how long it could have gone, s. */
static int64_t
age_of(const struct message *m, uint64_t now)
{
	int64_t age = (int64_t)(message_age(m, now) / 1000) - m->release;

	return age > 0 ? age : 0;
}

/* The leg, whose turn it was, and what else of its message the lane may take. */
static void
give(struct dispatch *d, struct outgoing *o, struct leg *leg, struct look *look)
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
	a = attempt_new(
	    m->env, spool_content(d->spool, m->env->id), t.rcpts, t.nrcpts);
	free(t.rcpts);
	a->age = age_of(m, look->now);
	lanes_give(d, o, t.load, a);
}

/* --- serving a line --- */

/*
 * Whose turn it is. Who may have another way now is routed again, some a turn, for
 * a line may be long.
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
		if (is_its_way(d, leg))
			return leg;
		leg->is_next = true; /* it was its turn */
		dispatch_step(d, leg, &ev);
		dispatch_settle(d, leg->message, NULL);
	}
	lines_wake_at(d, c, look->now + 1);
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
		if (leg != NULL)
			give(d, o, leg, look);
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
	return false;
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
		turns_join(&c->line, &leg->turn,
		    span_text(leg->message->env->account), TURN_FRONT);
		addresses_wait(d, c, leg->tried);
		return false;
	}
	look->has_host = true;
	look->host = (uint32_t)host;
	give(d, lanes_new(d, c, look->host), leg, look);
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
		lanes_retire(
		    d, LIST_ENTRY(c->idle.next, struct outgoing, idle));
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
		lines_wake_at(d, c, at);
}

static void
serve(struct dispatch *d, struct channel *c)
{
	struct look look = {
		.dispatch = d, .channel = c, .now = loop_now(d->loop)
	};
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

void
lines_mark_site(struct dispatch *d, struct site *s)
{
	LIST_FOREACH (node, &s->channels)
		lines_mark(d, LIST_ENTRY(node, struct channel, node));
}

void
lines_open(struct dispatch *d, struct site *s)
{
	site_open(s);
	lines_mark_site(d, s);
}

void
lines_mark_all(struct dispatch *d)
{
	struct site *s;
	size_t at = 0;

	while ((s = router_next_site(d->router, &at)) != NULL)
		lines_mark_site(d, s);
}

/*
 * Channels whose turn for one of all lanes it is. One may need none any more, or
 * stand in line again: the others behind it have their turns all the same.
 */
static void
serve_wants(struct dispatch *d)
{
	for (uint32_t n = d->all.waiting; n > 0 && d->lanes < d->lanes_most;
	     n--) {
		struct turns_place place = { .held_most =
						 d->lanes_most - d->lanes };
		struct turn *turn = turns_take(&d->all, &place);

		if (turn == NULL)
			return;
		serve(d, LIST_ENTRY(turn, struct channel, want));
	}
}

/* Channels want one of all lanes, and idle ones have those: they make room. */
static void
retire_for_wants(struct dispatch *d)
{
	while (d->lanes >= d->lanes_most && d->retiring < d->all.waiting &&
	       !list_is_empty(&d->idle))
		lanes_retire(d, LIST_ENTRY(d->idle.next, struct outgoing, all));
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
	retire_for_wants(d);
	addresses_make_room(d);
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
