/*
 * Domains that hosts do not believe: what their authors send to such a site is held,
 * whole legs of it, until the domain is mended. A site (and no other one) that said
 * so is a row of a table:
 *
 *   mistrust_note: a host said so -> the row, and who wires us is told -> a walk: what
 *   waits for that site is held; mistrust_of: what comes to be routed there is, too
 *   dispatch_trust_domain -> the rows go -> a walk: what was held goes on
 *
 * The pair of a domain and a site is what is held, since it is what was refused: other
 * hosts may believe the domain, and other domains are believed there. A further site
 * costs one refused attempt.
 */
#include "dispatch_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "deliver/attempt.h"
#include "facts/fact.h"
#include "io/loop.h"
#include "mail/origin.h"
#include "mail/reason.h"

enum { HOLDS_MOST = 10000, KEY_SIZE = 1024 };

struct domain_hold {
	struct list node; /* in dispatch->domain_holds */
	char *key; /* owned: DOMAIN SITE */
	size_t domain; /* bytes of it */
	struct reason *reason; /* owned reference */
};

/* A walk over the queue, for one domain. */
struct walking {
	struct walk walk;
	char *domain; /* owned */
	bool releases; /* what is held goes on; else what waits is held */
};

static struct span
make_key(struct span domain, const char *site, char room[KEY_SIZE])
{
	struct buf b = { .max = KEY_SIZE };
	struct span key;

	(void)buf_append_span(&b, domain);
	(void)buf_append_char(&b, ' ');
	(void)buf_append_span(
	    &b, span_to(span_text(site), KEY_SIZE - IDN_SIZE - 1));
	key = buf_span(&b);
	memcpy(room, key.ptr, key.len);
	key = span_make(room, key.len);
	buf_clear(&b);
	return key;
}

static struct domain_hold *
find(const struct dispatch *d, struct span domain, const char *site)
{
	char room[KEY_SIZE];

	return map_get(&d->domains_held, make_key(domain, site, room));
}

struct reason *
mistrust_of(
    const struct dispatch *d, const struct message *m, const struct site *site)
{
	const struct domain_hold *h;
	char room[IDN_SIZE];
	struct span domain;

	if (d->domains_held.count == 0)
		return NULL;
	domain = origin_domain(m->env, room);
	if (span_is_empty(domain))
		return NULL;
	h = find(d, domain, site->name);
	return h == NULL ? NULL : h->reason;
}

void
mistrust_tell(const struct leg *leg, const struct site *site)
{
	const struct envelope *env = leg->message->env;
	char room[IDN_SIZE];

	FACT(MISTRUSTED, fact_id("qid", env->id),
	    fact_span("domain", origin_domain(env, room)),
	    fact_text("to", envelope_domain(env, leg->first)),
	    fact_string("site", site->name));
}

bool
mistrust_has_room(const struct dispatch *d)
{
	return d->domains_held.count < HOLDS_MOST;
}

/* --- walks --- */

/* Where it goes, or would go by what is known; NULL: that is to be asked for. */
static const struct site *
site_of(const struct dispatch *d, const struct leg *leg)
{
	const struct route *known;

	if (leg->channel != NULL)
		return leg->channel->site;
	known = router_peek(
	    d->router, envelope_domain(leg->message->env, leg->first));
	return known == NULL || known->channel == NULL ? NULL
						       : known->channel->site;
}

static void
hold_leg(struct dispatch *d, struct leg *leg)
{
	struct leg_event ev = dispatch_event(d, LEG_MISTRUST);
	const struct site *site = site_of(d, leg);

	ev.reason = site == NULL ? NULL : mistrust_of(d, leg->message, site);
	if (ev.reason == NULL || leg->is_let)
		return;
	mistrust_tell(leg, site);
	dispatch_step(d, leg, &ev);
}

/* What something else holds, too, stays where it is; it is asked again later. */
static void
release_leg(struct dispatch *d, struct leg *leg)
{
	struct leg_event ev = dispatch_event(d, LEG_RELEASE);

	if (!leg->is_mistrusted || leg->state != LEG_HELD)
		return;
	if ((leg->message->flags & MESSAGE_HOLDS) == 0)
		dispatch_step(d, leg, &ev);
}

static void
on_message(struct walk *walk, struct message *m)
{
	struct walking *w = LIST_ENTRY(walk, struct walking, walk);
	struct dispatch *d = walk->dispatch;
	char room[IDN_SIZE];

	if (!span_equal(origin_domain(m->env, room), span_text(w->domain)))
		return;
	for (uint32_t i = 0; i < m->env->ngroups; i++) {
		if (w->releases)
			release_leg(d, &m->legs[i]);
		else if (m->legs[i].state <= LEG_LINE &&
			 m->legs[i].state != LEG_HELD)
			hold_leg(d, &m->legs[i]);
	}
	dispatch_settle(d, m, NULL);
}

static void
on_over(struct walk *walk, bool is_whole)
{
	struct walking *w = LIST_ENTRY(walk, struct walking, walk);

	(void)is_whole;
	free(w->domain);
	free(w);
}

static void
walk(struct dispatch *d, struct span domain, bool releases)
{
	struct walking *w = MEM_NEW(struct walking);

	w->walk.each = on_message;
	w->walk.over = on_over;
	w->domain = span_dup(domain);
	w->releases = releases;
	walk_begin(&w->walk, d);
}

/* --- rows --- */

static void
add(struct dispatch *d, struct span domain, const char *site,
    struct reason *reason)
{
	struct domain_hold *h = MEM_NEW(struct domain_hold);
	char room[KEY_SIZE];
	struct span key = make_key(domain, site, room);

	h->key = span_dup(key);
	h->domain = domain.len;
	h->reason = reason_ref(reason);
	list_append(&d->domain_holds, &h->node);
	(void)map_put(&d->domains_held, span_make(h->key, key.len), h);
	walk(d, domain, false);
}

static void
hold_free(struct dispatch *d, struct domain_hold *h)
{
	(void)map_remove(&d->domains_held, span_text(h->key));
	list_remove(&h->node);
	reason_unref(h->reason);
	free(h->key);
	free(h);
}

void
dispatch_hold_domain(struct dispatch *d, struct span domain, const char *site,
    const struct words *words)
{
	struct reason *reason;

	if (find(d, domain, site) != NULL || !mistrust_has_room(d))
		return;
	reason = reason_new(words);
	add(d, domain, site, reason);
	reason_unref(reason);
}

void
dispatch_trust_domain(struct dispatch *d, struct span domain)
{
	LIST_FOREACH_SAFE (node, next, &d->domain_holds) {
		struct domain_hold *h =
		    LIST_ENTRY(node, struct domain_hold, node);

		if (span_equal(span_make(h->key, h->domain), domain))
			hold_free(d, h);
	}
	/* Who walks to hold it has nothing to hold it by any more. */
	walk(d, domain, true);
}

void
mistrust_note(struct dispatch *d, const struct message *m,
    const struct site *site, const struct attempt *a)
{
	struct reason *reason = NULL, *whole;
	char room[IDN_SIZE];
	struct span domain;
	struct words w;

	for (uint32_t i = 0; i < a->nrcpt && reason == NULL; i++)
		if (a->rcpts[i].outcome == OUTCOME_MISTRUSTED)
			reason = a->rcpts[i].reason;
	if (reason == NULL || !mistrust_has_room(d))
		return;
	domain = origin_domain(m->env, room);
	if (span_is_empty(domain) || find(d, domain, site->name) != NULL)
		return;
	add(d, domain, site->name, reason);
	whole = reason_whole(reason);
	w = reason_words(whole);
	if (d->mistrusted != NULL)
		d->mistrusted(domain, site->name, &w, d->mistrusted_arg);
	reason_unref(whole);
}

/* Messages that are loaded may be held still, though nobody remembers by what. */
void
mistrust_loaded(struct dispatch *d, const struct message *m)
{
	char room[IDN_SIZE];

	if (d->held_before == NULL)
		return;
	for (uint32_t i = 0; i < m->env->ngroups; i++)
		if (m->legs[i].is_mistrusted) {
			d->held_before(
			    origin_domain(m->env, room), d->mistrusted_arg);
			return;
		}
}

void
dispatch_on_mistrusted(struct dispatch *d,
    void (*mistrusted)(struct span domain, const char *site,
	const struct words *words, void *arg),
    void (*held_before)(struct span domain, void *arg), void *arg)
{
	d->mistrusted = mistrusted;
	d->held_before = held_before;
	d->mistrusted_arg = arg;
}

void
mistrust_init(struct dispatch *d)
{
	uint64_t seed[2];

	random_fill(seed, sizeof seed);
	map_init(&d->domains_held, seed);
	list_init(&d->domain_holds);
}

void
mistrust_clear(struct dispatch *d)
{
	LIST_FOREACH_SAFE (node, next, &d->domain_holds)
		hold_free(d, LIST_ENTRY(node, struct domain_hold, node));
	map_clear(&d->domains_held);
}
