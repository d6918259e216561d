/*
 * reason_set: reasons (reason.h), found by their words. Holds pointers only, and
 * no reference; who has it holds these, and is the only one who cuts what is in
 * it.
 */
#ifndef MAIL_REASON_SET_H
#define MAIL_REASON_SET_H

#include <stddef.h>
#include <stdint.h>

#include "mail/reason.h"

struct reason_set {
	uint32_t *tags; /* owned; of each slot: of its words' hash; 0: free */
	struct reason **values; /* owned; borrowed each */
	size_t cap, count;
	uint64_t seed[2];
};

/* `seed` is random, as hosts choose the words. */
void reason_set_init(struct reason_set *set, const uint64_t seed[2]);
void reason_set_clear(struct reason_set *set);

/* The one with the same words (all that are in memory), or NULL. */
struct reason *reason_set_find(const struct reason_set *set, struct reason *r);
/* One whose words are not in it. */
void reason_set_add(struct reason_set *set, struct reason *r);
/* One that is in it; before its words change. */
void reason_set_remove(struct reason_set *set, struct reason *r);
/* A walk in no order: start with *at = 0, ends with NULL. */
struct reason *reason_set_next(const struct reason_set *set, size_t *at);

#endif
