/*
 * cache: what is known of domains, and the sites that their channels belong to,
 * until the time of each comes. Nothing is swept: an entry that nobody waits for
 * is in the heap with the time at which it leaves, a site once no entry leads to it
 * any more. Pure.
 */
#ifndef ROUTE_CACHE_PRIV_H
#define ROUTE_CACHE_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/span.h"
#include "route/router.h"
#include "sched/heap.h"

struct conf_route;
struct lookup_io;
struct reason;
struct site;

enum {
	/* An answer past its time is used so long. */
	CACHE_STALE_MS = 24 * 3600 * 1000,
	/* With more entries in all, those past their time go at once. */
	CACHE_STALE_MOST = 20000,
	CACHE_SITE_UNUSED_MS = 600000,
};

/* A site, and how many entries lead to it. */
struct route_site {
	struct due due;
	uint32_t entries;
	struct site *site; /* owned */
};

/* One domain's way, or the question for it. */
struct route_entry {
	struct due due; /* when it is stale, then when it leaves */
	struct list stale; /* in the cache's `stale` or `gone`; else alone */
	char *domain; /* owned; lower case */
	struct route route;
	struct route_site *site; /* borrowed: counts it; NULL: no channel */
	uint64_t expires; /* monotonic ms; 0: nothing is known */
	uint64_t stale_until; /* monotonic ms; its channel may be used */
	/* The router's, while somebody waits or it is asked for. */
	struct router *router; /* borrowed: owns it */
	struct lookup_io *lookup; /* owned while asked */
	char *account; /* owned while asked: whose turn it was */
	uint32_t held; /* places of that account: its open questions */
	const struct conf_route *rule; /* borrowed from conf; NULL: none */
	struct list waiters;
	struct route_waiter refresh; /* its own: nobody waits for that */
};

struct cache {
	struct map entries, sites;
	struct heap heap; /* entries and sites */
	struct list stale; /* entries past their time, the oldest first */
	struct list gone; /* entries to be freed, found no more */
};

void cache_init(struct cache *c, const uint64_t seed[2]);
/* Nobody may wait for an entry. */
void cache_clear(struct cache *c);

/* In any case; NULL: it is not there. */
struct route_entry *cache_find(const struct cache *c, struct span domain);
/* Made if need be; then it is busy. */
struct route_entry *cache_find_or_add(struct cache *c, struct span domain);
/* Somebody waits for it, or it is asked for: it does not leave. */
void cache_busy(struct cache *c, struct route_entry *e);
/* Not so any more: it leaves when its time comes. */
void cache_rest(struct cache *c, struct route_entry *e);
bool cache_is_busy(const struct route_entry *e);
/* What is known of it is forgotten. */
void cache_forget_route(struct cache *c, struct route_entry *e, uint64_t now);
/* All that are not busy; they are freed as cache_forget() gets to them. */
void cache_drop_all(struct cache *c);

/* The site of that key, made if need be. */
struct route_site *
cache_site(struct cache *c, const char *key, const char *name);
/* The entry's way is a channel of that site, from now on. */
void cache_set_channel(struct cache *c, struct route_entry *e,
    struct route_site *site, struct channel *channel, uint64_t now);
/* There is none. Takes the reference. */
void cache_set_reason_take(struct cache *c, struct route_entry *e,
    enum route_status status, struct reason *reason, uint64_t now);

/* When something leaves; UINT64_MAX: nothing does. */
uint64_t cache_due(const struct cache *c);
/* What is due leaves, at most so many. */
void cache_forget(struct cache *c, uint64_t now, unsigned most);

#endif
