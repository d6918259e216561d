/*
 * aliases: further addresses of accounts, as a file names them: one a line,
 * "address account". A snapshot that never changes, counted by reference, from
 * every thread. Finding one costs the same whether there are ten or a million.
 */
#ifndef POLICY_ALIASES_H
#define POLICY_ALIASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct address;
struct aliases;

/*
 * NULL and `err` ("line 7: what") when a line is wrong. `seed` keeps whoever
 * chooses addresses from choosing where they lie.
 */
struct aliases *
aliases_parse(struct span text, const uint64_t seed[2], struct err *err);
struct aliases *aliases_ref(struct aliases *a);
void aliases_unref(struct aliases *a); /* NULL is allowed */
/* How many lines name one. */
size_t aliases_count(const struct aliases *a);
/* Whether the address is that account's; names without regard to case. */
bool aliases_has(const struct aliases *a, const struct address *address,
    struct span account);

#endif
