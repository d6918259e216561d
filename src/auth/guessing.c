#include "guessing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	HALF_LIFE_MS = 600000,
	/* Failures at home until it is no home any more. */
	HOME_FAILURES = 5,
	NAME_MOST = 512,
};

/* Where an account is at home is kept as often. */
#define DAY_MS (UINT64_C(24) * 3600 * 1000)

/* Failures that are free, then the first delay, doubled up to the last. */
struct scale {
	uint32_t free, first, most; /* most, first: ms */
};

static const struct scale host_scale = { 3, 250, 15000 };
/* The address of a gateway: people who log in are behind it, too. */
static const struct scale good_host_scale = { 3, 250, 4000 };
static const struct scale network_scale = { 30, 250, 3000 };
static const struct scale name_scale = { 5, 250, 3000 };

struct count {
	struct list node; /* in by_use */
	uint64_t key;
	uint32_t failures;
	uint64_t since; /* of the half-life that runs */
	uint64_t next; /* hosts: the next turn */
	uint64_t good_until; /* what the last good login is good for */
	uint64_t tried; /* the last failure's */
};

static void
tally_init(struct tally *t, const uint64_t seed[2])
{
	map_init(&t->map, seed);
	list_init(&t->by_use);
	t->most = GUESSING_COUNTS_MOST;
}

static void
tally_drop(struct tally *t, struct count *c)
{
	list_remove(&c->node);
	(void)map_remove_u64(&t->map, c->key);
	free(c);
}

static void
tally_clear(struct tally *t)
{
	while (!list_is_empty(&t->by_use))
		tally_drop(t, LIST_ENTRY(t->by_use.next, struct count, node));
	map_clear(&t->map);
}

/* Each loop has its own idea of now, some milliseconds apart. */
static uint64_t
passed(uint64_t since, uint64_t now)
{
	return now > since ? now - since : 0;
}

static struct count *
tally_look(struct tally *t, uint64_t key, uint64_t now)
{
	struct count *c = key == 0 ? NULL : map_get_u64(&t->map, key);
	uint64_t halves;

	if (c == NULL)
		return NULL;
	list_remove(&c->node);
	list_append(&t->by_use, &c->node);
	halves = passed(c->since, now) / HALF_LIFE_MS;
	c->failures = halves > 31 ? 0 : c->failures >> halves;
	c->since += halves * HALF_LIFE_MS;
	return c;
}

static struct count *
tally_get(struct tally *t, uint64_t key, uint64_t now)
{
	struct count *c = tally_look(t, key, now);

	if (c != NULL || key == 0)
		return c;
	if (t->map.count >= t->most)
		tally_drop(t, LIST_ENTRY(t->by_use.next, struct count, node));
	c = MEM_NEW(struct count);
	c->key = key;
	c->since = now;
	list_append(&t->by_use, &c->node);
	(void)map_put_u64(&t->map, key, c);
	return c;
}

void
guessing_init(struct guessing *g, const uint64_t seed[2])
{
	memcpy(g->seed, seed, sizeof g->seed);
	tally_init(&g->hosts, seed);
	tally_init(&g->networks, seed);
	tally_init(&g->names, seed);
	tally_init(&g->homes, seed);
}

void
guessing_clear(struct guessing *g)
{
	tally_clear(&g->hosts);
	tally_clear(&g->networks);
	tally_clear(&g->names);
	tally_clear(&g->homes);
}

/* 0 is taken: it stands for "unknown". */
static uint64_t
number(const struct guessing *g, const void *data, size_t len)
{
	uint64_t n = siphash24(g->seed, data, len);

	return n == 0 ? 1 : n;
}

uint64_t
guessing_name(const struct guessing *g, struct span name)
{
	char low[NAME_MOST];
	size_t n = name.len < sizeof low ? name.len : sizeof low;

	for (size_t i = 0; i < n; i++)
		low[i] = ascii_lower(name.ptr[i]);
	return number(g, low, n);
}

uint64_t
guessing_tried(const struct guessing *g, struct span name, struct span password)
{
	uint64_t both[2] = { guessing_name(g, name),
		number(g, password.ptr, password.len) };

	return number(g, both, sizeof both);
}

uint64_t
guessing_home(const struct guessing *g, const struct guess *who)
{
	uint64_t both[2] = { who->peer.host, who->name };

	return who->name == 0 || who->peer.host == 0
		   ? 0
		   : number(g, both, sizeof both);
}

static bool
is_at_home(struct guessing *g, const struct guess *who, uint64_t now)
{
	const struct count *c =
	    tally_look(&g->homes, guessing_home(g, who), now);

	return c != NULL && c->failures < HOME_FAILURES && c->good_until > now;
}

static uint32_t
delay(const struct scale *s, const struct count *c)
{
	uint32_t beyond;

	if (c == NULL || c->failures < s->free)
		return 0;
	beyond = c->failures - s->free;
	if (beyond > 16 || s->first << beyond > s->most)
		return s->most;
	return s->first << beyond;
}

static const struct scale *
scale_of(const struct count *host, uint64_t now)
{
	return host->good_until > now ? &good_host_scale : &host_scale;
}

uint32_t
guessing_wait(struct guessing *g, struct guess *who, uint64_t now)
{
	struct count *host = tally_look(&g->hosts, who->peer.host, now);
	uint32_t wait = 0, more;

	who->reserved = 0;
	if (is_at_home(g, who, now))
		return 0;
	if (host != NULL) {
		uint64_t turn = host->next > now ? host->next : now;

		if (turn - now > GUESSING_WAIT_MOST)
			return GUESSING_NEVER;
		wait = (uint32_t)(turn - now);
		who->reserved = delay(scale_of(host, now), host);
		host->next = turn + who->reserved;
	}
	more = delay(
	    &network_scale, tally_look(&g->networks, who->peer.network, now));
	wait = wait > more ? wait : more;
	more = delay(&name_scale, tally_look(&g->names, who->name, now));
	return wait > more ? wait : more;
}

static void
blame(struct count *c)
{
	if (c != NULL && c->failures < UINT32_MAX / 2)
		c->failures++;
}

void
guessing_failed(struct guessing *g, const struct guess *who, uint64_t now)
{
	struct count *host = tally_get(&g->hosts, who->peer.host, now);
	struct count *home = tally_look(&g->homes, guessing_home(g, who), now);

	if (host != NULL && who->tried != 0 && host->tried == who->tried) {
		host->tried = 0;
		return;
	}
	if (host != NULL)
		host->tried = who->tried;
	blame(host);
	blame(home);
	blame(tally_get(&g->networks, who->peer.network, now));
	blame(tally_get(&g->names, who->name, now));
}

bool
guessing_succeeded(struct guessing *g, const struct guess *who, uint64_t now)
{
	struct count *host = tally_get(&g->hosts, who->peer.host, now);
	struct count *home = tally_get(&g->homes, guessing_home(g, who), now);
	uint64_t until = now + (uint64_t)GUESSING_HOME_MS;
	bool is_news;

	/*
	 * Its own turn took no time. Nothing else is forgotten: somebody may
	 * have a password of his own and guess those of others.
	 */
	if (host != NULL) {
		host->good_until = now + HALF_LIFE_MS;
		host->next = passed(who->reserved, host->next);
	}
	if (home == NULL)
		return false;
	is_news = home->good_until + DAY_MS <= until;
	home->good_until = until;
	return is_news;
}

void
guessing_restore_home(
    struct guessing *g, uint64_t home, int64_t ago, uint64_t now)
{
	int64_t left = GUESSING_HOME_MS - (ago < 0 ? 0 : ago);
	struct count *c;

	if (left <= 0)
		return;
	c = tally_get(&g->homes, home, now);
	if (c != NULL && c->good_until < now + (uint64_t)left)
		c->good_until = now + (uint64_t)left;
}
