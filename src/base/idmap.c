/*
 * Linear probing; a removal moves later entries of its run back. Grows at seven
 * eighths, which short runs of a good hash allow.
 */
#include "base/idmap.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };

/* Neighbouring ids must not become neighbouring slots. */
static size_t
home_of(const struct idmap *m, uint64_t id)
{
	id ^= id >> 32;
	id *= 0x9e3779b97f4a7c15ULL;
	id ^= id >> 29;
	return (size_t)id & (m->cap - 1);
}

static size_t
find(const struct idmap *m, uint64_t id)
{
	size_t at = home_of(m, id);

	while (m->slots[at] != NULL && m->id_of(m->slots[at]) != id)
		at = (at + 1) & (m->cap - 1);
	return at;
}

void
idmap_init(struct idmap *m, uint64_t (*id_of)(const void *value))
{
	*m = (struct idmap){ .id_of = id_of };
}

void
idmap_clear(struct idmap *m)
{
	free(m->slots);
	*m = (struct idmap){ .id_of = m->id_of };
}

void *
idmap_get(const struct idmap *m, uint64_t id)
{
	return m->count == 0 ? NULL : m->slots[find(m, id)];
}

static void
grow(struct idmap *m)
{
	struct idmap old = *m;

	m->cap = old.cap == 0 ? FIRST_CAP : old.cap * 2;
	m->slots = mem_zalloc(m->cap, sizeof *m->slots);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i] != NULL)
			m->slots[find(m, m->id_of(old.slots[i]))] =
			    old.slots[i];
	free(old.slots);
}

void
idmap_add(struct idmap *m, void *value)
{
	size_t at;

	if (m->count + 1 > m->cap / 8 * 7)
		grow(m);
	at = find(m, m->id_of(value));
	assert(m->slots[at] == NULL);
	m->slots[at] = value;
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
	hole = at = find(m, id);
	value = m->slots[hole];
	if (value == NULL)
		return NULL;
	for (;;) {
		at = (at + 1) & (m->cap - 1);
		if (m->slots[at] == NULL)
			break;
		if (may_stay(home_of(m, m->id_of(m->slots[at])), hole, at))
			continue;
		m->slots[hole] = m->slots[at];
		hole = at;
	}
	m->slots[hole] = NULL;
	m->count--;
	return value;
}

void *
idmap_next(const struct idmap *m, size_t *at)
{
	while (*at < m->cap) {
		void *value = m->slots[(*at)++];

		if (value != NULL)
			return value;
	}
	return NULL;
}
