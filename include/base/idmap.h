/*
 * idmap: a hash set of values that carry a 64-bit id of ours: twelve bytes a
 * slot, because the id is read from the value; 31 bits of its hash beside it
 * say nearly always which one that is. For what there may be a million of. Ids
 * are not chosen by peers, so the hash needs no key. Frees nothing.
 */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap {
	uint32_t *tags; /* owned array; 0: the slot is free */
	void **values; /* owned array of borrowed values */
	size_t cap, count;
	uint64_t (*id_of)(const void *value);
};

void idmap_init(struct idmap *m, uint64_t (*id_of)(const void *value));
/* Forgets all; the map may be used again. */
void idmap_clear(struct idmap *m);
/* NULL: none has this id. */
void *idmap_get(const struct idmap *m, uint64_t id);
/* No value with its id may be there. */
void idmap_add(struct idmap *m, void *value);
/* Returns what was there, or NULL. */
void *idmap_remove(struct idmap *m, uint64_t id);
/* A walk in no order: *at starts at 0, NULL ends. No change meanwhile. */
void *idmap_next(const struct idmap *m, size_t *at);

#endif
