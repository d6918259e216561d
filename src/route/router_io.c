/*
 * A domain's road:
 *
 *   router_ask -> its waiters stand in line -> (a turn of one of them comes)
 *     -> start_lookup -> on_open (more or fewer questions) ...
 *     -> on_found -> to_channel, or no_route -> every waiter is told
 *     -> rest -> on_forget (its time is over)
 *
 * Who waits for a domain that is being asked for stands in no line any more.
 *
 * What is bounded is questions under way, not lookups: one that begins is a single
 * question, and becomes up to 32 when its mail hosts are known. The account whose
 * turn it was holds as many places as its lookups have open questions.
 */
#include "route/router.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cache_priv.h"
#include "conf/conf.h"
#include "dns/resolver.h"
#include "facts/fact.h"
#include "io/deadline.h"
#include "io/loop.h"
#include "lookup_priv.h"
#include "mail/reason.h"
#include "plan_priv.h"
#include "route/lookup.h"
#include "route/lookup.h"
#include "router_priv.h"
#include "sched/site.h"
#include "sched/target.h"

enum {
	TEMPORARY_TTL_MS = 10000,
	QUESTIONS_MOST = 1000, /* under way at once */
	FORGET_A_TURN = 100,
};

struct router {
	struct loop *loop;
	const struct conf *conf; /* owned reference */
	struct lookups *lookups; /* owned; NULL: stopped */
	struct deadline *forget; /* owned */
	struct cache cache;
	struct turns turns;
	uint32_t questions; /* under way */
	uint32_t questions_most;
	route_cb cb;
	void *arg;
};

static void on_open(unsigned open, void *arg);
static void on_found(const struct lookup_answer *answer, void *arg);
static void on_forget(void *arg);
static void ask_next(struct router *r);

static struct lookups *
make_lookups(struct loop *loop, const struct conf *conf, struct err *err)
{
	struct resolver *resolver =
	    resolver_new(loop, conf->resolvers, conf->nresolvers, err);

	return resolver == NULL ? NULL : lookups_new_take(loop, resolver);
}

struct router *
router_open_take(
    struct loop *loop, const struct conf *conf, struct router_options *options)
{
	struct router *r = MEM_NEW(struct router);
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	cache_init(&r->cache, seed);
	turns_init(&r->turns);
	r->loop = loop;
	r->cb = options->cb;
	r->arg = options->arg;
	r->questions_most = options->questions_most;
	r->lookups = options->lookups;
	r->forget = deadline_new(loop, on_forget, r);
	r->conf = conf_ref(conf);
	return r;
}

struct router *
router_new(struct loop *loop, const struct conf *conf, route_cb cb, void *arg,
    struct err *err)
{
	struct router_options options = { .questions_most = QUESTIONS_MOST,
		.cb = cb,
		.arg = arg,
		.lookups = make_lookups(loop, conf, err) };

	if (options.lookups == NULL)
		return NULL;
	return router_open_take(loop, conf, &options);
}

/* --- entries --- */

static bool
is_refresh(const struct route_waiter *w)
{
	return w == &w->entry->refresh;
}

static void
leave(struct router *r, struct route_waiter *w)
{
	list_remove(&w->node);
	if (turn_is_waiting(&w->turn))
		turns_leave(&r->turns, &w->turn);
	w->entry = NULL;
}

/* The router has its times; the earliest one is the deadline's. */
static void
set_forget(struct router *r)
{
	uint64_t now = loop_now(r->loop), due = cache_due(&r->cache);

	if (due != UINT64_MAX && r->lookups != NULL)
		deadline_set(r->forget, due > now ? due - now : 0);
}

static void
on_forget(void *arg)
{
	struct router *r = arg;

	cache_forget(&r->cache, loop_now(r->loop), FORGET_A_TURN);
	set_forget(r);
}

/* Unless somebody waits for it or it is asked for. */
static void
rest(struct route_entry *e)
{
	if (cache_is_busy(e))
		return;
	cache_rest(&e->router->cache, e);
	set_forget(e->router);
}

/* So many questions of it are under way: the account holds as many places. */
static void
set_open(struct route_entry *e, uint32_t open)
{
	struct router *r = e->router;

	for (; e->held < open; e->held++, r->questions++)
		turns_hold(&r->turns, span_text(e->account));
	for (; e->held > open; e->held--, r->questions--)
		turns_give_back(&r->turns, span_text(e->account));
}

/* The lookup is over: its places are free. */
static void
end_lookup(struct route_entry *e)
{
	e->lookup = NULL;
	set_open(e, 0);
	free(e->account);
	e->account = NULL;
}

void
router_stop(struct router *r)
{
	struct route_entry *e;
	size_t at = 0;

	while ((e = map_next(&r->cache.entries, &at)) != NULL) {
		if (e->lookup == NULL)
			continue;
		lookup_io_cancel(e->lookup);
		end_lookup(e);
		rest(e);
	}
	lookups_close(r->lookups);
	r->lookups = NULL;
	deadline_cancel(r->forget);
}

void
router_free(struct router *r)
{
	struct route_entry *e;
	size_t at = 0;

	if (r == NULL)
		return;
	router_stop(r);
	while ((e = map_next(&r->cache.entries, &at)) != NULL)
		LIST_FOREACH_SAFE (node, next, &e->waiters)
			router_leave(
			    r, LIST_ENTRY(node, struct route_waiter, node));
	cache_clear(&r->cache);
	deadline_close(r->forget);
	turns_clear(&r->turns);
	conf_unref(r->conf);
	free(r);
}

struct site *
router_next_site(struct router *r, size_t *at)
{
	struct route_site *rs = map_next(&r->cache.sites, at);

	return rs == NULL ? NULL : rs->site;
}

/* --- answers --- */

static void
no_route(struct route_entry *e, enum route_status status, const char *code,
    const char *what)
{
	struct words w = { .stage = STAGE_ROUTE,
		.status = span_text(code),
		.what = span_text(what) };

	cache_set_reason_take(&e->router->cache, e, status, reason_new(&w),
	    loop_now(e->router->loop));
}

/* No host is left, or none has an address that may be used. */
static void
no_address(struct route_entry *e, bool leads_back)
{
	const struct conf_route *relay = plan_relay(e->rule);
	char what[512];

	/* A relay is the operator's to mend, and nothing bounces for it. */
	if (relay != NULL)
		(void)snprintf(what, sizeof what,
		    "The relay %.200s:%u leads back to this relay, or to no "
		    "host at all",
		    relay->host, relay->port);
	else if (leads_back)
		(void)snprintf(what, sizeof what,
		    "The mail hosts of the domain %.200s lead back to this "
		    "relay",
		    e->domain);
	else
		(void)snprintf(what, sizeof what,
		    "No mail host of the domain %.120s has an address that "
		    "mail may be sent to (loopback, link-local and our own "
		    "are left out, and what deliver.refuse names)",
		    e->domain);
	if (relay == NULL && leads_back)
		no_route(e, ROUTE_NEVER, "5.4.6", what);
	else
		no_route(e, ROUTE_TEMPORARY, "4.4.4", what);
}

/* Takes the reference to the target. */
static void
set_channel_take(struct router *r, struct route_entry *e, struct target *t)
{
	struct buf key = { 0 }, name = { 0 }, channel = { 0 };
	struct route_site *rs;
	struct channel *c;

	plan_site_key(e->rule, t, &key);
	plan_site_name(e->rule, t, &name);
	plan_channel_key(e->rule, t, &channel);
	rs = cache_site(&r->cache, buf_span(&key).ptr, buf_span(&name).ptr);
	site_set_most(rs->site, r->conf->max_lanes);
	c = site_channel_take(rs->site, buf_span(&channel).ptr, t);
	cache_set_channel(&r->cache, e, rs, c, loop_now(r->loop));
	buf_clear(&key);
	buf_clear(&name);
	buf_clear(&channel);
}

static void
to_channel(
    struct router *r, struct route_entry *e, const struct lookup_answer *answer)
{
	struct plan_request q = {
		.conf = r->conf, .rule = e->rule, .answer = answer
	};
	struct plan p;
	struct err err;

	if (plan_read(&p, &q, &err) != 0) {
		FACT(ROUTE_UNUSABLE, fact_string("domain", e->domain),
		    fact_string("what", err.text));
		no_route(e, ROUTE_TEMPORARY, "4.7.0", err.text);
		return;
	}
	if (p.target->nhosts == 0) {
		no_address(e, p.leads_back);
		target_unref(p.target);
		return;
	}
	set_channel_take(r, e, p.target);
}

static void
tell_waiters(struct route_entry *e)
{
	struct router *r = e->router;
	struct list told;

	/* Who asks again from inside the call joins the next ones. */
	list_init(&told);
	list_splice(&told, &e->waiters);
	for (struct list *node; (node = list_pop(&told)) != NULL;) {
		struct route_waiter *w =
		    LIST_ENTRY(node, struct route_waiter, node);
		bool is_ours = is_refresh(w);

		w->entry = NULL;
		if (!is_ours)
			r->cb(w, &e->route, r->arg);
	}
}

/* Trouble with the name servers leaves what was good before, for a day. */
static bool
keeps_old(const struct route_entry *e, const struct lookup_answer *answer)
{
	return answer->status == LOOKUP_TEMPORARY &&
	       e->route.status == ROUTE_CHANNEL && e->route.channel != NULL &&
	       e->stale_until > loop_now(e->router->loop);
}

static void
take_answer(struct route_entry *e, const struct lookup_answer *answer)
{
	const bool is_relay = plan_relay(e->rule) != NULL;

	switch (answer->status) {
	case LOOKUP_FOUND: to_channel(e->router, e, answer); break;
	case LOOKUP_NULL_MX:
		no_route(e, ROUTE_NEVER, "5.1.10", answer->detail);
		break;
	case LOOKUP_NO_DOMAIN:
		/* A relay that vanished is ours to mend, not the sender's. */
		no_route(e, is_relay ? ROUTE_TEMPORARY : ROUTE_NEVER,
		    is_relay ? "4.4.3" : "5.1.2", answer->detail);
		break;
	case LOOKUP_TEMPORARY:
		no_route(e, ROUTE_TEMPORARY, "4.4.3", answer->detail);
		break;
	}
}

static void
on_found(const struct lookup_answer *answer, void *arg)
{
	struct route_entry *e = arg;
	struct router *r = e->router;
	uint64_t ttl = (uint64_t)answer->ttl * 1000, now = loop_now(r->loop);
	bool is_kept = keeps_old(e, answer);

	end_lookup(e);
	if (!is_kept)
		take_answer(e, answer);
	if (is_kept || e->route.status != ROUTE_CHANNEL ||
	    ttl < TEMPORARY_TTL_MS)
		ttl = TEMPORARY_TTL_MS;
	e->expires = now + ttl;
	if (!is_kept)
		e->stale_until = e->expires + CACHE_STALE_MS;
	tell_waiters(e);
	rest(e);
	ask_next(r);
}

/* A question was answered, others may have come of it. */
static void
on_open(unsigned open, void *arg)
{
	struct route_entry *e = arg;
	struct router *r = e->router;

	set_open(e, open);
	ask_next(r);
}

/* --- asking --- */

static void
start_lookup(struct route_entry *e)
{
	struct router *r = e->router;
	const struct conf_route *relay;
	struct lookup_request request = { .name = span_text(e->domain),
		.is_mail = true,
		.cb = on_found,
		.on_open = on_open,
		.arg = e };

	e->rule = conf_route(r->conf, span_text(e->domain));
	relay = plan_relay(e->rule);
	if (relay != NULL) {
		request.name = span_text(relay->host);
		request.is_mail = false;
	}
	e->lookup = lookup_io_start(r->lookups, &request);
	set_open(e, lookup_io_open(e->lookup));
}

/* The turn of somebody who waits for it has come. Takes the account's name. */
static void
begin_take(struct route_entry *e, char *account)
{
	struct router *r = e->router;

	LIST_FOREACH (node, &e->waiters) {
		struct route_waiter *w =
		    LIST_ENTRY(node, struct route_waiter, node);

		if (turn_is_waiting(&w->turn))
			turns_leave(&r->turns, &w->turn);
	}
	e->account = account;
	start_lookup(e);
}

/*
 * The bound is of questions, but what begins is a lookup. One that has begun goes
 * on however many questions it becomes, also beyond the bound, so that nobody ever
 * stops half-way; no new one begins until there are fewer again.
 */
static void
ask_next(struct router *r)
{
	while (r->questions < r->questions_most && r->turns.waiting > 0) {
		struct turns_place place = { .held_most = r->questions_most -
							  r->questions };
		const struct turn *next = turns_peek(&r->turns, &place);
		struct route_entry *e;
		char *account;

		if (next == NULL)
			return;
		e = LIST_ENTRY(next, struct route_waiter, turn)->entry;
		account = span_dup(turn_account(next));
		(void)turns_take(&r->turns, &place); /* the same one */
		begin_take(e, account);
	}
}

const struct route *
router_known(struct router *r, struct span domain)
{
	struct route_entry *e = cache_find(&r->cache, domain);
	uint64_t now = loop_now(r->loop);

	if (e == NULL || e->expires == 0)
		return NULL;
	if (e->route.channel != NULL)
		e->route.channel->site->last_used = now;
	if (e->expires > now)
		return &e->route;
	if (e->route.channel == NULL || e->stale_until <= now)
		return NULL;
	if (list_is_empty(&e->waiters) && e->lookup == NULL)
		router_ask(r, domain, SPAN(""), TURN_FIRST, &e->refresh);
	return &e->route;
}

const struct route *
router_peek(const struct router *r, struct span domain)
{
	const struct route_entry *e = cache_find(&r->cache, domain);

	return e == NULL || e->expires == 0 ? NULL : &e->route;
}

void
router_ask(struct router *r, struct span domain, struct span account,
    enum turn_rank rank, struct route_waiter *w)
{
	struct route_entry *e = cache_find_or_add(&r->cache, domain);

	assert(w->entry == NULL);
	e->router = r;
	cache_busy(&r->cache, e);
	w->entry = e;
	list_append(&e->waiters, &w->node);
	if (e->lookup != NULL || r->lookups == NULL)
		return;
	turns_join(&r->turns, &w->turn, account, rank);
	ask_next(r);
}

void
router_leave(struct router *r, struct route_waiter *w)
{
	struct route_entry *e = w->entry;

	if (e == NULL)
		return;
	leave(r, w);
	rest(e);
}

struct router_load
router_load(const struct router *r)
{
	return (struct router_load){ .waiting = r->turns.waiting,
		.questions = r->questions,
		.domains = (uint32_t)r->cache.entries.count };
}

/* --- a new configuration --- */

struct router_next {
	struct conf *conf; /* owned reference */
	struct lookups *lookups; /* owned */
};

struct router_next *
router_prepare(const struct router *r, const struct conf *conf, struct err *err)
{
	struct lookups *fresh = make_lookups(r->loop, conf, err);
	struct router_next *next;

	if (fresh == NULL)
		return NULL;
	next = MEM_NEW(struct router_next);
	next->lookups = fresh;
	next->conf = conf_ref(conf);
	return next;
}

void
router_discard(struct router_next *next)
{
	if (next == NULL)
		return;
	lookups_close(next->lookups);
	conf_unref(next->conf);
	free(next);
}

/* What was known was so by the old configuration; the question is asked anew. */
static void
begin_again(struct router *r, struct route_entry *e)
{
	bool was_asked = e->lookup != NULL;

	if (was_asked)
		lookup_io_cancel(e->lookup);
	e->lookup = NULL;
	cache_forget_route(&r->cache, e, loop_now(r->loop));
	if (!was_asked)
		return;
	if (list_is_empty(&e->waiters)) {
		end_lookup(e);
		rest(e);
		return;
	}
	start_lookup(e);
}

void
router_take(struct router *r, struct router_next *next)
{
	struct lookups *old = r->lookups;
	struct route_entry *e;
	size_t at = 0;

	r->lookups = next->lookups;
	conf_unref(r->conf);
	r->conf = next->conf;
	free(next);
	cache_drop_all(&r->cache);
	while ((e = map_next(&r->cache.entries, &at)) != NULL)
		begin_again(r, e);
	lookups_close(old);
	set_forget(r);
	ask_next(r);
}
