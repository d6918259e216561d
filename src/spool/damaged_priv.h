/*
 * damaged: what cannot be read is kept for people, in the folder "damaged", and told
 * where even that fails. Nothing is kept where the home is only to be looked at.
 */
#ifndef SPOOL_DAMAGED_PRIV_H
#define SPOOL_DAMAGED_PRIV_H

#include <stdint.h>

struct home;
struct segment;

/* A copy of the segment's bytes from `from` to `to`. Blocks. */
void damaged_keep(
    const struct home *h, const struct segment *s, uint64_t from, uint64_t to);
/* A content file of that name leaves its folder. Blocks. */
void damaged_move(const struct home *h, const char *name);

#endif
