/*
 * known: whom an account has written to before, as hashes of addresses. A set that
 * only grows, up to a bound; who does not fit stays unknown, and counts as new.
 */
#ifndef POLICY_KNOWN_H
#define POLICY_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum { KNOWN_MOST = 200000 }; /* of an account: 4 MiB */

struct known {
	uint64_t *slots; /* owned; 0 is a free one */
	uint32_t n, cap;
};

/* Never 0. Alike whatever the case of the address's letters; for years. */
uint64_t known_hash(struct span address);
bool known_has(const struct known *k, uint64_t hash);
/* False: it was there, or there is no room. */
bool known_add(struct known *k, uint64_t hash);
/* In any order: *at starts at 0. 0: there is no more. */
uint64_t known_next(const struct known *k, size_t *at);
size_t known_memory(const struct known *k);
void known_clear(struct known *k);

#endif
