/*
 * Open addressing with linear probing; a removal moves later entries of its
 * run back, so there are no tombstones and a lookup ends at the first free
 * slot. Grows at three quarters.
 */
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_CAP = 16 };

static uint64_t
rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-2-4, Aumasson and Bernstein 2012. */
uint64_t
siphash24(const uint64_t key[2], const void *data, size_t len)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575ULL,
		key[1] ^ 0x646f72616e646f6dULL, key[0] ^ 0x6c7967656e657261ULL,
		key[1] ^ 0x7465646279746573ULL };
	const unsigned char *p = data;
	uint64_t word;
	size_t left = len;

	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		v[3] ^= word;
		sip_round(v);
		sip_round(v);
		v[0] ^= word;
	}
	word = (uint64_t)len << 56;
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)p[i] << (8 * i);
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
map_init(struct map *m, const uint64_t seed[2])
{
	*m = (struct map){ .seed = { seed[0], seed[1] } };
}

void
map_clear(struct map *m)
{
	free(m->slots);
	*m = (struct map){ .seed = { m->seed[0], m->seed[1] } };
}

static uint64_t
hash(const struct map *m, struct span key)
{
	uint64_t n = key.len;

	if (key.ptr == NULL)
		return siphash24(m->seed, &n, sizeof n);
	return siphash24(m->seed, key.ptr, key.len);
}

static bool
same(struct span a, struct span b)
{
	if (a.ptr == NULL || b.ptr == NULL)
		return a.ptr == b.ptr && a.len == b.len;
	return span_equal(a, b);
}

/* The slot of the key, or the free one where it belongs. */
static size_t
find(const struct map *m, struct span key)
{
	size_t at = (size_t)hash(m, key) & (m->cap - 1);

	while (m->slots[at].value != NULL && !same(m->slots[at].key, key))
		at = (at + 1) & (m->cap - 1);
	return at;
}

static void
grow(struct map *m)
{
	struct map old = *m;

	m->cap = old.cap == 0 ? FIRST_CAP : old.cap * 2;
	m->slots = mem_zalloc(m->cap, sizeof *m->slots);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value != NULL)
			m->slots[find(m, old.slots[i].key)] = old.slots[i];
	free(old.slots);
}

static void *
get(const struct map *m, struct span key)
{
	return m->count == 0 ? NULL : m->slots[find(m, key)].value;
}

static void *
put(struct map *m, struct span key, void *value)
{
	void *before;
	size_t at;

	assert(value != NULL);
	if (m->count + 1 > m->cap / 4 * 3)
		grow(m);
	at = find(m, key);
	before = m->slots[at].value;
	m->slots[at] = (struct map_slot){ key, value };
	if (before == NULL)
		m->count++;
	return before;
}

/* Whether an entry that wants `home` may stay at `at` when `hole` is free. */
static bool
reaches(size_t home, size_t hole, size_t at)
{
	if (hole <= at)
		return home > hole && home <= at;
	return home > hole || home <= at;
}

static void *
take_out(struct map *m, struct span key)
{
	size_t hole, at;
	void *value;

	if (m->count == 0)
		return NULL;
	hole = find(m, key);
	value = m->slots[hole].value;
	if (value == NULL)
		return NULL;
	at = hole;
	for (;;) {
		at = (at + 1) & (m->cap - 1);
		if (m->slots[at].value == NULL)
			break;
		if (reaches((size_t)hash(m, m->slots[at].key) & (m->cap - 1),
			hole, at))
			continue;
		m->slots[hole] = m->slots[at];
		hole = at;
	}
	m->slots[hole] = (struct map_slot){ 0 };
	m->count--;
	return value;
}

static struct span
bytes_key(struct span key)
{
	/* A number's key is told by its NULL pointer. */
	return key.ptr == NULL ? (struct span){ "", 0 } : key;
}

static struct span
number_key(uint64_t key)
{
	return (struct span){ NULL, (size_t)key };
}

void *
map_get(const struct map *m, struct span key)
{
	return get(m, bytes_key(key));
}

void *
map_put(struct map *m, struct span key, void *value)
{
	return put(m, bytes_key(key), value);
}

void *
map_remove(struct map *m, struct span key)
{
	return take_out(m, bytes_key(key));
}

void *
map_get_u64(const struct map *m, uint64_t key)
{
	return get(m, number_key(key));
}

void *
map_put_u64(struct map *m, uint64_t key, void *value)
{
	return put(m, number_key(key), value);
}

void *
map_remove_u64(struct map *m, uint64_t key)
{
	return take_out(m, number_key(key));
}

void *
map_next(const struct map *m, size_t *at)
{
	while (*at < m->cap) {
		void *value = m->slots[(*at)++].value;

		if (value != NULL)
			return value;
	}
	return NULL;
}
