/*
 * Nobody says when words are forgotten: now and then all that nobody else holds
 * is dropped. That happens after as many new ones as there were left the last
 * time, so that each costs a few steps, and no more are forgotten late than are
 * in use.
 */
#include "mail/reasons.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

enum { LOOK_LEAST = 64 };

struct reasons {
	struct map map; /* struct reason, with a reference each */
	uint64_t seed[2];
	size_t bytes, most;
	size_t until; /* so many new ones until it looks through them */
};

struct reasons *
reasons_new(size_t most, const uint64_t seed[2])
{
	struct reasons *t = MEM_NEW(struct reasons);

	t->most = most;
	memcpy(t->seed, seed, sizeof t->seed);
	map_init(&t->map, t->seed);
	t->until = LOOK_LEAST;
	return t;
}

void
reasons_free(struct reasons *t)
{
	struct reason *r;
	size_t at = 0;

	while ((r = map_next(&t->map, &at)) != NULL)
		reason_unref(r);
	map_clear(&t->map);
	free(t);
}

static size_t
weight(const struct reason *r)
{
	return reason_is_cut(r) ? 0 : reason_memory(r);
}

/* Takes the reference. */
static void
put_take(struct reasons *t, struct reason *r)
{
	(void)map_put(&t->map, reason_key(r), r);
	t->bytes += weight(r);
}

static void
look_through(struct reasons *t)
{
	struct map old = t->map;
	struct reason *r;
	size_t at = 0;

	map_init(&t->map, t->seed);
	t->bytes = 0;
	while ((r = map_next(&old, &at)) != NULL) {
		if (reason_is_shared(r))
			put_take(t, r);
		else
			reason_unref(r);
	}
	map_clear(&old);
	t->until =
	    t->map.count > LOOK_LEAST ? t->map.count : (size_t)LOOK_LEAST;
}

/* One reference; takes that of `r`. */
static struct reason *
find_or_put_take(struct reasons *t, struct reason *r)
{
	struct reason *kept = map_get(&t->map, reason_key(r));

	if (kept == NULL) {
		put_take(t, reason_ref(r));
		return r;
	}
	reason_unref(r);
	return reason_ref(kept);
}

struct reason *
reasons_keep(struct reasons *t, struct reason *r)
{
	struct reason *kept;

	if (r == NULL)
		return NULL;
	kept = map_get(&t->map, reason_key(r));
	if (kept != NULL)
		return reason_ref(kept);
	if (t->until-- == 0)
		look_through(t);
	return find_or_put_take(
	    t, t->bytes + weight(r) <= t->most ? reason_ref(r) : reason_cut(r));
}

size_t
reasons_count(const struct reasons *t)
{
	return t->map.count;
}

size_t
reasons_bytes(const struct reasons *t)
{
	return t->bytes;
}
