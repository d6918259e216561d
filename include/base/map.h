/*
 * map: a hash table from a 64-bit number or from bytes to a pointer. Keys of
 * bytes are borrowed from the value (they must live as long as it is in the
 * map). Peers choose some of the keys, so the hash is SipHash with a key that
 * map_init() is given. Values are never freed here.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct map_slot {
	struct span key; /* number keys: ptr NULL, len the number */
	void *value; /* borrowed; NULL: free slot */
};

struct map {
	struct map_slot *slots; /* owned */
	size_t cap, count;
	uint64_t seed[2];
};

/* `{0}` works too; a seed protects against chosen keys. */
void map_init(struct map *m, const uint64_t seed[2]);
void map_clear(struct map *m);

void *map_get(const struct map *m, struct span key);
/* Replaces; returns the value that was there before, or NULL. */
void *map_put(struct map *m, struct span key, void *value);
/* Returns what was there, or NULL. */
void *map_remove(struct map *m, struct span key);

void *map_get_u64(const struct map *m, uint64_t key);
void *map_put_u64(struct map *m, uint64_t key, void *value);
void *map_remove_u64(struct map *m, uint64_t key);

/*
 * For a walk in no order: start with *at = 0, ends with NULL. The map must not
 * be changed meanwhile.
 */
void *map_next(const struct map *m, size_t *at);

uint64_t siphash24(const uint64_t key[2], const void *data, size_t len);

#endif
