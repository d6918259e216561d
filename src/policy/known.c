#include "policy/known.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

enum { CAP_AT_FIRST = 16, ADDRESS_LOOKED_AT = 1024 };

uint64_t
known_hash(struct span address)
{
	/* Kept on disk as hashes: this key may not change. */
	static const uint64_t key[2] = { 0x706f737465726e20,
		0x6b6e6f776e203031 };
	char low[ADDRESS_LOOKED_AT];
	size_t n = address.len < sizeof low ? address.len : sizeof low;
	uint64_t hash;

	for (size_t i = 0; i < n; i++)
		low[i] = ascii_lower(address.ptr[i]);
	hash = siphash24(key, low, n);
	return hash == 0 ? 1 : hash;
}

/* Where it is, or the free slot where it would be. */
static uint64_t *
find(const struct known *k, uint64_t hash)
{
	uint32_t i = (uint32_t)(hash >> 32) & (k->cap - 1);

	while (k->slots[i] != 0 && k->slots[i] != hash)
		i = (i + 1) & (k->cap - 1);
	return &k->slots[i];
}

bool
known_has(const struct known *k, uint64_t hash)
{
	return k->n > 0 && *find(k, hash) == hash;
}

static void
grow(struct known *k)
{
	struct known more = { .cap = k->cap == 0 ? CAP_AT_FIRST : k->cap * 2,
		.n = k->n };

	more.slots = mem_zalloc(more.cap, sizeof *more.slots);
	for (uint32_t i = 0; i < k->cap; i++)
		if (k->slots[i] != 0)
			*find(&more, k->slots[i]) = k->slots[i];
	free(k->slots);
	*k = more;
}

bool
known_add(struct known *k, uint64_t hash)
{
	uint64_t *slot;

	if (k->n >= k->cap / 4 * 3)
		grow(k);
	slot = find(k, hash);
	if (*slot == hash || k->n >= KNOWN_MOST)
		return false;
	*slot = hash;
	k->n++;
	return true;
}

uint64_t
known_next(const struct known *k, size_t *at)
{
	while (*at < k->cap) {
		uint64_t hash = k->slots[(*at)++];

		if (hash != 0)
			return hash;
	}
	return 0;
}

size_t
known_memory(const struct known *k)
{
	return k->cap * sizeof *k->slots;
}

void
known_clear(struct known *k)
{
	free(k->slots);
	*k = (struct known){ 0 };
}
