/*
 * Linear probing over the tags alone: sixteen a cache line, and a value is
 * looked at only when its tag is the right one. A tag is the id's hash, so
 * growing and removing look at no value either. So runs may be long: it grows
 * at seven eighths, which was as fast as three quarters (the tables are smaller)
 * and takes less memory. A removal moves later entries of its run back.
 */
#include "base/idmap.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };
#define TAG_TAKEN ((uint32_t)1 << 31) /* so that no tag is 0 */

/* Neighbouring ids must not become neighbouring slots. */
static uint32_t
tag_of(uint64_t id)
{
	id ^= id >> 32;
	id *= 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(id >> 32) | TAG_TAKEN;
}

static size_t
home_of(const struct idmap *m, uint32_t tag)
{
	return (tag & ~TAG_TAKEN) & (m->cap - 1);
}

static size_t
next_to(const struct idmap *m, size_t at)
{
	return (at + 1) & (m->cap - 1);
}

/* Its slot, or the free one at which a search for it ends. */
static size_t
find(const struct idmap *m, uint64_t id)
{
	uint32_t tag = tag_of(id);
	size_t at = home_of(m, tag);

	while (m->tags[at] != 0 &&
	       (m->tags[at] != tag || m->id_of(m->values[at]) != id))
		at = next_to(m, at);
	return at;
}

static void
put(struct idmap *m, size_t at, uint32_t tag, void *value)
{
	m->tags[at] = tag;
	m->values[at] = value;
}

void
idmap_init(struct idmap *m, uint64_t (*id_of)(const void *value))
{
	*m = (struct idmap){ .id_of = id_of };
}

void
idmap_clear(struct idmap *m)
{
	free(m->tags);
	free(m->values);
	idmap_init(m, m->id_of);
}

void *
idmap_get(const struct idmap *m, uint64_t id)
{
	size_t at;

	if (m->count == 0)
		return NULL;
	at = find(m, id);
	return m->tags[at] == 0 ? NULL : m->values[at];
}

static void
grow(struct idmap *m)
{
	struct idmap old = *m;

	m->cap = old.cap == 0 ? FIRST_CAP : old.cap * 2;
	assert(m->cap <= TAG_TAKEN); /* a tag has 31 bits to find its home */
	m->tags = mem_zalloc(m->cap, sizeof *m->tags);
	m->values = mem_zalloc(m->cap, sizeof *m->values);
	for (size_t i = 0; i < old.cap; i++) {
		size_t at = home_of(m, old.tags[i]);

		if (old.tags[i] == 0)
			continue;
		while (m->tags[at] != 0)
			at = next_to(m, at);
		put(m, at, old.tags[i], old.values[i]);
	}
	free(old.tags);
	free(old.values);
}

void
idmap_add(struct idmap *m, void *value)
{
	uint64_t id = m->id_of(value);
	size_t at;

	if (m->count + 1 > m->cap / 8 * 7)
		grow(m);
	at = find(m, id);
	assert(m->tags[at] == 0);
	put(m, at, tag_of(id), value);
	m->count++;
}

/* Whether an entry that wants `home` may stay at `at` when `hole` is free. */
static bool
may_stay(size_t home, size_t hole, size_t at)
{
	if (hole <= at)
		return home > hole && home <= at;
	return home > hole || home <= at;
}

void *
idmap_remove(struct idmap *m, uint64_t id)
{
	size_t hole, at;
	void *value;

	if (m->count == 0)
		return NULL;
	hole = find(m, id);
	if (m->tags[hole] == 0)
		return NULL;
	value = m->values[hole];
	at = next_to(m, hole);
	for (; m->tags[at] != 0; at = next_to(m, at)) {
		if (may_stay(home_of(m, m->tags[at]), hole, at))
			continue;
		put(m, hole, m->tags[at], m->values[at]);
		hole = at;
	}
	put(m, hole, 0, NULL);
	m->count--;
	return value;
}

void *
idmap_next(const struct idmap *m, size_t *at)
{
	while (*at < m->cap) {
		size_t i = (*at)++;

		if (m->tags[i] != 0)
			return m->values[i];
	}
	return NULL;
}
