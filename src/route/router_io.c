/*
 * A domain's road:
 *
 *   router_ask -> its waiters stand in line -> (a turn of one of them comes)
 *     -> resolve_mx / resolve_host -> on_mx -> to_channel, or no_route
 *     -> every waiter is told
 *
 * Who waits for a domain that is being asked for stands in no line any more.
 */
#include "route/router.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "route/lookup.h"
#include "io/loop.h"
#include "mail/reason.h"
#include "plan_priv.h"
#include "sched/site.h"
#include "sched/target.h"

enum {
	TEMPORARY_TTL_MS = 10000,
	STALE_MS =
	    24 * 3600 * 1000, /* an answer past its time is used so long */
	STALE_ENTRIES = 20000, /* with more of them they go at once */
	SITE_UNUSED_MS = 600000,
	LOOKUPS_MOST = 1000, /* under way at once */
};

/* One domain's way, or the question for it. */
struct route_entry {
	struct router *router; /* borrowed: owns it */
	char *domain; /* owned; lower case */
	struct route route;
	uint64_t expires; /* monotonic ms; 0: nothing is known */
	uint64_t stale_until; /* monotonic ms; its channel may be used */
	struct mx_lookup *lookup; /* owned while asked */
	char *account; /* owned while asked: whose turn it was */
	const struct conf_route *rule; /* borrowed from conf; NULL: none */
	struct list waiters;
	struct route_waiter refresh; /* its own: nobody waits for that */
};

struct router {
	struct loop *loop;
	const struct conf *conf; /* owned reference */
	struct resolver *resolver; /* NULL: stopped */
	struct map entries, sites;
	struct turns turns;
	uint32_t asking;
	route_cb cb;
	void *arg;
};

static void ask_next(struct router *r);

static struct resolver *
make_resolver(struct loop *loop, const struct conf *conf, struct err *err)
{
	return resolver_new(loop, conf->resolvers, conf->nresolvers, err);
}

struct router *
router_new(struct loop *loop, const struct conf *conf, route_cb cb, void *arg,
    struct err *err)
{
	struct router *r = MEM_NEW(struct router);
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	map_init(&r->entries, seed);
	map_init(&r->sites, seed);
	turns_init(&r->turns);
	r->loop = loop;
	r->cb = cb;
	r->arg = arg;
	r->resolver = make_resolver(loop, conf, err);
	if (r->resolver == NULL) {
		free(r);
		return NULL;
	}
	r->conf = conf_ref(conf);
	return r;
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

static void
entry_free(struct route_entry *e)
{
	LIST_FOREACH_SAFE (node, next, &e->waiters)
		leave(e->router, LIST_ENTRY(node, struct route_waiter, node));
	reason_unref(e->route.reason);
	free(e->account);
	free(e->domain);
	free(e);
}

static struct span
low(struct span domain, char out[256])
{
	size_t n = domain.len < 255 ? domain.len : 255;

	for (size_t i = 0; i < n; i++)
		out[i] = ascii_lower(domain.ptr[i]);
	return span_make(out, n);
}

static struct route_entry *
find(const struct router *r, struct span domain)
{
	char text[256];

	return map_get(&r->entries, low(domain, text));
}

static struct route_entry *
find_or_add(struct router *r, struct span domain)
{
	char text[256] = "";
	struct span key = low(domain, text);
	struct route_entry *e = map_get(&r->entries, key);

	if (e != NULL)
		return e;
	e = MEM_NEW(struct route_entry);
	e->router = r;
	e->domain = span_dup(key);
	list_init(&e->waiters);
	(void)map_put(&r->entries, span_text(e->domain), e);
	return e;
}

void
router_stop(struct router *r)
{
	if (r->resolver != NULL)
		resolver_close(r->resolver);
	r->resolver = NULL;
}

void
router_free(struct router *r)
{
	struct route_entry *e;
	struct site *s;
	size_t at = 0;

	if (r == NULL)
		return;
	router_stop(r);
	while ((e = map_next(&r->entries, &at)) != NULL)
		entry_free(e);
	map_clear(&r->entries);
	at = 0;
	while ((s = map_next(&r->sites, &at)) != NULL)
		site_free(s);
	map_clear(&r->sites);
	turns_clear(&r->turns);
	conf_unref(r->conf);
	free(r);
}

struct site *
router_next_site(struct router *r, size_t *at)
{
	return map_next(&r->sites, at);
}

/* --- answers --- */

static void
no_route(struct route_entry *e, enum route_status status, const char *code,
    const char *what)
{
	struct words w = { .stage = STAGE_ROUTE,
		.status = span_text(code),
		.what = span_text(what) };

	reason_unref(e->route.reason);
	e->route = (struct route){ .status = status, .reason = reason_new(&w) };
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

static struct channel *
channel_for(struct router *r, const struct route_entry *e, struct target *t)
{
	struct buf site = { 0 }, name = { 0 }, key = { 0 };
	struct channel *c;
	struct site *s;

	plan_site_key(e->rule, t, &site);
	plan_channel_key(t, &key);
	s = map_get(&r->sites, span_text(buf_span(&site).ptr));
	if (s == NULL) {
		plan_site_name(e->rule, t, &name);
		s = site_new(buf_span(&site).ptr, buf_span(&name).ptr);
		(void)map_put(&r->sites, span_text(s->key), s);
	}
	site_set_most(s, r->conf->max_lanes);
	s->last_used = loop_now(r->loop);
	c = site_channel_take(s, buf_span(&key).ptr, t);
	buf_clear(&site);
	buf_clear(&name);
	buf_clear(&key);
	return c;
}

static void
to_channel(
    struct router *r, struct route_entry *e, const struct mx_answer *answer)
{
	struct plan_request q = { r->conf, e->rule, answer };
	struct plan p;
	struct err err;

	if (plan_make(&p, &q, &err) != 0) {
		log_error("route_unusable domain=%s what=%s",
		    log_quote_text(e->domain), log_quote_text(err.text));
		no_route(e, ROUTE_TEMPORARY, "4.7.0", err.text);
		return;
	}
	if (p.target->nhosts == 0) {
		no_address(e, p.leads_back);
		target_unref(p.target);
		return;
	}
	reason_unref(e->route.reason);
	e->route = (struct route){ .status = ROUTE_CHANNEL,
		.channel = channel_for(r, e, p.target) };
}

/* The lookup is over: its place is free. */
static void
end_lookup(struct route_entry *e)
{
	e->lookup = NULL;
	e->router->asking--;
	turns_give_back(&e->router->turns, span_text(e->account));
	free(e->account);
	e->account = NULL;
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
keeps_old(const struct route_entry *e, const struct mx_answer *answer)
{
	return answer->status == MX_TEMPORARY &&
	       e->route.status == ROUTE_CHANNEL && e->route.channel != NULL &&
	       e->stale_until > loop_now(e->router->loop);
}

static void
take_answer(struct route_entry *e, const struct mx_answer *answer)
{
	const bool is_relay = plan_relay(e->rule) != NULL;

	switch (answer->status) {
	case MX_FOUND: to_channel(e->router, e, answer); break;
	case MX_NONE: no_route(e, ROUTE_NEVER, "5.1.10", answer->detail); break;
	case MX_NO_DOMAIN:
		/* A relay that vanished is ours to mend, not the sender's. */
		no_route(e, is_relay ? ROUTE_TEMPORARY : ROUTE_NEVER,
		    is_relay ? "4.4.3" : "5.1.2", answer->detail);
		break;
	case MX_TEMPORARY:
		no_route(e, ROUTE_TEMPORARY, "4.4.3", answer->detail);
		break;
	}
}

static void
on_mx(const struct mx_answer *answer, void *arg)
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
		e->stale_until = e->expires + STALE_MS;
	tell_waiters(e);
	ask_next(r);
}

/* --- asking --- */

static void
start_lookup(struct route_entry *e)
{
	struct router *r = e->router;
	const struct conf_route *relay;

	e->rule = conf_route(r->conf, span_text(e->domain));
	relay = plan_relay(e->rule);
	if (relay == NULL)
		e->lookup =
		    resolve_mx(r->resolver, span_text(e->domain), on_mx, e);
	else
		e->lookup =
		    resolve_host(r->resolver, span_text(relay->host), on_mx, e);
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
	turns_hold(&r->turns, span_text(account));
	r->asking++;
	start_lookup(e);
}

static void
ask_next(struct router *r)
{
	while (r->asking < LOOKUPS_MOST && r->turns.waiting > 0) {
		struct turns_place place = { .held_most =
						 LOOKUPS_MOST - r->asking };
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
	struct route_entry *e = find(r, domain);
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

bool
router_is_stale(struct router *r, struct span domain)
{
	const struct route_entry *e = find(r, domain);

	return e == NULL || e->expires <= loop_now(r->loop);
}

void
router_ask(struct router *r, struct span domain, struct span account,
    enum turn_rank rank, struct route_waiter *w)
{
	struct route_entry *e = find_or_add(r, domain);

	assert(w->entry == NULL);
	w->entry = e;
	list_append(&e->waiters, &w->node);
	if (e->lookup != NULL || r->resolver == NULL)
		return;
	turns_join(&r->turns, &w->turn, account, rank);
	ask_next(r);
}

void
router_leave(struct router *r, struct route_waiter *w)
{
	if (w->entry != NULL)
		leave(r, w);
}

struct router_load
router_load(const struct router *r)
{
	return (struct router_load){ r->turns.waiting, r->asking };
}

/* --- a new configuration --- */

struct router_next {
	struct conf *conf; /* owned reference */
	struct resolver *resolver; /* owned */
};

struct router_next *
router_prepare(const struct router *r, const struct conf *conf, struct err *err)
{
	struct resolver *fresh = make_resolver(r->loop, conf, err);
	struct router_next *next;

	if (fresh == NULL)
		return NULL;
	next = MEM_NEW(struct router_next);
	next->resolver = fresh;
	next->conf = conf_ref(conf);
	return next;
}

void
router_discard(struct router_next *next)
{
	if (next == NULL)
		return;
	resolver_close(next->resolver);
	conf_unref(next->conf);
	free(next);
}

void
router_take(struct router *r, struct router_next *next)
{
	struct map keep = { .seed = {
				r->entries.seed[0], r->entries.seed[1] } };
	struct route_entry *e;
	size_t at = 0;

	resolver_close(r->resolver);
	r->resolver = next->resolver;
	conf_unref(r->conf);
	r->conf = next->conf;
	free(next);
	while ((e = map_next(&r->entries, &at)) != NULL) {
		if (list_is_empty(&e->waiters)) {
			if (e->lookup != NULL)
				end_lookup(e);
			entry_free(e);
			continue;
		}
		/* What was known was so by the old one. */
		reason_unref(e->route.reason);
		e->route = (struct route){ 0 };
		e->expires = e->stale_until = 0;
		(void)map_put(&keep, span_text(e->domain), e);
		if (e->lookup != NULL)
			start_lookup(e);
	}
	map_clear(&r->entries);
	r->entries = keep;
}

/* --- forgetting --- */

static bool
is_wanted(const struct router *r, const struct route_entry *e, uint64_t now)
{
	if (e->lookup != NULL || !list_is_empty(&e->waiters) ||
	    e->expires > now)
		return true;
	return e->route.channel != NULL && e->stale_until > now &&
	       r->entries.count < STALE_ENTRIES;
}

static void
sweep_entries(struct router *r, uint64_t now)
{
	struct map keep = { .seed = {
				r->entries.seed[0], r->entries.seed[1] } };
	struct route_entry *e;
	size_t at = 0;

	while ((e = map_next(&r->entries, &at)) != NULL) {
		if (!is_wanted(r, e, now)) {
			entry_free(e);
			continue;
		}
		(void)map_put(&keep, span_text(e->domain), e);
		if (e->route.channel != NULL)
			e->route.channel->site->last_used = now;
	}
	map_clear(&r->entries);
	r->entries = keep;
}

static bool
is_in_use(const struct site *s, uint64_t now)
{
	return s->lanes > 0 || site_waiting(s) > 0 ||
	       now - s->last_used <= SITE_UNUSED_MS || site_remembers(s, now);
}

void
router_sweep(struct router *r)
{
	uint64_t now = loop_now(r->loop);
	struct map keep = { .seed = { r->sites.seed[0], r->sites.seed[1] } };
	struct site *s;
	size_t at = 0;

	sweep_entries(r, now);
	while ((s = map_next(&r->sites, &at)) != NULL) {
		if (is_in_use(s, now))
			(void)map_put(&keep, span_text(s->key), s);
		else
			site_free(s);
	}
	map_clear(&r->sites);
	r->sites = keep;
}
