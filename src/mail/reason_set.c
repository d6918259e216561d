/*
 * As base/idmap: linear probing over the tags alone, and words are compared only
 * where the tag is the right one. A tag is the hash of the words, so growing and
 * removing look at no words. 14 to 27 bytes for each, where a map with keys takes
 * twice or three times as much.
 */
#include "mail/reason_set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

enum { FIRST_CAP = 64 };
#define TAG_TAKEN ((uint32_t)1 << 31) /* so that no tag is 0 */

void
reason_set_init(struct reason_set *set, const uint64_t seed[2])
{
	*set = (struct reason_set){ .count = 0 };
	memcpy(set->seed, seed, sizeof set->seed);
}

void
reason_set_clear(struct reason_set *set)
{
	free(set->tags);
	free((void *)set->values);
	set->tags = NULL;
	set->values = NULL;
	set->cap = set->count = 0;
}

/* All the words that it has now: while it is in a set nobody else changes it. */
static struct span
key_of(struct reason *r)
{
	struct reason *whole = reason_whole(r);
	struct span key = reason_key(whole);

	reason_unref(whole);
	return key;
}

static uint32_t
tag_of(const struct reason_set *set, struct span key)
{
	return (uint32_t)siphash24(set->seed, key.ptr, key.len) | TAG_TAKEN;
}

static size_t
home_of(const struct reason_set *set, uint32_t tag)
{
	return (tag & ~TAG_TAKEN) & (set->cap - 1);
}

static size_t
next_to(const struct reason_set *set, size_t at)
{
	return (at + 1) & (set->cap - 1);
}

static size_t
free_slot(const struct reason_set *set, uint32_t tag)
{
	size_t at = home_of(set, tag);

	while (set->tags[at] != 0)
		at = next_to(set, at);
	return at;
}

/* Its slot, or the free one at which a search for it ends. */
static size_t
find(const struct reason_set *set, struct reason *r)
{
	struct span key = key_of(r);
	uint32_t tag = tag_of(set, key);
	size_t at = home_of(set, tag);

	while (
	    set->tags[at] != 0 &&
	    (set->tags[at] != tag || !span_equal(key_of(set->values[at]), key)))
		at = next_to(set, at);
	return at;
}

struct reason *
reason_set_find(const struct reason_set *set, struct reason *r)
{
	size_t at;

	if (set->count == 0)
		return NULL;
	at = find(set, r);
	return set->tags[at] == 0 ? NULL : set->values[at];
}

static void
put(struct reason_set *set, uint32_t tag, struct reason *r)
{
	size_t at = free_slot(set, tag);

	set->tags[at] = tag;
	set->values[at] = r;
}

static void
grow(struct reason_set *set)
{
	struct reason_set old = *set;

	set->cap = old.cap == 0 ? (size_t)FIRST_CAP : old.cap * 2;
	assert(set->cap <= TAG_TAKEN); /* a tag has 31 bits to find its home */
	set->tags = mem_zalloc(set->cap, sizeof *set->tags);
	set->values = mem_zalloc(set->cap, sizeof(struct reason *));
	for (size_t i = 0; i < old.cap; i++)
		if (old.tags[i] != 0)
			put(set, old.tags[i], old.values[i]);
	reason_set_clear(&old);
}

void
reason_set_add(struct reason_set *set, struct reason *r)
{
	if (set->count >= set->cap / 8 * 7)
		grow(set);
	put(set, tag_of(set, key_of(r)), r);
	set->count++;
}

/* Later ones of the run move back, unless they are at home behind the gap. */
void
reason_set_remove(struct reason_set *set, struct reason *r)
{
	size_t gap = find(set, r), at = next_to(set, gap), mask = set->cap - 1;

	assert(set->tags[gap] != 0 && set->values[gap] == r);
	for (; set->tags[at] != 0; at = next_to(set, at)) {
		size_t home = home_of(set, set->tags[at]);

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		set->tags[gap] = set->tags[at];
		set->values[gap] = set->values[at];
		gap = at;
	}
	set->tags[gap] = 0;
	set->values[gap] = NULL;
	set->count--;
}

struct reason *
reason_set_next(const struct reason_set *set, size_t *at)
{
	while (*at < set->cap) {
		size_t i = (*at)++;

		if (set->tags[i] != 0)
			return set->values[i];
	}
	return NULL;
}
