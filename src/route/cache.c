/*
 * An entry: busy (in no heap) -> fresh (in the heap until it expires) -> stale (in
 * the heap until it leaves, if it has a channel) -> freed. A site: led to by entries
 * (in no heap) -> looked at when it may have been unused for long enough -> freed.
 */
#include "cache_priv.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "mail/reason.h"
#include "sched/site.h"
#include "smtp/idn.h"

enum { KIND_ENTRY, KIND_SITE };

void
cache_init(struct cache *c, const uint64_t seed[2])
{
	*c = (struct cache){ 0 };
	map_init(&c->entries, seed);
	map_init(&c->sites, seed);
	list_init(&c->stale);
	list_init(&c->gone);
}

/* --- entries --- */

/* As name servers know it: A-labels (smtp/idn.h), in small letters. */
static struct span
low(struct span written, char out[256])
{
	char text[IDN_SIZE];
	struct span domain = idn_to_ascii(written, text);
	size_t n = domain.len < 255 ? domain.len : 255;

	for (size_t i = 0; i < n; i++)
		out[i] = ascii_lower(domain.ptr[i]);
	return span_make(out, n);
}

struct route_entry *
cache_find(const struct cache *c, struct span domain)
{
	char text[256];

	return map_get(&c->entries, low(domain, text));
}

struct route_entry *
cache_find_or_add(struct cache *c, struct span domain)
{
	struct route_entry *e = cache_find(c, domain);
	char text[256] = "";

	if (e != NULL)
		return e;
	e = MEM_NEW(struct route_entry);
	e->due.kind = KIND_ENTRY;
	e->domain = span_dup(low(domain, text));
	list_init(&e->stale);
	list_init(&e->waiters);
	(void)map_put(&c->entries, span_text(e->domain), e);
	return e;
}

bool
cache_is_busy(const struct route_entry *e)
{
	return e->lookup != NULL || !list_is_empty(&e->waiters);
}

void
cache_busy(struct cache *c, struct route_entry *e)
{
	heap_drop(&c->heap, &e->due);
	list_remove(&e->stale);
}

void
cache_rest(struct cache *c, struct route_entry *e)
{
	assert(!cache_is_busy(e));
	heap_set(&c->heap, &e->due, e->expires);
}

/* The entry leads there no more; the site's time begins. */
static void
leave_site(struct cache *c, struct route_entry *e, uint64_t now)
{
	struct route_site *rs = e->site;

	e->site = NULL;
	if (rs == NULL)
		return;
	assert(rs->entries > 0);
	if (rs->site->last_used < now)
		rs->site->last_used = now;
	if (--rs->entries == 0)
		heap_set(&c->heap, &rs->due,
		    rs->site->last_used + CACHE_SITE_UNUSED_MS);
}

static void
set_route(struct cache *c, struct route_entry *e, const struct route *route,
    uint64_t now)
{
	leave_site(c, e, now);
	reason_unref(e->route.reason);
	e->route = *route;
}

void
cache_forget_route(struct cache *c, struct route_entry *e, uint64_t now)
{
	set_route(c, e, &(struct route){ 0 }, now);
	e->expires = e->stale_until = 0;
}

void
cache_set_reason_take(struct cache *c, struct route_entry *e,
    enum route_status status, struct reason *reason, uint64_t now)
{
	set_route(
	    c, e, &(struct route){ .status = status, .reason = reason }, now);
}

void
cache_set_channel(struct cache *c, struct route_entry *e,
    struct route_site *site, struct channel *channel, uint64_t now)
{
	/* Counted first: it may be the same one again. */
	site->entries++;
	heap_drop(&c->heap, &site->due);
	set_route(c, e,
	    &(struct route){ .status = ROUTE_CHANNEL, .channel = channel },
	    now);
	e->site = site;
	site->site->last_used = now;
}

/* It is in the map no more. */
static void
entry_free(struct cache *c, struct route_entry *e, uint64_t now)
{
	assert(!cache_is_busy(e));
	cache_busy(c, e);
	leave_site(c, e, now);
	reason_unref(e->route.reason);
	free(e->account);
	free(e->domain);
	free(e);
}

static void
entry_remove(struct cache *c, struct route_entry *e, uint64_t now)
{
	(void)map_remove(&c->entries, span_text(e->domain));
	entry_free(c, e, now);
}

void
cache_drop_all(struct cache *c)
{
	struct map keep = { .seed = {
				c->entries.seed[0], c->entries.seed[1] } };
	struct route_entry *e;
	size_t at = 0;

	while ((e = map_next(&c->entries, &at)) != NULL) {
		if (cache_is_busy(e)) {
			(void)map_put(&keep, span_text(e->domain), e);
			continue;
		}
		assert(e->due.place != 0); /* it would have stayed for ever */
		cache_busy(c, e);
		list_append(&c->gone, &e->stale);
	}
	map_clear(&c->entries);
	c->entries = keep;
}

/* --- sites --- */

struct route_site *
cache_site(struct cache *c, const char *key, const char *name)
{
	struct route_site *rs = map_get(&c->sites, span_text(key));

	if (rs != NULL)
		return rs;
	rs = MEM_NEW(struct route_site);
	rs->due.kind = KIND_SITE;
	rs->site = site_new(key, name);
	(void)map_put(&c->sites, span_text(rs->site->key), rs);
	return rs;
}

static void
site_remove(struct cache *c, struct route_site *rs)
{
	heap_drop(&c->heap, &rs->due);
	(void)map_remove(&c->sites, span_text(rs->site->key));
	site_free(rs->site);
	free(rs);
}

/* --- forgetting --- */

static bool
is_crowded(const struct cache *c)
{
	return c->entries.count > CACHE_STALE_MOST && !list_is_empty(&c->stale);
}

uint64_t
cache_due(const struct cache *c)
{
	const struct due *first = heap_first(&c->heap);

	if (is_crowded(c) || !list_is_empty(&c->gone))
		return 0;
	return first == NULL ? UINT64_MAX : first->at;
}

static void
entry_is_due(struct cache *c, struct route_entry *e, uint64_t now)
{
	if (e->route.channel == NULL || e->stale_until <= now) {
		entry_remove(c, e, now);
		return;
	}
	list_append(&c->stale, &e->stale);
	heap_set(&c->heap, &e->due, e->stale_until);
}

/* No entry leads there, but somebody may still use it, or it remembers. */
static void
site_is_due(struct cache *c, struct route_site *rs, uint64_t now)
{
	const struct site *s = rs->site;
	uint64_t unused_at = s->last_used + CACHE_SITE_UNUSED_MS;

	assert(rs->entries == 0);
	if (s->lanes > 0 || site_waiting(s) > 0 || site_remembers(s, now))
		heap_set(&c->heap, &rs->due, now + CACHE_SITE_UNUSED_MS);
	else if (unused_at > now)
		heap_set(&c->heap, &rs->due, unused_at);
	else
		site_remove(c, rs);
}

static void
forget_one(struct cache *c, uint64_t now)
{
	struct due *first = heap_first(&c->heap);

	if (!list_is_empty(&c->gone))
		entry_free(c,
		    LIST_ENTRY(c->gone.next, struct route_entry, stale), now);
	else if (is_crowded(c))
		entry_remove(c,
		    LIST_ENTRY(c->stale.next, struct route_entry, stale), now);
	else if (first->kind == KIND_SITE)
		site_is_due(c, LIST_ENTRY(first, struct route_site, due), now);
	else
		entry_is_due(
		    c, LIST_ENTRY(first, struct route_entry, due), now);
}

void
cache_forget(struct cache *c, uint64_t now, unsigned most)
{
	for (unsigned n = 0; n < most && cache_due(c) <= now; n++)
		forget_one(c, now);
}

void
cache_clear(struct cache *c)
{
	struct route_site *rs;
	size_t at = 0;

	cache_drop_all(c);
	assert(c->entries.count == 0);
	while (!list_is_empty(&c->gone))
		entry_free(
		    c, LIST_ENTRY(c->gone.next, struct route_entry, stale), 0);
	while ((rs = map_next(&c->sites, &at)) != NULL) {
		heap_drop(&c->heap, &rs->due);
		site_free(rs->site);
		free(rs);
	}
	map_clear(&c->entries);
	map_clear(&c->sites);
	heap_clear(&c->heap);
}
