/*
 * group: the records of one write, from what they say to the pieces of memory
 * that go to disk. Content is pointed at, never copied.
 */
#ifndef SPOOL_GROUP_PRIV_H
#define SPOOL_GROUP_PRIV_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/span.h"
#include "record_priv.h"

struct group_piece {
	const void *ptr; /* borrowed; NULL: in the block, from `at` on */
	size_t at, len;
};

struct group_head {
	size_t scratch_at;
	uint64_t offset;
	struct record_head head;
};

struct group {
	uint64_t salt, segment;
	uint64_t start, at; /* in the segment: the group, the next record */
	const uint8_t *front; /* borrowed: the segment's first page, or NULL */
	uint8_t *scratch; /* owned, like the arrays below; all reused */
	size_t scratch_len, scratch_cap;
	struct group_piece *pieces;
	size_t npieces, pieces_cap;
	struct group_head *heads;
	size_t nheads, heads_cap;
	struct iovec *iov;
	size_t iov_cap;
};

struct group_place {
	uint32_t offset, length;
};

/* `front` goes before the first group of a segment; borrowed to the end. */
void group_begin(struct group *g, uint64_t salt, uint64_t segment,
    uint64_t start, const uint8_t *front);
/* What a record of that payload takes. */
uint64_t group_record_size(size_t payload);
/*
 * Begins a record and returns where the first `own` bytes of its payload are
 * to be written before group_record_end(), which adds the rest.
 */
uint8_t *
group_record(struct group *g, enum record_type type, uint64_t id, size_t own);
struct group_place
group_record_end(struct group *g, const struct span *content, int n);
/* The pieces to write at *at of the segment, up to the end of a page. */
struct iovec *group_finish(struct group *g, size_t *n, uint64_t *at);
void group_clear(struct group *g);

static inline bool
group_is_empty(const struct group *g)
{
	return g->nheads == 0;
}

#endif
